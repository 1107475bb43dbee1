"""Declare the actor that normalises; it calls one plain function."""

import dramatiq

from hubbub.broker import broker
from hubbub.hub import Hub
from hubbub.normalise import work
from hubbub.process import hub


@dramatiq.actor(broker=broker, queue_name="inbound", time_limit=600_000)
def normalise_channel(channel_id: str) -> None:
    """Read the pending calls of one channel, oldest first."""
    hub().nudges.taken(_lane(channel_id))
    work.normalise(hub(), channel_id)


def nudge_normalise(hub: Hub, channel_id: str) -> None:
    """Announce that a channel has calls to read; call it after the commit."""
    hub.nudges.nudge(normalise_channel, channel_id, lane=_lane(channel_id))


def _lane(channel_id: str) -> str:
    return f"normalise:{channel_id}"
