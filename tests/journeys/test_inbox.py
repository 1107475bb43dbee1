"""A day in the inbox, by keyboard alone and by mouse: what is sent, taken back, and kept from."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from hubbub.demo import PASSWORD
from tests.journeys.conftest import enter, entry, log_in

NAME = "Grace Hopper"


@pytest.fixture
def colleague(demo, browser):
    """Somebody else, logged in, who can take back what they send."""
    demo.sql("DELETE FROM sessions WHERE user_id IN (SELECT id FROM users WHERE name = ?)", NAME)
    admin = browser().new_page()
    if not demo.sql("SELECT id FROM users WHERE name = ?", NAME):
        admin.goto("/operate/people")
        admin.locator("#email").fill("grace@hubbub.test")
        admin.locator("#uname").fill(NAME)
        admin.locator("#password").fill(PASSWORD)
        admin.get_by_role("button", name="Add", exact=True).click()
        expect(admin.get_by_text("can log in now")).to_be_visible()
    page = browser(logged_in=False).new_page()
    log_in(page, "grace@hubbub.test", PASSWORD)
    return page


def test_words_on_their_way_wait_for_who_wrote_them_and_are_for_nobody_else(colleague, customer):
    ada, field = customer(), colleague.get_by_label("Reply to")
    ada.write("Hello")
    enter(colleague, ada.name)
    field.fill("Grace would say so")
    colleague.get_by_role("button", name="Log out").click()
    log_in(colleague)
    enter(colleague, ada.name)
    expect(colleague.locator("[data-keys]")).to_be_visible()
    expect(field).to_have_value("")
    colleague.get_by_role("button", name="Log out").click()
    log_in(colleague, "grace@hubbub.test", PASSWORD)
    enter(colleague, ada.name)
    expect(field).to_have_value("Grace would say so")


def test_a_conversation_is_worked_through_by_keyboard_alone(agent, customer):
    ada, bob = customer(), customer()
    ada.write(f"I am {ada.name}")
    expect(entry(agent, ada.name)).to_be_visible()
    bob.write(f"I am {bob.name}")
    expect(entry(agent, bob.name)).to_be_visible()
    keys = agent.keyboard
    keys.press("j")
    expect(agent.get_by_role("heading", level=1)).to_have_text(bob.name)
    expect(agent.locator("[data-keys]")).to_be_visible()
    keys.press("j")
    expect(agent.get_by_role("heading", level=1)).to_have_text(ada.name)
    expect(agent.locator("[data-keys]")).to_be_visible()
    keys.press("?")
    expect(agent.get_by_role("dialog")).to_contain_text("next and previous conversation")
    keys.press("Escape")
    expect(agent.get_by_role("dialog")).to_be_hidden()
    keys.press("n")
    keys.type("Ask @dem")
    expect(agent.get_by_role("option", name="@Demo")).to_be_visible()
    keys.press("Enter")
    keys.press("Control+Enter")
    expect(agent.locator(".bubble.note")).to_contain_text("Ask @Demo")
    expect(agent.locator(".bubble.note .chip")).to_have_text("to you")
    keys.press("Escape")
    keys.press("r")
    # Typed keys are words here.
    keys.type("je suis la")
    keys.press("Control+Enter")
    ada.sees("je suis la")
    keys.press("Escape")
    keys.press("s")
    expect(agent.get_by_role("button", name="In an hour")).to_be_focused()
    keys.press("Enter")
    expect(agent.locator("#sleeps")).to_contain_text("Snoozed until")
    expect(agent.locator("#later")).not_to_have_attribute("open", "")
    expect(agent.locator("#later summary")).to_be_focused()
    expect(entry(agent, ada.name)).to_have_count(0)
    ada.write("Back again")
    expect(entry(agent, "Back again")).to_be_visible()
    expect(agent.locator("#sleeps")).to_have_count(0)
    keys.press("e")
    expect(agent.get_by_role("button", name="Reopen")).to_be_visible()


def test_colleagues_see_each_other_and_do_not_answer_blindly(agent, colleague, customer):
    ada = customer()
    ada.write("Hello")
    enter(agent, ada.name)
    enter(colleague, ada.name)
    expect(agent.locator("#company")).to_contain_text(f"{NAME} has this open.")
    colleague.get_by_label("Reply to").fill("I have got th")
    expect(agent.locator("#company")).to_contain_text(f"{NAME} is writing here.")
    # Somebody whose page stands still.
    agent.get_by_label("Reply to").fill("It left today.")
    agent.route(
        "**/inbox/**",
        lambda route: route.abort() if route.request.method == "GET" else route.continue_(),
    )
    colleague.get_by_label("Reply to").fill("It left yesterday.")
    colleague.get_by_role("button", name="Send", exact=True).click()
    undo = colleague.get_by_role("button", name="Undo")
    undo.click()
    expect(colleague.get_by_label("Reply to")).to_have_value("It left yesterday.")
    colleague.get_by_role("button", name="Send", exact=True).click()
    ada.sees("It left yesterday.")
    agent.get_by_role("button", name="Send", exact=True).click()
    expect(agent.locator("[data-problem]")).to_contain_text("Something was said meanwhile")
    expect(agent.get_by_label("Reply to")).to_have_value("It left today.")
    agent.unroute("**/inbox/**")
    expect(agent.locator(".bubble.out").last).to_contain_text("It left yesterday.")
    agent.get_by_role("button", name="Send", exact=True).click()
    ada.sees("It left today.")
    expect(ada.page.get_by_text("It left yesterday.")).to_have_count(1)


def test_what_is_taken_back_while_it_waits_can_be_written_otherwise(colleague, customer):
    ada = customer()
    ada.write("Hello")
    enter(colleague, ada.name)
    colleague.route("**/reply*", lambda route: (route.fetch(), route.abort()))
    colleague.get_by_label("Reply to").fill("Too rash.")
    colleague.get_by_role("button", name="Send", exact=True).click()
    expect(colleague.locator("[data-problem]")).to_contain_text("did not answer")
    colleague.get_by_role("button", name="Undo").click()
    expect(colleague.locator("[data-problem]")).to_contain_text("try again")
    expect(colleague.get_by_label("Reply to")).to_have_value("Too rash.")
    colleague.unroute_all(behavior="ignoreErrors")
    colleague.get_by_role("button", name="Send", exact=True).click()
    ada.sees("Too rash.")
    expect(colleague.get_by_label("Reply to")).to_have_value("")


def test_a_reply_that_may_not_be_sent_any_more_becomes_no_note_by_itself(demo, agent, customer):
    ada = customer()
    ada.write("Hello")
    enter(agent, ada.name)
    words = agent.get_by_label("Reply to")
    words.fill("It left today.")
    (found,) = demo.sql("SELECT id FROM contacts WHERE name = ?", ada.name) or demo.sql(
        "SELECT contact_id FROM addresses WHERE name = ?", ada.name
    )
    demo.call("PATCH", f"contacts/{found[0]}", {"blocked": True})
    agent.keyboard.press("Control+Enter")
    words = agent.get_by_label("Note for colleagues").last
    expect(agent.locator("#closed")).to_contain_text("The contact is blocked")
    expect(agent.locator("[data-problem]")).to_contain_text("Not sent. What you wrote is kept")
    expect(words).to_be_focused()
    expect(words).to_have_value("It left today.")
    agent.keyboard.press("Control+Enter")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".bubble.note")).to_have_count(0)
    agent.locator("#mode-note").check()
    expect(agent.locator("[data-problem]")).to_be_hidden()
    expect(agent.locator("[data-keys]")).to_have_text("Ctrl+Enter saves")
    # A note that was begun is none for the contact, though they are let in again.
    demo.call("PATCH", f"contacts/{found[0]}", {"blocked": False})
    agent.reload()
    expect(agent.locator("#mode-note")).to_be_checked()
    agent.locator("#text").press("Control+Enter")
    expect(agent.locator(".bubble.note")).to_contain_text("It left today.")


def test_the_title_counts_what_is_unread_where_the_list_has_all_of_it(agent, customer):
    ada = customer()
    ada.write("Hello")
    expect(entry(agent, ada.name)).to_be_visible()
    expect(agent).to_have_title(re.compile(r"^\(\d+\) Inbox"))
    agent.goto(f"/inbox?{urlencode({'q': ada.name})}")
    expect(entry(agent, ada.name).locator(".count")).to_be_visible()
    expect(agent).to_have_title(re.compile("^Inbox"))


def test_keys_for_what_there_is_none_of_say_so_and_write_nothing(agent, customer):
    ada = customer()
    ada.write("Hello")
    agent.goto("/inbox")
    enter(agent, ada.name)
    agent.locator("#log").focus()
    agent.keyboard.press("?")
    expect(agent.get_by_role("button", name="Close")).to_be_focused()
    agent.keyboard.press("Escape")
    agent.keyboard.press("t")
    expect(agent.get_by_text("There is no template to send here.")).to_be_visible()
    agent.keyboard.press("/")
    expect(agent.get_by_text("There is no canned reply yet.")).to_be_visible()
    expect(agent.get_by_role("link", name="Write one")).to_have_attribute("href", "/canned/new")
    expect(agent.get_by_label("Reply to")).to_have_value("")
    agent.keyboard.type("Hi")
    expect(agent.get_by_text("There is no canned reply yet.")).to_be_hidden()


def test_a_canned_reply_is_written_once_and_used_with_a_name(agent, customer):
    agent.goto("/canned/new")
    agent.get_by_label("Shortcut").fill("ready")
    agent.get_by_label("Text").fill("Dear {name}, it is ready.")
    agent.get_by_role("button", name="Save").click()
    expect(agent.get_by_role("link", name="/ready")).to_be_visible()
    ada = customer()
    ada.write("Hello")
    agent.goto("/inbox")
    enter(agent, ada.name)
    agent.locator("#log").focus()
    agent.keyboard.press("/")
    agent.keyboard.type("rea")
    agent.get_by_role("option", name="/ready").click()
    words = f"Dear {ada.name}, it is ready."
    expect(agent.get_by_label("Reply to")).to_have_value(words)
    agent.get_by_role("button", name="Preview").click()
    expect(agent.locator("#preview")).to_contain_text("It goes as one message.")
    agent.get_by_role("button", name="Send", exact=True).click()
    ada.sees(words)
    expect(agent.locator("#preview")).to_be_hidden()


def test_nothing_is_wider_than_a_small_phone(browser, customer):
    ada = customer()
    ada.write("Hello")
    page = browser(viewport={"width": 320, "height": 640}).new_page()
    page.goto("/inbox")
    enter(page, ada.name)
    for path in (
        page.url,
        "/inbox",
        "/inbox/new",
        "/canned",
        "/canned/new",
        "/operate/teams",
        "/operate/teams/new",
    ):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (path, wide) == (path, 0)
