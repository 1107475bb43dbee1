"""Try again, each alone, the copies of a letter that were put off; the others have theirs.

Each is a delivery of its own beside that to the contact, which alone decides about the message.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from hubbub.deliver import queries
from hubbub.deliver.rules import LANE_HOLD, RETRY_SCHEDULE
from hubbub.directory import Line
from hubbub.store.states import DeliveryState
from hubbub.store.tables import Delivery, table
from hubbub.store.types import AnyRow, new_id

#: The destination of such deliveries.
COPY: Final = "copy"
_deliveries = table(Delivery)


def try_again(
    db: Connection, line: Line, row: AnyRow, put_off: Sequence[str], *, now: datetime
) -> None:
    """Store a delivery for each address that was ``put_off`` when the delivery ``row`` was sent."""
    there = select(_deliveries.c.address).where(
        _deliveries.c.message_id == row.message_id, _deliveries.c.destination == COPY
    )
    known = db.execute(there).scalars().all()
    new = [address for address in put_off if address not in known]
    first = (line.hooks.capabilities.retries or RETRY_SCHEDULE)[0]
    queries.add_deliveries(db, list(_rows(row, new, len(known), due_at=now + first)))


def original(db: Connection, message_id: str) -> AnyRow:
    """Return id and address of the delivery that the copies of a message are copies of."""
    found = select(_deliveries.c.id, _deliveries.c.address).where(
        _deliveries.c.message_id == message_id,
        _deliveries.c.destination == "contact",
        _deliveries.c.part == 0,
    )
    return db.execute(found).one()


def _rows(
    row: AnyRow, addresses: Sequence[str], first: int, *, due_at: datetime
) -> Iterator[dict[str, Any]]:
    same = ("message_id", "channel_id", "conversation_id", "seq", "content", "starts_at")
    for part, address in enumerate(addresses, first):
        yield {
            **{name: getattr(row, name) for name in same},
            "reply_to_external_id": row.reply_to_external_id,
            # It bears the date of the letter.
            "created_at": row.created_at,
            "id": new_id(),
            "destination": COPY,
            "part": part,
            "address": address,
            "state": DeliveryState.QUEUED,
            "due_at": due_at,
            "lane_until": due_at + LANE_HOLD,
        }
