"""Conversations end in a window: by the visitor, by an agent, and by being taken away."""

from contextlib import contextmanager
from datetime import UTC, datetime

from playwright.sync_api import expect
from redis import Redis

from tests.journeys.sites import site
from tests.journeys.window import FIELD, LONG, said, some, type_in, window, write


def stands(demo, text):
    """How the conversation stands in which something was said."""
    ((status,),) = demo.sql(
        "SELECT status FROM conversations WHERE id IN"
        " (SELECT conversation_id FROM messages WHERE content LIKE ?)",
        f"%{text}%",
    )
    return status


def closing_lines(demo, text):
    """What agents see of the end of a conversation, as it was kept."""
    rows = demo.sql(
        "SELECT content FROM messages WHERE kind = 'system' AND conversation_id IN"
        " (SELECT conversation_id FROM messages WHERE content LIKE ?) ORDER BY seq",
        f"%{text}%",
    )
    return [content for (content,) in rows]


@contextmanager
def two_tabs(browser, widget):
    """A conversation in the windows of two tabs; gives the page of the first, too."""
    with site(widget) as at:
        context = browser(logged_in=False)
        one, other = context.new_page(), context.new_page()
        for page in (one, other):
            page.goto(f"{at()}/shop")
        frame, text = window(one), some("That was all")
        expect(frame.get_by_label("More")).to_be_hidden()
        write(frame, text)
        yield one, frame, window(other), text


def test_a_visitor_is_asked_and_ends_a_conversation_in_all_tabs(browser, widget, demo):
    with two_tabs(browser, widget) as (page, frame, mirror, text):
        frame.get_by_label("More").click()
        frame.get_by_role("button", name="End the conversation").click()
        question = frame.get_by_role("heading", name="End this conversation?")
        expect(question).to_be_focused()
        # Taken back by the key that leads back.
        question.press("Escape")
        expect(frame.locator(FIELD)).to_be_focused()
        frame.get_by_label("More").click()
        frame.get_by_role("button", name="End the conversation").click()
        page.route("**/end", lambda route: route.abort())
        frame.get_by_role("button", name="End it").click()
        expect(frame.get_by_role("alert")).to_have_text("The hub cannot be reached.")
        page.unroute("**/end")
        frame.get_by_role("button", name="End it").dblclick()
        for each in (frame, mirror):
            expect(each.get_by_text("This conversation has ended.")).to_be_visible()
            # Stars are asked for only where that is wanted.
            expect(each.get_by_role("radio")).to_have_count(0)
            expect(each.locator(FIELD)).to_have_count(0)
            expect(each.get_by_label("More")).to_be_hidden()
        expect(frame.locator(".alert")).to_be_empty()
        assert stands(demo, text) == "resolved"
        frame.get_by_role("button", name="Write again").click()
        expect(frame.locator(FIELD)).to_be_focused()
        again = some("One more thing")
        write(frame, again)
        for each in (frame, mirror):
            expect(said(each)).to_have_text([text, again])
            expect(each.locator(FIELD)).to_be_visible()
        assert stands(demo, text) == "open"
        assert len(closing_lines(demo, text)) == 1


def test_who_chooses_to_go_on_while_an_end_does_not_get_through_goes_on(browser, widget, demo):
    with two_tabs(browser, widget) as (page, frame, _mirror, text):
        page.route("**/end", lambda route: route.abort(), times=1)
        frame.get_by_label("More").click()
        frame.get_by_role("button", name="End the conversation").click()
        with page.expect_request("**/end"):
            frame.get_by_role("button", name="End it").click()
        frame.get_by_role("button", name="Keep talking").click()
        expect(frame.locator(FIELD)).to_be_focused()
        # By then it would have been told again.
        page.wait_for_timeout(1500)
        assert stands(demo, text) == "open"
        assert closing_lines(demo, text) == []
        expect(frame.locator(".alert")).to_be_empty()
        expect(frame.locator(FIELD)).to_be_visible()


