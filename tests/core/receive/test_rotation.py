"""Credentials that are replaced: what proves a call meanwhile, and what proves us."""

from datetime import timedelta

import pytest

from hubbub.connect.work import ChannelChange, change_channel, check_channel
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import submit
from hubbub.people.errors import Invalid
from hubbub.sdk import Text
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Channel, table

OLD, NEW = "polly wants a cracker", "polly wants a biscuit"
DAY = timedelta(days=1)


@pytest.fixture
def rotate(world):
    """Replace the secret of a channel, and accept the old one for a while."""
    line = world.channel(secret=OLD)

    def change(secret=NEW, lasts=DAY, **more):
        until = world.hub.now() + lasts if lasts is not None else None
        credentials = None if secret is None else {"secret": secret}
        wanted = ChannelChange(credentials=credentials, old_credentials_until=until, **more)
        change_channel(world.hub, line.id, wanted, actor="cli")
        world.provider.requests.clear()
        return world.line(line.id)

    return change


def statuses(world, line, *secrets):
    """Return what calls are answered that these secrets prove."""
    return [world.hear(line, {"ignore": "Nothing."}, secret=secret)[0] for secret in secrets]


def kept_secrets(world, line):
    with reading(world.hub.engine) as db:
        row = db.execute(table(Channel).select()).one()
    return world.hub.vault.open(row.secrets, line.id)


def test_both_secrets_prove_calls_until_the_overlap_ends(world, rotate):
    line = rotate()
    assert statuses(world, line, NEW, OLD, "wrong", "explode") == [200, 200, 401, 401]
    world.clock.forward(days=1)
    assert statuses(world, line, NEW, OLD) == [200, 401]


def test_without_an_overlap_the_old_secret_proves_nothing(world, rotate):
    assert statuses(world, rotate(lasts=None), NEW, OLD) == [200, 401]


def test_we_prove_ourselves_by_the_new_secret_at_once(world, rotate):
    line = rotate()
    world.hear(line, {"from": "+1", "text": "Hello"}, secret=OLD)
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        submit(world.hub, db, conversation_id=conversation, content=Text(text="Hi"), author="api:t")
    nudge_deliver(world.hub)
    world.work()
    assert [one.headers["authorization"] for one in world.provider.requests] == [NEW]


def test_an_overlap_is_ended_early_and_outlives_a_change_of_settings(world, rotate):
    rotate()
    line = rotate(None, lasts=None, settings={"perch": "oak"})
    assert statuses(world, line, OLD) == [200]
    line = rotate(None, lasts=timedelta(0))
    assert statuses(world, line, OLD) == [401]
    assert "former" not in kept_secrets(world, line)


def test_only_the_secret_before_the_last_change_proves_calls(world, rotate):
    rotate()
    line = rotate("a third one")
    assert statuses(world, line, "a third one", NEW, OLD) == [200, 200, 401]


def test_no_later_word_revives_a_secret_whose_time_is_over(world, rotate):
    rotate()
    world.clock.forward(days=2)
    with pytest.raises(Invalid, match="No credentials were replaced"):
        rotate(None, lasts=DAY)
    assert statuses(world, rotate(None, lasts=None, name="Renamed"), OLD) == [401]


def test_both_secrets_are_masked_during_the_overlap(world, rotate):
    shown = rotate().redactor.text(f"{OLD} and {NEW}")
    assert OLD not in shown
    assert NEW not in shown


def test_the_old_secret_is_forgotten_by_the_first_check_after_its_end(world, rotate):
    line = rotate()
    check_channel(world.hub, line.id)
    assert kept_secrets(world, line)["former"]["credentials"] == {"secret": OLD}
    world.clock.forward(days=1)
    check_channel(world.hub, line.id)
    assert "former" not in kept_secrets(world, line)
