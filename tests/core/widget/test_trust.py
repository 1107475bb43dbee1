"""What was typed opens nothing, what was proven stays apart, and who left reads no more."""

import hmac
import io
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from uuid import uuid4

import pytest

from hubbub.contacts.erase import erase_contact
from hubbub.deliver.work import submit
from hubbub.live import LiveEvent
from hubbub.sdk import Text
from hubbub.store.session import transaction
from hubbub.widget import stream
from hubbub.widget.letters import write_letters
from hubbub.widget.places import network_of
from hubbub.widget.shown import Place
from hubbub.widget.uploads import forget_uploads
from tests.core.widget.conftest import SECTIONS, Shop, Window
from tests.plugins.email.conftest import make_post, serve

__all__ = ["make_post", "serve"]
SECRET = "s" * 40


def proof(user):
    return {
        "user_id": user,
        "user_hash": hmac.new(SECRET.encode(), user.encode(), sha256).hexdigest(),
    }


@pytest.fixture
def post(make_post, tmp_path):
    """A hub with a channel for email beside its window, and the office that takes its letters."""
    return make_post(tmp_path, sections=SECTIONS).open()


@pytest.fixture
def mailing(post):
    """A window whose answers go on by email."""
    fallback = {"channel": post.channel_id, "after_minutes": 10}
    return Shop(post.world).open(credentials={"identity_secret": SECRET}, email_fallback=fallback)


def begin(shop, email, name=""):
    """Let a visitor say who they are; return their window and conversation."""
    window, fields = shop.visitor(), {"email": email, "name": name, "message": "Hi"}
    said = {"client_id": str(uuid4()), "content": {"type": "form", "fields": fields}}
    assert window.ask("POST", "messages", said).status_code == 201
    asked = "select id from conversations where channel_id = :id order by id desc"
    return window, shop.world.rows(asked, id=shop.channel_id)[0]["id"]


def letters_after(shop, post, minutes=11):
    before = len(post.letters)
    shop.world.clock.forward(minutes=minutes)
    write_letters(shop.hub)
    shop.world.work()
    return [letter["To"] for letter in post.letters[before:]]


def test_an_answer_to_somebody_proven_never_goes_to_an_address_typed_before(mailing, post):
    window, conversation = begin(mailing, "eve@example.com", "Ada (customer 7)")
    window.session(identity=proof("7"))
    window.write("My private question")
    mailing.answer("Your private answer", conversation)
    assert letters_after(mailing, post) == []
    contact = mailing.world.rows("select name from contacts where name like '%Ada%'")
    assert contact == []


def test_who_planted_a_token_hears_nothing_once_the_victim_is_proven(shop):
    shop.open(credentials={"identity_secret": SECRET})
    victim = shop.visitor()
    victim.write("Hello")
    before = shop.world.one("select address from addresses")["address"]
    conversation = shop.world.one("select id from conversations")["id"]
    place = Place(key=shop.key, conversation_id=conversation, address=before)
    with stream.listen(shop.hub, place) as news:
        flow = stream.events(shop.hub, place, 1, news, lambda: True)
        list(islice(flow, 2))
        victim.session(identity=proof("7"))
        shop.answer("For user 7 alone")
        news.put(None)
        assert "For user 7" not in "".join(flow)


