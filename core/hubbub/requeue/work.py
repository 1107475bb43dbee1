"""Begin to try again what failed for a cause, go on with it, and stop it.

The rows say what failed; a requeue says how far it has come among them. The scheduler takes it
further every second, in the transaction that has the effect: nothing is tried twice, whoever dies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.receive.work import replay_many
from hubbub.requeue import queries
from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.types import AnyRow, new_id

#: What can be tried again by its cause; an outcome that is unknown is settled one by one.
KINDS: Final = ("failed", "dead", "quarantined")
#: How many in a minute, unless somebody says otherwise, and at the most.
PACE: Final = 60
FASTEST: Final = 6000
_MINUTE: Final = timedelta(minutes=1)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What failed on one channel for one cause."""

    #: ``failed`` or ``unknown`` messages, ``dead`` or ``quarantined`` calls.
    kind: str
    channel_id: str
    #: The code of the error, or the reason.
    cause: str
    detail: str
    count: int
    first_at: datetime
    last_at: datetime
    #: How many of the messages are for contacts to whom anything can be sent now.
    reachable: int = 0


def failures(db: Connection) -> list[Failure]:
    """Return what failed over all channels by its cause, the most first."""
    rows = [*queries.lost_messages(db), *queries.unread_calls(db)]
    found = (Failure(**{**row._asdict(), "detail": row.detail or ""}) for row in rows)
    return sorted(found, key=lambda one: (-one.count, one.channel_id, one.kind, one.cause))


def begin(hub: Hub, *, kind: str, channel_id: str, cause: str, per_minute: int, actor: str) -> str:
    """Begin to try again all that failed for a cause until now; return the id of that.

    Raises `Invalid`, `NotFound` where nothing failed so, or `Conflict` where it goes on already.
    """
    _check(kind, per_minute)
    requeue_id, now = new_id(), hub.now()
    try:
        with transaction(hub.engine) as db:
            total, upto = queries.extent(db, kind, channel_id=channel_id, cause=cause)
            if not total:
                raise NotFound("Nothing failed for this cause, or it was tried again already.")
            row = {
                "id": requeue_id,
                "kind": kind,
                "channel_id": channel_id,
                "cause": cause,
                "after": "",
                "upto": upto,
                "per_minute": per_minute,
                "total": total,
                "done": 0,
                "skipped": 0,
                "state": "running",
                "next_at": now,
                "created_at": now,
                "created_by": actor,
            }
            queries.add(db, row)
            detail = {"kind": kind, "channel": channel_id, "total": total}
            audit(
                db,
                now=now,
                actor=actor,
                action="requeue.began",
                object_id=requeue_id,
                detail=detail,
            )
    except IntegrityError:
        raise Conflict("This is being tried again already.", code="requeue_running") from None
    return requeue_id


def find_requeue(hub: Hub, requeue_id: str) -> AnyRow:
    """Return how far it has come. Raises `NotFound`."""
    with reading(hub.engine) as db:
        row = queries.requeue(db, requeue_id)
    if row is None:
        raise NotFound("There is no such requeue.")
    return row


def stop(hub: Hub, requeue_id: str, *, actor: str) -> None:
    """Try no more of it again. Safe to run twice. Raises `NotFound`."""
    now = hub.now()
    with transaction(hub.engine) as db:
        row = queries.requeue(db, requeue_id, hold=True)
        if row is None:
            raise NotFound("There is no such requeue.")
        if row.state != "running":
            return
        queries.change(db, requeue_id, state="stopped", finished_at=now)
        audit(db, now=now, actor=actor, action="requeue.stopped", object_id=requeue_id)


def go_on(hub: Hub) -> None:
    """Take everything further that is due. Safe to run twice and at once."""
    with reading(hub.engine) as db:
        due = queries.due(db, hub.now())
    for requeue_id in due:
        try:
            _advance(hub, requeue_id)
        except DatabaseDown:
            raise
        # One that cannot go on must not hold up the others.
        except Exception:
            log.exception("requeue failed", requeue=requeue_id)
            with transaction(hub.engine) as db:
                queries.change(db, requeue_id, next_at=hub.now() + _MINUTE)
    if due:
        nudge_deliver(hub)


def _check(kind: str, per_minute: int) -> None:
    if kind not in KINDS:
        raise Invalid(Complaint("kind", f"Take one of {', '.join(KINDS)}."))
    if not 1 <= per_minute <= FASTEST:
        raise Invalid(Complaint("per_minute", f"Take a number from 1 to {FASTEST}."))


def _advance(hub: Hub, requeue_id: str) -> None:
    with transaction(hub.engine) as db:
        row = queries.requeue(db, requeue_id, hold=True)
        if row is None or row.state != "running":
            return
        ids = queries.waiting(
            db,
            row.kind,
            channel_id=row.channel_id,
            cause=row.cause,
            after=row.after,
            upto=row.upto,
            limit=_step(row.per_minute),
        )
        if row.kind == "failed" or not ids:
            _note(hub, db, row, ids, _retried(hub, db, ids))
            return
    # To run a call again takes transactions of its own; twice has the effect of once.
    done = replay_many(hub, ids)
    with transaction(hub.engine) as db:
        _note(hub, db, row, ids, done)


def _step(per_minute: int) -> int:
    """Return how many are tried at once: the scheduler comes by every second."""
    return max(1, per_minute // 60)


def _retried(hub: Hub, db: Connection, message_ids: Sequence[str]) -> int:
    done = 0
    for message_id in message_ids:
        try:
            deliver.retry(hub, db, message_id)
        except Refused as error:
            log.info("message not tried again", message=message_id, reason=error.detail)
        else:
            done += 1
    return done


def _note(hub: Hub, db: Connection, row: AnyRow, ids: Sequence[str], done: int) -> None:
    """Write how far it has come; somebody may have stopped it meanwhile."""
    now = hub.now()
    values = {
        "after": ids[-1] if ids else row.after,
        "done": row.done + done,
        "skipped": row.skipped + len(ids) - done,
        "next_at": now + _MINUTE * len(ids) / row.per_minute,
    }
    if not ids:
        values |= {"state": "done", "finished_at": now}
    queries.change(db, row.id, **values)
