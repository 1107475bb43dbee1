"""Find rows that nobody nudged, and claims of the dead."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, bindparam, literal, select, text, update

from hubbub.alive import living
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.store.channels import is_open
from hubbub.store.readings import mark_unread
from hubbub.store.session import reading, transaction
from hubbub.store.states import DeliveryState
from hubbub.store.tables import Call, Channel, Conversation, Delivery, MediaFile, Piece, table
from hubbub.store.threads import by_ids, save
from hubbub.store.traffic import count_on
from hubbub.store.types import one_of
from hubbub.track.receipts import attach_waiting, refresh, strays

#: A call this young is still on its way to a worker; nudging it as well would be work for nothing.
_GRACE: Final = timedelta(milliseconds=500)
#: An attempt that takes longer than this may have ended, and nobody was told to write it down.
_LONG: Final = timedelta(seconds=45)
#: An attempt of a living process that takes longer than this has lost its way.
_STUCK: Final = timedelta(minutes=10)
#: What was written so long ago is there for everybody to see.
_SETTLED: Final = timedelta(seconds=5)
#: No transaction that stores messages takes so long.
_COUNTED: Final = timedelta(seconds=30)
#: Deliveries that are looked at in one go.
_MOST: Final = 500

_calls = table(Call)
_channels = table(Channel)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_media = table(MediaFile)
_pieces = table(Piece)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What is due and may lack a nudge."""

    channels: list[str]
    #: Channels where the rest of a long message is overdue.
    pieces: list[str]
    deliveries: bool
    bulk: bool
    media: bool
    unknown: list[str]


def waiting(hub: Hub) -> Waiting:
    """Return what is due. Each question is answered from a partial index."""
    now = hub.now()
    with reading(hub.engine) as db:
        channels = db.execute(_PENDING_CHANNELS, {"before": now - _GRACE}).scalars()
        pieces = db.execute(_OVERDUE_CHANNELS, {"now": now}).scalars()
        due = {
            bulk: _any_due(db, now, bulk=bulk) or _any_long(db, now, bulk=bulk)
            for bulk in (False, True)
        }
        media = select(_media.c.id).where(
            _media.c.state == text("'pending'"), _media.c.due_at <= now
        )
        unknown = select(_deliveries.c.id).where(
            one_of(_deliveries.c.state, ("sending", "unknown")),
            _deliveries.c.state == DeliveryState.UNKNOWN,
            _deliveries.c.due_at <= now,
        )
        return Waiting(
            channels=list(channels),
            pieces=list(pieces),
            deliveries=due[False],
            bulk=due[True],
            media=db.execute(media.limit(1)).first() is not None,
            unknown=list(db.execute(unknown.limit(_MOST)).scalars()),
        )


def recover(hub: Hub) -> None:
    """Take deliveries back from processes that died while they carried them.

    What may have reached a provider becomes unknown; a destination is simply asked again.
    """
    now = hub.now()
    with transaction(hub.engine) as db:
        rows = _claimed(db, now)
        if not rows:
            return
        log.warning("deliveries of dead processes", deliveries=len(rows))
        for row in rows:
            to_contact = not row.onward
            db.execute(
                update(_deliveries)
                .where(
                    _deliveries.c.id == row.id,
                    _deliveries.c.state == DeliveryState.SENDING,
                    _deliveries.c.claimed_by == row.claimed_by,
                )
                .values(
                    state=DeliveryState.UNKNOWN if to_contact else DeliveryState.RETRYING,
                    due_at=now + timedelta(seconds=60) if to_contact else now,
                    lane_until=now + timedelta(minutes=2),
                    error={
                        "code": "worker_lost",
                        "provider_code": None,
                        "detail": "The worker that sent this died before it heard the answer.",
                        "retryable": True,
                    },
                )
            )
        refresh(db, [row.message_id for row in rows])


