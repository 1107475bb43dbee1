"""Ask for and store channels and their routes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    union_all,
    update,
)

from hubbub.store.news import note
from hubbub.store.states import NEVER, CallState, DeliveryState
from hubbub.store.tables import (
    FAILED_TO_CONTACT,
    Call,
    Channel,
    ChannelDraft,
    Delivery,
    Message,
    RouteDraft,
    RouteSet,
    Template,
    table,
)
from hubbub.store.types import AnyRow

_channels = table(Channel)
_route_sets = table(RouteSet)
_route_drafts = table(RouteDraft)
_messages = table(Message)
_deliveries = table(Delivery)
_templates = table(Template)
_drafts = table(ChannelDraft)
_calls = table(Call)

_earlier = _messages.alias("earlier")
#: Messages of contacts, and whether each was the first of its conversation.
_HEARD = select(
    *(
        _messages.c[name]
        for name in ("id", "content", "sender_address", "sender_name", "created_at", "decision")
    ),
    ~exists(
        select(_earlier.c.id).where(
            _earlier.c.conversation_id == _messages.c.conversation_id,
            _earlier.c.direction == "inbound",
            _earlier.c.seq < _messages.c.seq,
        )
    ).label("first"),
).where(_messages.c.direction == "inbound")

#: What is counted is counted so far: a page says "1000 or more".
MOST = 1000
#: Parts of messages that failed are counted up to here.
MOST_FAILED = 10_000
#: Drafts that a list shows.
_DRAFTS = 20
#: A send that has begun cannot be called back; what has not can.
_NOT_BEGUN = (DeliveryState.QUEUED, DeliveryState.RETRYING)


def add_channel(db: Connection, **values: Any) -> None:
    """Store a channel. Raises `sqlalchemy.exc.IntegrityError` when its account is taken."""
    db.execute(insert(_channels).values(**values))


def channel(db: Connection, channel_id: str, *, lock: bool = False) -> Row[Any] | None:
    """Return a channel that was not deleted, or None; ``lock`` holds off other changes of it."""
    found = select(_channels).where(_channels.c.id == channel_id, _channels.c.deleted_at.is_(None))
    return db.execute(found.with_for_update() if lock else found).one_or_none()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which channels: part of a name, a type, a status as it is shown."""

    q: str = ""
    type: str = ""
    status: str = ""
    #: The types whose plugins are loaded: channels of others are shown as in error.
    loaded: Collection[str] = ()


EVERY = Wanted()


def channels(
    db: Connection, *, wanted: Wanted = EVERY, before: str | None = None, limit: int | None = None
) -> list[Row[Any]]:
    """Return the channels, the newest first, those made before the channel ``before``."""
    found = select(_channels).where(_channels.c.deleted_at.is_(None))
    if before is not None:
        found = found.where(_channels.c.id < before)
    if wanted.q:
        found = found.where(_channels.c.name.icontains(wanted.q, autoescape=True))
    if wanted.type:
        found = found.where(_channels.c.type == wanted.type)
    if wanted.status == "error":
        broken = _channels.c.type.not_in(wanted.loaded)
        found = found.where(or_(_channels.c.status == "error", broken))
    elif wanted.status:
        found = found.where(
            _channels.c.status == wanted.status, _channels.c.type.in_(wanted.loaded)
        )
    return list(db.execute(found.order_by(_channels.c.id.desc()).limit(limit)))


def change_channel(
    db: Connection, channel_id: str, *, values: Mapping[str, Any], version: int | None = None
) -> bool:
    """Change columns of a channel and raise its version; False if it is not at ``version``.

    Raises `sqlalchemy.exc.IntegrityError` when its account is taken.
    """
    found = update(_channels).where(_channels.c.id == channel_id, _channels.c.deleted_at.is_(None))
    if version is not None:
        found = found.where(_channels.c.version == version)
    changed = db.execute(found.values(**values, version=_channels.c.version + 1))
    return bool(changed.rowcount)


def change_status(
    db: Connection, channel_id: str, *, status: str, reason: str, now: datetime
) -> bool:
    """Give a channel another status or reason; False if that is what it has."""
    same = (_channels.c.status == status) & (_channels.c.status_reason == reason)
    found = update(_channels).where(
        _channels.c.id == channel_id, _channels.c.deleted_at.is_(None), ~same
    )
    values = {
        "status": status,
        "status_reason": reason,
        "status_since": now,
        "version": _channels.c.version + 1,
    }
    changed = bool(db.execute(found.values(**values)).rowcount)
    if changed:
        note(db, "channel_status_changed", channel_id)
    return changed


