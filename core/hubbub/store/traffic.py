"""Count messages by channel and hour once, so that no page counts the messages of a day.

What is counted is added up by the scheduler; whoever asks adds what came since then.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    cast,
    delete,
    extract,
    func,
    insert,
    select,
    update,
)

from hubbub.store.tables import Message, TrafficCounted, TrafficHour, table
from hubbub.store.types import AnyRow
from hubbub.store.upsert import upsert

_counted = table(TrafficCounted)
_hours = table(TrafficHour)
_messages = table(Message)

#: Seconds of an hour.
HOUR: Final = 3600
#: Messages that are counted for who asks: a scheduler that runs leaves far fewer. Where it does
#: not, pages say so, and wait for no count of all that came meanwhile.
_NEWEST: Final = 20_000


def hour_of(moment: datetime) -> int:
    """Return the number of the hour in which ``moment`` lies, counted since 1970."""
    return int(moment.timestamp()) // HOUR


def count_on(db: Connection, *, before: datetime) -> None:
    """Add up what was stored until ``before``.

    That is to lie so far back that whatever was stored then is committed: what is committed later
    than its successors were counted is left out. Safe to run twice at once.
    """
    upto = _held(db)
    newest = select(func.max(_messages.c.id)).where(
        _messages.c.id > upto, _messages.c.created_at < before
    )
    last = db.execute(newest).scalar_one()
    if last is None:
        return
    found = db.execute(_by_hour(db).where(_messages.c.id > upto, _messages.c.id <= last)).all()
    known = {(row.channel_id, row.hour): row for row in _stored(db, found)}
    upsert(db, _hours, [_sum(row, known.get((row.channel_id, row.hour))) for row in found])
    db.execute(update(_counted).values(upto=last))


def forget_before(db: Connection, moment: datetime) -> None:
    """Delete the hours before ``moment``."""
    db.execute(delete(_hours).where(_hours.c.hour < hour_of(moment)))


def hours_since(db: Connection, channel_ids: Sequence[str], since: datetime) -> Sequence[AnyRow]:
    """Return what went through channels from the hour of ``since`` on; an hour may come twice."""
    stored = select(_hours).where(
        _hours.c.channel_id.in_(channel_ids), _hours.c.hour >= hour_of(since)
    )
    upto = db.execute(select(_counted.c.upto)).scalar() or ""
    columns = (_messages.c[name] for name in ("channel_id", "direction", "created_at"))
    latest = select(*columns).where(_messages.c.id > upto).order_by(_messages.c.id.desc())
    newest = latest.limit(_NEWEST).subquery()
    newer = _by_hour(db, newest).where(
        newest.c.channel_id.in_(channel_ids), newest.c.created_at >= since
    )
    return [*db.execute(stored), *db.execute(newer)]


def summed(rows: Sequence[AnyRow]) -> dict[str, Any]:
    """Return what ``rows`` count together, and when the last of each came."""
    return {
        "received": sum(one.received for one in rows),
        "sent": sum(one.sent for one in rows),
        "received_at": max(filter(None, (one.received_at for one in rows)), default=None),
        "sent_at": max(filter(None, (one.sent_at for one in rows)), default=None),
    }


def _held(db: Connection) -> str:
    """Return up to which message all are counted; nobody else counts until the end."""
    upto = db.execute(select(_counted.c.upto).with_for_update()).scalar()
    if upto is None:
        db.execute(insert(_counted).values(id=1, upto=""))
    return upto or ""


def _stored(db: Connection, found: Sequence[AnyRow]) -> Sequence[AnyRow]:
    first = min((row.hour for row in found), default=0)
    return db.execute(select(_hours).where(_hours.c.hour >= first)).all()


def _sum(row: AnyRow, known: AnyRow | None) -> Mapping[str, Any]:
    both = [row, known] if known else [row]
    return {"channel_id": row.channel_id, "hour": row.hour, **summed(both)}


def _by_hour(db: Connection, messages: FromClause = _messages) -> Select[Any]:
    inbound, outbound = (messages.c.direction == word for word in ("inbound", "outbound"))
    hour = _hour(db, messages.c.created_at)
    return select(
        messages.c.channel_id,
        hour.label("hour"),
        func.count().filter(inbound).label("received"),
        func.count().filter(outbound).label("sent"),
        func.max(messages.c.created_at).filter(inbound).label("received_at"),
        func.max(messages.c.created_at).filter(outbound).label("sent_at"),
    ).group_by(messages.c.channel_id, hour)


def _hour(db: Connection, at: ColumnElement[Any]) -> ColumnElement[int]:
    if db.dialect.name == "sqlite":
        return func.unixepoch(at, type_=Integer) // HOUR
    return cast(func.floor(extract("epoch", at) / HOUR), Integer)
