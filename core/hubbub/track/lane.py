"""Say what unsent messages wait for: one before them, their channel, or another try."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, or_, select, tuple_

from hubbub.store.states import DUE_STATES, DeliveryState
from hubbub.store.tables import Channel, Delivery, table
from hubbub.store.types import AnyRow

#: What people are told while a channel sends replies alone.
CAMPAIGNS_PAUSED: Final = "The provider limits campaigns for a while; replies go on."
#: A pause that lasts longer ends once somebody has mended the channel.
_ENDLESS: Final = timedelta(days=365)

_channels = table(Channel)
_deliveries = table(Delivery)
_HOLDS = (DeliveryState.UNKNOWN, DeliveryState.RETRYING)


@dataclass(frozen=True, kw_only=True)
class Behind:
    """The message that holds up another one, at the longest ``until`` then."""

    message_id: str
    unknown: bool
    since: datetime
    until: datetime

    @property
    def sentence(self) -> str:
        """What people are told of it."""
        if self.unknown:
            return "It waits behind an earlier message whose outcome is unknown."
        return "It waits behind an earlier message that is tried again."


@dataclass(frozen=True, kw_only=True)
class Pause:
    """What keeps a channel from sending a message, ``until`` then; None: until it is mended."""

    sentence: str
    until: datetime | None


def held_up(db: Connection, message_ids: Collection[str], *, now: datetime) -> dict[str, Behind]:
    """Return behind what those of the messages wait that something before them holds up."""
    if not message_ids:
        return {}
    earlier = _deliveries.alias("earlier")
    rows = db.execute(
        select(
            _deliveries.c.message_id.label("held_up"),
            earlier.c.message_id,
            earlier.c.state,
            earlier.c.claimed_at,
            earlier.c.created_at,
            earlier.c.lane_until,
        )
        .join(earlier, earlier.c.conversation_id == _deliveries.c.conversation_id)
        .where(
            _deliveries.c.message_id.in_(message_ids),
            _deliveries.c.state.in_(DUE_STATES),
            earlier.c.state.in_(_HOLDS),
            earlier.c.destination == _deliveries.c.destination,
            earlier.c.message_id != _deliveries.c.message_id,
            tuple_(earlier.c.seq, earlier.c.part) < tuple_(_deliveries.c.seq, _deliveries.c.part),
            earlier.c.lane_until > now,
            or_(_deliveries.c.starts_at.is_(None), _deliveries.c.starts_at <= now),
        )
        .order_by(earlier.c.lane_until)
    )
    return {
        row.held_up: Behind(
            message_id=row.message_id,
            unknown=row.state == DeliveryState.UNKNOWN,
            since=row.claimed_at or row.created_at,
            until=row.lane_until,
        )
        for row in rows
    }


def paused(db: Connection, message_ids: Collection[str], *, now: datetime) -> dict[str, Pause]:
    """Return which of the messages wait for their channel, and for how long."""
    if not message_ids:
        return {}
    whole, bulk = _channels.c.paused_until > now, _channels.c.bulk_paused_until > now
    rows = db.execute(
        select(
            _deliveries.c.message_id,
            _channels.c.paused_until,
            _channels.c.bulk_paused_until,
            _channels.c.status_reason,
        )
        .join(_channels, _channels.c.id == _deliveries.c.channel_id)
        .where(
            _deliveries.c.message_id.in_(message_ids),
            _deliveries.c.state.in_(DUE_STATES),
            or_(_deliveries.c.starts_at.is_(None), _deliveries.c.starts_at <= now),
            or_(whole, and_(_deliveries.c.bulk, bulk)),
        )
    )
    return {row.message_id: _pause(row, now) for row in rows}


def _pause(row: AnyRow, now: datetime) -> Pause:
    if row.paused_until is None or row.paused_until <= now:
        return Pause(sentence=CAMPAIGNS_PAUSED, until=row.bulk_paused_until)
    if row.paused_until > now + _ENDLESS:
        return Pause(sentence=row.status_reason or "The channel is to be mended.", until=None)
    return Pause(sentence="The provider asked the channel to wait.", until=row.paused_until)


def tried(db: Connection, message_ids: Collection[str]) -> dict[str, AnyRow]:
    """Return the last error of messages that are tried again or held, and when that is due."""
    if not message_ids:
        return {}
    rows = db.execute(
        select(_deliveries.c.message_id, _deliveries.c.due_at, _deliveries.c.error).where(
            _deliveries.c.message_id.in_(message_ids),
            _deliveries.c.state.in_(DUE_STATES),
            _deliveries.c.error.is_not(None),
        )
    )
    return {row.message_id: row for row in rows if row.error}
