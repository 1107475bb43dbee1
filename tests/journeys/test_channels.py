"""An operator connects a channel and sees how it is."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import enter

REVOKED = "5550100:Revoked" + "0" * 28


@pytest.fixture
def operator(browser):
    """A page of somebody who may copy to the clipboard."""
    return browser(permissions=["clipboard-read", "clipboard-write"]).new_page()


def add_telegram(page, demo, *, name, token):
    page.goto("/channels")
    page.get_by_role("link", name="Add channel").click()
    page.get_by_role("link", name="Telegram").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#credentials-token").fill(token)
    page.get_by_text("Advanced").click()
    page.locator("#settings-api_base").fill(f"{demo.sandbox}/telegram")
    page.locator("#settings-mode").select_option("webhook")
    page.get_by_role("button", name="Connect").click()


def test_a_telegram_bot_is_connected_through_the_form(demo, operator, customer):
    add_telegram(operator, demo, name="Shop bot", token="not a token")
    expect(operator.get_by_role("alert")).to_contain_text("Nothing was saved")
    expect(operator.locator("#credentials-token")).to_have_attribute("aria-invalid", "true")
    expect(operator.locator("#credentials-token-problem")).not_to_be_empty()
    # What was typed is still there, but for the secret.
    expect(operator.get_by_label("Name", exact=True)).to_have_value("Shop bot")
    operator.locator("#credentials-token").fill(f"5550200:Sandbox{'0' * 28}")
    operator.get_by_role("button", name="Connect").click()
    expect(operator.get_by_role("heading", name="Shop bot")).to_be_visible()
    expect(operator.locator("#status .chip")).to_have_text("Connected")

    operator.get_by_role("button", name="Copy the webhook URL").click()
    expect(operator.locator("#told")).to_have_text("Copied")
    copied = operator.evaluate("navigator.clipboard.readText()")
    assert copied == operator.get_by_label("Webhook URL", exact=True).input_value()
    assert copied.startswith(f"{demo.url}/webhooks/")

    # The message that completes the set-up appears on the page by itself.
    expect(operator.get_by_text("The provider has not called yet.")).to_be_visible()
    ada = customer("telegram:5550200")
    ada.write("Is this the shop?")
    expect(operator.locator("#calls .chip")).to_have_text("done")
    operator.goto("/inbox")
    enter(operator, ada.name)
    expect(operator.locator(".who")).to_contain_text("Shop bot")


def test_a_token_that_the_provider_refuses_leaves_a_channel_that_says_so(demo, operator):
    demo.fault(kind="token_revoked", provider="telegram", operation="getMe")
    add_telegram(operator, demo, name="Old bot", token=REVOKED)
    expect(operator.get_by_role("heading", name="Old bot")).to_be_visible()
    status = operator.locator("#status")
    expect(status.locator(".chip")).to_have_text("Error")
    expect(status).to_contain_text("Unauthorized")
    operator.get_by_role("button", name="Check now").click()
    expect(operator.get_by_role("list", name="What the check found")).to_contain_text("In order")
    expect(status.locator(".chip")).to_have_text("Connected")


def test_a_channel_is_switched_off_and_deleted_only_by_its_name(demo, operator):
    add_telegram(operator, demo, name="Short-lived", token=f"5550400:Sandbox{'0' * 28}")
    operator.get_by_role("button", name="Switch off").click()
    expect(operator.locator("#status .chip")).to_have_text("Inactive")
    operator.get_by_role("heading", name="Delete this channel").click()
    operator.get_by_label("to confirm").fill("Something else")
    operator.get_by_role("button", name="Delete Short-lived").click()
    expect(operator.get_by_role("alert").first).to_contain_text("Type the channel's name")
    operator.get_by_role("heading", name="Delete this channel").click()
    operator.get_by_label("to confirm").fill("Short-lived")
    operator.get_by_role("button", name="Delete Short-lived").click()
    expect(operator.get_by_role("heading", name="Channels")).to_be_visible()
    expect(operator.get_by_role("link", name="Short-lived")).to_have_count(0)
