from urllib.parse import quote

import pytest
from sqlalchemy import insert, select, update

from hubbub.sdk.content import Attachment, Email, Form, Media, Text, to_json
from hubbub.store import search, words
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Contact, Conversation, Message, Note, table
from hubbub.store.types import new_id
from hubbub.store.words import around

CONTENTS = (
    Text(text="Wo bleibt die Lieferung? Grüße aus O'Brien's Büro (Zimmer 12)"),
    Attachment(
        type="document",
        media=Media(id="m", filename="invoice-2026.pdf"),
        caption="Our paid invoice",
    ),
    Email(
        subject="Broken lamp",
        text="The lamp of order 4711/b is broken.",
        attachments=(Media(id="a", filename="Foto vorn.jpg"), Media(id="b", filename="Maße.pdf")),
    ),
)


@pytest.fixture
def said(every_api, add_channel, add_conversation):
    """Conversations in which one of `CONTENTS` was said each, the latest first."""
    channel_id = add_channel(every_api)
    ids: list[str] = []
    for number, content in enumerate(CONTENTS):
        ids.insert(0, add_conversation(every_api, channel_id, f"+4477009000{number:02}"))
        say(every_api, ids[0], content)
        every_api.hub.now.advance(minutes=1)
    return ids


def say(api, conversation_id, content, seq=1):
    conversations = table(Conversation)
    mine = update(conversations).where(conversations.c.id == conversation_id)
    with transaction(api.hub.engine) as db:
        db.execute(mine.values(last_seq=seq))
        row = {
            "id": new_id(),
            "channel_id": "c",
            "conversation_id": conversation_id,
            "contact_id": "c",
            "seq": seq,
            "direction": "inbound",
            "kind": content.type,
            "content": to_json(content),
            "sender_address": "a",
            "status": "received",
            "created_at": api.hub.now(),
        }
        db.execute(insert(table(Message)), row)


def found(api, q):
    return [one["id"] for one in api.get(f"/conversations?q={quote(q)}")["items"]]


def test_what_was_filled_in_is_found(every_api, add_channel, add_conversation):
    conversation_id = add_conversation(every_api, add_channel(every_api), "+447700900000")
    say(every_api, conversation_id, Form(fields={"name": "Jo", "message": "Ein Reifen ist platt"}))
    assert found(every_api, "jo reifen plat") == [conversation_id]
    assert found(every_api, "ersatzreifen") == []


WORDS = [
    ("lieferung", 2),
    ("LIEFERUNG bleibt", 2),
    ("grüße", 2),
    ("o'brien", 2),
    ("brien zimmer 12", 2),
    ("invoice", 1),
    ("2026", 1),
    ("paid invoice-2026.pdf", 1),
    ("lamp broken 4711", 0),
    ("vorn.jpg", 0),
    ("foto maße", 0),
    ("4711/b", 0),
]


@pytest.mark.parametrize("few", [search._FEW, -1], ids=["by index", "by looking"])
def test_words_are_found_wherever_they_stand(every_api, said, monkeypatch, few):
    monkeypatch.setattr(search, "_FEW", few)
    for q, where in WORDS:
        assert found(every_api, q) == [said[where]], q


@pytest.mark.parametrize("few", [search._FEW, -1], ids=["by index", "by looking"])
def test_what_is_in_several_is_found_in_all_the_latest_first(every_api, said, monkeypatch, few):
    monkeypatch.setattr(search, "_FEW", few)
    assert found(every_api, "4477009000") == said
    assert found(every_api, "07700 900 002") == said[:1]


@pytest.mark.parametrize(
    "q",
    [
        "ieferung",
        "attachments",
        "lamp invoice",
        "%",
        "_",
        "'",
        "' | '",
        "& ! ()",
        ":*",
        "\\",
        "<->",
        "lamp & x",
    ],
)
def test_what_nobody_said_is_not_found(every_api, said, q):
    assert found(every_api, q) == []
    assert every_api.get(f"/contacts?q={quote(q)}")["items"] == []


@pytest.mark.parametrize("few", [search._FEW, -1], ids=["by index", "by looking"])
def test_notes_and_names_are_found(every_api, said, monkeypatch, few):
    monkeypatch.setattr(search, "_FEW", few)
    contact_id = every_api.get(f"/conversations/{said[1]}")["contact_id"]
    with transaction(every_api.hub.engine) as db:
        contacts = table(Contact)
        db.execute(update(contacts).where(contacts.c.id == contact_id).values(name="Żółć-Smith"))
        note = {"id": new_id(), "conversation_id": said[2], "author": "cli", "text": "Call back!"}
        db.execute(insert(table(Note)), {**note, "created_at": every_api.hub.now()})
    assert found(every_api, "back") == [said[2]]
    assert found(every_api, "SMITH Żółć") == [said[1]]
    assert [one["id"] for one in every_api.get("/contacts?q=smith")["items"]] == [contact_id]


def test_words_with_accents_are_found_however_they_are_typed(every_api, said):
    assert found(every_api, "Gru\u0308ße") == said[2:]


def test_a_letter_of_megabytes_is_kept_and_found_by_its_beginning(every_api, said):
    words = " ".join(f"word{number}" for number in range(400_000))
    say_again = Text(text=f"beginning {words} ending")
    with transaction(every_api.hub.engine) as db:
        messages = table(Message)
        mine = update(messages).where(messages.c.conversation_id == said[0])
        db.execute(mine.values(content=to_json(say_again)))
    assert found(every_api, "beginning") == [said[0]]
    assert found(every_api, "ending") == []


