"""Visitors of a site write to the people here, and read what these answer."""

import base64
import hashlib
import hmac
import json
import time
from itertools import count

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import enter, reply
from tests.journeys.sites import site

_numbers = count(1)


@pytest.fixture
def widget(demo):
    """The loader of the demo's channel."""
    ((key,),) = demo.sql("SELECT webhook_key FROM channels WHERE name = 'Webchat demo'")
    return f"{demo.url}/widget/{key}.js"


@pytest.fixture
def settings(demo):
    """Change the settings of the demo's channel for one test."""

    def change(**settings):
        demo.sql(
            "UPDATE channels SET settings = ?, version = version + 1 WHERE name = 'Webchat demo'",
            json.dumps(settings),
        )

    yield change
    change()


def launcher(page):
    return page.get_by_role("button", name="Chat")


def window(page):
    """The chat window of a page, opened."""
    launcher(page).click()
    return page.frame_locator("iframe")


def write(frame, text):
    field = frame.get_by_label("Your message")
    field.fill(text)
    field.press("Enter")
    expect(frame.locator(".own[data-seq] .bubble").last).to_have_text(text)


def some(text):
    return f"{text} ({next(_numbers)})"


def test_a_visitor_and_an_agent_talk_and_a_reload_keeps_it(demo, browser, agent):
    page = browser(logged_in=False).new_page()
    page.goto(f"{demo.sandbox}/shop")
    frame, question = window(page), some("Do you mend wheels?")
    write(frame, question)
    enter(agent, question)
    frame.get_by_label("Your message").type("More")
    expect(agent.locator("#typing")).to_contain_text("is writing")
    bubble = reply(agent, "**Every** day until six: https://shop.example")
    answer = frame.locator(".theirs .bubble")
    expect(answer).to_have_text("Every day until six: https://shop.example")
    expect(answer.locator("strong")).to_have_text("Every")
    expect(bubble).to_contain_text("read")
    page.reload()
    frame = window(page)
    expect(frame.locator(".bubble")).to_have_text(
        [question, "Every day until six: https://shop.example"]
    )
    page.goto(f"{demo.sandbox}/shop/prices")
    expect(window(page).locator(".bubble")).to_have_count(2)


@pytest.mark.parametrize(
    "headers",
    [
        {
            "Content_Security_Policy": "default-src 'none'; style-src 'none'; "
            "script-src {hub}; frame-src {hub}"
        },
        {"Content_Security_Policy": "require-trusted-types-for 'script'; trusted-types 'none'"},
        {
            "Cross_Origin_Embedder_Policy": "require-corp",
            "Cross_Origin_Opener_Policy": "same-origin",
        },
    ],
    ids=["strict policy", "trusted types", "isolated"],
)
def test_pages_with_strict_rules_have_one_launcher_and_no_complaint(demo, browser, widget, headers):
    said = []
    with site(widget, **{name: text.format(hub=demo.url) for name, text in headers.items()}) as at:
        page = browser(logged_in=False).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{at()}/strict")
        expect(launcher(page)).to_have_count(1)
        write(window(page), some("Hello from a strict page"))
    assert [one for one in said if "favicon" not in one and "404" not in one] == []


def test_a_rude_page_neither_hides_nor_moves_the_launcher(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False, viewport={"width": 800, "height": 600}).new_page()
        page.goto(f"{at('rude.localhost')}/rude")
        box = launcher(page).bounding_box()
        assert box is not None
        # In Arabic it stands at the left.
        assert (box["x"], box["y"], box["width"], box["height"]) == (20, 524, 56, 56)
        frame = window(page)
        expect(frame.get_by_role("dialog")).to_be_visible()


def test_a_site_that_is_not_named_shows_no_window_and_comes_to_no_harm(
    browser, widget, settings, chromium
):
    settings(allowed_origins=["https://shop.example"])
    with site(widget) as at:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{at()}/strict")
        launcher(page).click()
        page.wait_for_function("document.querySelector('iframe') !== null")
        expect(page.get_by_role("heading", name="Strict")).to_be_visible()
        expect(page.frame_locator("iframe").get_by_role("dialog")).to_have_count(0)
        context.close()


