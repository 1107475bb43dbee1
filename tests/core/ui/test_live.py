"""The stream of news ends with the login that it was opened by."""

import pytest

from hubbub.live import LiveEvent
from hubbub.people.sessions import close_session, cookie_name
from hubbub.people.users import change_user, end_sessions
from hubbub.store.session import DatabaseDown


@pytest.fixture
def open_page(world, browser):
    """Open the stream of an agent's page; return it and their cookie."""
    streams = []

    def start():
        client = browser("agent")
        answer = client.get("/live")
        assert answer.content_type == "text/event-stream"
        streams.append(answer)
        told = iter(answer.response)
        assert b"retry" in next(told)
        return told, client.get_cookie(cookie_name(world.hub.settings)).value

    yield start
    for answer in streams:
        answer.close()


def news(world):
    world.hub.live.publish([LiveEvent("message", "c", "v", "m")])


def test_news_comes_while_the_login_lasts_and_other_logins_end(world, open_page, people):
    told, _ = open_page()
    end_sessions(world.hub, people["admin"], actor="cli")
    news(world)
    assert b'"kind": "message"' in next(told)


@pytest.mark.parametrize("how", ["logout", "everywhere", "disabled", "password", "lost"])
def test_a_page_hears_nothing_more_once_its_login_is_over(world, open_page, people, how):
    told, cookie = open_page()
    match how:
        case "logout":
            close_session(world.hub, cookie)
        case "everywhere":
            end_sessions(world.hub, people["agent"], actor="cli")
        case "disabled":
            change_user(world.hub, people["agent"], actor="cli", disabled=True)
        case "password":
            change_user(world.hub, people["agent"], actor="cli", password="another one")
        case "lost":
            # Nobody told of it.
            world.write("DELETE FROM sessions")
            world.clock.forward(seconds=12)
    news(world)
    assert next(told, b"") == b""


def test_a_login_that_nobody_ends_ends_by_itself(world, open_page):
    told, _ = open_page()
    world.clock.forward(days=14, seconds=1)
    news(world)
    assert next(told, b"") == b""


def test_where_nobody_can_say_whether_a_login_lasts_the_page_asks_anew(
    world, open_page, people, monkeypatch
):
    told, _ = open_page()

    def away(*_):
        raise DatabaseDown("It is away.")

    monkeypatch.setattr("hubbub.ui.live.person_of", away)
    end_sessions(world.hub, people["admin"], actor="cli")
    assert next(told, b"") == b""
