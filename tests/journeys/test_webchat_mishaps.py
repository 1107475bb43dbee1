"""A window that comes in pieces, late or on an odd page is there in the end, and loses nothing."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.sites import site
from tests.journeys.test_webchat_answers import (
    MESSAGES,
    SECRET,
    SESSION,
    STREAM,
    Ways,
    come,
    come_later,
    identify,
    logged_out,
    problem,
    proof,
)
from tests.journeys.window import (
    FIELD,
    LONG,
    launcher,
    pass_time,
    pass_until,
    said,
    some,
    stop_time,
    type_in,
    window,
    write,
)

BROKEN = {"status": 502, "body": "<h1>Bad gateway</h1>"}


@pytest.fixture(scope="module")
def members(demo):
    """The loader of a chat window whose site proves who is logged in."""
    body = {"type": "webchat", "name": "Late", "credentials": {"identity_secret": SECRET}}
    demo.call("POST", "channels", body)
    ((key,),) = demo.sql("SELECT webhook_key FROM channels WHERE name = 'Late'")
    return f"{demo.url}/widget/{key}.js"


@pytest.fixture
def page(browser, demo):
    demo.relieve()
    return browser(logged_in=False).new_page()


@pytest.mark.parametrize(
    ("code", "words"),
    [("en-USA", "Write a message"), ("en-", "Write a message"), ("de_DE", "Nachricht")],
)
def test_whatever_a_page_calls_its_language_there_is_a_window(page, widget, code, words):
    with site(f'{widget}" data-lang="{code}') as at:
        page.goto(f"{at()}/shop")
        page.locator("button[aria-haspopup=dialog]").click()
        field = page.frame_locator("iframe").locator(FIELD)
        expect(field).to_have_attribute("placeholder", re.compile(words))


def test_a_window_whose_words_do_not_come_asks_for_them_again(page, widget):
    with site(widget) as at:
        asked = Ways(page, "**/en.json", BROKEN, "lost", method="GET")
        page.goto(f"{at()}/shop")
        launcher(page).click()
        expect(page.frame_locator("iframe").locator(FIELD)).to_be_visible(timeout=LONG)
        assert len(asked.bodies) == 3


def test_a_window_that_did_not_come_is_fetched_anew_when_it_is_opened_again(page, widget):
    with site(widget) as at:
        Ways(page, "**/frame", BROKEN, method="GET")
        page.goto(f"{at()}/shop")
        launcher(page).click()
        expect(page.frame_locator("iframe").get_by_text("Bad gateway")).to_be_visible()
        # A while is left to a window that is about to say that it is there.
        page.wait_for_function("() => document.querySelector('iframe').came")
        launcher(page).click()
        write(window(page), some("It came after all"))
        expect(page.locator("iframe")).to_have_count(1)


def test_a_form_that_the_browser_filled_in_is_not_taken_for_a_programs(
    page, widget, settings, demo
):
    settings(hours={"timezone": "UTC", "weekly": {}})
    with site(widget) as at:
        page.goto(f"{at()}/shop")
        frame, message = window(page), some("Please call me")
        frame.get_by_label("Your message").fill(message)
        frame.get_by_label("Your email address").fill("ada@example.com")
        frame.get_by_role("button", name="Leave the message").click()
        expect(frame.locator(".notice")).to_have_text("Thank you! We have your message.")
        found = demo.sql("SELECT count(*) FROM messages WHERE content LIKE ?", f"%{message}%")
        assert found == [(1,)]


def test_tabs_that_were_logged_out_together_are_one_visitor_again(browser, demo, widget):
    demo.relieve()
    with site(widget) as at:
        context = browser(logged_in=False)
        one, other = context.new_page(), context.new_page()
        one.goto(f"{at()}/shop")
        write(window(one), some("Of the first"))
        other.goto(f"{at()}/shop")
        expect(said(window(other))).to_have_count(1)
        # The answer to whoever is first comes last, so that its token is the one that is kept.
        sessions = Ways(other, SESSION, "hold")
        logged_out(one, one.frame_locator("iframe"))
        come(other, sessions, 1)
        expect(one.frame_locator("iframe").locator(".welcome")).to_be_visible()
        sessions.held[0].continue_()
        frame = other.frame_locator("iframe")
        expect(frame.locator(".welcome")).to_be_visible()
        expect(frame.locator(".log")).to_have_attribute("aria-busy", "false")
        text = some("Of the second")
        write(one.frame_locator("iframe"), text)
        expect(said(frame)).to_have_text([text])
        for page in (one, other):
            page.reload()
            expect(said(window(page))).to_have_text([text])


def test_what_somebody_proven_wrote_waits_until_they_are_proven_again(page, members):
    given, text = proof(members, some("u")), some("Written by somebody proven")
    with site(members) as at:
        page.goto(f"{at()}/shop")
        identify(page, given)
        frame = window(page)
        first = some("First")
        write(frame, first)
        Ways(page, MESSAGES, *["lost"] * 9)
        type_in(frame, text)
        expect(frame.locator(".pending")).to_have_count(1)
        page.unroute(MESSAGES)
        # Many a page asks its server for the proof only now.
        page.reload()
        frame = window(page)
        expect(said(frame)).to_have_count(0)
        identify(page, given)
        expect(frame.locator(".own[data-seq] .bubble")).to_have_text([first, text])
        kept = page.evaluate("JSON.stringify(Object.entries(sessionStorage))")
        assert text not in kept


def test_behind_a_proxy_that_keeps_what_streams_say_answers_come_all_the_same(page, widget, demo):
    with site(widget) as at:
        stop_time(page)
        streams = Ways(page, STREAM, *["hold"] * 9, method="GET")
        page.goto(f"{at()}/shop")
        frame, text = window(page), some("Do you hear me?")
        type_in(frame, text)
        pass_until(page, frame.locator(".own[data-seq]").count)
        demo.answer(text, "We do")
        come_later(page, streams, 3)
        pass_until(page, lambda: said(frame).count() == 2)
        expect(said(frame)).to_have_text([text, "We do"])


def test_who_is_told_to_slow_down_and_not_until_when_asks_ever_more_seldom(page, widget):
    with site(widget) as at:
        stop_time(page)
        page.goto(f"{at()}/shop")
        frame, text = window(page), some("Patiently")
        sent = Ways(page, MESSAGES, *[{**problem("x", 429), "body": "Slow down"}] * 40)
        type_in(frame, text)
        pass_time(page, 60)
        assert len(sent.bodies) <= 10
        come_later(page, sent, 3)
        page.unroute(MESSAGES)
        pass_until(page, frame.locator(".own[data-seq]").count)
        expect(frame.locator(".own[data-seq] .bubble")).to_have_text([text])


def test_what_could_not_be_sent_is_tried_again_by_itself(page, widget):
    with site(widget) as at:
        stop_time(page)
        page.goto(f"{at()}/shop")
        frame, text = window(page), some("Anybody there?")
        page.route(MESSAGES, lambda route: route.abort())
        type_in(frame, text)
        pass_until(page, frame.locator(".failed").count)
        expect(frame.locator(".failed")).to_contain_text("The hub cannot be reached")
        page.unroute(MESSAGES)
        pass_until(page, frame.locator(".own[data-seq]").count)
        expect(frame.locator(".own[data-seq] .bubble")).to_have_text([text])


def test_a_file_of_somebody_signed_out_goes_up_once_they_are_somebody_again(page, widget):
    with site(widget) as at:
        page.goto(f"{at()}/shop")
        frame = window(page)
        asked = Ways(page, SESSION)
        page.route("**/uploads", lambda route: route.fulfill(status=401, body="{}"), times=1)
        note = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"A note"}
        frame.locator("input[type=file]").set_input_files(note)
        again = frame.get_by_role("button", name="Try again")
        expect(again).to_be_visible()
        come(page, asked, 1)
        again.click()
        expect(frame.locator(".own[data-seq]")).to_have_count(1)
