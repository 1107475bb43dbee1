"""An operator says where messages go: with the mouse, and with the keyboard alone."""

from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from tests.journeys.test_channels import add_telegram


@pytest.fixture
def routing(demo, browser):
    """Return what opens the routing of a new channel."""

    def open_(number, **options):
        page = browser(**options).new_page()
        token = f"{number}:Sandbox{'0' * 28}"
        add_telegram(page, demo, name=f"Bot {number}", token=token)
        page.get_by_role("link", name="Edit the routing").click()
        expect(page.get_by_role("heading", name="Routing")).to_be_visible()
        return page

    return open_


def rules(page):
    return page.locator(".rule-head h2")


def make_team(page, name):
    where = page.url
    page.goto(urljoin(where, "/operate/teams/new"))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the team").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    page.goto(where)


def add_rule(page, name, *words, team=None):
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Add a condition").select_option("text.word")
    page.get_by_role("button", name="Add the condition").click()
    page.get_by_label("Words").fill("\n".join(words))
    if team:
        page.get_by_label("Team").select_option(team)
    page.get_by_role("button", name="Keep in draft").last.click()
    expect(page.locator("#told")).to_have_text(f"“{name}” is kept in your draft.")


def test_rules_are_made_dragged_tried_and_saved_with_the_mouse(routing):
    page = routing(5550300, viewport={"width": 1280, "height": 1100})
    make_team(page, "desk")
    add_rule(page, "Hours", "hours", team="desk")
    add_rule(page, "Menu", "menu", "hours")
    add_rule(page, "Greetings", "hi", team="desk")
    expect(rules(page)).to_have_text(["Hours", "Menu", "Greetings"])
    page.locator("[data-grip]").nth(2).drag_to(
        page.locator("[data-rule]").first, target_position={"x": 60, "y": 5}
    )
    expect(rules(page)).to_have_text(["Greetings", "Hours", "Menu"])
    page.get_by_role("button", name="Move “Menu” up").click()
    expect(rules(page)).to_have_text(["Greetings", "Menu", "Hours"])
    page.get_by_role("button", name="Delete “Greetings”").click()
    expect(rules(page)).to_have_text(["Menu", "Hours"])
    page.get_by_role("button", name="Undo: delete “Greetings”").click()
    expect(rules(page)).to_have_text(["Greetings", "Menu", "Hours"])

    page.get_by_label("Message", exact=True).fill("Your hours?")
    page.get_by_role("button", name="Show the path").click()
    expect(page.locator("#path")).to_contain_text("goes to Team inbox, by “Menu”")
    expect(page.locator(".is-matched")).to_contain_text("Takes it.")

    page.get_by_role("button", name="Save").click()
    expect(page.locator("#problems")).to_contain_text("Nothing was saved; your draft is kept.")
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator(".clash")).to_have_count(4)
    for box in page.get_by_label("This is meant").all():
        box.check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#told")).to_have_text("Saved: version 2 is in force.")
    page.reload()
    expect(rules(page)).to_have_text(["Greetings", "Menu", "Hours"])


def test_what_is_typed_into_a_rule_survives_a_reload(routing):
    page = routing(5550301)
    page.get_by_role("button", name="Add a rule").click()
    with page.expect_request_finished(lambda request: "do=keep" in (request.post_data or "")):
        page.get_by_label("Name", exact=True).fill("Half a thought")
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half a thought")


def test_rules_are_made_moved_and_saved_with_the_keyboard_alone(routing):
    page = routing(5550302, viewport={"width": 360, "height": 740})

    def reach(locator):
        for _ in range(80):
            if locator.evaluate("one => one === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"The Tab key does not reach {locator}.")

    def press(name):
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_visible()
        reach(button)
        page.keyboard.press("Enter")

    for name in ("One", "Two"):
        press("Add a rule")
        expect(page.get_by_label("Name", exact=True)).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.type(name)
        press("Add the condition")
        expect(page.locator("#when-0-not")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.type(name)
        # Enter in a line of text keeps the rule.
        reach(page.get_by_label("Name", exact=True))
        page.keyboard.press("Enter")
        expect(page.locator("#told")).to_have_text(f"“{name}” is kept in your draft.")
    press("Move “Two” up")
    expect(page.locator("#told")).to_have_text("“Two” is rule 1 of 2 now.")
    # The same button has the focus still, wherever the rule is.
    expect(page.get_by_role("button", name="Move “Two” up")).to_be_focused()
    expect(rules(page)).to_have_text(["Two", "One"])
    press("Switch “One” off")
    press("Save")
    expect(page.locator("#told")).to_have_text("Saved: version 2 is in force.")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
