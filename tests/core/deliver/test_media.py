"""Files that contacts send: fetched once, and again where the hub or the provider stumbles."""

import threading

import pytest
from sqlalchemy import select

from hubbub.deliver.media import ask_aside, fetch_due
from hubbub.media import StoreDown
from hubbub.normalise.work import normalise
from hubbub.store import search
from hubbub.store.session import reading
from hubbub.store.tables import Conversation, table

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


@pytest.fixture
def hear_image(world):
    """A channel on which somebody sends an image, whose bytes the provider answers with."""
    line = world.channel()

    def hear(*answers):
        world.provider.will(*answers)
        world.hear(line, {"id": "m1", "from": "+1", "image": "ref-1"})

    return hear


def file_of(world):
    return world.one("SELECT id, state, reason FROM media")


def test_a_file_is_kept_as_it_is(world, hear_image):
    hear_image((200, PNG))
    assert file_of(world)["state"] == "ready"
    assert world.hub.media.get(file_of(world)["id"]) == PNG


def test_a_file_is_found_by_the_name_that_is_learnt_with_it(world):
    line = world.channel()
    world.provider.will((200, PNG))
    world.hear(line, {"id": "m1", "from": "+1", "image": "invoice 7.png"})
    with reading(world.hub.engine) as db:
        sought = search.conversations(db, "invoice")
        found = select(table(Conversation).c.id).where(sought.condition)
        assert len(db.execute(found).all()) == 1


def test_a_file_whose_message_is_taken_back_meanwhile_gives_it_no_name(world):
    line = world.channel()

    def answer(_request):
        world.call(line, {"items": [{"delete": "m1"}]})
        normalise(world.hub, line.id)
        return 200, PNG

    world.provider.will(answer)
    world.hear(line, {"id": "m1", "from": "+1", "image": "invoice.png"})
    assert world.one("SELECT count(*) AS n FROM media")["n"] == 0
    assert "invoice" not in str(world.one("SELECT content FROM messages")["content"])


def test_a_file_that_is_not_there_yet_is_fetched_later(world, hear_image):
    hear_image((404, b""))
    assert file_of(world)["reason"] == "The file is not there yet."
    world.provider.will((200, PNG))
    world.pass_time(seconds=10)
    assert file_of(world)["state"] == "ready"


def test_a_file_that_cannot_be_kept_is_fetched_again(world, hear_image, monkeypatch):
    def full(media_id, body):
        raise StoreDown("The file could not be written: no space.")

    with monkeypatch.context() as patched:
        patched.setattr(world.hub.media, "put", full)
        hear_image((200, PNG))
    assert file_of(world)["state"] == "pending"
    assert file_of(world)["reason"] == "The file could not be written: no space."
    world.provider.will((200, PNG))
    world.pass_time(seconds=10)
    assert world.hub.media.get(file_of(world)["id"]) == PNG


@pytest.fixture
def silence(world):
    """Let two fetchers begin, whom the provider does not answer before the end of the test."""
    over, asked = threading.Event(), threading.Semaphore(0)

    def answer(request):
        asked.release()
        over.wait(10)
        return 200, PNG

    threads = [threading.Thread(target=fetch_due, args=(world.hub,)) for _ in range(2)]

    def begin():
        world.provider.will(answer, answer, (200, PNG))
        for thread in threads:
            thread.start()
            assert asked.acquire(timeout=10)

    yield begin
    over.set()
    for thread in threads:
        thread.join(10)


def test_a_provider_that_gives_no_files_holds_up_no_other_channel(world, silence):
    silent, other = world.channel(), world.channel()
    for line, count in ((silent, 9), (other, 1)):
        files = [{"id": f"m{n}", "from": f"+{n}", "image": f"ref-{n}"} for n in range(count)]
        world.call(line, {"items": files})
    world.hub.nudges.waiting.clear()
    for line in (silent, other):
        normalise(world.hub, line.id)
    silence()

    assert fetch_due(world.hub) == 1

    ready = world.rows("SELECT channel_id FROM media WHERE state = 'ready'")
    assert [row["channel_id"] for row in ready] == [other.id]


def test_about_a_busy_channel_nothing_more_is_begun(world):
    line = world.channel()

    def exchange():
        raise AssertionError("begun")
        yield

    with world.hub.asides.place(line.id), world.hub.asides.place(line.id):
        assert ask_aside(world.hub, line, exchange()) is None
