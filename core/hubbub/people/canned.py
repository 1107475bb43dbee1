"""Keep words that are said often: everybody's, and each person's own."""

import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.people.overtaken import check_seen, mark_of
from hubbub.people.taken import unless_taken
from hubbub.store.clean import legible
from hubbub.store.session import reading, transaction
from hubbub.store.tables import CannedReply, table
from hubbub.store.types import AnyRow, new_id

#: Characters of a shortcut, and of a text.
LONGEST_SHORTCUT: Final = 40
LONGEST_TEXT: Final = 10_000
_SHORTCUT: Final = re.compile(r"[\w-]+")
#: A word or two in braces, which nobody writes but for what is to stand there. It begins at the
#: first brace alone: else ten thousand of them are read from each anew.
_BRACED: Final = re.compile(r"(?<!\{)\{+\s*[^\W\d][\w -]{0,40}\}+")
_VARIABLE: Final = re.compile(r"\{([a-z_]+)\}")
_replies = table(CannedReply)


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What is filled in, wherever its name stands in braces."""

    name: str
    first_name: str
    channel: str
    agent: str


_NAMES: Final = tuple(f"{{{field.name}}}" for field in fields(Filling))
#: The names in braces, as a sentence begins.
PLACEHOLDERS: Final = f"{', '.join(_NAMES[:-1])} and {_NAMES[-1]}"


@dataclass(frozen=True, kw_only=True)
class Canned:
    """Words under a shortcut. ``user_id``: whose they are; None: everybody's."""

    id: str
    user_id: str | None
    shortcut: str
    text: str
    created_at: datetime
    changed_at: datetime


def list_canned(
    hub: Hub,
    *,
    user_id: str | None,
    q: str = "",
    before: str | None = None,
    limit: int = 200,
) -> list[Canned]:
    """Return everybody's replies and those of ``user_id``, the newest first."""
    found = select(_replies).where(_visible(user_id))
    if q:
        places = (_replies.c.shortcut, _replies.c.text)
        found = found.where(or_(*(place.icontains(q, autoescape=True) for place in places)))
    if before is not None:
        found = found.where(_replies.c.id < before)
    with reading(hub.engine) as db:
        return [
            _canned(row) for row in db.execute(found.order_by(_replies.c.id.desc()).limit(limit))
        ]


def find_canned(hub: Hub, canned_id: str, *, user_id: str | None) -> Canned:
    """Return a reply that ``user_id`` may see. Raises `NotFound`."""
    with reading(hub.engine) as db:
        return _canned(_found(db, canned_id, _visible(user_id)))


def add_canned(hub: Hub, *, shortcut: str, text: str, user_id: str | None, actor: str) -> str:
    """Keep words for ``user_id``, None: for everybody; return their id.

    Raises `Invalid`, or `Conflict` where they have such a shortcut.
    """
    canned_id, now = new_id(), hub.now()
    values = {"shortcut": _shortcut(shortcut), "text": _text(text)}
    with unless_taken(hub, _double(values["shortcut"])) as db:
        row = {"id": canned_id, "user_id": user_id, "created_at": now, "changed_at": now}
        db.execute(insert(_replies).values(**row, **values))
        _note(db, hub, actor, "canned_reply.created", canned_id, shortcut=values["shortcut"])
    return canned_id


def change_canned(
    hub: Hub,
    canned_id: str,
    *,
    user_id: str | None,
    shortcut: str | None = None,
    text: str | None = None,
    actor: str,
    seen: str | None = None,
) -> None:
    """Change words of ``user_id``, None: of everybody.

    Raises like `add_canned`, `NotFound`, or `Overtaken` where they are not as they were ``seen``.
    """
    values: dict[str, Any] = {}
    if shortcut is not None:
        values["shortcut"] = _shortcut(shortcut)
    if text is not None:
        values["text"] = _text(text)
    with unless_taken(hub, _double(values.get("shortcut", ""))) as db:
        before = _found(db, canned_id, _of(user_id), lock=True)
        check_seen(hub, seen, before.shortcut, before.text)
        if any(getattr(before, name) != new for name, new in values.items()):
            this = update(_replies).where(_replies.c.id == canned_id)
            db.execute(this.values(**values, changed_at=hub.now()))
            _note(db, hub, actor, "canned_reply.changed", canned_id)


def mark_of_canned(hub: Hub, one: Canned) -> str:
    """Return the mark of a reply for the form that shows it."""
    return mark_of(hub, one.shortcut, one.text)


def delete_canned(hub: Hub, canned_id: str, *, user_id: str | None, actor: str) -> None:
    """Delete words of ``user_id``, None: of everybody. Raises `NotFound`."""
    with transaction(hub.engine) as db:
        shortcut = _found(db, canned_id, _of(user_id)).shortcut
        db.execute(delete(_replies).where(_replies.c.id == canned_id))
        _note(db, hub, actor, "canned_reply.deleted", canned_id, shortcut=shortcut)


def filled_in(text: str, filling: Filling) -> str:
    """Return ``text`` with ``{name}`` and the like filled in; what nobody knows stays."""
    values = asdict(filling)
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def _shortcut(shortcut: str) -> str:
    shortcut = legible(shortcut).removeprefix("/").casefold()
    if not _SHORTCUT.fullmatch(shortcut) or len(shortcut) > LONGEST_SHORTCUT:
        why = f"Take 1 to {LONGEST_SHORTCUT} letters, digits, hyphens or underscores."
        raise Invalid(Complaint("shortcut", why))
    return shortcut


def _text(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not 0 < len(text) <= LONGEST_TEXT:
        raise Invalid(Complaint("text", f"Write 1 to {LONGEST_TEXT} characters."))
    unknown = [one for one in dict.fromkeys(_BRACED.findall(text)) if one not in _NAMES]
    if unknown:
        why = f"Nobody fills in {', '.join(unknown)}: only {PLACEHOLDERS} are."
        raise Invalid(Complaint("text", why))
    return text


def _double(shortcut: str) -> str:
    return f"There is already a reply under /{shortcut}."


def _of(user_id: str | None) -> ColumnElement[bool]:
    whose = _replies.c.user_id
    return whose.is_(None) if user_id is None else whose == user_id


def _visible(user_id: str | None) -> ColumnElement[bool]:
    return or_(_of(None), _of(user_id))


def _found(
    db: Connection, canned_id: str, condition: ColumnElement[bool], *, lock: bool = False
) -> AnyRow:
    found = select(_replies).where(_replies.c.id == canned_id, condition)
    row = db.execute(found.with_for_update() if lock else found).one_or_none()
    if row is None:
        raise NotFound("There is no such reply.")
    return row


def _canned(row: AnyRow) -> Canned:
    return Canned(**row._asdict())


def _note(db: Connection, hub: Hub, actor: str, action: str, canned_id: str, **detail: Any) -> None:
    audit(db, now=hub.now(), actor=actor, action=action, object_id=canned_id, detail=detail)
