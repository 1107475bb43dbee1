"""While it is closed people leave a message, once, and programs leave none."""

import json
import re
from html import unescape
from uuid import uuid4

import pytest

CLOSED = {"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]}}


@pytest.fixture
def closed(shop):
    return shop.open(hours=CLOSED)


LEFT = {"name": "Ada", "email": "ada@example.com", "message": "Please call"}


def leave(window, **more):
    body = {"client_id": str(uuid4()), "fields": LEFT, "elapsed_ms": 9000}
    return window.ask("POST", "offline", {**body, **more})


def question(name, **more):
    return {"name": name, "label": f"Your {name}", **more}


def asked(shop):
    """What a window asks while it is closed, and which of it has to be answered."""
    page = shop.app.test_client().get(f"/widget/{shop.key}/frame").get_data(as_text=True)
    (config,) = re.findall(r'data-config="([^"]*)"', page)
    fields = json.loads(unescape(config))["offline"]["fields"]
    return [one["name"] + "*" * one["required"] for one in fields]


def wrong(answer):
    assert answer.status_code == 422
    return [one["field"] for one in answer.json["errors"]]


def test_a_session_says_when_it_opens(closed):
    # The world's clock stands at Friday, 2 January 2026.
    told = closed.visitor().session().json["availability"]
    assert told == {"open": False, "changes_at": "2026-01-05T08:00:00Z"}


def test_what_is_left_becomes_a_conversation_once(closed):
    ada, client_id = closed.visitor(), str(uuid4())
    statuses = [leave(ada, client_id=client_id).status_code for _ in range(2)]
    assert statuses == [201, 200]
    fields = ada.ask("GET", "messages").json["messages"][0]["content"]["fields"]
    assert fields == LEFT
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


@pytest.mark.parametrize("email", ["ada", "ada@", "a b@example.com", "ada@example"])
def test_an_address_that_can_be_none_is_refused(closed, email):
    assert wrong(leave(closed.visitor(), fields={**LEFT, "email": email})) == ["fields.email"]


ORDER = [question("order", required=True), question("city")]
PHONE = [question("phone", kind="phone"), question("name", required=True)]
MAIL = [question("email"), question("message", kind="phone")]


@pytest.mark.parametrize(
    ("by_email", "when", "questions", "expected"),
    [
        (False, "never", [], "name email message*"),
        (True, "never", [], "name email* message*"),
        # What is never asked is not asked here, either.
        (False, "never", ORDER, "name email message*"),
        (False, "closed", ORDER, "name email order* city message*"),
        (True, "first", ORDER, "name email* order* city message*"),
        # Whom the shop reaches otherwise need not say more, unless the answer goes there.
        (False, "first", PHONE, "name* phone message*"),
        (True, "first", PHONE, "name* email* phone message*"),
        (True, "first", MAIL, "name email* message*"),
    ],
)
def test_what_has_to_be_answered_is_what_the_shop_wants_and_where_the_answer_goes(
    shop, by_email, when, questions, expected
):
    fallback = {"channel": "an email channel"} if by_email else {}
    shop.open(hours=CLOSED, prechat={"when": when, "fields": questions}, email_fallback=fallback)
    assert asked(shop) == expected.split()
    answers = {"name": "Ada", "email": "ada@example.com", "message": "x", "order": "17"}
    needed = [one.rstrip("*") for one in expected.split() if one.endswith("*")]
    for name in needed:
        without = {**answers, name: "  "}
        assert wrong(leave(shop.visitor(), fields=without)) == [f"fields.{name}"]
    assert shop.world.rows("select id from calls") == []
    given = {name: answers[name] for name in needed}
    assert leave(shop.visitor(), fields=given).status_code == 201


def test_a_shop_asks_as_much_as_it_may(shop):
    questions = [question(f"q{number}", required=True) for number in range(20)]
    shop.open(hours=CLOSED, prechat={"when": "first", "fields": questions})
    answers = {f"q{number}": "x" for number in range(20)}
    assert leave(shop.visitor(), fields={**LEFT, **answers, "consent": "yes"}).status_code == 201


def test_nobody_leaves_many(closed):
    ada = closed.visitor()
    statuses = [leave(ada).status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]
