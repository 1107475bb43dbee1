"""A window that gets bad answers, late ones or none gives up nothing, and shows nobody else's."""

import json
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.journeys.sites import site
from tests.journeys.window import (
    FIELD,
    LONG,
    jwt,
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

SECRET = "identity-secret-of-the-journey-02"
SESSION, STREAM, MESSAGES = "**/session", "**/stream?*", "**/messages*"


@pytest.fixture(scope="module")
def members(demo):
    """The loader of a chat window whose site proves who is logged in."""
    body = {"type": "webchat", "name": "Proven", "credentials": {"identity_secret": SECRET}}
    demo.call("POST", "channels", body)
    ((key,),) = demo.sql("SELECT webhook_key FROM channels WHERE name = 'Proven'")
    return f"{demo.url}/widget/{key}.js"


@pytest.fixture
def page(browser, demo):
    demo.relieve()
    return browser(logged_in=False).new_page()


def proof(widget, user):
    return jwt(widget.rpartition("/")[2].removesuffix(".js"), user, SECRET)


def identify(page, given):
    page.evaluate("proof => HubChat('identify', proof)", given)


def problem(code, status, *, after=None):
    """What the hub answers where it cannot."""
    headers = {"retry-after": str(after)} if after else {}
    body = json.dumps({"type": f"https://hub.example/problems/{code}", "detail": "Not now."})
    return {"status": status, "body": body, "headers": headers}


class Ways:
    """What becomes of the next requests of a kind: each is noted, and answered as it is said."""

    def __init__(self, page, pattern, *answers, method="POST"):
        self.method = method
        self.bodies = []
        self.held = []
        self.answers = list(answers)
        page.route(pattern, self._answer)

    def _answer(self, route):
        if route.request.method != self.method:
            route.fallback()
            return
        self.bodies.append(route.request.post_data_json)
        match self.answers.pop(0) if self.answers else "pass":
            case "pass":
                route.continue_()
            case "lost":
                route.abort()
            case "hold":
                self.held.append(route)
            case answer:
                route.fulfill(**answer)


def come(page, ways, number):
    """Wait until so many requests came."""
    for _ in range(LONG // 50):
        if len(ways.bodies) >= number:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(ways.bodies)} requests came")


def come_later(page, ways, number):
    """Let time pass by a clock of ours until so many requests came."""
    pass_until(page, lambda: len(ways.bodies) >= number)


@contextmanager
def talk(page, widget, text, name="shop"):
    """A conversation under way, in an open window."""
    with site(widget) as at:
        page.goto(f"{at()}/{name}")
        frame = window(page)
        write(frame, text)
        yield frame


@pytest.mark.parametrize(
    "answer",
    [
        problem("busy", 503, after=20),
        problem("slow-down", 429, after=20),
        problem("internal", 500),
        {"status": 404, "body": "<h1>No such backend</h1>"},
        {"status": 200, "body": "<h1>Log in to this network</h1>"},
        "lost",
    ],
    ids=["busy", "slow down", "failed", "proxy", "portal", "no network"],
)
def test_a_hub_that_is_away_takes_nobody_their_proof(page, members, answer):
    given, text = proof(members, some("u")), some("Said by somebody proven")
    with site(members) as at:
        stop_time(page)
        page.goto(f"{at()}/shop")
        asked = Ways(page, SESSION, *[answer] * 6)
        launcher(page).click()
        come(page, asked, 1)
        # Who is asked for again and again is not asked for more often by that.
        for _ in range(3):
            identify(page, given)
        frame = page.frame_locator("iframe")
        type_in(frame, text)
        if "retry-after" in str(answer):
            pass_time(page, 15)
            assert len(asked.bodies) == 1
        page.unroute(SESSION)
        after = Ways(page, SESSION)
        come_later(page, after, 1)
        page.clock.resume()
        expect(frame.locator(".own[data-seq] .bubble")).to_have_text([text])
        assert [body["identity"] for body in after.bodies] == [given]


def test_a_time_that_the_hub_names_holds_for_a_proof_that_came_before_its_answer(page, members):
    with site(members) as at:
        stop_time(page)
        page.goto(f"{at()}/shop")
        asked = Ways(page, SESSION, "hold")
        launcher(page).click()
        come(page, asked, 1)
        given = proof(members, some("u"))
        identify(page, given)
        # Done in its turn, after which the proof is known to have been asked for.
        type_in(page.frame_locator("iframe"), some("Later"))
        expect(page.frame_locator("iframe").locator(".pending")).to_have_count(1)
        asked.held[0].fulfill(**problem("busy", 503, after=20))
        pass_time(page, 15)
        assert len(asked.bodies) == 1
        come_later(page, asked, 2)
        assert asked.bodies[1]["identity"] == given


def test_a_proof_that_is_handed_over_again_after_its_end_empties_no_window(page, members):
    given, text = proof(members, some("u")), some("Said by somebody proven")
    with site(members) as at:
        page.goto(f"{at()}/shop")
        identify(page, given)
        frame = window(page)
        write(frame, text)
        asked = Ways(page, SESSION, *[problem("identity-expired", 401)] * 2)
        page.evaluate(
            "HubChat('on', 'identity.expired', () => { window.ended = (window.ended || 0) + 1; })"
        )
        for number in (1, 2):
            identify(page, given)
            page.wait_for_function("number => window.ended === number", arg=number)
        second = some("Still me")
        write(frame, second)
        expect(said(frame)).to_have_text([text, second])
        assert len(asked.bodies) == 2


def test_a_proxy_that_knows_of_no_hub_empties_no_window(page, widget):
    text = some("Before the proxy")
    with talk(page, widget, text):
        Ways(page, STREAM, *[{"status": 404, "body": "<h1>No such backend</h1>"}] * 2, method="GET")
        page.reload()
        frame = window(page)
        page.wait_for_timeout(1500)
        expect(said(frame)).to_have_text([text])
        expect(frame.locator(".notice")).to_be_empty()
        second = some("After the proxy")
        write(frame, second)
        expect(said(frame)).to_have_text([text, second])


def logged_out(page, frame):
    """Log out, while something is under way."""
    page.evaluate("HubChat('logout')")
    expect(said(frame)).to_have_count(0)


def test_what_is_answered_after_a_logout_of_who_it_was_is_nobodys(page, widget):
    with talk(page, widget, some("Of the first")):
        kept = "JSON.stringify(Object.entries(localStorage).filter(([name]) => /token/.test(name)))"
        before = page.evaluate(kept)
        asked = Ways(page, SESSION, "hold")
        page.reload()
        launcher(page).click()
        come(page, asked, 1)
        frame = page.frame_locator("iframe")
        logged_out(page, frame)
        asked.held[0].continue_()
        come(page, asked, 2)
        expect(frame.locator(".welcome")).to_be_visible()
        expect(said(frame)).to_have_count(0)
        page.wait_for_function(f"before => {kept} !== before", arg=before)
        assert asked.bodies[1]["token"] is None
        text = some("Of the second")
        write(frame, text)
        expect(said(frame)).to_have_text([text])


def test_history_that_comes_after_a_logout_is_not_shown(page, widget):
    with talk(page, widget, some("Of the first")):
        asked = Ways(page, MESSAGES, "hold", method="GET")
        sessions = Ways(page, SESSION, "pass", "hold")
        page.reload()
        launcher(page).click()
        come(page, asked, 1)
        frame = page.frame_locator("iframe")
        logged_out(page, frame)
        asked.held[0].continue_()
        come(page, sessions, 2)
        expect(said(frame)).to_have_count(0)
        sessions.held[0].continue_()
        expect(frame.locator(".welcome")).to_be_visible()
        text = some("Of the second")
        write(frame, text)
        expect(said(frame)).to_have_text([text])


@pytest.mark.parametrize(
    "answer", ["pass", problem("form-needed", 409), problem("slow-down", 429, after=300)]
)
def test_what_was_on_its_way_at_a_logout_is_in_nobodys_way(page, widget, answer):
    with site(widget) as at:
        page.goto(f"{at()}/shop")
        frame = window(page)
        page.evaluate("HubChat('set', { plan: 'gold' })")
        sent = Ways(page, MESSAGES, "hold")
        type_in(frame, some("Of the first"))
        come(page, sent, 1)
        if answer == "pass":
            logged_out(page, frame)
            sent.held[0].continue_()
        else:
            sent.held[0].fulfill(**answer)
            page.wait_for_timeout(500)
            logged_out(page, frame)
        expect(frame.get_by_text("Before we start")).to_have_count(0)
        text = some("Of the second")
        write(frame, text)
        expect(said(frame)).to_have_text([text])
        assert sent.bodies[0]["attributes"] == {"plan": "gold"}
        assert sent.bodies[1]["attributes"] == {}


def test_a_token_that_crosses_a_logout_is_not_kept(page, widget):
    with talk(page, widget, some("Of the first")):
        page.add_init_script(
            "if (window === top) addEventListener('message', ({ data }) => {"
            " if (data?.t === 'token' && !window.left) { window.left = true; HubChat('logout'); } });"
        )
        asked = Ways(page, SESSION, "pass", *["lost"] * 9)
        page.reload()
        launcher(page).click()
        come(page, asked, 2)
        page.wait_for_function("() => window.left")
        assert asked.bodies[1]["token"] is None
        names = page.evaluate("Object.keys(localStorage).join()")
        assert "token" not in names
        assert "talks" not in names


def test_a_history_that_is_refused_is_asked_for_again(page, widget):
    text = some("Before the refusal")
    with talk(page, widget, text):
        stop_time(page)
        asked = Ways(page, MESSAGES, problem("unauthorized", 401), method="GET")
        page.reload()
        launcher(page).click()
        come_later(page, asked, 2)
        page.clock.resume()
        frame = page.frame_locator("iframe")
        expect(frame.locator(".log")).to_have_attribute("aria-busy", "false")
        expect(said(frame)).to_have_text([text])


def test_what_is_being_typed_stays_with_whoever_types_it(page, members):
    given, text, draft = proof(members, some("u")), some("Said"), some("Half a thought")
    with site(members) as at:
        page.goto(f"{at()}/shop")
        frame = window(page)
        frame.locator(FIELD).fill(draft)
        identify(page, given)
        expect(frame.locator(FIELD)).to_have_value(draft)
        write(frame, text)
        # What nobody proves any more is not sent for them, and not lost.
        Ways(page, MESSAGES, *["lost"] * 9)
        unsent = some("Not sent")
        type_in(frame, unsent)
        frame.locator(FIELD).fill(draft)
        identify(page, {"jwt": "x.y.z"})
        expect(said(frame)).to_have_count(0)
        expect(frame.locator(FIELD)).to_have_value(f"{unsent}\n{draft}")
        identify(page, given)
        expect(said(frame)).to_have_text([text])
        expect(frame.locator(FIELD)).to_have_value(f"{unsent}\n{draft}")
        # Of one user nothing is left for the next.
        identify(page, proof(members, some("u")))
        expect(said(frame)).to_have_count(0)
        expect(frame.locator(FIELD)).to_have_value("")


def test_whatever_a_page_says_neither_it_nor_the_window_breaks(page, widget):
    with site(widget) as at:
        sent = Ways(page, MESSAGES)
        page.goto(f"{at()}/shop")
        page.evaluate(
            """() => {
              const angry = { toString() { throw new Error('No'); } };
              const endless = {};
              endless.self = endless;
              const odd = [undefined, null, 7, 7n, 'text', Symbol('odd'), angry, endless, () => 1,
                { jwt: 7 }, { jwt: () => 1 }, { jwt: 'x'.repeat(100000) }, { user_id: Symbol('odd') }];
              for (const name of [...odd, '__proto__', 'constructor']) HubChat(name, 'open');
              for (const name of ['open', 'set', 'identify', 'on', 'close', 'toggle', 'boot'])
                odd.forEach((value) => HubChat(name, value, value));
              HubChat('on', 'open', 7);
              HubChat('set', { size: 'x'.repeat(100000), plan: 7, old: Symbol('odd'), more: {} });
              const key = Object.keys(localStorage)[0].split(':')[1];
              sessionStorage.setItem(`hubchat:${key}:kept`, '{');
              localStorage.setItem(`hubchat:${key}:token`, 'x'.repeat(100000));
            }"""
        )
        page.reload()
        page.evaluate(
            "HubChat('set', { plan: 7, old: Symbol('odd'), more: {}, note: 'x'.repeat(100000) });"
            "HubChat('identify', { jwt: 'x'.repeat(100000) });"
        )
        frame, text = window(page), some("All the same")
        write(frame, text)
        assert sent.bodies[0]["attributes"] == {"plan": "7", "note": "x" * 200}


def test_a_limit_is_told_in_words_and_what_was_written_goes_when_its_time_has_come(page, widget):
    with site(widget) as at:
        stop_time(page)
        page.goto(f"{at()}/shop")
        Ways(page, SESSION, problem("slow-down", 429, after=30))
        launcher(page).click()
        frame, text = page.frame_locator("iframe"), some("The first word")
        type_in(frame, text)
        words = frame.get_by_text("That was a lot at once")
        expect(words).to_have_count(1)
        expect(said(frame)).to_have_text([text])
        sent = Ways(page, MESSAGES, *[problem("slow-down", 429, after=30)] * 7)
        for number in range(1, 8):
            come_later(page, sent, number)
            expect(frame.get_by_text("This is sent by itself in a moment.")).to_be_visible()
        come_later(page, sent, 8)
        page.clock.resume()
        expect(frame.locator(".own[data-seq] .bubble")).to_have_text([text])
        expect(words).to_have_count(0)
