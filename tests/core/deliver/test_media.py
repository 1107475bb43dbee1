"""Files that contacts send: fetched once, and again where the hub or the provider stumbles."""

import pytest

from hubbub.media import StoreDown

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
