"""A chat window on all kinds of pages does its work, does them no harm, and can be used by all."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import stumbles
from tests.journeys.sites import site
from tests.journeys.window import (
    FIELD,
    document_of,
    launcher,
    said,
    some,
    stop_time,
    type_in,
    window,
    write,
)


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
def test_case_01_pages_with_strict_rules_have_one_launcher_and_no_complaint(
    demo, browser, widget, headers
):
    complaints = []
    with site(widget, **{name: text.format(hub=demo.url) for name, text in headers.items()}) as at:
        page = browser(logged_in=False).new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{at()}/strict")
        # The page includes it twice.
        expect(launcher(page)).to_have_count(1)
        write(window(page), some("Hello from a strict page"))
    assert [one for one in complaints if "favicon" not in one and "404" not in one] == []


def test_case_01_a_rude_page_neither_hides_nor_moves_the_launcher(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False, viewport={"width": 800, "height": 600}).new_page()
        page.goto(f"{at('rude.localhost')}/rude")
        box = launcher(page, "ar").bounding_box()
        assert box is not None
        # In Arabic it stands at the left.
        assert (box["x"], box["y"], box["width"], box["height"]) == (20, 524, 56, 56)
        # Something is drawn on it, open and closed.
        assert drawn(page, "ar")
        frame = window(page, "ar")
        expect(frame.get_by_role("dialog", name="تحدّث معنا")).to_be_visible()
        assert document_of(page).evaluate("document.documentElement.dir") == "rtl"


def drawn(page, language):
    """Whether a line is drawn on the launcher."""
    line = launcher(page, language).locator("path")
    look = line.evaluate("one => [getComputedStyle(one).d, getComputedStyle(one).visibility]")
    box = line.bounding_box()
    return look[0].startswith("path(") and look[1] == "visible" and min(box["width"], box["height"])


def test_case_01_a_page_that_is_turned_has_its_window_upright_and_whole(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False, viewport={"width": 800, "height": 600}).new_page()
        page.goto(f"{at()}/turned")
        box = {"x": 724, "y": 524, "width": 56, "height": 56}
        assert launcher(page).bounding_box() == box
        frame = window(page)
        expect(frame.get_by_role("button", name="Close the chat")).to_be_in_viewport(ratio=1)
        box = {"x": 380, "y": 20, "width": 400, "height": 488}
        assert page.locator("iframe").bounding_box() == box


def test_case_01_a_site_that_is_not_named_has_no_launcher_and_is_told_why(
    widget, settings, chromium
):
    settings(allowed_origins=["https://shop.example", "http://*.localhost"])
    with site(widget) as at, chromium.new_context() as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{at()}/strict")
        page.evaluate("() => { HubChat('open'); HubChat('identify', {}); }")
        expect(page.get_by_role("heading", name="Strict")).to_be_visible()
        assert page.evaluate("document.body.children.length") == 3
        assert [one for one in said if "404" not in one] == [
            f'Chat: {at()} is not in "Allowed sites".'
        ]


def test_case_02_a_page_whose_loader_does_not_come_is_as_it_was(browser, widget):
    held: list[Any] = []
    ways = ["blocked", "broken", "slow"]

    def answer(route):
        match ways.pop(0):
            case "blocked":
                route.abort()
            case "broken":
                route.fulfill(status=500, body="No")
            case _:
                held.append(route)

    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.route(widget, answer)
        while ways:
            page.goto(f"{at()}/shop", wait_until="domcontentloaded")
            expect(page.get_by_role("heading", name="Shop")).to_be_visible()
            assert page.evaluate("document.body.children.length") == 3
        # What comes late is there all the same.
        held[0].continue_()
        expect(launcher(page)).to_be_visible()


def test_case_04_whatever_is_written_is_text_and_the_layout_holds(browser, widget, demo):
    with site(widget) as at:
        page = browser(logged_in=False, viewport={"width": 320, "height": 600}).new_page()
        page.goto(f"{at()}/shop")
        frame = window(page)
        evil = some("<img src=x onerror=alert(1)> [x](javascript:alert(1)) [y](data:text/html,z)")
        write(frame, evil)
        demo.answer(evil[:20], f"{evil} \u202egnp.exe\u202c [bank](https://evil.example)")
        theirs = frame.locator(".theirs .bubble")
        expect(theirs).to_have_text(f"{evil} \u202egnp.exe\u202c bank (evil.example)")
        assert frame.locator(".bubble img").count() == 0
        links = frame.locator(".bubble a")
        assert links.evaluate_all("all => all.map((one) => one.href)") == ["https://evil.example/"]
        emoji = "\N{FACE WITH TEARS OF JOY}" * 4000
        type_in(frame, emoji + "ab")
        expect(frame.get_by_text("2 characters too many")).to_be_visible()
        type_in(frame, "W" * 2000)
        write(frame, emoji)
        wide = "document.documentElement.scrollWidth - innerWidth"
        assert document_of(page).evaluate(wide) == 0
        assert frame.locator(".log").evaluate("log => log.scrollWidth - log.clientWidth") == 0


def test_case_12_a_greeting_keeps_its_rules_and_is_stored_once_it_is_answered(
    browser, widget, settings, demo
):
    hello, bye = some("Can we help you choose?"), some("Anything else?")
    settings(
        greetings=[
            {"id": "no", "content": "Not here", "when": {"url": ["https://other.example/**"]}},
            {"id": "bye", "content": bye, "when": {"url": ["**/prices/*"]}},
            {
                "id": "hi",
                "content": hello,
                "show": "panel",
                "when": {"url": ["http://localhost:*/sh*"], "delay_s": 20, "device": "phone"},
            },
        ]
    )
    stored = "SELECT count(*) FROM messages WHERE content LIKE ?"
    with site(widget) as at:
        context = browser(logged_in=False, viewport={"width": 390, "height": 700})
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        stop_time(page)
        page.goto(f"{at()}/shop")
        expect(launcher(page)).to_be_visible()
        greeting = page.get_by_role("button", name=hello)
        page.clock.run_for(15_000)
        expect(greeting).to_have_count(0)
        page.clock.run_for(6000)
        # On a phone the window never opens by itself, whatever the rule says.
        expect(greeting).to_be_visible()
        expect(page.locator("iframe")).to_have_count(0)
        page.get_by_role("button", name="Dismiss").click()
        expect(greeting).to_have_count(0)

        # Dismissed: none for a day, wherever the visitor goes.
        move = "path => history.pushState({}, '', path)"
        page.evaluate(move, "/prices/of-bells")
        page.clock.run_for(5000)
        other = page.get_by_role("button", name=bye)
        expect(other).to_have_count(0)
        page.clock.fast_forward("25:00:00")
        page.evaluate(move, "/prices/of/bells")
        page.clock.run_for(5000)
        expect(other).to_have_count(0)
        page.evaluate(move, "/prices/of-wheels")
        page.clock.run_for(1000)
        expect(other).to_be_visible()
        # Up to here the hub was asked for nothing but the loader.
        assert [url for url in asked if not url.startswith(at())] == [widget]

        page.clock.resume()
        other.click()
        frame = page.frame_locator("iframe")
        expect(frame.get_by_text(bye)).to_be_visible()
        assert demo.sql(stored, f"%{bye}%") == [(0,)]
        text = some("Yes, please")
        type_in(frame, text)
        expect(frame.locator(".own[data-seq]")).to_have_count(1)
        expect(said(frame)).to_have_text([bye, text])
        assert demo.sql(stored, f"%{bye}%") == [(1,)]
        assert demo.sql(stored, f"%{hello}%") == [(0,)]
        page.goto(f"{at()}/shop")
        page.clock.run_for(60_000)
        expect(launcher(page)).to_be_visible()
        expect(greeting).to_have_count(0)


def wait_for_keys(page, field):
    """Wait until keys reach a window: the browser hears of its focus later than the window does.

    Of several pages, keys go to the one in front.
    """
    for _ in range(100):
        page.bring_to_front()
        page.keyboard.press("x")
        page.wait_for_timeout(50)
        if field.input_value():
            break
    else:
        raise AssertionError("No key reaches the window.")
    page.keyboard.press("Control+A")


def test_keys_reach_a_window_that_is_opened_at_any_moment_of_its_coming(browser, widget, demo):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        held: list[Any] = []
        # Not `held.append` itself: it takes no mark of Playwright's.
        page.route("**/frame", lambda route: held.append(route))  # noqa: PLW0108 - see above
        for later in range(0, 200, 20):
            demo.relieve()
            page.goto(f"{at()}/strict")
            page.keyboard.press("Tab")
            expect(launcher(page)).to_be_focused()
            while not held:
                page.wait_for_timeout(10)
            # Browsers lost the focus where the document came just after it was given.
            held.pop().continue_()
            page.wait_for_timeout(later)
            page.keyboard.press("Enter")
            field = page.frame_locator("iframe").locator(FIELD)
            expect(field).to_be_focused()
            wait_for_keys(page, field)


def test_case_14_by_keyboard_alone_a_window_is_used_and_only_news_is_read_out(
    browser, widget, demo
):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        page.keyboard.press("Tab")
        expect(launcher(page)).to_be_focused()
        page.keyboard.press("Enter")
        frame = page.frame_locator("iframe")
        expect(frame.locator(FIELD)).to_be_focused()
        expect(launcher(page)).to_have_attribute("aria-expanded", "true")
        text = some("By keyboard")
        wait_for_keys(page, frame.locator(FIELD))
        page.keyboard.type(text)
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("and on")
        expect(frame.locator(FIELD)).to_have_value(f"{text}\nand on")
        page.keyboard.press("Enter")
        expect(frame.locator(".own[data-seq]")).to_have_count(1)
        demo.answer(text, "First")
        spoken = frame.locator("[aria-live=polite]")
        expect(spoken).to_have_text("Our team: First")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        expect(frame.get_by_role("log")).to_be_focused()
        page.keyboard.press("Escape")
        expect(launcher(page)).to_be_focused()
        expect(page.locator("iframe")).to_be_hidden()
        page.reload()
        frame = window(page)
        expect(said(frame)).to_have_count(2)
        demo.answer(text, "Second")
        expect(spoken).to_have_text("Our team: Second")
        expect(frame.get_by_role("dialog", name="Chat with us")).to_match_aria_snapshot(
            """
            - dialog "Chat with us":
              - banner:
                - heading "Chat with us" [level=1]
                - button "Close the chat"
              - log "Messages"
            """
        )


#: How a page may be looked at, and on which.
LOOKS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "light": ({}, {}, "shop"),
    "dark": ({"color_scheme": "dark"}, {"theme": {"color": "#ffd400"}}, "shop"),
    "forced colours": ({"forced_colors": "active"}, {}, "shop"),
    "right to left": ({}, {}, "arabic"),
    "320 px, no motion": (
        {"viewport": {"width": 320, "height": 640}, "reduced_motion": "reduce"},
        {"theme": {"color": "#777777"}},
        "shop",
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_case_14_axe_finds_nothing(browser, widget, demo, settings, look):
    options, chosen, name = LOOKS[look]
    language = "ar" if name == "arabic" else "en"
    form = {"when": "first", "fields": [{"name": "name", "label": "Name", "required": True}]}
    settings(**chosen, prechat=form)
    with site(widget) as at:
        page = browser(logged_in=False, **options).new_page()
        page.goto(f"{at()}/{name}")
        frame, text = window(page, language), some("How do I look?")
        type_in(frame, text)
        field = frame.get_by_label("Name")
        expect(field).to_be_focused()
        field.press("Enter")
        expect(frame.locator(".problem")).to_be_visible()
        assert stumbles_of_both(page) == []
        field.fill("Ada")
        field.press("Enter")
        expect(frame.locator(".own[data-seq]")).to_have_count(2)
        buttons = [{"id": "a", "title": "A"}, {"id": "b", "title": "B", "description": "The other"}]
        demo.answer(text, "Like **this**: `code`, https://shop.example\n- one\n- two")
        demo.answer(text, {"type": "choices", "text": "Which?", "options": buttons})
        expect(frame.locator(".option")).to_have_count(2)
        assert stumbles_of_both(page) == []


def stumbles_of_both(page):
    """What somebody would stumble over in the window, and in a page because of it."""
    page.wait_for_function("() => document.getAnimations().length === 0")
    # The pages around the window are no concern of this.
    but = {"region", "landmark-one-main"}
    return [*stumbles(page, but=but), *stumbles(document_of(page), but=but)]


def test_case_15_forged_messages_are_not_heard(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/strict")
        frame = window(page)
        write(frame, some("Hello"))
        page.evaluate(
            """other => {
              const frame = document.querySelector('iframe').contentWindow;
              for (const n of ['', null, 'x'.repeat(32)])
                frame.postMessage({hub: 1, n, t: 'logout'}, '*');
              for (const n of ['x', '', undefined]) window.postMessage({hub: 1, n, t: 'close'}, '*');
              // Even who knows the number is not heard from elsewhere.
              const n = new URLSearchParams(new URL(document.querySelector('iframe').src).hash.slice(1)).get('n');
              window.postMessage({hub: 1, n, t: 'close'}, '*');
              const stranger = document.createElement('iframe');
              stranger.name = n;
              stranger.src = other;
              // The window says things of its own, too.
              addEventListener('message', ({ data }) => { window.forged ||= data === 'told'; });
              document.body.append(stranger);
            }""",
            f"{at('evil.localhost')}/forger",
        )
        page.wait_for_function("() => window.forged")
        frame = page.frame_locator("iframe").first
        expect(frame.locator(".own .bubble")).to_have_count(1)
        expect(page.locator("iframe").first).to_be_visible()
        assert "forged" not in page.evaluate("JSON.stringify(localStorage)")


def test_on_a_phone_the_window_is_modal_and_the_way_back_closes_it(browser, widget):
    with site(widget) as at:
        context = browser(logged_in=False, viewport={"width": 390, "height": 700})
        page = context.new_page()
        page.goto(f"{at()}/shop")
        page.evaluate("scrollTo(0, 300)")
        entries = page.evaluate("history.length")
        frame = window(page)
        expect(frame.get_by_role("dialog")).to_have_attribute("aria-modal", "true")
        box = page.locator("iframe").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 390, "height": 700}
        assert page.evaluate("[document.querySelector('h1').inert, scrollY]") == [True, 300]
        for _ in range(6):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.tagName") == "IFRAME"
        page.go_back()
        expect(launcher(page)).to_be_focused()
        assert page.url == f"{at()}/shop"
        assert not page.evaluate("document.querySelector('h1').inert")
        launcher(page).click()
        frame.get_by_role("button", name="Close the chat").click()
        expect(launcher(page)).to_be_visible()
        page.wait_for_function("() => !(history.state || {}).hubchat")
        # The entry of the window is the one after this one, and is used again.
        assert page.evaluate("history.length") == entries + 1
        assert page.evaluate("scrollY") == 300


def test_what_a_page_asks_before_it_is_there_is_done_once_it_is(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.add_init_script(
            "window.HubChat = function () { (HubChat.q = HubChat.q || []).push(arguments) };"
            "HubChat('on', 'open', () => { window.heard = true; }); HubChat('open');"
        )
        page.goto(f"{at()}/shop")
        frame = page.frame_locator("iframe")
        expect(frame.locator(FIELD)).to_be_focused()
        assert page.evaluate("window.heard")
        expect(launcher(page)).to_have_count(1)


def test_a_proof_that_does_not_hold_is_named_and_takes_nobody_their_conversation(browser, widget):
    with site(widget) as at:
        page = browser(logged_in=False).new_page()
        page.goto(f"{at()}/shop")
        frame, text = window(page), some("Before the proof")
        write(frame, text)
        page.evaluate("HubChat('on', 'identity.refused', (why) => { window.why = why; })")
        with page.expect_console_message(lambda one: "This is no JWT." in one.text):
            page.evaluate("HubChat('identify', { jwt: 'x.y.z' })")
        page.wait_for_function("() => window.why === 'This is no JWT.'")
        expect(said(frame)).to_have_text([text])
        page.reload()
        expect(said(window(page))).to_have_text([text])
