"""People change their own password, and an admin gives a new one to who forgot theirs."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.datastructures import MultiDict

from hubbub import ui
from hubbub.people.rules import SESSION_LIFE
from hubbub.people.throttle import Throttle
from hubbub.ui.kept import kept_of
from hubbub.web import create_app
from tests.core.ui.kit import Reader, form_token, found


@pytest.fixture(autouse=True)
def _no_redis(monkeypatch):
    monkeypatch.setattr(Throttle, "on", lambda _: Throttle())


def change(client, *, old="long enough", new="much longer", again="much longer"):
    token = form_token(client.get("/account"))
    typed = {"old_password": old, "new_password": new, "same_password": again}
    return client.post("/account", data={"form_token": token, **typed})


def log_in(client, email, password):
    return client.post("/login", data={"email": email, "password": password}).status_code


def test_a_new_password_ends_every_other_login_and_not_this_one(browser):
    here, elsewhere = browser("agent"), browser("agent")
    assert "agent@example.org" in here.get("/account").text
    changed = change(here)
    assert changed.headers["Location"] == "/account?changed=yes"
    assert "logged out everywhere else" in here.get("/account?changed=yes").text
    assert elsewhere.get("/inbox").status_code == 302
    assert log_in(browser(), "agent@example.org", "long enough") == 401
    assert log_in(browser(), "agent@example.org", "much longer") == 302


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"old": "a guess"}, "This is not your password."),
        ({"again": "much longe"}, "The new passwords are not the same."),
        ({"new": "short", "again": "short"}, "Take at least 8 characters for a password."),
    ],
)
def test_a_password_that_cannot_be_changed_stays_and_the_page_says_why(browser, typed, problem):
    client = browser("agent")
    refused = change(client, **typed)
    assert refused.status_code == 422
    assert f'role="alert" id="problem">{problem}</p>' in refused.text
    assert log_in(browser(), "agent@example.org", "long enough") == 302


def test_guesses_at_the_old_password_are_stopped(browser):
    client = browser("agent")
    for _ in range(10):
        change(client, old="a guess")
    stopped = change(client)
    assert (stopped.status_code, "Too many attempts" in stopped.text) == (429, True)
    assert int(stopped.headers["Retry-After"]) > 0


def test_no_password_is_shown_to_who_logs_in_after_a_login_that_had_ended(world, browser):
    client = browser("agent")
    page = client.get("/account")
    typed = dict.fromkeys(re.findall(r'name="(\w+)" type="password"', page.text), "whisper it")
    assert len(typed) == len(("old", "new", "same"))
    typed["form_token"] = form_token(page)
    world.clock.forward(seconds=SESSION_LIFE.total_seconds() + 1)
    asked = client.post("/account", data=typed)
    assert (asked.status_code, "whisper it" in asked.text) == (401, False)
    assert "it is not kept. Log in and do it again." in asked.text


def test_every_password_that_a_page_asks_for_has_a_name_that_says_so():
    pages = Path(ui.__file__).parent.glob("templates/**/*.html")
    fields = [
        one
        for page in pages
        for one in re.findall(r'<input[^>]*type="password"[^>]*>', page.read_text())
    ]
    names = [re.sub(r'.* name="(\w+)".*', r"\1", one) for one in fields]
    assert "new_password" in names
    assert kept_of(MultiDict([(name, "whisper it") for name in names])) == ()


def test_a_colleague_chooses_a_new_password_by_a_link_that_is_good_once(world, browser, people):
    admin = Reader(browser("admin"))
    path = f"/operate/people/{people['agent']}/link"
    page = admin.post(path)
    assert "shown this once" in page.text
    link = urlsplit(found(r'id="made" value="([^"]*)"', page)).path
    assert link not in admin.get(f"/operate/people/{people['agent']}").text

    guest = browser()
    assert "agent@example.org" in guest.get(link).text
    chosen = {"new_password": "chosen by me", "same_password": "chosen by mi"}
    assert "not the same" in guest.post(link, data=chosen).text
    answer = guest.post(link, data={**chosen, "same_password": "chosen by me"})
    assert answer.headers["Location"] == "/inbox"
    assert guest.get("/inbox").status_code == 200
    for over in (link, link[:-1], link.replace(people["agent"], people["admin"])):
        assert browser().get(over).status_code == 410
    assert log_in(browser(), "agent@example.org", "chosen by me") == 302


@pytest.mark.parametrize("until", [10**11, 10**18, 10**40])
def test_no_link_is_good_whose_end_is_no_moment(browser, people, until):
    page = Reader(browser("admin")).post(f"/operate/people/{people['agent']}/link")
    start, _, signature = urlsplit(found(r'id="made" value="([^"]*)"', page)).path.rsplit("/", 2)
    assert browser().get(f"{start}/{until}/{signature}").status_code == 410


def test_a_link_is_not_good_for_ever_and_not_for_who_is_disabled(world, browser, people):
    admin = Reader(browser("admin"))
    path = f"/operate/people/{people['agent']}"

    def made():
        link = found(r'id="made" value="([^"]*)"', admin.post(f"{path}/link"))
        return urlsplit(link).path

    link = made()
    admin.post(f"{path}/disable")
    assert browser().get(link).status_code == 410
    admin.post(f"{path}/enable")
    assert browser().get(link).status_code == 410
    before, link = made(), made()
    assert "a link made before does not" in admin.get(path).text
    assert browser().get(before).status_code == 410
    assert browser().get(link).status_code == 200
    world.clock.forward(days=3)
    assert browser().get(link).status_code == 410


def test_roles_change_and_the_last_admin_stays(world, browser, people):
    admin = Reader(browser("admin"))
    path = f"/operate/people/{people['agent']}"
    assert "Their role is admin now." in admin.post(f"{path}/role", role="admin").text
    other = Reader(browser("agent"))
    mine = f"/operate/people/{people['admin']}"
    assert "Their role is agent now." in other.post(f"{mine}/role", role="agent").text
    assert admin.get("/operate/people").status_code == 403
    assert other.post(f"{path}/role", role="agent").status_code == 403
    assert other.post(f"{mine}/role", role="king").status_code == 422


def test_somebody_is_logged_out_everywhere(world, browser, people):
    agent = browser("agent")
    told = Reader(browser("admin")).post(f"/operate/people/{people['agent']}/logout")
    assert "logged out everywhere" in told.text
    assert agent.get("/inbox").status_code == 302


def test_nobody_gets_their_own_password_changed_without_the_old_one(browser, people):
    admin = browser("admin")
    data = {"form_token": form_token(admin.get("/operate/people"))}
    refused = admin.post(f"/operate/people/{people['admin']}/link", data=data)
    assert refused.status_code == 403
    assert log_in(browser(), "admin@example.org", "long enough") == 302


def test_an_agent_gives_nobody_a_password(browser, people):
    agent = browser("agent")
    data = {"form_token": form_token(agent.get("/account"))}
    assert agent.post(f"/operate/people/{people['admin']}/link", data=data).status_code == 403


def test_who_cannot_be_added_stays_in_the_open_form_with_what_is_wrong(browser):
    admin = browser("admin")
    token = form_token(admin.get("/operate/people"))
    typed = {"email": "new@example.org", "name": "Neo", "role": "admin", "password": "short"}
    page = admin.post("/operate/people", data={"form_token": token, **typed})
    _, _, form = page.text.partition("Add somebody")
    assert 'role="alert" id="add-problem">Take at least 8 characters' in form
    assert 'value="new@example.org"' in form
    assert 'value="admin" selected' in form
    assert "password: Take" not in page.text
    assert 'value="short"' not in page.text


def test_who_logs_out_has_no_cookie_left_where_its_name_guards_it(world, people, make_settings):
    world.hub.settings = make_settings(public_url="https://hub.example")
    client = create_app(hub=world.hub).test_client()
    form = {"email": "agent@example.org", "password": "long enough"}
    secure = {"base_url": "https://hub.example"}
    assert client.post("/login", data=form, **secure).status_code == 302
    token = form_token(client.get("/account", **secure))
    answer = client.post("/logout", data={"form_token": token}, **secure)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-hubbub=;")
    assert "Secure" in cookie