def mark_checked(
    db: Connection,
    channel_id: str,
    *,
    now: datetime | None,
    findings: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Note that the provider was asked, and what was found; None: what was found before.

    ``now`` None: it is to be asked anew, before all else.
    """
    values: dict[str, Any] = {"checked_at": now}
    if findings is not None:
        values["findings"] = list(findings)
    db.execute(update(_channels).where(_channels.c.id == channel_id).values(values))


def read_templates_at(db: Connection, channel_id: str, when: datetime | None) -> None:
    """Say when the templates of a channel are to be read again; None: at once."""
    found = update(_channels).where(_channels.c.id == channel_id)
    db.execute(found.values(templates_due_at=when))


def due_for_templates(db: Connection, types: Collection[str], *, now: datetime) -> list[str]:
    """Return the connected channels of ``types`` whose templates are to be read now."""
    due = select(_channels.c.id).where(
        _channels.c.type.in_(types),
        _channels.c.deleted_at.is_(None),
        _channels.c.enabled,
        _channels.c.status == "connected",
        or_(_channels.c.templates_due_at.is_(None), _channels.c.templates_due_at <= now),
    )
    return list(db.execute(due).scalars())


def release_held(db: Connection, channel_id: str, *, now: datetime) -> None:
    """Make what waited for the channel due; scheduled sends keep their time."""
    db.execute(update(_channels).where(_channels.c.id == channel_id).values(paused_until=None))
    due = update(_deliveries).where(*_held(channel_id, now), _deliveries.c.due_at > now)
    db.execute(due.values(due_at=now))


def anything_held(db: Connection, channel_id: str, *, now: datetime) -> bool:
    """Whether anything waits for the channel."""
    found = select(_deliveries.c.id).where(*_held(channel_id, now)).limit(1)
    return db.execute(found).first() is not None


def _held(channel_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _deliveries.c.channel_id == channel_id,
        _deliveries.c.state.in_(_NOT_BEGUN),
        _deliveries.c.due_at < NEVER,
        or_(_deliveries.c.starts_at.is_(None), _deliveries.c.starts_at <= now),
    )


def cancel_waiting(db: Connection, channel_id: str) -> list[str]:
    """Cancel what has not begun to be sent; return the ids of the messages it belonged to."""
    waiting = (_deliveries.c.channel_id == channel_id, _deliveries.c.state.in_(_NOT_BEGUN))
    ids = list(db.execute(select(_deliveries.c.message_id).where(*waiting).distinct()).scalars())
    db.execute(update(_deliveries).where(*waiting).values(state=DeliveryState.CANCELLED))
    return ids


def route_set(db: Connection, channel_id: str) -> Row[Any] | None:
    """Return the routes in force, or None."""
    found = route_sets(db, channel_id, limit=1)
    return found[0] if found else None


def route_sets(
    db: Connection, channel_id: str, *, up_to: int | None = None, limit: int
) -> list[Row[Any]]:
    """Return versions of a channel's routes, the latest first; from ``up_to`` on downwards."""
    found = select(_route_sets).where(_route_sets.c.channel_id == channel_id)
    if up_to is not None:
        found = found.where(_route_sets.c.version <= up_to)
    return list(db.execute(found.order_by(_route_sets.c.version.desc()).limit(limit)))


def add_route_set(db: Connection, **values: Any) -> None:
    """Store routes. Raises `sqlalchemy.exc.IntegrityError` when the version exists."""
    db.execute(insert(_route_sets).values(**values))


def wipe_routes(db: Connection, channel_id: str) -> None:
    """Wipe the rules of a channel that is gone, with the secrets of their destinations."""
    db.execute(update(_route_sets).where(_route_sets.c.channel_id == channel_id).values(sealed=b""))
    db.execute(delete(_route_drafts).where(_route_drafts.c.channel_id == channel_id))


def route_draft(
    db: Connection, channel_id: str, user_id: str, *, lock: bool = False
) -> Row[Any] | None:
    """Return what somebody makes of the routes, or None; ``lock`` holds off other changes of it."""
    found = select(_route_drafts).where(*_draft(channel_id, user_id))
    return db.execute(found.with_for_update() if lock else found).one_or_none()


def add_route_draft(db: Connection, **values: Any) -> None:
    """Store a draft. Raises `sqlalchemy.exc.IntegrityError` when the person has one."""
    db.execute(insert(_route_drafts).values(**values))


def change_route_draft(db: Connection, draft_id: str, **values: Any) -> None:
    """Change columns of a draft."""
    db.execute(update(_route_drafts).where(_route_drafts.c.id == draft_id).values(**values))


def remove_route_draft(db: Connection, channel_id: str, user_id: str) -> None:
    """Forget what somebody made of the routes."""
    db.execute(delete(_route_drafts).where(*_draft(channel_id, user_id)))


def _draft(channel_id: str, user_id: str) -> tuple[ColumnElement[bool], ...]:
    return _route_drafts.c.channel_id == channel_id, _route_drafts.c.user_id == user_id


def heard(
    db: Connection, channel_id: str, *, since: datetime, before: str | None, limit: int
) -> list[AnyRow]:
    """Return what contacts wrote since a moment, the latest first, before message ``before``."""
    found = _HEARD.where(_messages.c.channel_id == channel_id, _messages.c.created_at >= since)
    if before is not None:
        found = found.where(_messages.c.id < before)
    return list(db.execute(found.order_by(_messages.c.id.desc()).limit(limit)))


def heard_one(db: Connection, channel_id: str, message_id: str) -> AnyRow | None:
    """Return one message that a contact wrote, or None."""
    found = _HEARD.where(_messages.c.channel_id == channel_id, _messages.c.id == message_id)
    return db.execute(found).one_or_none()


def due_for_check(db: Connection, *, away_before: datetime, others_before: datetime) -> list[str]:
    """Return the channels not asked about since: those out of reach, and the others.

    Where somebody has to mend something, to ask often would repeat what was refused: servers
    lock accounts for that.
    """
    away = (_channels.c.status == "inactive") & (_channels.c.checked_at < away_before)
    others = (_channels.c.status != "inactive") & (_channels.c.checked_at < others_before)
    due = select(_channels.c.id).where(
        _channels.c.deleted_at.is_(None),
        _channels.c.enabled,
        _channels.c.checked_at.is_(None) | away | others,
    )
    return list(db.execute(due).scalars())


def failed_since(db: Connection, channel_ids: Sequence[str], since: datetime) -> dict[str, int]:
    """Return how many messages written since then failed, by channel; `MOST_FAILED`: or more."""
    if not channel_ids:
        return {}
    each = (
        select(
            literal(one).label("channel_id"),
            _counted(_failed_ids(one, since), most=MOST_FAILED).label("count"),
        )
        for one in channel_ids
    )
    return {row[0]: row[1] for row in db.execute(union_all(*each)) if row[1]}


def _failed_ids(channel_id: str, since: datetime) -> Select[Any]:
    parts = select(_deliveries.c.message_id).where(
        _deliveries.c.channel_id == channel_id,
        _deliveries.c.created_at >= since,
        text(FAILED_TO_CONTACT),
    )
    return select(parts.limit(MOST_FAILED).subquery().c.message_id).distinct()


def waiting(db: Connection, channel_ids: Sequence[str], *, now: datetime) -> dict[str, int]:
    """Return how many messages wait to be sent through each channel; `MOST` stands for more."""
    if not channel_ids:
        return {}
    each = (
        select(literal(one).label("channel_id"), _counted(_held_ids(one, now)).label("count"))
        for one in channel_ids
    )
    return {row[0]: row[1] for row in db.execute(union_all(*each))}


def _held_ids(channel_id: str, now: datetime) -> Select[Any]:
    return select(_deliveries.c.id).where(*_held(channel_id, now))


def quarantined(db: Connection, channel_id: str) -> int:
    """Return how many calls of a channel are quarantined; `MOST` stands for more."""
    ours = select(_calls.c.id).where(
        _calls.c.channel_id == channel_id, _calls.c.state == CallState.QUARANTINED
    )
    return int(db.execute(select(_counted(ours))).scalar_one())


def ever_called(db: Connection, channel_id: str) -> bool:
    """Whether an authentic call of a channel is kept."""
    ours = select(_calls.c.id).where(
        _calls.c.channel_id == channel_id, _calls.c.state != CallState.QUARANTINED
    )
    return db.execute(ours.limit(1)).first() is not None


def _counted(rows: Select[Any], *, most: int = MOST) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows.limit(most).subquery()).scalar_subquery()


