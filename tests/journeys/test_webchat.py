"""Visitors of a site write to the people here, and read what these answer, whatever happens."""

import re
import struct
import sys
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import enter, reply
from tests.journeys.sites import site
from tests.journeys.window import (
    FIELD,
    LONG,
    document_of,
    jwt,
    launcher,
    said,
    some,
    type_in,
    window,
    write,
)

#: Let a test say of each tab whether somebody looks at it; in a headless browser all are.
TABS = """
for (const [name, value] of [['visibilityState', 'hidden'], ['hidden', true]]) {
  const real = Object.getOwnPropertyDescriptor(Document.prototype, name).get;
  Object.defineProperty(Document.prototype, name, {
    get() { return window.awayNow ? value : real.call(this); },
  });
}
"""
#: What browsers do that keep nothing, for the page or for the frame in it.
NOTHING_KEPT = """
if ((window === top) === %s) for (const name of ['localStorage', 'sessionStorage', 'indexedDB'])
  Object.defineProperty(window, name, { get() { throw new DOMException('No', 'SecurityError'); } });
"""


def leave(page, *, away=True):
    """Turn to another tab, or back."""
    for frame in page.frames:
        frame.evaluate(
            "away => { window.awayNow = away;"
            " document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }",
            away,
        )


def picture(width, height):
    """A PNG."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def test_a_visitor_and_an_agent_talk_and_a_reload_keeps_it(demo, browser, agent):
    page = browser(logged_in=False).new_page()
    page.goto(f"{demo.sandbox}/shop")
    frame, question = window(page), some("Do you mend wheels?")
    write(frame, question)
    expect(frame.locator(".receipt")).to_have_text("Sent")
    # That somebody is writing is not kept for a page that begins to listen later.
    with agent.expect_response("**/live"):
        enter(agent, question)
    expect(frame.locator(".receipt")).to_have_text("Seen")
    frame.locator(FIELD).type("More")
    expect(agent.locator("#typing")).to_contain_text("is writing")
    agent.get_by_label("Reply to").type("Every")
    expect(frame.get_by_role("status").filter(has_text="Somebody is writing")).to_be_visible()
    bubble = reply(agent, "**Every** day until six: https://shop.example")
    answer = frame.locator(".theirs .bubble")
    expect(answer).to_have_text("Every day until six: https://shop.example")
    expect(answer.locator("strong")).to_have_text("Every")
    expect(bubble).to_contain_text("read")
    page.reload()
    frame = window(page)
    both = [question, "Every day until six: https://shop.example"]
    expect(said(frame)).to_have_text(both)
    page.goto(f"{demo.sandbox}/shop/prices")
    expect(said(window(page))).to_have_text(both)


def test_choices_are_buttons_of_which_one_is_pressed_once(demo, browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/shop")
        frame, question = window(page), some("When can I come?")
        write(frame, question)
        options = [{"id": "a", "title": "Today"}, {"id": "b", "title": "Tomorrow"}]
        demo.answer(question, {"type": "choices", "text": "Choose:", "options": options})
        frame.get_by_role("button", name="Tomorrow").dblclick()
        expect(said(frame)).to_have_text([question, "Choose:TodayTomorrow", "Tomorrow"])
        expect(frame.locator(".option:enabled")).to_have_count(0)


def test_case_03_without_any_storage_of_a_frame_a_conversation_goes_on(browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False)
        context.add_init_script(NOTHING_KEPT % "false")
        page = context.new_page()
        page.goto(f"{at()}/shop")
        frame, text = window(page), some("Without storage")
        tried = "() => { try { return typeof localStorage } catch (error) { return error.name } }"
        assert document_of(page).evaluate(tried) == "SecurityError"
        write(frame, text)
        page.reload()
        expect(said(window(page))).to_have_text([text])
        page.get_by_role("link", name="Another page").click()
        expect(said(window(page))).to_have_text([text])


def test_case_03_a_page_that_may_keep_nothing_has_a_chat_for_its_life(browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False)
        context.add_init_script(NOTHING_KEPT % "true")
        page = context.new_page()
        page.goto(f"{at()}/shop")
        write(window(page), some("Nothing is kept"))
        launcher(page).click()
        expect(said(window(page))).to_have_count(1)
        page.reload()
        expect(window(page).locator(".welcome")).to_be_visible()


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
def test_case_05_a_hub_that_was_killed_and_a_reload_lose_and_double_nothing(demo, browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False)
        page = context.new_page()
        page.goto(f"{at()}/shop")
        frame, first = window(page), some("Before")
        write(frame, first)
        demo.kill("web")
        texts = [some(f"While nobody is there {number}") for number in range(3)]
        for text in texts:
            type_in(frame, text)
        expect(said(frame)).to_have_text([first, *texts])
        expect(frame.locator(".own[data-seq]")).to_have_count(4, timeout=LONG)
        expect(frame.locator(".banner")).to_be_empty(timeout=LONG)
        demo.answer(first, "After")
        expect(said(frame)).to_have_text([first, *texts, "After"])

        context.set_offline(True)
        expect(frame.get_by_role("status").filter(has_text="You are offline")).to_be_visible()
        last = some("Written offline")
        type_in(frame, last)
        expect(frame.get_by_text("Sending…")).to_be_visible()
        context.set_offline(False)
        expect(frame.locator(".own[data-seq]")).to_have_count(5, timeout=LONG)
        expect(frame.locator(".banner")).to_be_empty()

        # What a page could not send any more goes with the next one.
        page.route("**/messages", lambda route: route.abort())
        unsent = some("Never sent by this page")
        type_in(frame, unsent)
        expect(frame.locator(".pending")).to_have_count(1)
        page.unroute("**/messages")
        page.reload()
        frame = window(page)
        expect(frame.locator(".own[data-seq]")).to_have_count(6)
        everything = [first, *texts, "After", last, unsent]
        expect(said(frame)).to_have_text(everything)
        for text in everything[1:]:
            found = demo.sql("SELECT count(*) FROM messages WHERE content LIKE ?", f"%{text}%")
            assert text == "After" or found == [(1,)]


def test_case_06_a_tab_that_was_there_before_hears_of_the_first_word(browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False)
        one, other = context.new_page(), context.new_page()
        for page in (one, other):
            page.goto(f"{at()}/shop")
        frames, text = [window(one), window(other)], some("The first word")
        write(frames[0], text)
        expect(said(frames[1])).to_have_text([text])


def test_case_06_tabs_show_the_same_and_ten_of_them_load(demo, browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False)
        context.add_init_script(TABS)
        one = context.new_page()
        one.goto(f"{at()}/shop")
        frame, text = window(one), some("From the first tab")
        write(frame, text)
        launcher(one).click()
        other = context.new_page()
        other.goto(f"{at()}/shop")
        other.wait_for_function("() => document.querySelector('iframe') !== null")
        demo.answer(text, "An answer")
        for page in (one, other):
            expect(launcher(page)).to_have_accessible_name("Chat, 1 unread message")
        leave(other)
        expect(other).to_have_title("(1) A shop")
        expect(said(window(one))).to_have_text([text, "An answer"])
        # Read in one, and news in none.
        for page in (one, other):
            expect(launcher(page)).to_have_accessible_name("Chat")
        expect(other).to_have_title("A shop")
        second = some("Once more")
        write(one.frame_locator("iframe"), second)
        leave(one)
        tabs = [one, other]
        for _ in range(8):
            page = context.new_page()
            page.goto(f"{at()}/shop")
            expect(said(window(page))).to_have_text([text, "An answer", second])
            tabs.append(page)
            leave(page)
        leave(page, away=False)
        demo.answer(text, "To all tabs")
        everything = [text, "An answer", second, "To all tabs"]
        for page in (other, *tabs[2:]):
            expect(said(page.frame_locator("iframe"))).to_have_text(everything)


def test_case_08_who_logs_out_leaves_nothing_for_who_comes_next(browser):
    secret = "identity-secret-of-the-journey-01"
    admin = browser().new_page()
    admin.goto("/channels/add/webchat")
    admin.get_by_role("button", name="Next: settings").click()
    admin.get_by_label("Name", exact=True).fill("Members")
    admin.locator("summary", has_text="Advanced").click()
    admin.get_by_role("textbox", name="Identity secret").fill(secret)
    admin.get_by_role("button", name="Connect").click()
    line = admin.get_by_role("textbox", name="Line to paste").input_value()
    widget = line.split('"')[1]
    key = widget.rpartition("/")[2].removesuffix(".js")
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        frame = window(page)
        before, text = some("Before the proof"), some("Only for the first")
        type_in(frame, before)
        page.evaluate("proof => HubChat('identify', proof)", jwt(key, "u-1", secret))
        expect(frame.locator(".own[data-seq] .bubble")).to_have_text([before])
        write(frame, text)
        frame.locator(FIELD).fill("A draft of the first")
        page.evaluate("HubChat('logout')")
        expect(said(frame)).to_have_count(0)
        expect(frame.locator(FIELD)).to_have_value("")
        page.evaluate("proof => HubChat('identify', proof)", jwt(key, "u-2", secret))
        write(frame, some("From the second"))
        expect(said(frame)).to_have_count(1)
        page.evaluate("proof => HubChat('identify', proof)", jwt(key, "u-1", secret))
        expect(said(frame)).to_have_text([before, text])


def test_a_window_is_set_up_and_tried_on_the_spot(browser):
    admin = browser().new_page()
    admin.goto("/channels/add/webchat")
    admin.get_by_role("button", name="Next: settings").click()
    admin.get_by_label("Name", exact=True).fill("Tried at once")
    admin.get_by_role("button", name="Connect").click()
    expect(admin.get_by_role("textbox", name="Line to paste")).to_have_value(re.compile("<script"))
    admin.get_by_role("link", name="Next: a test message").click()
    admin.get_by_role("button", name="Open the window").click()
    text = some("Does it work?")
    write(admin.frame_locator("iframe"), text)
    expect(admin.locator("#came")).to_contain_text(text)
    admin.get_by_role("button", name="Send the answer").click()
    expect(admin.get_by_text("Both ways work")).to_be_visible()
    admin.get_by_role("link", name="Next: routing").click()
    admin.get_by_role("link", name="the channel's rules").click()
    expect(admin.get_by_role("link", name="On your site")).to_be_visible()


def test_case_10_a_window_opens_at_the_very_moment_and_keeps_what_was_typed(
    browser, widget, settings
):
    opens = datetime.now(UTC) + timedelta(minutes=30)
    day = opens.strftime("%a").lower()
    settings(hours={"timezone": "UTC", "weekly": {day: [[f"{opens:%H:%M}", "00:00"]]}})
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.clock.install()
        page.goto(f"{at()}/shop")
        frame = window(page)
        about = frame.locator(".about")
        expect(about).to_contain_text(re.compile("We are back .+ Our answer comes here[.]"))
        frame.get_by_label("Your message").fill("Half a thought")
        settings()
        page.clock.fast_forward("31:00")
        expect(frame.locator(FIELD)).to_have_value("Half a thought")
        expect(frame.get_by_label("Your email address")).to_have_count(0)


def test_case_11_while_closed_a_form_takes_one_message_with_the_draft(
    browser, widget, settings, demo
):
    begin, end = (datetime.now(UTC) + timedelta(minutes=one) for one in (-5, 30))
    span = [f"{begin:%H:%M}", f"{end:%H:%M}"]
    ((mailbox,),) = demo.sql("SELECT id FROM channels WHERE type = 'email' LIMIT 1")
    by_email = {"channel": mailbox}
    open_now = {"timezone": "UTC", "weekly": {begin.strftime("%a").lower(): [span]}}
    settings(hours=open_now, email_fallback=by_email)
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.clock.install()
        page.goto(f"{at()}/shop")
        frame, message = window(page), some("Please call me")
        frame.locator(FIELD).fill(message)
        closed = {"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "09:01"]]}}
        settings(hours=closed, email_fallback=by_email)
        page.clock.fast_forward("31:00")
        expect(frame.get_by_label("Your message")).to_have_value(message)
        frame.get_by_label("Your email address").fill("ada@example")
        button = frame.get_by_role("button", name="Leave the message")
        button.click()
        expect(frame.get_by_text("Please enter an email address")).to_be_visible()
        frame.get_by_label("Your email address").fill("ada@example.com")
        expect(frame.get_by_text("Please enter an email address")).to_be_hidden()
        page.clock.run_for(4000)
        button.dblclick()
        expect(frame.locator(".notice")).to_have_text("Thank you! We have your message.")
        expect(frame.get_by_text("We are back Monday")).to_have_count(1)
        expect(frame.locator(".about")).to_contain_text("Our answer comes here and by email.")
        page.clock.run_for(2000)
        expect(said(frame)).to_contain_text([message])
        found = demo.sql("SELECT count(*) FROM messages WHERE content LIKE ?", f"%{message}%")
        assert found == [(1,)]


def test_case_13_files_go_up_by_choice_paste_and_drop_and_what_fails_says_why(
    demo, browser, widget
):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/shop")
        frame = window(page)
        write(frame, some("Here they come"))
        files = frame.locator("input[type=file]")
        files.set_input_files(
            [
                {"name": "wheel.png", "mimeType": "image/png", "buffer": picture(40, 30)},
                {"name": "evil.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"},
                {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
            ]
        )
        failed = frame.locator(".failed")
        expect(failed.filter(has_text="The file is empty.")).to_have_count(1)
        expect(failed.filter(has_text="Files of this kind are not taken")).to_have_count(1)
        for _ in range(2):
            failed.get_by_role("button", name="Cancel").first.click()
        expect(failed).to_have_count(0)
        expect(frame.get_by_role("img", name="wheel.png")).to_be_visible()
        expect(frame.locator(".own[data-seq] img")).to_be_visible(timeout=LONG)

        files.set_input_files(
            {"name": "big.txt", "mimeType": "text/plain", "buffer": b"a" * 11_000_000}
        )
        expect(failed).to_contain_text("10 MB at most")
        # It would not be taken the next time, either.
        expect(failed.get_by_role("button", name="Try again")).to_have_count(0)
        failed.get_by_role("button", name="Cancel").click()
        give = """(target, [kind, name]) => {
          const data = new DataTransfer();
          data.items.add(new File(['Some text'], name, { type: 'text/plain' }));
          target.dispatchEvent(kind === 'paste'
            ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
            : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
        frame.locator(FIELD).evaluate(give, ["paste", "pasted.txt"])
        frame.locator(".log").evaluate(give, ["dragover", "dropped.txt"])
        expect(frame.get_by_text("Drop files to send them")).to_be_visible()
        page.route("**/uploads", lambda route: route.abort())
        frame.locator(".log").evaluate(give, ["drop", "dropped.txt"])
        expect(frame.get_by_text("Drop files to send them")).to_be_hidden()
        expect(failed).to_contain_text("The hub cannot be reached")
        page.unroute("**/uploads")
        failed.get_by_role("button", name="Try again").click()
        for name in ("pasted.txt", "dropped.txt"):
            expect(frame.locator(".own[data-seq] .file").filter(has_text=name)).to_be_visible(
                timeout=LONG
            )
