"""The console: who may see what, forged forms, hostile texts, and answering once."""

import re

import pytest

from hubbub.people.sessions import cookie_name, open_session
from hubbub.people.users import add_user
from hubbub.web import create_app

EVIL = "<script>alert(1)</script>\"'>"


@pytest.fixture
def people(world):
    """An admin and an agent."""
    return {
        role: add_user(
            world.hub, email=f"{role}@example.org", password="long enough", role=role, actor="cli"
        )
        for role in ("admin", "agent")
    }


@pytest.fixture
def browser(world, people):
    """Return a browser logged in as somebody of a role, or as nobody."""
    app = create_app(hub=world.hub)

    def make(role=None):
        client = app.test_client()
        if role:
            cookie = open_session(world.hub, people[role])
            client.set_cookie(cookie_name(world.hub.settings), cookie)
        return client

    return make


@pytest.fixture
def line(world):
    line = world.channel(name="Perch")
    world.hear(line, {"id": "m1", "from": "+1", "name": "Ada", "text": "Hello"})
    return line


def conversation(world):
    return world.one("SELECT id FROM conversations")["id"]


def form_token(page):
    return found(r'name="form_token" value="([^"]*)"', page)


def found(pattern, page):
    match = re.search(pattern, page.text)
    assert match is not None
    return match[1]


@pytest.mark.parametrize(
    ("path", "agent"),
    [
        ("/inbox", 200),
        ("/channels", 403),
        ("/channels/add", 403),
        ("/channels/add/parrot", 403),
        ("/settings", 403),
    ],
)
def test_a_page_is_shown_to_those_who_may_see_it(browser, line, path, agent):
    nobody = browser().get(path)
    assert (nobody.status_code, "/login" in nobody.headers["Location"]) == (302, True)
    assert browser("agent").get(path).status_code == agent
    assert browser("admin").get(path).status_code == 200


def test_every_page_forbids_foreign_scripts_and_frames(browser, line):
    page = browser("admin").get("/channels")
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_logging_in_takes_the_right_password(browser):
    client = browser()
    wrong = client.post("/login", data={"email": "admin@example.org", "password": "guess"})
    assert wrong.status_code == 401
    right = client.post("/login", data={"email": "admin@example.org", "password": "long enough"})
    assert right.status_code == 302
    assert "HttpOnly" in right.headers["Set-Cookie"]
    assert client.get("/inbox").status_code == 200


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_login_leads_nowhere_else(browser, where):
    given = {"email": "admin@example.org", "password": "long enough", "next": where}
    assert browser().post("/login", data=given).headers["Location"] == "/inbox"


def test_a_form_without_its_token_is_refused(world, browser, line):
    url = f"/inbox/{conversation(world)}/reply"
    assert browser("agent").post(url, data={"text": "Hi"}).status_code == 403
    assert world.rows("SELECT id FROM messages WHERE direction = 'outbound'") == []


def test_a_form_of_another_site_is_refused(world, browser, line):
    client = browser("agent")
    token = form_token(client.get("/inbox"))
    url = f"/inbox/{conversation(world)}/reply"
    answer = client.post(
        url,
        data={"text": "Hi", "form_token": token},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403


def test_a_reply_sent_twice_is_one_message(world, browser, line):
    client = browser("agent")
    url = f"/inbox/{conversation(world)}"
    given = {"text": "Hi", "key": "one", "form_token": form_token(client.get(url))}
    for _ in range(2):
        assert client.post(f"{url}/reply", data=given).status_code == 302
    world.work()
    assert world.provider.said == ["Hi"]
    assert "sent" in client.get(url).text


def test_opening_a_conversation_marks_it_seen(world, browser, line):
    assert world.one("SELECT unread FROM conversations")["unread"] == 1
    browser("agent").get(f"/inbox/{conversation(world)}")
    assert world.one("SELECT unread FROM conversations")["unread"] == 0


def test_what_contacts_write_is_never_markup(world, browser):
    line = world.channel(name=EVIL[:90])
    world.hear(line, {"id": "m1", "from": EVIL, "name": EVIL, "text": EVIL})
    client = browser("admin")
    message = world.one("SELECT id FROM messages")["id"]
    for path in (
        "/inbox",
        f"/inbox/{conversation(world)}",
        f"/messages/{message}/trace",
        "/channels",
        f"/channels/{line.id}",
    ):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_a_channel_is_added_through_its_form(world, browser):
    client = browser("admin")
    url = "/channels/add/parrot"
    token = form_token(client.get(url))
    refused = client.post(url, data={"name": "New", "form_token": token})
    assert refused.status_code == 422
    assert "credentials-secret" in refused.text
    given = {"name": "New", "credentials.secret": "polly", "form_token": token}
    made = client.post(url, data=given)
    assert made.status_code == 302
    assert "polly" not in client.get(made.headers["Location"]).text


def test_a_failed_message_offers_another_try(world, browser, line):
    client = browser("agent")
    url = f"/inbox/{conversation(world)}"
    world.provider.will((400, {}))
    token = form_token(client.get(url))
    client.post(f"{url}/reply", data={"text": "Hi", "form_token": token})
    world.work()
    page = client.get(url)
    assert "The parrot refuses." in page.text
    again = found(r'formaction="(/messages/[^"]+/retry)"', page)
    assert client.post(again, data={"form_token": token}).status_code == 302
    world.work()
    assert world.provider.said == ["Hi", "Hi"]


def test_health_says_what_is_missing(world, browser):
    client = browser()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert b"hubbub_calls_received" in client.get("/metrics").data
