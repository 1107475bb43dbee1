"""Who a visitor is: by a token of ours, by a proof of the site, and never by what is typed."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from hubbub.connect.work import ChannelChange, change_channel
from hubbub.contacts.erase import erase_contact
from tests.core.widget.conftest import Window

SECRET, OTHER = "s" * 32, "o" * 32


@pytest.fixture
def members(shop):
    """A shop whose server can prove who is logged in."""
    return shop.open({"identity_secret": SECRET})


def jwt(shop, user, *, secret=SECRET, seconds=3600, **claims):
    now = int(shop.world.clock.timestamp())
    body = {"sub": user, "aud": shop.key, "iat": now, "exp": now + seconds, **claims}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256"}, body)
    ]
    mac = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return {"jwt": ".".join([*parts, base64.urlsafe_b64encode(mac).decode().rstrip("=")])}


def test_nothing_is_stored_of_a_stranger(shop):
    shop.visitor()
    for rows in ("contacts", "addresses", "conversations", "calls"):
        assert shop.world.rows(f"select * from {rows}") == []


def test_a_token_brings_the_conversation_back(shop):
    ada = shop.visitor()
    ada.write("Hello")
    again = Window(shop)
    answer = again.session(token=ada.token).json
    assert (answer["last_seq"], answer["conversation"]["status"]) == (1, "open")
    assert again.texts() == ["Hello"]


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t + "x", lambda t: "v2" + t[2:]])
def test_a_spoilt_token_opens_nothing(shop, spoil):
    ada = shop.visitor()
    ada.write("Secret")
    mallory = Window(shop)
    mallory.token = spoil(ada.token)
    assert mallory.ask("GET", "messages").status_code == 401
    mallory.session(token=spoil(ada.token))
    assert mallory.texts() == []


def test_a_token_of_another_channel_opens_nothing(shop):
    ada = shop.visitor()
    ada.write("Secret")
    shop.open()
    mallory = Window(shop)
    mallory.token = ada.token
    assert mallory.ask("GET", "messages").status_code == 401


def test_an_old_token_is_given_out_anew_and_ends_after_a_year_of_absence(shop):
    ada = shop.visitor()
    ada.write("Hello")
    first = ada.token
    ada.session()
    assert ada.token == first
    shop.world.clock.forward(days=8)
    ada.session()
    assert ada.token != first
    assert ada.texts() == ["Hello"]
    shop.world.clock.forward(days=364)
    assert ada.texts() == ["Hello"]
    shop.world.clock.forward(days=2)
    assert ada.ask("GET", "messages").status_code == 401


def test_who_was_signed_out_is_a_stranger_and_their_streams_end(shop):
    ada = shop.visitor()
    ada.write("Secret")
    found = ada.web.get(
        f"/widget/{shop.key}/stream",
        headers={"Authorization": f"Bearer {ada.token}"},
        buffered=False,
    )
    change = ChannelChange(settings={"sign_out_before": "2026-01-02T03:05:00Z"})
    change_channel(shop.hub, shop.channel_id, change, actor="cli")
    shop.world.clock.forward(minutes=1)
    assert ada.ask("GET", "messages").status_code == 401
    ((news,),) = shop.hub.live._subscriptions.values()
    news.put(None)
    assert "still here" not in found.get_data(as_text=True)
    ada.session()
    assert ada.texts() == []
    assert ada.write("Hello again").status_code == 201


def test_who_was_erased_finds_nothing_by_the_same_token(shop):
    ada = shop.visitor()
    ada.write("Secret")
    erase_contact(shop.hub, shop.world.one("select id from contacts")["id"], actor="cli")
    assert ada.session().json["conversation"] is None
    assert ada.texts() == []


def test_who_is_blocked_notices_nothing_and_asks_nobody_for_attention(shop):
    ada = shop.visitor()
    ada.write("Hello")
    shop.world.write("update contacts set blocked_at = created_at")
    assert ada.write("Spam").status_code == 201
    assert ada.texts() == ["Hello", "Spam"]
    row = shop.world.one("select unread from conversations")
    assert row["unread"] == 1


def test_a_proven_user_finds_their_conversation_on_another_device(members):
    desk, phone = Window(members), Window(members)
    desk.session(identity=jwt(members, "u-17", name="Ada"))
    desk.write("From the desk")
    assert phone.session(identity=jwt(members, "u-17")).json["contact"]["user_id"] == "u-17"
    phone.write("From the phone")
    assert desk.texts() == phone.texts() == ["From the desk", "From the phone"]
    assert members.world.one("select name from contacts") == {"name": "Ada"}


def test_case_08_what_was_said_before_the_proof_moves_to_whom_it_names_once(members):
    ada = members.visitor()
    ada.write("Anonymous")
    before = ada.token
    ada.session(identity=jwt(members, "u-17"))
    assert ada.texts() == ["Anonymous"]
    rows = members.world.rows("select address from addresses")
    assert rows == [{"address": "u:u-17"}]
    assert members.world.one("select state from address_changes") == {"state": "moved"}
    # Whoever comes next to the same browser finds nothing there.
    eve = Window(members)
    eve.session(token=before)
    assert eve.texts() == []
    eve.session(token=before, identity=jwt(members, "u-18"))
    assert eve.texts() == []


def test_a_proven_token_opens_nothing_in_a_session_without_proof(members):
    ada = Window(members)
    ada.session(identity=jwt(members, "u-17"))
    ada.write("Secret")
    later = Window(members)
    later.session(token=ada.token)
    assert later.texts() == []


def test_a_proof_that_ends_ends_the_token_ten_minutes_later(members):
    ada = Window(members)
    ada.session(identity=jwt(members, "u-17", seconds=60))
    members.world.clock.forward(seconds=60 + 599)
    assert ada.write("Still here").status_code == 201
    members.world.clock.forward(seconds=2)
    assert ada.write("Too late").status_code == 401


def test_case_08_a_wrong_proof_is_no_session(members):
    answer = Window(members).session(identity=jwt(members, "u-17", secret=OTHER))
    assert answer.status_code == 401
    assert answer.json["type"].endswith("/identity-unproven")


def user_hash(user):
    return hmac.new(SECRET.encode(), user.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "odd",
    [
        7,
        "u-17",
        [],
        {},
        {"jwt": None},
        {"jwt": "\ud800.\0"},
        {"jwt": "x" * 9000},
        {"user_id": None, "user_hash": user_hash("None")},
        {"user_id": "u" * 300, "user_hash": user_hash("u" * 300)},
    ],
)
def test_what_is_no_proof_at_all_is_answered_like_a_wrong_one(members, odd):
    answer = Window(members).session(identity=odd)
    assert answer.status_code == 401
    assert answer.json["type"].endswith("/identity-unproven")


def test_a_users_id_may_be_a_number(members):
    given = {"user_id": 17, "user_hash": user_hash("17")}
    assert Window(members).session(identity=given).json["contact"]["user_id"] == "17"


@pytest.mark.parametrize("odd", [7, {}, "x" * 9000, "\0"])
def test_what_is_no_token_at_all_opens_a_strangers_session(shop, odd):
    answer = Window(shop).session(token=odd)
    assert (answer.status_code, answer.json["conversation"]) == (200, None)


def test_case_08_a_replaced_secret_proves_for_a_while_yet(members):
    change = ChannelChange(
        credentials={"identity_secret": OTHER},
        old_credentials_until=members.world.clock() + timedelta(days=1),
    )
    change_channel(members.hub, members.channel_id, change, actor="cli")
    for secret in (SECRET, OTHER):
        given = jwt(members, "u-17", secret=secret)
        assert Window(members).session(identity=given).status_code == 200
    members.world.clock.forward(days=2)
    given = jwt(members, "u-17", secret=SECRET)
    assert Window(members).session(identity=given).status_code == 401


def test_case_09_a_typed_email_opens_nobodys_history(shop):
    ada = shop.visitor()
    ada.write("Secret", attributes={"email": "ada@example.com"})
    eve = shop.visitor()
    eve.write("Hello", attributes={"email": "ada@example.com"})
    assert eve.texts() == ["Hello"]
    assert len(shop.world.rows("select id from contacts")) == 2


def test_what_is_claimed_is_kept_apart_from_what_is_proven(members):
    ada = Window(members)
    ada.session(identity=jwt(members, "u-17", plan="gold"))
    ada.write("Hello", attributes={"plan": "platinum"}, page={"url": "https://shop.example/"})
    found = members.world.one("select attributes from contacts")["attributes"]
    kept = json.loads(found) if isinstance(found, str) else found
    assert kept["verified"] == {"plan": "gold"}
    assert kept["unverified"] == {"plan": "platinum", "page": "https://shop.example/"}


def test_case_08_where_only_proof_counts_claims_leave_no_trace(shop):
    shop.open(require_verified=True)
    ada = shop.visitor()
    ada.write("Hello", attributes={"name": "Mallory", "email": "ada@example.com"})
    row = shop.world.one("select name, attributes from contacts")
    assert row["name"].startswith("Visitor ")
    assert "ada@example.com" not in str(row["attributes"])


def known(shop):
    attributes = shop.world.one("select attributes from contacts")["attributes"]
    return json.loads(attributes) if isinstance(attributes, str) else attributes


def test_a_name_that_an_agent_gave_survives_the_proof(members):
    ada = members.visitor()
    ada.write("Hello", attributes={"name": "Somebody"})
    members.world.write("update contacts set name = 'Ada Lovelace'")
    ada.session(identity=jwt(members, "u-17"))
    assert members.world.one("select name from contacts") == {"name": "Ada Lovelace"}


def test_what_a_visitor_claims_does_not_grow_without_end(shop):
    ada = shop.visitor()
    for turn in range(4):
        claims = {f"{turn}-{number}-{'x' * 150}": "v" * 200 for number in range(20)}
        assert ada.write("Hello", attributes=claims).status_code == 201
    claimed = known(shop)["unverified"]
    assert len(claimed) == 50
    assert max(map(len, claimed)) == 40


@pytest.mark.parametrize("odd", ['"no"', "7", "[]"])
def test_a_contact_with_odd_attributes_is_heard_like_any_other(members, odd):
    ada = members.visitor(identity=jwt(members, "u-17", plan="gold"))
    ada.write("Hello")
    members.world.write(f"""update contacts set attributes = '{{"verified": {odd}}}'""")
    assert ada.write("Again", attributes={"a": "b"}).status_code == 201
    assert known(members) == {
        "verified": {"plan": "gold"},
        "unverified": {"a": "b"},
    }


def ask_raw(window, name, body):
    return window.web.post(
        f"/widget/{window.shop.key}/{name}",
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {window.token}"},
    )


@pytest.mark.parametrize(
    "page",
    [
        '{"title": "' + "a" * 199 + '\\ud83d"}',
        '{"title": "a\\u0000b"}',
        '{"title": 7, "url": null, "more": {}}',
        '{"url": "https://a.example/' + "a" * 3000 + '"}',
        '"odd"',
        "null",
    ],
)
def test_an_odd_page_is_no_reason_to_refuse_its_visitor(shop, page):
    ada = shop.visitor()
    assert ask_raw(ada, "session", f'{{"page": {page}}}').status_code == 200
    said = '{"client_id": "0123456789abcdef", "content": {"type": "text", "text": "Hello"}'
    assert ask_raw(ada, "messages", f'{said}, "page": {page}}}').status_code == 201