def templates(db: Connection, channel_id: str) -> list[Row[Any]]:
    """Return all that is kept of a channel's templates."""
    found = select(_templates).where(_templates.c.channel_id == channel_id)
    return list(db.execute(found))


def add_templates(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store templates; all must name the same columns."""
    if rows:
        db.execute(insert(_templates), rows)


def change_template(db: Connection, template_id: str, values: Mapping[str, Any]) -> None:
    """Change columns of a template."""
    db.execute(update(_templates).where(_templates.c.id == template_id).values(values))


def remove_templates(db: Connection, ids: Collection[str]) -> None:
    """Forget templates."""
    db.execute(delete(_templates).where(_templates.c.id.in_(ids)))


def wipe_templates(db: Connection, channel_id: str) -> None:
    """Forget the templates of a channel that is gone."""
    db.execute(delete(_templates).where(_templates.c.channel_id == channel_id))


def add_draft(db: Connection, **values: Any) -> None:
    """Store a channel that somebody begins to add."""
    db.execute(insert(_drafts).values(**values))


def change_draft(db: Connection, draft_id: str, **values: Any) -> None:
    """Change columns of a draft."""
    db.execute(update(_drafts).where(_drafts.c.id == draft_id).values(**values))


def draft(db: Connection, draft_id: str) -> Row[Any] | None:
    """Return a draft, or None."""
    return db.execute(select(_drafts).where(_drafts.c.id == draft_id)).one_or_none()


def drafts(db: Connection) -> list[Row[Any]]:
    """Return the latest drafts."""
    latest = select(_drafts).order_by(_drafts.c.changed_at.desc()).limit(_DRAFTS)
    return list(db.execute(latest))


def drop_draft(db: Connection, draft_id: str) -> bool:
    """Delete a draft; say whether there was one."""
    return bool(db.execute(delete(_drafts).where(_drafts.c.id == draft_id)).rowcount)
