"""People change their own password, and an admin gives a new one to who forgot theirs."""

import pytest

from hubbub.people.throttle import Throttle
from tests.core.ui.kit import form_token, found


@pytest.fixture(autouse=True)
def _no_redis(monkeypatch):
    monkeypatch.setattr(Throttle, "on", lambda _: Throttle())


def change(client, *, old="long enough", new="much longer", again="much longer"):
    token = form_token(client.get("/account"))
    return client.post(
        "/account", data={"form_token": token, "old": old, "new": new, "again": again}
    )


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


def test_an_admin_gives_a_colleague_a_password_that_is_shown_once(browser, people):
    admin, colleague = browser("admin"), browser("agent")
    data = {"form_token": form_token(admin.get("/settings"))}
    page = admin.post(f"/settings/users/{people['agent']}/password", data=data)
    assert "agent@example.org has a new password" in page.text
    made = found(r'id="made" value="([^"]*)"', page)
    assert made not in admin.get("/settings").text
    assert colleague.get("/inbox").status_code == 302
    assert log_in(browser(), "agent@example.org", made) == 302


def test_nobody_gets_their_own_password_changed_without_the_old_one(browser, people):
    admin = browser("admin")
    data = {"form_token": form_token(admin.get("/settings"))}
    refused = admin.post(f"/settings/users/{people['admin']}/password", data=data)
    assert refused.status_code == 403
    assert log_in(browser(), "admin@example.org", "long enough") == 302


def test_an_agent_gives_nobody_a_password(browser, people):
    agent = browser("agent")
    data = {"form_token": form_token(agent.get("/account"))}
    assert agent.post(f"/settings/users/{people['admin']}/password", data=data).status_code == 403


def test_who_cannot_be_added_stays_in_the_open_form_with_what_is_wrong(browser):
    admin = browser("admin")
    token = form_token(admin.get("/settings"))
    typed = {"email": "new@example.org", "name": "Neo", "role": "admin", "password": "short"}
    page = admin.post("/settings/users", data={"form_token": token, **typed})
    _, _, form = page.text.partition("<details open><summary>Add somebody")
    assert '<p class="problem" role="alert">Take at least 8 characters' in form
    assert 'value="new@example.org"' in form
    assert 'value="admin" selected' in form
    assert "password: Take" not in page.text
    assert 'value="short"' not in page.text
