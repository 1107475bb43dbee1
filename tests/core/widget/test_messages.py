"""What a visitor writes arrives once, and what is answered is shown once it is sent."""

from uuid import uuid4

from structlog.testing import capture_logs

from hubbub.widget.letters import write_letters


def test_a_visitors_message_is_in_the_inbox_before_it_is_answered(shop):
    ada = shop.visitor()
    answer = ada.write("Is it open?")
    assert answer.status_code == 201
    assert answer.json["seq"] == 1
    row = shop.world.one("select kind, direction, content from messages")
    assert (row["kind"], row["direction"]) == ("text", "inbound")


def test_what_an_agent_answers_is_shown_to_the_visitor(shop):
    ada = shop.visitor()
    ada.write("Is it open?")
    message_id = shop.answer("Until six.")
    assert shop.status(message_id) == "sent"
    assert ada.texts() == ["Is it open?", "Until six."]


def test_the_same_message_again_is_the_same_message(shop):
    ada, client_id = shop.visitor(), str(uuid4())
    first = ada.write("Hello", client_id)
    second = ada.write("Hello", client_id)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    assert ada.texts() == ["Hello"]


def test_a_letter_that_cannot_be_written_harms_nobody(shop):
    shop.open(email_fallback={"channel": "nobody", "after_minutes": 1})
    ada = shop.visitor()
    ada.write("Is it open?", attributes={"email": "ada@example.com"})
    message_id = shop.answer("Until six.")
    shop.world.clock.forward(minutes=2)
    with capture_logs() as logs:
        write_letters(shop.hub)
    assert [(one["event"], one["reason"]) for one in logs] == [
        ("no letter to a visitor", "The channel was deleted.")
    ]
    assert shop.status(message_id) == "sent"