def test_by_keyboard_alone_a_window_opens_and_closes_and_gives_the_focus_back(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        launcher(page).focus()
        page.keyboard.press("Enter")
        frame = page.frame_locator("iframe")
        expect(frame.get_by_label("Your message")).to_be_focused()
        expect(launcher(page)).to_have_attribute("aria-expanded", "true")
        page.keyboard.type(some("By keyboard"))
        page.keyboard.press("Enter")
        expect(frame.locator(".own .bubble")).to_have_count(1)
        expect(frame.get_by_role("log")).to_have_attribute("aria-live", "polite")
        page.keyboard.press("Escape")
        expect(launcher(page)).to_be_focused()
        expect(page.locator("iframe")).to_be_hidden()


def test_markup_is_text_and_runs_nothing(browser, widget, demo, agent):
    page = browser(logged_in=False).new_page()
    page.goto(f"{demo.sandbox}/shop")
    frame = window(page)
    evil = some("<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    write(frame, evil)
    enter(agent, "<img src=x onerror")
    reply(agent, evil)
    expect(frame.locator(".theirs .bubble")).to_have_text(evil)
    assert frame.locator("img, a").count() == 0


def test_forged_messages_from_a_page_are_not_heard(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        frame = window(page)
        write(frame, some("Hello"))
        page.evaluate(
            """() => {
              const frame = document.querySelector('iframe').contentWindow;
              for (const n of ['', null, 'x'.repeat(32)])
                frame.postMessage({hub: 1, n, t: 'logout'}, '*');
              window.postMessage({hub: 1, n: 'x', t: 'close'}, '*');
            }"""
        )
        expect(frame.locator(".own .bubble")).to_have_count(1)
        expect(page.locator("iframe")).to_be_visible()


def test_while_closed_a_form_takes_one_message_with_the_draft(browser, widget, settings, demo):
    settings(hours={"timezone": "Europe/Berlin", "weekly": {}})
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        frame, message = window(page), some("Please call me")
        frame.get_by_label("Your email address").fill("ada@example")
        frame.get_by_label("Your message").fill(message)
        button = frame.get_by_role("button", name="Leave the message")
        button.click()
        expect(frame.get_by_text("Please enter an email address")).to_be_visible()
        frame.get_by_label("Your email address").fill("ada@example.com")
        page.wait_for_timeout(3000)
        button.dblclick()
        expect(frame.get_by_text("We have your message")).to_be_visible()
        found = demo.sql("SELECT count(*) FROM messages WHERE content LIKE ?", f"%{message}%")
        assert found == [(1,)]


def test_a_greeting_waits_its_time_and_is_stored_once_it_is_answered(
    browser, widget, settings, demo
):
    hello = some("Can we help you choose?")
    settings(
        greetings=[
            {"id": "no", "content": "Not here", "when": {"url": ["https://other.example/**"]}},
            {"id": "hi", "content": hello, "when": {"url": ["http://localhost:*/st*"]}},
        ]
    )
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        page.get_by_role("button", name=hello).click()
        frame = page.frame_locator("iframe")
        expect(frame.get_by_text(hello)).to_be_visible()
        stored = "SELECT count(*) FROM messages WHERE content LIKE ?"
        assert demo.sql(stored, f"%{hello}%") == [(0,)]
        write(frame, some("Yes, please"))
        expect(frame.locator(".theirs .bubble")).to_have_text(hello)
        assert demo.sql(stored, f"%{hello}%") == [(1,)]
        page.reload()
        expect(launcher(page)).to_be_visible()
        expect(page.get_by_role("button", name=hello)).to_have_count(0)


def test_on_a_phone_the_window_is_modal_and_the_page_is_left_in_peace(browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False, viewport={"width": 390, "height": 700})
        page = context.new_page()
        page.goto(f"{at()}/strict")
        frame = window(page)
        expect(frame.get_by_role("dialog")).to_have_attribute("aria-modal", "true")
        box = page.locator("iframe").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 390, "height": 700}
        assert page.evaluate("document.querySelector('h1').inert")
        frame.get_by_role("button", name="Close the chat").click()
        expect(launcher(page)).to_be_visible()
        assert not page.evaluate("document.querySelector('h1').inert")


def jwt(key, user, secret):
    now = int(time.time())
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256"}, {"sub": user, "aud": key, "iat": now, "exp": now + 600})
    ]
    mac = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(mac).decode().rstrip("=")])


def test_who_logs_out_leaves_nothing_for_who_comes_next(demo, browser):
    secret = "identity-secret-of-the-journey-01"
    admin = browser().new_page()
    admin.goto("/channels/add/webchat")
    admin.get_by_label("Name", exact=True).fill("Members")
    admin.locator("summary", has_text="Advanced").click()
    admin.get_by_label("Identity secret").fill(secret)
    admin.get_by_role("button", name="Connect").click()
    line = admin.get_by_role("textbox", name="Line to paste").input_value()
    widget = line.split('"')[1]
    key = widget.rpartition("/")[2].removesuffix(".js")
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        frame = window(page)
        page.evaluate("proof => HubChat('identify', proof)", {"jwt": jwt(key, "u-1", secret)})
        text = some("Only for the first")
        write(frame, text)
        page.evaluate("HubChat('logout')")
        expect(frame.locator(".bubble")).to_have_count(0)
        page.evaluate("proof => HubChat('identify', proof)", {"jwt": jwt(key, "u-2", secret)})
        write(frame, some("From the second"))
        expect(frame.locator(".bubble")).to_have_count(1)
        page.evaluate("proof => HubChat('identify', proof)", {"jwt": jwt(key, "u-1", secret)})
        expect(frame.locator(".bubble")).to_have_text([text])
