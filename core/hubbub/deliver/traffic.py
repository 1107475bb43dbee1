"""Count what an address wrote and was answered automatically, lest programs talk for ever."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, literal, or_, select, union_all

from hubbub.deliver.rules import PROGRAMS
from hubbub.directory import Line
from hubbub.sdk.capabilities import Ceilings
from hubbub.store.tables import Address, Conversation, Message, table
from hubbub.store.threads import Thread, Traffic

_addresses = table(Address)
_conversations = table(Conversation)
_messages = table(Message)

#: What goes to somebody who has not written there answers nobody.
_ANSWERS: Final = and_(
    _conversations.c.last_inbound_at.is_not(None),
    or_(*(_messages.c.author.startswith(one) for one in PROGRAMS)),
)


def count_traffic(db: Connection, line: Line, thread: Thread, now: datetime) -> None:
    """Let ``thread`` know how much it was answered automatically, where there are ceilings."""
    who = thread.addressee
    who.traffic = traffic_at(db, line, {who.id}, now).get(who.id)
    if who.traffic is not None:
        who.traffic.answered = answered_lately(db, line, now)


def traffic_at(
    db: Connection, line: Line, address_ids: Collection[str], now: datetime
) -> dict[str, Traffic]:
    """Return the traffic of addresses by their ids; nothing where there are no ceilings."""
    ceilings = line.hooks.capabilities.ceilings
    if ceilings is None or not address_ids:
        return {}
    found = {address_id: Traffic() for address_id in address_ids}
    known = select(_addresses.c.id).where(
        _addresses.c.id.in_(found), _addresses.c.created_at < now - ceilings.lately
    )
    for address_id in db.execute(known).scalars():
        found[address_id].known = True
    since = now - ceilings.within
    for row in db.execute(_counted(found, since).where(_messages.c.direction == "inbound")):
        found[row.address_id].inbound += row.number
    for row in db.execute(_counted(found, now - ceilings.per).where(_ANSWERS)):
        found[row.address_id].automatic[row.conversation_id] = row.number
    return found


def answered_lately(db: Connection, line: Line, now: datetime) -> set[str]:
    """Return the conversations with strangers that were answered automatically.

    Only as many as a ceiling may matter for.
    """
    ceilings = line.hooks.capabilities.ceilings
    if ceilings is None:
        return set()
    return set(db.execute(_strangers_answered(line.id, ceilings, now)).scalars())


def ceilings_reached(db: Connection, ceilings: Mapping[str, Ceilings], now: datetime) -> set[str]:
    """Return the channels on which strangers get no automatic answers now; ``ceilings`` by id."""
    if not ceilings:
        return set()
    counts = (
        select(literal(channel_id).label("channel_id"), func.count().label("number")).select_from(
            _strangers_answered(channel_id, one, now).subquery()
        )
        for channel_id, one in ceilings.items()
    )
    return {
        row.channel_id
        for row in db.execute(union_all(*counts))
        if row.number >= ceilings[row.channel_id].conversations
    }


def ceiling_reached(db: Connection, line: Line, now: datetime) -> str:
    """Return why strangers get no automatic answers now, and what helps; empty where they do."""
    ceilings = line.hooks.capabilities.ceilings
    if ceilings is None or len(answered_lately(db, line, now)) < ceilings.conversations:
        return ""
    minutes = ceilings.lately // timedelta(minutes=1)
    return (
        f"Whoever writes for the first time gets no automatic answer now: within {minutes} minutes "
        f"{ceilings.conversations} of them did, and a program may be writing under many addresses. "
        "They wait in the inbox: let people answer, and keep out at the provider what floods it. "
        f"It ends by itself once fewer were answered within {minutes} minutes."
    )


def _strangers_answered(channel_id: str, ceilings: Ceilings, now: datetime) -> Select[Any]:
    since = now - ceilings.lately
    return (
        select(_messages.c.conversation_id)
        .distinct()
        .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .where(
            _addresses.c.created_at >= since,
            _conversations.c.channel_id == channel_id,
            _conversations.c.last_message_at >= since,
            _messages.c.created_at >= since,
            _ANSWERS,
        )
        .limit(ceilings.conversations)
    )


def _counted(address_ids: Collection[str], since: datetime) -> Select[Any]:
    return (
        select(
            _conversations.c.address_id,
            _messages.c.conversation_id,
            func.count().label("number"),
        )
        .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
        .where(
            _conversations.c.address_id.in_(address_ids),
            _conversations.c.thread != "",
            _conversations.c.last_message_at >= since,
            _messages.c.created_at >= since,
        )
        .group_by(_conversations.c.address_id, _messages.c.conversation_id)
    )
