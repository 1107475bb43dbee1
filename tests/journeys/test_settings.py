"""An admin sets a chat window up: with and without script, by keyboard, and site by site."""

import json

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import stumbles
from tests.journeys.sites import site
from tests.journeys.window import launcher

SHOWN = {
    "hours": {
        "timezone": "Europe/Berlin",
        "weekly": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]},
        "exceptions": [{"date": "2026-12-25", "yearly": True}],
    },
    "texts": {"de": {"title": "Hallo"}},
    "greetings": [{"id": "cart", "content": "Can we help?"}],
    "prechat": {"when": "first", "fields": [{"name": "name", "label": "Your name"}]},
}


@pytest.fixture
def stored(demo):
    """The settings of the demo's chat window, as they are stored now."""

    def read():
        ((settings,),) = demo.sql("SELECT settings FROM channels WHERE name = 'Webchat demo'")
        return json.loads(settings)

    return read


@pytest.fixture
def form(demo, settings):
    """Open the form of the demo's chat window in a page, and sections of it."""
    settings()
    ((channel,),) = demo.sql("SELECT id FROM channels WHERE name = 'Webchat demo'")

    def open_in(page, *sections):
        page.goto(f"/channels/{channel}/settings")
        unfold(page, *sections)
        return page

    return open_in


def unfold(page, *sections):
    for section in sections:
        page.get_by_role("heading", name=section, exact=True).click()


@pytest.mark.parametrize("script", [True, False])
def test_hours_greetings_and_texts_are_filled_in_field_by_field(browser, form, stored, script):
    page = form(browser(java_script_enabled=script).new_page(), "Hours")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    monday = page.get_by_role("row", name="Monday")
    monday.get_by_label("From").fill("09:00")
    monday.get_by_label("To").fill("12:00")
    monday.get_by_role("button", name="One more").click()
    expect(page.get_by_role("status").filter(has_text="Not saved yet")).to_be_visible()
    # One goes on typing where there is something to be filled in.
    expect(monday.get_by_label("From").nth(1)).to_be_focused()
    monday.get_by_label("From").nth(1).fill("13:00")
    monday.get_by_label("To").nth(1).fill("17:00")
    page.get_by_role("button", name="Add to Special days").click()
    expect(page.get_by_label("Day", exact=True)).to_be_focused()
    page.get_by_label("Day", exact=True).fill("2026-12-25")
    page.get_by_label("Every year").check()
    unfold(page, "Greetings")
    page.get_by_role("button", name="Add to Greetings").click()
    page.get_by_label("What it says").fill("Can we help?")
    page.get_by_label("Its name").fill("cart")
    page.get_by_role("button", name="Add to Greetings").click()
    page.get_by_role("button", name="Remove Greetings, no. 2").click()
    expect(page.get_by_role("button", name="Add to Greetings")).to_be_focused()
    unfold(page, "Language and texts")
    page.get_by_label("Language, such as").fill("de")
    page.get_by_role("button", name="Add to Texts by language").click()
    expect(page.get_by_label("Title of the window")).to_be_focused()
    page.get_by_label("Title of the window").fill("Hallo")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    # Where one was one still is.
    expect(page.get_by_label("Title of the window")).to_have_value("Hallo")
    expect(page.get_by_label("Title of the window")).to_be_visible()
    assert stored() == {
        "hours": {
            "timezone": "Europe/Berlin",
            "weekly": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]},
            "exceptions": [{"date": "2026-12-25", "yearly": True}],
        },
        "greetings": [{"id": "cart", "content": "Can we help?"}],
        "texts": {"de": {"title": "Hallo"}},
    }


def test_what_is_wrong_is_said_in_plain_words_beside_its_field(browser, form, stored):
    page = form(browser().new_page(), "Hours")
    page.get_by_label("Time zone").fill("Berlin")
    tuesday = page.get_by_role("row", name="Tuesday")
    tuesday.get_by_label("From").fill("09:00")
    page.get_by_role("button", name="Save", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Take the name of a time zone, such as Europe/Berlin.")
    wrong = tuesday.get_by_label("To").first
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(tuesday.locator(".problem")).to_have_text("Take a time, such as 09:00.")
    expect(page.get_by_label("Time zone")).to_have_value("Berlin")
    # From the list one comes to the field.
    alert.get_by_role("link", name="Tuesday, no. 1: To").click()
    expect(wrong).to_be_in_viewport()
    assert stored() == {}


def test_hours_are_filled_in_and_saved_by_keyboard_alone(browser, form, stored):
    page = form(browser().new_page())
    page.get_by_role("heading", name="Hours").locator("..").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Time zone").focus()
    page.keyboard.type("UTC")
    page.keyboard.press("Tab")
    page.keyboard.type("0900AM")
    expect(page.get_by_role("row", name="Monday").get_by_label("From")).to_have_value("09:00")
    page.get_by_role("row", name="Monday").get_by_label("To").fill("10:00")
    page.get_by_label("Time zone").focus()
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
    assert stored()["hours"] == {"timezone": "UTC", "weekly": {"mon": [["09:00", "10:00"]]}}


LOOKS = [
    {"color_scheme": "light"},
    {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}},
]


@pytest.mark.parametrize("look", LOOKS)
def test_the_form_is_read_and_used_by_everybody(browser, form, settings, look):
    settings(**SHOWN)
    sections = "Look", "Hours", "Language and texts", "Questions before the chat", "Greetings"
    page = form(browser(**look).new_page(), *sections)
    assert stumbles(page) == []
    # What saves is in reach from the first to the last of it.
    save = page.get_by_role("button", name="Save", exact=True)
    for field in (page.get_by_label("Colour"), page.get_by_label("What it says")):
        field.scroll_into_view_if_needed()
        expect(save).to_be_in_viewport(ratio=1)
    page.get_by_label("Time zone").fill("Berlin")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert stumbles(page) == []


def test_a_site_on_which_the_window_was_not_shown_is_named_and_allowed(
    browser, widget, settings, demo, stored
):
    settings(allowed_origins=["https://shop.example"])
    ((channel,),) = demo.sql("SELECT id FROM channels WHERE name = 'Webchat demo'")
    with site(widget) as at:
        visitor = browser(logged_in=False).new_page()
        visitor.goto(f"{at()}/strict")
        expect(visitor.get_by_role("heading", name="Strict")).to_be_visible()
        page = browser().new_page()
        page.goto(f"/channels/{channel}")
        row = page.get_by_role("listitem").filter(has_text=at())
        expect(row).to_contain_text("once")
        assert stumbles(page) == []
        row.get_by_role("button", name=f"Allow {at()}").click()
        expect(row).to_have_count(0)
        assert stored()["allowed_origins"] == ["https://shop.example", at()]
        # Whoever comes now gets the script that knows of it.
        visitor = browser(logged_in=False).new_page()
        visitor.goto(f"{at()}/strict")
        expect(launcher(visitor)).to_be_visible()
