"""The console: who may see what, forged forms, hostile texts, and where a login leads."""

import re

import pytest

from hubbub.connect.drafts import begin_draft
from hubbub.people.rules import SESSION_LIFE
from hubbub.people.saved_views import save_view
from hubbub.store.session import DatabaseDown
from hubbub.web import create_app
from tests.core.ui.kit import conversation, form_token

EVIL = "<script>alert(1)</script>\"'>"
ADMINS_ALONE = ("/channels", "/calls", "/operate")
#: What is open to those who have not logged in yet.
OPEN = ("/login", "/welcome")
LOGIN = {"email": "admin@example.org", "password": "long enough"}


def forms(app, world, line):
    """Return the address of every form of the console, with ids of things that are there."""
    known = {
        "conversation_id": conversation(world),
        "message_id": world.one("SELECT id FROM messages")["id"],
        "channel_id": line.id,
        "channel_type": "parrot",
        "contact_id": world.one("SELECT id FROM contacts")["id"],
        "address_id": "none",
        "merge_id": "none",
        "what": "retry",
        "call_id": "none",
        "user_id": "nobody",
        "token_id": "none",
        "rule_id": "none",
        "number": 1,
        "draft_id": begin_draft(world.hub, type="parrot", actor="cli"),
        "team_id": "none",
        "view_id": "none",
        "template_id": "none",
        "canned_id": "none",
        "requeue_id": "none",
        "name": "parrot",
        "until": 1,
        "signature": "none",
    }
    special = {"ui.act": "switch", "ui.act_on_routing": "undo", "ui.change_person": "role"}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("ui.") and "POST" in rule.methods:
            given = {name: known[name] for name in rule.arguments}
            if rule.endpoint in special:
                given["what"] = special[rule.endpoint]
            yield adapter.build(rule.endpoint, given, method="POST")


@pytest.mark.parametrize(
    ("path", "agent"),
    [
        ("/inbox", 200),
        ("/contacts", 200),
        ("/channels", 403),
        ("/channels/add", 403),
        ("/channels/add/parrot", 403),
        ("/operate", 403),
        ("/operate/failed", 403),
        ("/operate/plugins", 403),
        ("/operate/people", 403),
        ("/operate/teams", 403),
        ("/operate/teams/new", 403),
        ("/operate/tokens", 403),
        ("/operate/audit", 403),
    ],
)
def test_a_page_is_shown_to_those_who_may_see_it(browser, line, path, agent):
    nobody = browser().get(path)
    assert (nobody.status_code, "/login" in nobody.headers["Location"]) == (302, True)
    assert browser("agent").get(path).status_code == agent
    assert browser("admin").get(path).status_code == 200


def test_an_agent_is_offered_nothing_that_is_for_admins(world, browser, line):
    client = browser("agent")
    for path in ("/inbox", f"/inbox/{conversation(world)}"):
        page = client.get(path).text
        assert not any(f'href="{where}' in page for where in ADMINS_ALONE)
    assert client.get(f"/channels/{line.id}").status_code == 403


def test_what_is_for_admins_is_done_for_no_agent(world, browser, line):
    client = browser("agent")
    token = form_token(client.get("/inbox"))
    wanted = [url for url in forms(client.application, world, line) if url.startswith(ADMINS_ALONE)]
    assert len(wanted) >= 8
    for url in wanted:
        assert client.post(url, data={"form_token": token}).status_code == 403, url


def test_no_form_is_taken_without_its_token_or_from_another_site(world, browser, line):
    client = browser("admin")
    token = form_token(client.get("/inbox"))
    for url in forms(client.application, world, line):
        foreign = {"Sec-Fetch-Site": "cross-site"}
        answer = client.post(url, data={"form_token": token}, headers=foreign)
        assert answer.status_code == 403, url
        answer = client.post(
            url, data={"form_token": token}, headers={"Origin": "https://evil.example"}
        )
        assert answer.status_code == 403, url
        if not url.startswith(OPEN):  # which has no session yet that a token could belong to
            assert client.post(url, data={"form_token": "another"}).status_code == 403, url
            assert client.post(url).status_code == 403, url
    assert world.rows("SELECT id FROM messages WHERE direction = 'outbound'") == []


def test_every_page_forbids_foreign_scripts_and_frames(browser, line):
    for path in ("/login", "/inbox", "/channels", "/inbox/nobody"):
        page = browser("admin").get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"


