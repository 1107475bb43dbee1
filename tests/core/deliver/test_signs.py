"""What contacts are shown: that somebody reads what they wrote, and that somebody writes."""

import json

import pytest

from hubbub.deliver.signs import show_read, show_typing


def shown(world, *, says="read"):
    """Return what the provider was told, and of what."""
    told = [one for one in world.provider.requests if one.url.endswith(f"/{says}")]
    return [json.loads(request.body) for request in told]


def conversation(world):
    return world.one("SELECT id FROM conversations")["id"]


@pytest.mark.parametrize(("show", "says"), [(show_read, "read"), (show_typing, "typing")])
def test_a_contact_is_shown_it_by_what_they_wrote_last(world, show, says):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    world.hear(line, {"id": "m2", "from": "+1", "text": "Hello?"}, {"from": "+1", "text": "!"})
    show(world.hub, conversation(world))
    assert shown(world, says=says) == [{"to": "+1", "after": "m2"}]


def test_nobody_is_shown_anything_by_what_the_provider_has_no_name_for(world):
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    show_read(world.hub, conversation(world))
    assert shown(world) == []


def test_nobody_is_shown_anything_where_people_switched_it_off(world):
    line = world.channel(read_receipts=False)
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    for show in (show_read, show_typing):
        show(world.hub, conversation(world))
    assert shown(world) == shown(world, says="typing") == []


def test_a_provider_that_refuses_it_harms_nothing(world):
    world.hear(world.channel(), {"id": "m1", "from": "+1", "text": "Hello"})
    world.provider.will((400, {}))
    show_read(world.hub, conversation(world))
    assert world.one("SELECT status FROM channels")["status"] == "connected"
