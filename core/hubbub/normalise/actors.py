"""Declare the actors that normalise; each calls one plain function."""

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


@dramatiq.actor(broker=broker, queue_name="inbound", time_limit=600_000)
def give_up_pieces(channel_id: str) -> None:
    """Show of the long messages of one channel what is there, where the rest is overdue."""
    hub().nudges.taken(_pieces_lane(channel_id))
    work.give_up(hub(), channel_id)


def nudge_normalise(hub: Hub, channel_id: str) -> None:
    """Announce that a channel has calls to read; call it after the commit."""
    hub.nudges.nudge(normalise_channel, channel_id, lane=_lane(channel_id))


def nudge_pieces(hub: Hub, channel_id: str) -> None:
    """Announce that pieces of a channel's messages have waited long enough."""
    hub.nudges.nudge(give_up_pieces, channel_id, lane=_pieces_lane(channel_id))


def _lane(channel_id: str) -> str:
    return f"normalise:{channel_id}"


def _pieces_lane(channel_id: str) -> str:
    return f"pieces:{channel_id}"
