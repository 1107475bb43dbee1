"""What a window shows, in which order, and what it tells of having shown it."""

from datetime import timedelta
from uuid import uuid4

from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import submit
from hubbub.sdk import Choices, Option, Text
from hubbub.store.session import transaction
from hubbub.widget import shown
from hubbub.widget.shown import Place


def send(shop, content, **more):
    conversation_id = shop.world.one("select id from conversations")["id"]
    with transaction(shop.hub.engine) as db:
        message_id = submit(
            shop.hub,
            db,
            conversation_id=conversation_id,
            content=content,
            author="api:t1",
            **more,
        )
    shop.deliver()
    return message_id


def seqs(window, **query):
    found = window.ask("GET", "messages", query_string=query).json["messages"]
    return [(one["seq"], one["content"]["text"]) for one in found]


def test_what_is_scheduled_is_numbered_when_it_is_sent(shop):
    ada = shop.visitor()
    ada.write("Hello")
    at = shop.world.clock() + timedelta(hours=1)
    later = send(shop, Text(text="Later"), starts_at=at)
    send(shop, Text(text="Now"))
    assert seqs(ada) == [(1, "Hello"), (2, "Now")]
    shop.world.clock.forward(hours=2)
    nudge_deliver(shop.hub)
    shop.world.work()
    assert shop.status(later) == "sent"
    # A window that has seen the second is told of it all the same.
    news = ada.ask("GET", "events", query_string={"after": 2}).json["messages"]
    assert [one["content"]["text"] for one in news] == ["Later"]
    assert seqs(ada) == [(1, "Hello"), (2, "Now"), (3, "Later")]


def test_history_comes_page_by_page(shop):
    ada = shop.visitor()
    for number in range(5):
        ada.write(f"{number}")
    assert seqs(ada, limit=2) == [(4, "3"), (5, "4")]
    assert seqs(ada, limit=2, before=4) == [(2, "1"), (3, "2")]
    assert seqs(ada, limit=2, before=2) == [(1, "0")]
    assert ada.ask("GET", "messages", query_string={"before": "x"}).status_code == 422


def test_receipts_move_what_was_sent_and_never_back(shop):
    ada = shop.visitor()
    ada.write("Hello")
    first, second = (send(shop, Text(text=text)) for text in ("One", "Two"))
    assert ada.texts() == ["Hello", "One", "Two"]
    assert ada.ask("POST", "read", {"seq": 2}).status_code == 204
    shop.world.work()
    assert (shop.status(first), shop.status(second)) == ("read", "sent")
    for _ in range(2):
        ada.ask("POST", "ack", {"seq": 3})
        shop.world.work()
    assert (shop.status(first), shop.status(second)) == ("read", "delivered")


def test_unread_is_what_was_not_read(shop):
    ada = shop.visitor()
    ada.write("Hello")
    for text in ("One", "Two"):
        send(shop, Text(text=text))
    assert ada.session().json["conversation"]["unread"] == 2
    ada.ask("POST", "read", {"seq": 2})
    shop.world.work()
    assert ada.session().json["conversation"]["unread"] == 1


def test_a_visitor_acknowledges_nothing_of_others(shop):
    ada, eve = shop.visitor(), shop.visitor()
    ada.write("Hello")
    message_id = send(shop, Text(text="For you alone"))
    eve.write("Hello")
    eve.ask("POST", "read", {"seq": 9})
    shop.world.work()
    assert shop.status(message_id) == "sent"


def test_the_id_of_somebody_elses_message_shows_nothing_of_it(shop):
    ada, eve, client_id = shop.visitor(), shop.visitor(), str(uuid4())
    ada.write("Secret", client_id)
    eve.write("Hello")
    answer = eve.write("Mine", client_id)
    assert answer.status_code == 409
    assert "Secret" not in answer.text


def test_choices_are_buttons_and_the_answer_is_a_choice(shop):
    ada = shop.visitor()
    ada.write("Hello")
    options = (Option(id="a", title="Apples"), Option(id="b", title="Pears"))
    send(shop, Choices(text="Which?", options=options))
    content = ada.ask("GET", "messages").json["messages"][-1]["content"]
    assert [one["title"] for one in content["options"]] == ["Apples", "Pears"]
    said = {"type": "choice", "id": "b", "title": "Pears"}
    body = {"client_id": str(uuid4()), "content": said}
    assert ada.ask("POST", "messages", body).json["content"] == said


def test_what_turns_text_around_is_left_out(shop):
    ada = shop.visitor()
    ada.write("a\u202eb\x07c\nd")
    assert ada.texts() == ["abc\nd"]


def test_a_greeting_is_stored_once_it_is_answered(shop):
    shop.open(greetings=[{"id": "hi", "content": "Can we help?"}])
    ada = shop.visitor()
    assert shop.world.rows("select id from messages") == []
    ada.write("Yes", greeting="hi")
    ada.write("Please", greeting="hi")
    assert ada.texts() == ["Can we help?", "Yes", "Please"]
    ada.ask("POST", "read", {"seq": 1})
    shop.world.work()
    assert shop.status(shop.world.one("select id from messages where direction = 'outbound'")["id"])


def test_first_words_that_come_at_once_answer_one_greeting(shop, monkeypatch):
    shop.open(greetings=[{"id": "hi", "content": "Can we help?"}])
    ada = shop.visitor()
    with monkeypatch.context() as at_once:
        # Each finds that nothing was said yet, and is read after both.
        at_once.setattr("hubbub.widget.reception.normalise", lambda *_: None)
        for text in ("Yes", "Please"):
            assert ada.write(text, greeting="hi").status_code == 202
    shop.world.work()
    assert ada.texts() == ["Can we help?", "Yes", "Please"]


def test_two_windows_number_at_the_same_moment_and_agree(shop):
    ada = shop.visitor()
    conversation = ada.write("Hello").json["conversation_id"]
    send(shop, Text(text="One"))
    for _ in range(2):
        shown.number(shop.hub, conversation)
    place = Place(key=shop.key, conversation_id=conversation, address="")
    assert [one["seq"] for one in shown.after(shop.hub, place, 0)] == [1, 2]


def test_who_is_erased_is_gone_from_the_window_too(shop):
    from hubbub.contacts.erase import erase_contact

    ada = shop.visitor()
    ada.write("Hello")
    send(shop, Text(text="One"))
    erase_contact(shop.hub, shop.world.one("select id from contacts")["id"], actor="cli")
    assert shop.world.rows("select * from shown_messages") == []
    assert ada.ask("GET", "messages").json["messages"] == []


def test_a_blocked_visitor_is_heard_and_disturbs_nobody(shop):
    ada = shop.visitor()
    ada.write("Hello")
    shop.world.write("update contacts set blocked_at = '2026-01-01 00:00:00.000000'")
    assert ada.write("Hello again").status_code == 201
    assert shop.world.one("select unread from conversations") == {"unread": 1}


def test_however_many_nobody_looked_at_all_are_shown(shop, monkeypatch):
    monkeypatch.setattr("hubbub.widget.queries._RECENT", 2)
    ada = shop.visitor()
    ada.write("Hello")
    for number in range(4):
        shop.answer(str(number))
    assert ada.texts() == ["Hello", "0", "1", "2", "3"]
