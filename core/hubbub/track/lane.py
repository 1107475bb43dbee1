"""Say behind which message another one of its conversation waits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, tuple_

from hubbub.store.states import DUE_STATES, DeliveryState
from hubbub.store.tables import Delivery, table

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