def test_only_the_latest_are_looked_through_and_that_is_said(every_api, said, monkeypatch):
    monkeypatch.setattr(search, "_FEW", -1)
    monkeypatch.setattr(search, "_LATEST", {"postgresql": 2, "sqlite": 2})
    assert found(every_api, "broken") == [said[0]]
    assert found(every_api, "lieferung") == []
    with reading(every_api.hub.engine) as db:
        postgresql = db.dialect.name == "postgresql"
        assert search.conversations(db, "lieferung").latest == (2, 200 if postgresql else 1000)
    monkeypatch.setattr(search, "_LATEST", {"postgresql": 3, "sqlite": 3})
    with reading(every_api.hub.engine) as db:
        assert search.conversations(db, "lieferung").latest is None


def test_a_passage_shows_the_words_within_a_long_text():
    said = "so " * 100 + "Needles " + "on " * 100
    before, hit, after = around(said, "NEEDLE")
    assert hit == ("Needles", True)
    assert before.text.startswith("…so ")
    assert after.text.endswith("on…")
    assert len(before.text + hit.text + after.text) <= 82
    assert around("short", "nothing") == (("short", False),)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("A mail's body: where is my parcel?", "A mail's body: where is my [parcel]?"),
        ("Parcels, parcel-post; a subparcel", "[Parcels], [parcel]-post; a subparcel"),
        ("x" * 100 + " parcel", "…[parcel]"),
        ("parcel" + "x" * 100, "[parcel" + "x" * 74 + "]…"),
    ],
)
def test_a_passage_is_cut_between_words_and_marks_what_was_looked_for(said, shown):
    pieces = around(said, "parcel")
    assert "".join(f"[{one.text}]" if one.hit else one.text for one in pieces) == shown


def test_the_last_message_with_the_words_is_the_passage(every_api, said):
    with reading(every_api.hub.engine) as db:
        passages = search.passages(db, search.conversations(db, "lamp"), said)
        ids = db.execute(select(table(Message).c.id)).scalars().all()
    assert list(passages) == [said[0]]
    assert passages[said[0]].id in ids


def everywhere(monkeypatch, name, value):
    monkeypatch.setattr(search, name, {"postgresql": value, "sqlite": value})


def passages(api, q):
    """Return the number of the message that is shown of each conversation."""
    with reading(api.hub.engine) as db:
        ids = db.execute(select(table(Conversation).c.id)).scalars().all()
        rows = search.passages(db, search.conversations(db, q), ids)
    return {conversation_id: row.seq for conversation_id, row in rows.items()}


@pytest.mark.parametrize("few", [8, -1], ids=["by index", "by looking"])
def test_a_conversation_full_of_the_words_hides_no_other(every_api, said, monkeypatch, few):
    monkeypatch.setattr(search, "_FEW", few)
    for seq in range(2, 12):
        say(every_api, said[0], Text(text="A needle"), seq)
    say(every_api, said[2], Text(text="Another needle"), 2)
    assert found(every_api, "needle") == [said[0], said[2]]
    assert passages(every_api, "needle") == {said[0]: 11, said[2]: 2}


def test_more_hits_than_are_counted_are_looked_for_among_the_latest(every_api, said, monkeypatch):
    monkeypatch.setattr(search, "_HITS", 3)
    for seq in range(2, 12):
        say(every_api, said[0], Text(text="A needle"), seq)
    assert found(every_api, "needle") == [said[0]]
    assert passages(every_api, "needle") == {said[0]: 11}


def test_of_each_conversation_the_latest_messages_are_looked_through(every_api, said, monkeypatch):
    monkeypatch.setattr(search, "_FEW", -1)
    everywhere(monkeypatch, "_DEEP", 2)
    say(every_api, said[0], Text(text="Thanks"), 2)
    assert found(every_api, "lamp") == [said[0]]
    say(every_api, said[0], Text(text="Bye"), 3)
    assert found(every_api, "lamp") == []
    with reading(every_api.hub.engine) as db:
        assert search.conversations(db, "lamp").latest == (3, 2)


def test_no_more_messages_are_looked_through_than_one_waits_for(every_api, said, monkeypatch):
    monkeypatch.setattr(search, "_FEW", -1)
    everywhere(monkeypatch, "_LOOKED_AT", 2)
    assert found(every_api, "invoice") == [said[1]]
    assert found(every_api, "lieferung") == []
    say(every_api, said[0], Text(text="Thanks"), 9)
    assert found(every_api, "thanks") == [said[0]]
    assert found(every_api, "invoice") == []
    with reading(every_api.hub.engine) as db:
        looked = search.conversations(db, "thanks").latest
    assert looked
    assert looked.conversations == 1


def test_a_conversation_without_end_is_not_read_for_a_word_that_is_not_in_it(
    api, add_channel, add_conversation, monkeypatch
):
    looked = []

    def asked(said):
        looked.append(said)
        return (said,)

    monkeypatch.setattr(words, "_asked", asked)
    everywhere(monkeypatch, "_DEEP", 5)
    conversation_id = add_conversation(api, add_channel(api), "+44770090000")
    for seq in range(1, 41):
        say(api, conversation_id, Text(text="Hello"), seq)
    assert found(api, "nowhere") == []
    # Five messages, and the names.
    assert 5 <= len(looked) <= 7
    looked.clear()
    assert passages(api, "nowhere") == {}
    assert len(looked) == 5
