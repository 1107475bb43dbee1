"""Declare the actors that carry messages; each calls one plain function."""

import dramatiq

from hubbub.broker import broker
from hubbub.deliver import media, proof, signs
from hubbub.hub import Hub
from hubbub.process import courier, hub

#: Milliseconds; a courier's shift ends by itself long before.
_LONG = 600_000


@dramatiq.actor(broker=broker, queue_name="outbound", time_limit=_LONG)
def deliver() -> None:
    """Carry what is due to contacts and destinations."""
    hub().nudges.taken("deliver")
    if courier(bulk=False).run():
        nudge_deliver(hub())


@dramatiq.actor(broker=broker, queue_name="bulk", time_limit=_LONG)
def deliver_bulk() -> None:
    """Carry what is due of campaigns and the like."""
    hub().nudges.taken("bulk")
    if courier(bulk=True).run():
        nudge_bulk(hub())


@dramatiq.actor(broker=broker, queue_name="default", time_limit=120_000)
def seek_proof(delivery_id: str) -> None:
    """Find out what became of a send whose answer was lost."""
    proof.seek_proof(hub(), delivery_id)
    nudge_deliver(hub())


@dramatiq.actor(broker=broker, queue_name="media", time_limit=_LONG)
def fetch_media() -> None:
    """Fetch the files that contacts sent, as far as they are due."""
    hub().nudges.taken("media")
    media.fetch_due(hub())


@dramatiq.actor(broker=broker, queue_name="default", time_limit=60_000)
def acknowledge(call_id: str) -> None:
    """Tell a provider that its call was processed."""
    media.acknowledge(hub(), call_id)


@dramatiq.actor(broker=broker, queue_name="default", time_limit=60_000)
def learn_name(channel_id: str, address: str) -> None:
    """Ask a provider what a contact is called."""
    media.learn_name(hub(), channel_id, address)


@dramatiq.actor(broker=broker, queue_name="default", time_limit=60_000)
def show_read(conversation_id: str) -> None:
    """Tell a contact that what they wrote was read."""
    signs.show_read(hub(), conversation_id)


@dramatiq.actor(broker=broker, queue_name="default", time_limit=60_000)
def show_typing(conversation_id: str) -> None:
    """Show a contact that somebody is writing."""
    signs.show_typing(hub(), conversation_id)


def nudge_deliver(hub: Hub) -> None:
    """Announce that something is due to be carried; call it after the commit."""
    hub.nudges.nudge(deliver, lane="deliver")


def nudge_bulk(hub: Hub) -> None:
    """Announce that something of a campaign is due; call it after the commit."""
    hub.nudges.nudge(deliver_bulk, lane="bulk")


def nudge_media(hub: Hub) -> None:
    """Announce that there are files to fetch; call it after the commit."""
    hub.nudges.nudge(fetch_media, lane="media")


def nudge_acknowledge(hub: Hub, call_id: str) -> None:
    """Announce a call that its provider wants to see acknowledged; call it after the commit."""
    hub.nudges.nudge(acknowledge, call_id, lane=f"ack:{call_id}")


def nudge_name(hub: Hub, channel_id: str, address: str) -> None:
    """Announce somebody whose messages do not say who it is; call it after the commit."""
    hub.nudges.nudge(learn_name, channel_id, address, lane=f"name:{channel_id}:{address}")


def nudge_proof(hub: Hub, delivery_id: str) -> None:
    """Announce a delivery whose outcome is to be found out."""
    hub.nudges.nudge(seek_proof, delivery_id, lane=f"proof:{delivery_id}")


def nudge_read(hub: Hub, conversation_id: str) -> None:
    """Announce that somebody has seen a conversation; call it after the commit."""
    hub.nudges.nudge(show_read, conversation_id, lane=f"read:{conversation_id}")


def nudge_typing(hub: Hub, conversation_id: str) -> None:
    """Announce that somebody is writing in a conversation."""
    hub.nudges.nudge(show_typing, conversation_id, lane=f"typing:{conversation_id}")
