"""People find out who somebody is, and operators mend what failed."""

from playwright.sync_api import expect

from tests.journeys.conftest import enter


def test_one_person_with_two_phones_becomes_one_contact_and_two_again(agent, customer):
    ada, other = customer(), customer()
    ada.write(f"Hello from {ada.name}")
    other.write(f"And from {other.name}")
    enter(agent, f"Hello from {ada.name}")
    agent.locator(".who h1 a").click()
    expect(agent.get_by_role("heading", name="Addresses")).to_be_visible()
    # By keyboard alone from here.
    agent.get_by_label("Name or address of the other contact").focus()
    agent.keyboard.type(other.name)
    agent.keyboard.press("Enter")
    agent.locator("a.card").first.focus()
    agent.keyboard.press("Enter")
    agent.get_by_role("button", name="Merge the two").focus()
    agent.keyboard.press("Enter")
    expect(agent.locator(".timeline")).to_contain_text(f"And from {other.name}")
    expect(agent.locator(".timeline")).to_contain_text(f"Hello from {ada.name}")
    other.write("Both, still")
    expect(agent.locator(".timeline")).to_contain_text("Both, still")
    agent.locator("#merges summary").first.click()
    agent.get_by_role("button", name="Undo the merge").click()
    expect(agent.locator(".timeline")).to_contain_text("Both, still")
    expect(agent.locator(".timeline")).not_to_contain_text(f"Hello from {ada.name}")
