"""Visitors of a site write to the people here, and read what these answer."""

from playwright.sync_api import expect

from tests.journeys.conftest import enter, reply


def window(page):
    """The chat window of a page, opened."""
    page.get_by_role("button", name="Chat").click()
    return page.frame_locator("iframe")


def write(frame, text):
    field = frame.get_by_label("Your message")
    field.fill(text)
    field.press("Enter")


def test_a_visitor_and_an_agent_talk_and_a_reload_keeps_it(demo, browser, agent):
    page = browser(logged_in=False).new_page()
    page.goto(f"{demo.sandbox}/shop")
    frame = window(page)
    write(frame, "Do you mend wheels?")
    expect(frame.locator(".own .bubble")).to_have_text("Do you mend wheels?")
    enter(agent, "Do you mend wheels?")
    reply(agent, "Every day until six.")
    expect(frame.get_by_text("Every day until six.")).to_be_visible()
    page.reload()
    frame = window(page)
    expect(frame.locator(".bubble")).to_have_text(["Do you mend wheels?", "Every day until six."])
