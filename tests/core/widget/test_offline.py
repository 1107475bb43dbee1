"""While it is closed people leave a message, once, and programs leave none."""

from uuid import uuid4

import pytest

CLOSED = {"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]}}


@pytest.fixture
def closed(shop):
    return shop.open(hours=CLOSED)


def leave(window, **more):
    body = {
        "client_id": str(uuid4()),
        "name": "Ada",
        "email": "ada@example.com",
        "message": "Please call",
        "elapsed_ms": 9000,
    }
    return window.ask("POST", "offline", {**body, **more})


def test_a_session_says_when_it_opens(closed):
    # The world's clock stands at Friday, 2 January 2026.
    told = closed.visitor().session().json["availability"]
    assert told == {"open": False, "changes_at": "2026-01-05T08:00:00Z"}


def test_what_is_left_becomes_a_conversation_once(closed):
    ada, client_id = closed.visitor(), str(uuid4())
    statuses = [leave(ada, client_id=client_id).status_code for _ in range(2)]
    assert statuses == [201, 200]
    fields = ada.ask("GET", "messages").json["messages"][0]["content"]["fields"]
    assert fields == {"name": "Ada", "email": "ada@example.com", "message": "Please call"}
    contact = closed.world.one("select name, attributes from contacts")
    assert contact["name"] == "Ada"
    assert "ada@example.com" in str(contact["attributes"])
    assert "Please call" not in str(contact["attributes"])


@pytest.mark.parametrize(
    "more", [{"website": "https://spam.example"}, {"elapsed_ms": 900}, {"elapsed_ms": -(10**30)}]
)
def test_a_program_is_thanked_and_nothing_is_kept(closed, more):
    assert leave(closed.visitor(), **more).status_code == 202
    assert closed.world.rows("select id from calls") == []


def test_whoever_takes_very_long_is_heard(closed):
    assert leave(closed.visitor(), elapsed_ms=10**30).status_code == 201


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a b@example.com", "ada@example"])
def test_an_address_is_needed_to_answer_to(closed, email):
    answer = leave(closed.visitor(), email=email)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "email"


def test_nobody_leaves_many(closed):
    ada = closed.visitor()
    statuses = [leave(ada).status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]