def wake(hub: Hub) -> None:
    """Open the snoozed conversations whose time has come; to who has them they are as if new."""
    due = {"now": hub.now(), "most": _MOST}
    with reading(hub.engine) as db:
        if db.execute(_SLEPT_ENOUGH, due).first() is None:
            return
    with transaction(hub.engine) as db:
        # Whom somebody holds just now may have been woken by that.
        held = _SLEPT_ENOUGH.with_for_update(skip_locked=True)
        ids = list(db.execute(held, due).scalars())
        woken = list(by_ids(db, ids).values())
        for thread in woken:
            thread.status = "open"
            if thread.assignee_id is not None:
                mark_unread(db, thread.conversation_id, thread.assignee_id)
        save(db, woken)
    hub.live.publish(
        [LiveEvent("conversation", one.channel_id, one.conversation_id) for one in woken]
    )


def attach_strays(hub: Hub, *, back: timedelta) -> None:
    """Apply receipts of the time ``back`` whose delivery was being written when they came."""
    now = hub.now()
    with reading(hub.engine) as db:
        missed = strays(db, since=now - back, before=now - _SETTLED)
    for channel_id, external_ids in missed.items():
        with transaction(hub.engine) as db:
            changed = attach_waiting(db, channel_id, external_ids, by_watermark=True)
        hub.live.publish([LiveEvent("status", channel_id, *ids) for ids in changed])


def count_traffic(hub: Hub) -> None:
    """Add up what went through the channels, but for the last seconds."""
    with transaction(hub.engine) as db:
        count_on(db, before=hub.now() - _COUNTED)


def _any_due(db: Connection, now: datetime, *, bulk: bool) -> bool:
    due = select(_channels.c.id).where(
        is_open(now, bulk=literal(bulk)),
        select(_deliveries.c.id)
        .where(
            _deliveries.c.channel_id == _channels.c.id,
            _deliveries.c.bulk == bulk,
            # Both: the index goes by it before it goes by the time.
            _deliveries.c.onward.in_((False, True)),
            one_of(_deliveries.c.state, ("queued", "retrying")),
            _deliveries.c.due_at <= now,
        )
        .exists(),
    )
    return db.execute(due.limit(1)).first() is not None


def _any_long(db: Connection, now: datetime, *, bulk: bool) -> bool:
    long = select(_deliveries.c.id).where(
        one_of(_deliveries.c.state, ("sending", "unknown")),
        _deliveries.c.state == DeliveryState.SENDING,
        _deliveries.c.claimed_at < now - _LONG,
        _deliveries.c.bulk == bulk,
    )
    return db.execute(long.limit(1)).first() is not None


def _claimed(db: Connection, now: datetime) -> list[Any]:
    alive = living(db, now)
    rows = db.execute(
        select(
            _deliveries.c.id,
            _deliveries.c.message_id,
            _deliveries.c.onward,
            _deliveries.c.claimed_by,
            _deliveries.c.claimed_at,
        )
        .where(
            one_of(_deliveries.c.state, ("sending", "unknown")),
            _deliveries.c.state == DeliveryState.SENDING,
        )
        .order_by(_deliveries.c.claimed_at)
        .limit(_MOST)
    ).all()
    dead = [row for row in rows if row.claimed_by not in alive or row.claimed_at < now - _STUCK]
    # In the order in which everybody holds deliveries.
    return sorted(dead, key=lambda row: row.id)


#: One look per channel, whose pending calls have an index of their own; never one per call.
_PENDING_CHANNELS: Final = select(_channels.c.id).where(
    select(_calls.c.id)
    .where(
        _calls.c.channel_id == _channels.c.id,
        _calls.c.state == text("'pending'"),
        _calls.c.received_at < bindparam("before"),
    )
    .exists()
)
_SLEPT_ENOUGH: Final = (
    select(_conversations.c.id)
    .where(
        _conversations.c.status == text("'snoozed'"),
        _conversations.c.snoozed_until
        <= bindparam("now", type_=_conversations.c.snoozed_until.type),
    )
    .order_by(_conversations.c.snoozed_until)
    .limit(bindparam("most"))
)
_OVERDUE_CHANNELS: Final = (
    select(_pieces.c.channel_id)
    .distinct()
    .join(_channels, _channels.c.id == _pieces.c.channel_id)
    .where(
        _pieces.c.due_at <= bindparam("now", type_=_pieces.c.due_at.type),
        _channels.c.deleted_at.is_(None),
    )
)
