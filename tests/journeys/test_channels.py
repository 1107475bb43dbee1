"""An operator connects a channel and sees how it is."""

import json

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import second_click, stumbles

REVOKED = "5550100:Revoked" + "0" * 28


@pytest.fixture
def operator(browser):
    """A page of somebody who may copy to the clipboard."""
    return browser(permissions=["clipboard-read", "clipboard-write"]).new_page()


def begin(page):
    page.goto("/channels")
    page.get_by_role("link", name="Add channel").click()
    page.get_by_role("link", name="Telegram").click()


def fill(page, demo, *, name, token):
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#credentials-token").fill(token)
    if not page.locator("#settings-api_base").is_visible():
        page.get_by_text("Advanced").click()
    page.locator("#settings-api_base").fill(f"{demo.sandbox}/telegram")
    page.locator("#settings-mode").select_option("webhook")


def connect(page):
    page.get_by_role("button", name="Connect", exact=True).click()


def add_telegram(page, demo, *, name, token):
    begin(page)
    page.get_by_role("button", name="Next: credentials").click()
    fill(page, demo, name=name, token=token)
    connect(page)
    page.wait_for_url("**/setup/webhook")
    page.get_by_role("link", name=f"← {name}").click()
    expect(page.get_by_role("navigation", name="Of this channel")).to_be_visible()


def test_a_newcomer_connects_a_channel_and_answers_the_first_message(demo, operator):
    """Nothing but the pages says what to do; the simulator stands in for Telegram."""
    page = operator
    begin(page)
    expect(page.get_by_text("Connecting takes about 3 minutes.")).to_be_visible()
    page.get_by_role("button", name="Try with the simulator").click()
    page.get_by_label("Name", exact=True).fill("My first bot")
    connect(page)
    page.wait_for_url("**/setup/webhook")
    expect(page.locator("#status .chip")).to_have_text("Connected")
    expect(page.locator("#checklist li.waiting")).to_have_count(3)
    page.get_by_role("link", name="Next: a test message").click()
    expect(page.locator("#came")).to_contain_text("Listening")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("Nobody has written yet")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Write as a customer").click()
    customer = opened.value
    customer.locator("#text").fill("Is this the shop?")
    customer.get_by_role("button", name="Send").click()
    # It comes in while one looks on.
    expect(page.locator("#came")).to_contain_text("Is this the shop?")
    expect(page.get_by_text("Nobody has written yet")).to_have_count(0)
    page.get_by_label("Your answer").fill("Yes, it is.")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("Both ways work")).to_be_visible()
    expect(customer.locator(".line:not(.mine)")).to_contain_text("Yes, it is.")
    page.get_by_role("link", name="Next: routing").click()
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#health li.done")).to_have_count(4)
    expect(page.locator("#figures")).to_contain_text("1 in, 1 out, 0 failed")
    expect(page.locator("#unfinished")).to_have_count(0)
    page.goto("/channels")
    row = page.get_by_role("row").filter(has_text="My first bot")
    expect(row.get_by_role("img", name="Messages in each of the last 24 hours")).to_be_visible()