def test_logging_in_takes_the_right_password(browser):
    client = browser()
    wrong = client.post("/login", data={**LOGIN, "password": "guess"})
    assert wrong.status_code == 401
    right = client.post("/login", data=LOGIN)
    assert right.status_code == 302
    assert "HttpOnly" in right.headers["Set-Cookie"]
    assert "SameSite=Lax" in right.headers["Set-Cookie"]
    assert client.get("/inbox").status_code == 200


def test_behind_a_proxy_each_client_has_attempts_of_its_own(world, people, make_settings):
    world.hub.settings = make_settings(trusted_proxies="127.0.0.1")
    client = create_app(hub=world.hub).test_client()

    def log_in(address, password):
        form = {**LOGIN, "password": password}
        return client.post("/login", data=form, headers={"X-Forwarded-For": address}).status_code

    assert [log_in("192.0.2.1", "guess") for _ in range(11)] == [401] * 10 + [429]
    assert log_in("192.0.2.2", LOGIN["password"]) == 302


@pytest.mark.parametrize(
    "where",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_a_login_leads_nowhere_else(browser, where):
    answer = browser().post("/login", data={**LOGIN, "next": where})
    assert answer.headers["Location"] == "/inbox"


@pytest.mark.parametrize(
    "path",
    ["/inbox?q=%00", "/inbox/%00", "/contacts?q=a%00", "/channels?q=%00", "/audit?actor=%00"],
)
def test_characters_that_no_database_keeps_are_refused_in_words(browser, line, path):
    answer = browser("admin").get(path)
    assert answer.status_code in {400, 404}
    assert "database" not in answer.text
    assert "To the inbox" in answer.text


def test_a_login_with_such_characters_is_refused_too(browser):
    answer = browser().post("/login", data={**LOGIN, "email": "a\0@example.com"})
    assert answer.status_code == 400


def test_a_number_that_no_conversation_reaches_asks_for_its_last_messages(browser, world, line):
    conversation = world.one("SELECT id FROM conversations")["id"]
    for number in ("99999999999999999999", "-1", "x"):
        assert browser("admin").get(f"/inbox/{conversation}?since={number}").status_code == 200


def test_a_view_that_was_saved_with_odd_filters_breaks_no_page(browser, world, people):
    filters = {"endpoint": "x", "_anchor": "y", "view": "all"}
    save_view(world.hub, people["agent"], name="Odd", filters=filters)
    page = browser("agent").get("/inbox")
    assert page.status_code == 200
    assert 'href="/inbox?view=all"' in page.text


def test_a_login_leads_to_where_somebody_wanted_to_go(browser):
    client = browser()
    asked = client.get("/channels?a=1").headers["Location"]
    assert asked == "/login?next=/channels?a%3D1"
    answer = client.post("/login", data={**LOGIN, "next": "/channels?a=1"})
    assert answer.headers["Location"] == "/channels?a=1"


def test_a_login_ends_and_the_script_of_an_open_page_is_told(world, browser, line):
    client = browser("agent")
    assert client.get("/inbox").status_code == 200
    world.clock.forward(seconds=SESSION_LIFE.total_seconds() + 1)
    assert client.get("/inbox").status_code == 302
    asked = client.get("/inbox", headers={"X-Script": "1"})
    assert (asked.status_code, asked.text) == (401, "You are logged out.\n")


def test_who_is_led_to_the_login_by_an_open_page_is_told_why(browser):
    client = browser()
    assert "Your login ended" not in client.get("/login?next=/inbox").text
    page = client.get("/login?next=/inbox&ended=kept").text
    assert "Your login ended. What you wrote is kept." in page
    assert 'name="next" value="/inbox"' in page


def test_what_was_typed_is_there_after_a_login_that_had_ended(world, browser):
    client = browser("agent")
    typed = {
        "form_token": form_token(client.get("/canned/new")),
        "shortcut": "hours",
        "text": "9 to 17",
    }
    secret = {"new_password": "not for others"}
    world.clock.forward(seconds=SESSION_LIFE.total_seconds() + 1)
    asked = client.post("/canned/new", data={**typed, **secret})
    assert asked.status_code == 401
    assert "Your login ended before this was sent." in asked.text
    assert secret["new_password"] not in asked.text
    kept = dict(re.findall(r'name="(kept[^"]*)" value="([^"]*)"', asked.text))
    wrong = client.post("/login", data={**LOGIN, "password": "wrong", **kept})
    assert 'value="9 to 17"' in wrong.text
    again = client.post("/login", data={**LOGIN, **kept})
    assert "You are logged in again" in again.text
    assert '<form class="card" method="post" action="/canned/new"' in again.text
    fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', again.text))
    assert client.post("/canned/new", data=fields).status_code == 302
    assert world.rows("SELECT shortcut, text FROM canned_replies") == [
        {"shortcut": "hours", "text": "9 to 17"}
    ]


def test_nothing_is_kept_of_what_another_site_sent(browser):
    asked = browser().post(
        "/canned/new", data={"text": "Evil"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert asked.status_code == 403
    answer = browser().post(
        "/login", data={**LOGIN, "kept.text": "Evil", "kept_for": "//evil.example/"}
    )
    assert answer.headers["Location"] == "/inbox"


def test_what_goes_wrong_is_told_to_a_script_in_plain_words(browser):
    asked = browser("agent").get("/inbox/nobody", headers={"X-Script": "1"})
    assert asked.status_code == 404
    assert asked.content_type == "text/plain; charset=utf-8"
    assert asked.text == "There is nothing here. Perhaps it was deleted.\n"


@pytest.mark.parametrize("path", ["/console/channels/nonsense", "/inbox/nobody", "/channels/no"])
def test_where_nothing_is_a_page_of_the_console_says_so_and_leads_on(browser, path):
    page = browser("admin").get(path)
    assert page.status_code == 404
    assert "<h1>Not found</h1>" in page.text
    assert 'aria-label="Main"' in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_a_stranger_who_is_lost_is_led_to_the_login_and_shown_no_more(browser):
    page = browser().get("/nonsense")
    assert page.status_code == 404
    assert ">Log in</a>" in page.text
    assert 'aria-label="Main"' not in page.text


def test_a_page_that_is_not_there_needs_no_database(world, browser, monkeypatch):
    def down(_hub, _cookie):
        raise DatabaseDown("It does not answer.")

    client = browser("admin")
    monkeypatch.setattr("hubbub.ui.guard.person_of", down)
    assert client.get("/nonsense").status_code == 404
    assert (trouble := client.get("/inbox?view=mine")).status_code == 503
    assert 'href="/inbox?view=mine">Try again</a>' in trouble.text


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("/channels/{}/routing/save", "/channels/{}/routing"),
        ("/channels/{}/check", "/channels/{}"),
        ("/inbox/{}/reply", "/inbox/{}"),
        ("/operate/tokens/{}/revoke", "/operate/tokens"),
        ("/messages/{}/retry", "/"),
    ],
)
def test_the_address_of_a_form_that_is_loaded_again_leads_to_its_page(browser, form, page):
    answer = browser("admin").get(form.format("x"))
    assert (answer.status_code, answer.headers["Location"]) == (302, page.format("x"))
    assert browser().get("/callbacks/x").status_code == 405


def test_what_contacts_write_is_never_markup(world, browser):
    line = world.channel(name=EVIL[:90])
    world.hear(line, {"id": "m1", "from": EVIL, "name": EVIL, "text": EVIL})
    client = browser("admin")
    message = world.one("SELECT id FROM messages")["id"]
    for path in (
        "/inbox",
        f"/inbox?q={EVIL}",
        f"/inbox/{conversation(world)}",
        f"/messages/{message}/trace",
        "/channels",
        f"/channels/{line.id}",
        f"/channels/{line.id}/routing?message={message}",
        f"/channels/{line.id}/routing/dry-run",
    ):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_a_broken_page_says_no_more_than_that(world, people, monkeypatch):
    app = create_app(hub=world.hub)
    monkeypatch.setattr("hubbub.ui.people.session._page", lambda problem: 1 / 0)
    page = app.test_client().get("/login")
    assert page.status_code == 500
    assert "ZeroDivisionError" not in page.text
    assert "Content-Security-Policy" in page.headers


def test_health_says_what_is_missing(world, browser):
    client = browser()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert b"hubbub_calls_received" in client.get("/metrics").data


def test_what_is_too_large_to_be_kept_over_a_login_is_said_to_be_lost(browser):
    asked = browser().post("/canned/new", data={"shortcut": "long", "text": "x" * 300_000})
    assert asked.status_code == 401
    assert "it is not kept. Log in and do it again." in asked.text
    assert "it is still here" not in asked.text