def test_a_busy_stream_notices_that_its_visitor_is_signed_out(shop, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT", timedelta(0))
    shop.visitor().write("Hello")
    row = shop.world.one("select id from conversations")
    address = shop.world.one("select address from addresses")["address"]
    place = Place(key=shop.key, conversation_id=row["id"], address=address)
    with stream.listen(shop.hub, place) as news:
        flow = stream.events(shop.hub, place, 1, news, lambda: False)
        list(islice(flow, 2))
        shop.answer("Not for you")
        news.put(LiveEvent("message", shop.channel_id, row["id"]))
        assert "Not for you" not in "".join(flow)


def test_one_typed_address_gets_few_letters_however_many_conversations_name_it(mailing, post):
    for _ in range(6):
        _, conversation = begin(mailing, "ada@example.com")
        mailing.answer("We got your message.", conversation)
    assert letters_after(mailing, post) == ["ada@example.com"] * 3
    assert post.letters[0]["Auto-Submitted"]


def test_one_conversation_reaches_one_typed_address(mailing, post):
    window, conversation = begin(mailing, "ada@example.com")
    mailing.answer("One", conversation)
    assert letters_after(mailing, post) == ["ada@example.com"]
    said = {"type": "text", "text": "More"}
    for name in ("bob", "eve"):
        body = {"client_id": str(uuid4()), "content": said}
        window.ask("POST", "messages", {**body, "attributes": {"email": f"{name}@example.com"}})
        mailing.answer("Two", conversation)
        assert letters_after(mailing, post) == ["ada@example.com"]


@pytest.mark.parametrize("email", ["a@localhost", "a@[127.0.0.1]", "support@hub.test"])
def test_no_letter_goes_to_the_inside_or_to_ourselves(mailing, post, email):
    _, conversation = begin(mailing, email)
    mailing.answer("Hello", conversation)
    assert letters_after(mailing, post) == []


def test_one_odd_contact_keeps_no_other_from_their_letter(mailing, post):
    for name in ("odd", "ada"):
        _, conversation = begin(mailing, f"{name}@example.com")
        mailing.answer("Hello", conversation)
    mailing.world.write(
        "UPDATE contacts SET attributes = :odd WHERE id = (SELECT min(id) FROM contacts)",
        odd='{"verified": "yes", "unverified": "no"}',
    )
    assert letters_after(mailing, post) == ["ada@example.com"]


def test_what_is_scheduled_waits_for_its_letter_from_when_it_is_sent(mailing, post):
    _, conversation = begin(mailing, "ada@example.com")
    later = mailing.hub.now() + timedelta(minutes=30)
    with transaction(mailing.hub.engine) as db:
        submit(
            mailing.hub,
            db,
            conversation_id=conversation,
            content=Text(text="Later"),
            author="api:t",
            starts_at=later,
        )
    mailing.world.clock.forward(minutes=31)
    mailing.deliver()
    assert letters_after(mailing, post, 0) == []
    assert letters_after(mailing, post) == ["ada@example.com"]


def upload(window, text):
    return window.web.post(
        f"/widget/{window.shop.key}/uploads",
        data={"file": (io.BytesIO(text), "a.txt", "text/plain")},
        headers={"Authorization": f"Bearer {window.token}"},
    ).json["media_id"]


def test_with_a_visitor_their_uploads_are_erased_sent_or_not(shop):
    window = shop.visitor()
    window.write("Hello")
    content = {"type": "file", "media_id": upload(window, b"passport 123")}
    window.ask("POST", "messages", {"client_id": str(uuid4()), "content": content})
    upload(window, b"never sent")
    other = shop.visitor()
    other.write("I am somebody else")
    kept = upload(other, b"theirs")
    who = shop.world.rows("select id from contacts order by id")[0]["id"]
    erase_contact(shop.hub, who, actor="cli")
    left = shop.world.rows("select id, filename from media")
    assert len(left) == 1
    assert str(kept).startswith(left[0]["id"])


def test_uploads_that_nobody_sends_are_forgotten_after_a_day(shop):
    window = shop.visitor()
    window.write("Hello")
    upload(window, b"never sent")
    forget_uploads(shop.hub)
    assert len(shop.world.rows("select id from media")) == 1
    shop.world.clock.forward(days=1, minutes=1)
    forget_uploads(shop.hub)
    assert shop.world.rows("select id from media") == []


def test_with_a_visitor_the_letters_that_told_their_answers_are_erased(mailing, post):
    _, conversation = begin(mailing, "ada@example.com")
    mailing.answer("Your diagnosis", conversation)
    letters_after(mailing, post)
    asked = "select contact_id from conversations where id = :id"
    erase_contact(mailing.hub, mailing.world.one(asked, id=conversation)["contact_id"], actor="cli")
    assert mailing.world.rows("select id from messages") == []
    assert mailing.world.rows("select id from addresses") == []


def test_limits_of_one_channel_are_not_those_of_another(shop):
    shop.open(credentials={"identity_secret": SECRET})
    other = Shop(shop.world).open(credentials={"identity_secret": SECRET})
    statuses = []
    for one, count in ((shop, 11), (other, 1)):
        window = Window(one)
        window.session(identity=proof("1"))
        statuses.append([window.write(f"{number}").status_code for number in range(count)])
    assert (statuses[0][-1], statuses[1]) == (429, [201])


def test_ipv4_through_a_socket_for_both_is_each_a_place_of_its_own():
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") != network_of("192.0.2.2")


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ({"age": 42, "vip": True, "none": None}, {"age": "42", "vip": "true"}),
        ({"long": "x" * 300}, {"long": "x" * 200}),
        ({"nul": "a\0b"}, {"nul": "ab"}),
        ([1], {}),
    ],
)
def test_what_a_page_says_on_the_side_is_no_reason_to_refuse_a_message(shop, attributes, kept):
    window = shop.visitor()
    body = {"client_id": str(uuid4()), "content": {"type": "text", "text": "Hi"}}
    page = {"url": "https://a.example/", "title": "\ud83d"}
    said = window.ask("POST", "messages", {**body, "attributes": attributes, "page": page})
    assert said.status_code == 201
    found = shop.world.one("select attributes from contacts")["attributes"]
    assert kept.items() <= dict(_json(found).get("unverified", {})).items()


def _json(value):
    import json

    return json.loads(value) if isinstance(value, str) else value


def test_a_proof_that_ends_in_the_last_year_there_is_is_refused_in_words(shop):
    import jwt

    shop.open(credentials={"identity_secret": SECRET})
    claims = {"sub": "7", "aud": shop.key, "iat": 0, "exp": 253_402_300_799}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    answer = Window(shop).session(identity={"jwt": token})
    assert answer.status_code < 500