def test_nothing_typed_is_lost_by_a_refusal_a_detour_or_a_reload(demo, operator):
    page = operator
    begin(page)
    page.get_by_role("button", name="Next: credentials").click()
    fill(page, demo, name="Shop bot", token="not a token")
    connect(page)
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(page.locator("#credentials-token")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#credentials-token-problem")).not_to_be_empty()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Shop bot")
    # What BotFather writes is pasted whole; a browser would run its lines together.
    token = f"5550200:Sandbox{'0' * 28}"
    page.evaluate(
        "navigator.clipboard.writeText(" + json.dumps(f"Use this token:\n{token}\nKeep it.") + ")"
    )
    page.locator("#credentials-token").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("#credentials-token")).to_have_value(token)
    page.get_by_role("button", name="Show HTTP API token").click()
    expect(page.locator("#credentials-token")).to_have_attribute("type", "text")
    expect(page.locator("#saved")).to_have_text(
        "Draft saved. You can leave and go on later from the list of channels."
    )
    page.goto("/channels")
    page.get_by_role("link", name="Go on with Shop bot").click()
    page.get_by_role("button", name="Back", exact=True).click()
    page.get_by_role("link", name="Next: credentials").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Shop bot")
    connect(page)
    page.wait_for_url("**/setup/webhook")
    expect(page.locator("#status .chip")).to_have_text("Connected")

    page.get_by_text("Its address").click()
    page.get_by_role("button", name="Copy the webhook URL").click()
    expect(page.locator("#told")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{demo.url}/webhooks/")


def test_a_type_is_found_and_chosen_by_keyboard_alone(operator):
    page = operator
    page.goto("/channels/add")
    page.get_by_label("Find a type").focus()
    page.keyboard.type("whats")
    expect(page.locator("[data-card]:visible")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="On-Premises")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Find a type")).to_be_focused()
    page.keyboard.type(" nothing")
    expect(page.get_by_text("No type is called “whats nothing”.")).to_be_visible()
    for _ in " nothing":
        page.keyboard.press("Backspace")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Add WhatsApp (Cloud API)")).to_be_visible()


def test_a_token_that_the_provider_refuses_is_told_in_its_own_words(demo, operator):
    page = operator
    begin(page)
    page.get_by_role("button", name="Next: credentials").click()
    fill(page, demo, name="Old bot", token=REVOKED)
    demo.fault(kind="token_revoked", provider="telegram", operation="getMe")
    connect(page)
    expect(page.get_by_role("alert")).to_contain_text("Unauthorized")
    demo.fault(kind="token_revoked", provider="telegram", operation="getMe")
    page.get_by_role("button", name="Connect anyway").click()
    page.wait_for_url("**/setup/webhook")
    status = page.locator("#status")
    expect(status.locator(".chip")).to_have_text("Error")
    expect(status).to_contain_text("Unauthorized")
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("list", name="What the check found")).to_contain_text("In order")
    expect(status.locator(".chip")).to_have_text("Connected")


def test_a_channel_is_switched_off_and_deleted_only_by_its_name(demo, operator):
    add_telegram(operator, demo, name="Short-lived", token=f"5550400:Sandbox{'0' * 28}")
    operator.get_by_role("button", name="Pause").click()
    second_click(operator, operator.get_by_role("button", name="Resume"))
    operator.reload()
    expect(operator.locator("#status .chip")).to_have_text("Inactive")
    operator.goto("/channels")
    row = operator.get_by_role("row").filter(has_text="Short-lived")
    row.get_by_label("More for Short-lived").click()
    row.get_by_role("button", name="Resume").click()
    expect(row.locator(".chip")).to_have_text("Connected")
    row.get_by_label("More for Short-lived").click()
    operator.keyboard.press("Escape")
    expect(row.get_by_label("More for Short-lived")).to_be_focused()
    operator.keyboard.press("Enter")
    row.get_by_role("link", name="Delete…").click()
    operator.get_by_label("to confirm").fill("Something else")
    operator.get_by_role("button", name="Delete Short-lived").click()
    expect(operator.get_by_role("alert").first).to_contain_text("Type the channel's name")
    operator.get_by_label("to confirm").fill("Short-lived")
    operator.get_by_role("button", name="Delete Short-lived").click()
    expect(operator.get_by_role("heading", name="Channels")).to_be_visible()
    expect(operator.get_by_role("link", name="Short-lived")).to_have_count(0)


def test_a_name_without_a_blank_makes_no_page_too_wide(demo, operator):
    name = "W" * 100
    add_telegram(operator, demo, name=name, token=f"5550500:Sandbox{'0' * 28}")
    operator.get_by_role("link", name="Settings").click()
    operator.set_viewport_size({"width": 360, "height": 740})
    assert stumbles(operator) == []
    operator.set_viewport_size({"width": 1280, "height": 800})
    operator.goto("/channels")
    width = "document.querySelector('.naming').getBoundingClientRect().width"
    assert operator.evaluate(width) < 600
