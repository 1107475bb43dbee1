"""The files of a letter: known when it is taken in, and within reach when it goes out."""

from dataclasses import replace

import pytest

from hubbub.deliver import queries
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.attempt import media_bytes
from hubbub.deliver.rules import Refused
from hubbub.deliver.work import submit
from hubbub.sdk import (
    Email,
    Headers,
    HttpResponse,
    Media,
    Permanent,
    Transient,
)
from hubbub.store.session import transaction
from hubbub.store.types import new_id
from tests.services import parrot


@pytest.fixture
def carried(world, monkeypatch):
    """What a parrot that carries letters is asked to say."""
    can, seen = parrot.Parrot.capabilities, list[Email]()
    monkeypatch.setattr(
        parrot.Parrot, "capabilities", replace(can, outbound=can.outbound | {"email"})
    )

    def said(content):
        seen.append(content)
        return {"text": content.text}

    monkeypatch.setattr(parrot, "_said", said)
    return seen


def keep(world, state="ready"):
    media_id = new_id()
    world.write(
        "INSERT INTO media (id, state, reason, mime_type, filename, size, attempts, created_at)"
        " VALUES (:id, :state, '', 'application/pdf', 'kept.pdf', 7, 0, '2026-01-01 00:00:00')",
        id=media_id,
        state=state,
    )
    return media_id


def send(world, *files):
    world.hear(world.channel(), {"id": "m1", "from": "+1", "text": "Hello"})
    conversation_id = world.one("SELECT id FROM conversations")["id"]
    letter = Email(subject="Order 12", text="Here", attachments=files)
    with transaction(world.hub.engine) as db:
        submit(world.hub, db, conversation_id=conversation_id, content=letter, author="api:1")
    nudge_deliver(world.hub)
    world.work()


def test_a_plugin_is_given_the_files_of_a_letter_within_its_reach(world, carried):
    kept, named = keep(world), keep(world)
    linked = Media(url="https://elsewhere.example/a.pdf", state="ready")
    send(world, Media(id=kept), Media(id=named, filename="invoice.pdf", cid="one"), linked)
    (letter,) = carried
    first, second, third = letter.attachments
    assert (first.filename, first.mime_type, first.size) == ("kept.pdf", "application/pdf", 7)
    assert f"/media/{kept}?sig=" in first.url
    assert (second.filename, second.cid) == ("invoice.pdf", "one")
    assert third == linked


@pytest.mark.parametrize("state", [None, "pending", "failed"])
def test_a_letter_with_a_file_that_is_not_there_is_refused(world, carried, state):
    missing = keep(world, state) if state else "nothing"
    with pytest.raises(Refused, match="no uploaded file"):
        send(world, Media(id=keep(world)), Media(id=missing))
    assert carried == []


@pytest.mark.parametrize(
    ("said", "error"),
    [(Transient("No answer."), Transient), (Permanent("Gone."), Permanent), (None, None)],
)
def test_a_file_that_lies_elsewhere_is_fetched_or_it_is_said_why_not(
    world, monkeypatch, said, error
):
    def perform(transport, request, *, files):
        if said is not None:
            raise said
        return HttpResponse(status=200, headers=Headers({}), body=request.url.encode())

    monkeypatch.setattr(type(world.hub.http), "perform", perform)
    read, media = media_bytes(world.hub), Media(url="https://elsewhere.example/a.pdf")
    if error is None:
        assert read(media) == b"https://elsewhere.example/a.pdf"
        return
    with pytest.raises(error, match=f"A file cannot be fetched. {said.detail}") as told:
        read(media)
    assert told.value.code == "media_unreachable"


@pytest.mark.usefixtures("carried")
def test_a_letter_is_told_the_reference_of_one_that_may_have_arrived(world):
    send(world)
    world.write("UPDATE deliveries SET state = 'unknown' WHERE destination = 'contact'")
    lost = world.one("SELECT id, conversation_id FROM deliveries WHERE state = 'unknown'")
    with transaction(world.hub.engine) as db:
        before = queries.earlier(db, lost["conversation_id"], 3, most=2)
    assert [row.reference for row in before] == [None, lost["id"]]