def test_what_an_agent_resolved_is_rated_once_in_all_tabs(browser, widget, settings, demo):
    settings(conversation={"rating": True, "end_by_visitor": False})
    with two_tabs(browser, widget) as (page, frame, mirror, text):
        # No half sentence is taken away.
        frame.locator(FIELD).fill("And what")
        demo.resolve(text)
        expect(frame.get_by_text("Write to open it again")).to_be_visible()
        expect(frame.locator(FIELD)).to_have_value("And what")
        expect(mirror.get_by_role("radio")).to_have_count(5)
        page.reload()
        ended = window(page)
        expect(ended.get_by_role("button", name="Send the rating")).to_be_hidden()
        ended.get_by_role("radio", name="3 stars").press("Space")
        ended.get_by_role("radio", name="3 stars").press("ArrowRight")
        ended.get_by_label("What would you like to add?").fill("Quick help")
        # What does not get through at once is told again.
        page.route("**/rating", lambda route: route.abort(), times=1)
        ended.get_by_role("button", name="Send the rating").dblclick()
        for each in (ended, mirror):
            expect(each.get_by_text("Thank you for your rating!")).to_be_visible()
            expect(each.get_by_role("radio")).to_have_count(0)
        (rated,) = closing_lines(demo, text)
        assert "4 of 5: Quick help" in rated
        page.reload()
        expect(window(page).get_by_text("Thank you for your rating!")).to_be_visible()


@contextmanager
def flood(demo):
    """Let more conversations begin than people begin."""
    ((channel,),) = demo.sql("SELECT id FROM channels WHERE name = 'Webchat demo'")
    with Redis(unix_socket_path=str(demo.folder / "var/valkey.sock")) as redis:
        redis.set(f"widget:flood:{channel}", 1)
        try:
            yield
        finally:
            redis.delete(f"widget:flood:{channel}")


def test_in_a_flood_a_form_comes_before_what_was_written(browser, widget, demo):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/shop")
        frame, texts = window(page), [some("Is this a flood?"), some("Hello?")]
        with flood(demo):
            type_in(frame, texts[0])
            field = frame.get_by_label("Your email address")
            expect(field).to_be_focused()
            expect(said(frame)).to_have_text([texts[0]])
            field.press("Enter")
            expect(frame.get_by_text("Please fill in this field")).to_be_visible()
            field.fill("ada@example.com")
            field.press("Enter")
            expect(frame.locator(".own[data-seq]")).to_have_count(2)
            write(frame, texts[1])
        expect(said(frame)).to_have_text(["Your email addressada@example.com", *texts])


def test_what_was_left_reads_in_the_language_of_the_window(browser, widget, settings):
    order = {"name": "order", "label": "Order", "texts": {"ar": {"label": "رقم الطلب"}}}
    settings(
        hours={"timezone": "UTC", "weekly": {}},
        texts={"ar": {"consent": "أوافق على الحفظ"}},
        prechat={"when": "first", "fields": [{**order, "required": True}]},
    )
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/arabic")
        frame, message = window(page, "ar"), some("الإطار مثقوب")
        frame.get_by_label("رسالتك").fill(message)
        frame.get_by_label("أوافق على الحفظ").check()
        leave = frame.get_by_role("button", name="ترك الرسالة")
        leave.click()
        # No address is asked for where no answer goes there, but what the shop has to know is.
        expect(frame.get_by_label("رقم الطلب")).to_be_focused()
        frame.get_by_label("رقم الطلب").fill("17")
        leave.click()
        words = ["رقم الطلب", "17", "رسالتك", message, "الموافقة", "نعم"]
        expect(said(frame)).to_have_text(["".join(words)])


def test_of_a_conversation_that_is_taken_away_nothing_stays(browser, widget, settings, demo):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/shop")
        frame, erased = window(page), some("To be erased")
        gone = frame.get_by_text("The earlier conversation is not available here any more.")
        write(frame, erased)
        demo.answer(erased, "A secret of then")
        expect(said(frame)).to_have_count(2)
        demo.erase(erased)
        fresh = some("What begins now")
        write(frame, fresh)
        expect(said(frame)).to_have_text([fresh])
        expect(gone).to_be_visible()
        expect(frame.locator("[aria-live=polite]")).to_be_empty()

        settings(sign_out_before=datetime.now(UTC).isoformat())
        frame.locator(FIELD).fill("A draft of then")
        expect(said(frame)).to_have_count(0, timeout=LONG)
        # It is not of the conversation: it stays with whoever is about to say it.
        expect(frame.locator(FIELD)).to_have_value("A draft of then")
        expect(gone).to_be_visible()
        afterwards = some("Somebody new")
        write(frame, afterwards)
        expect(said(frame)).to_have_text([afterwards])
        expect(gone).to_have_count(0)
