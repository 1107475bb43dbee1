"""Who has gone before the answer came gets it by email, once, and may answer there."""

from uuid import uuid4

import pytest

from hubbub.connect.work import find_channel
from hubbub.contacts.erase import erase_contact
from hubbub.ui.channels.form import change_form
from hubbub.ui.nodes import fields_of
from hubbub.ui.sources import sources_of
from hubbub.widget import queries
from hubbub.widget.letters import write_letters
from hubbub_webchat.channel import Webchat
from tests.core.widget.conftest import SECTIONS, Shop
from tests.plugins.email.conftest import make_post, serve

__all__ = ["make_post", "serve"]
ADA = "ada@example.com"


@pytest.fixture
def post(make_post, tmp_path):
    """A hub with a channel for email beside its window, and the office that takes its letters."""
    return make_post(tmp_path, sections=SECTIONS).open()


@pytest.fixture
def shop(post):
    return Shop(post.world).open(email_fallback={"channel": post.channel_id, "after_minutes": 10})


@pytest.fixture
def ada(shop):
    window = shop.visitor()
    form = {"type": "form", "fields": {"email": ADA, "message": "Is it open?"}}
    window.ask("POST", "messages", {"client_id": str(uuid4()), "content": form})
    return window


def answer(shop, text):
    asked = "select id from conversations where channel_id = :id"
    return shop.answer(text, shop.world.one(asked, id=shop.channel_id)["id"])


def minutes_later(shop, minutes=11):
    shop.world.clock.forward(minutes=minutes)
    write_letters(shop.hub)
    shop.world.work()


def told(post):
    return [(letter["To"], letter.get_content()) for letter in post.letters]


def test_case_11_an_answer_that_nobody_saw_goes_out_by_email_once(shop, post, ada):
    answer(shop, "Until six.")
    minutes_later(shop, 9)
    assert told(post) == []
    answer(shop, "And on Sunday until two.")
    for _ in range(3):
        minutes_later(shop)
    said = "You were gone when we answered:\r\n\r\nUntil six.\r\n\r\nAnd on Sunday until two.\r\n"
    assert told(post) == [(ADA, said)]
    assert post.letters[0]["Subject"] == "Our answer to your message"


def test_case_11_what_is_answered_to_the_letter_comes_back_beside_the_conversation(shop, post, ada):
    answer(shop, "Until six.")
    minutes_later(shop)
    post.hears("Thanks", sender=ADA, In_Reply_To=post.letters[0]["Message-ID"])
    window, letters = shop.world.rows("select * from conversations order by id")
    assert letters["related_id"] == window["id"]
    assert [
        row["direction"]
        for row in shop.world.rows(
            "select direction from messages where conversation_id = :id order by seq",
            id=letters["id"],
        )
    ] == ["outbound", "inbound"]
    # Later answers go on in the same thread.
    answer(shop, "Are you still there?")
    minutes_later(shop)
    assert len(post.letters) == 2
    assert len(shop.world.rows("select id from conversations")) == 2


def test_what_a_window_has_shown_is_not_sent_as_well(shop, post, ada):
    answer(shop, "Until six.")
    ada.texts()
    ada.ask("POST", "ack", {"seq": 2})
    shop.world.work()
    minutes_later(shop)
    assert told(post) == []


@pytest.mark.parametrize("given", [None, "no address"])
def test_who_gave_no_address_gets_no_letter(shop, post, given):
    window = shop.visitor()
    window.write("Hello", attributes={"email": given} if given else {})
    answer(shop, "Until six.")
    minutes_later(shop)
    assert told(post) == []


def test_who_is_blocked_gets_no_letter(shop, post, ada):
    answer(shop, "Until six.")
    shop.world.write("update contacts set blocked_at = created_at")
    minutes_later(shop)
    assert told(post) == []


def test_case_09_a_typed_address_is_written_to_and_opens_nothing(shop, post, ada):
    post.hears("My secret", sender=ADA)
    answer(shop, "Until six.")
    minutes_later(shop)
    assert told(post)[-1][0] == ADA
    shown = ada.ask("GET", "messages").json["messages"]
    assert "secret" not in str(shown)


def test_without_a_channel_for_it_no_letter_is_written(shop, post):
    shop.open()
    shop.visitor().write("Hello", attributes={"email": ADA})
    answer(shop, "Until six.")
    minutes_later(shop)
    assert told(post) == []


def begin(shop, email, **more):
    """Let a visitor begin who says that this is their address; return the conversation as well."""
    window = shop.visitor()
    assert window.write("Hello", attributes={"email": email}, **more).status_code == 201
    found = "select id from conversations where channel_id = :id order by id desc limit 1"
    return window, shop.world.rows(found, id=shop.channel_id)[0]["id"]


def test_a_conversation_that_fails_keeps_nobody_else_from_their_letter(shop, post, monkeypatch):
    _, odd = begin(shop, "odd@example.com")
    _, fine = begin(shop, ADA)
    for conversation_id in (odd, fine):
        shop.answer("Thanks!", conversation_id)
    real = queries.reached

    def reached(db, conversation_id):
        if conversation_id == odd:
            raise RuntimeError("odd")
        return real(db, conversation_id)

    monkeypatch.setattr(queries, "reached", reached)
    minutes_later(shop)
    assert [letter["To"] for letter in post.letters] == [ADA]


def test_what_a_letter_told_is_not_told_again_when_its_last_message_is_taken_back(shop, post, ada):
    answer(shop, "First")
    last = answer(shop, "Second")
    minutes_later(shop)
    shop.world.write(f"update messages set deleted_at = created_at where id = '{last}'")
    minutes_later(shop)
    assert len(post.letters) == 1


def contact_of(shop, channel_id):
    found = "select contact_id from conversations where channel_id = :id"
    return shop.world.one(found, id=channel_id)["contact_id"]


def test_whoever_wrote_by_email_before_is_not_erased_with_a_visitor_who_typed_their_address(
    shop, post, ada
):
    post.hears("Good morning", sender=ADA)
    answer(shop, "Until six.")
    minutes_later(shop)
    erase_contact(shop.hub, contact_of(shop, shop.channel_id), actor="cli")
    rows = shop.world.rows("select channel_id, related_id from conversations")
    assert rows == [{"channel_id": post.channel_id, "related_id": None}] * 2


def test_the_channel_that_sends_them_is_chosen_by_its_name(shop, post):
    row = find_channel(shop.hub, shop.channel_id)
    form = change_form(Webchat(), row, (), sources=sources_of(shop.hub))
    fields = {one.name: one for one in fields_of(form.all_nodes)}
    named = fields["settings.email_fallback.channel"]
    assert (named.kind, named.value) == ("select", post.channel_id)
    assert named.labels[post.channel_id] == find_channel(shop.hub, post.channel_id).name
    assert shop.channel_id not in named.labels
