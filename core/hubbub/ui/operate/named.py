"""Say by name what the audit log tells of by ids, as far as anybody still knows."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from flask import url_for
from sqlalchemy import Connection, Select, func, select

from hubbub.people.queries import told_names
from hubbub.store.names import CONTACT_NAME
from hubbub.store.tables import (
    Address,
    CannedReply,
    Channel,
    Contact,
    ContactMerge,
    Conversation,
    Requeue,
    Team,
    Token,
    User,
    table,
)
from hubbub.store.types import AnyRow

_addresses = table(Address)
_canned = table(CannedReply)
_channels = table(Channel)
_contacts = table(Contact)
_conversations = table(Conversation)
_merges = table(ContactMerge)
_requeues = table(Requeue)
_teams = table(Team)
_tokens = table(Token)
_users = table(User)

#: What is done to something that has a name and no id.
_BY_NAME: Final = ("backup.", "plugin.")
#: Details that are ids, or say whose they are: ``user:<id>``, ``queue``, ``bot:<name>``.
_IDS: Final = frozenset({"address", "assignee", "channel", "merged", "team", "unmerged", "was"})


@dataclass(frozen=True, kw_only=True)
class Named:
    """What something is called. ``link``: its page, or empty. ``gone``: it is there no more."""

    name: str
    link: str = ""
    gone: bool = False
    #: Of a time: when that is.
    at: str = ""


def named(db: Connection, rows: Sequence[AnyRow]) -> dict[str, Named]:
    """Return what lines of the audit log tell of, by the ids that they have of it."""
    ids = {one for row in rows for one in _ids_of(row)}
    found: dict[str, Named] = {}
    lost = ids
    for kind in _KINDS:
        if not lost:
            break
        found |= kind.named(db, lost)
        lost = ids - found.keys()
    told = told_names(db, lost)
    return found | {one: Named(name=told.get(one, one), gone=True) for one in lost}


def id_in(name: str, value: object) -> str:
    """Return the id that a detail of the log is; empty where it is none."""
    if name not in _IDS or not isinstance(value, str):
        return ""
    return value.removeprefix("user:") if value not in {"queue", "people"} else ""


def _ids_of(row: AnyRow) -> Iterator[str]:
    if not row.action.startswith(_BY_NAME):
        yield row.object_id
    yield from filter(None, (id_in(*one) for one in row.detail.items()))


class _Kind(NamedTuple):
    """A kind of thing: how its id, name and whether it is gone are asked for; and its page."""

    found: Select[Any]
    link: Callable[[str], str]

    def named(self, db: Connection, ids: Collection[str]) -> dict[str, Named]:
        """Return those of ``ids`` that are of this kind."""
        wanted = self.found.where(self.found.selected_columns[0].in_(ids))
        found = {}
        for id_, name, *gone in db.execute(wanted):
            is_gone = any(gone)
            link = "" if is_gone else self.link(id_)
            found[id_] = Named(name=name, link=link, gone=is_gone)
        return found


def _nowhere(_id: str) -> str:
    return ""


_NAME: Final = func.coalesce(CONTACT_NAME, _addresses.c.address)
_KINDS: Final = (
    _Kind(
        select(_channels.c.id, _channels.c.name, _channels.c.deleted_at),
        lambda one: url_for("ui.channel", channel_id=one),
    ),
    _Kind(
        select(_users.c.id, func.coalesce(func.nullif(_users.c.name, ""), _users.c.email)),
        lambda one: url_for("ui.one_person", user_id=one),
    ),
    _Kind(
        select(_contacts.c.id, func.coalesce(_NAME, "Nobody"))
        .outerjoin(_addresses, _addresses.c.contact_id == _contacts.c.id)
        # The oldest address is the last word.
        .order_by(_addresses.c.id.desc()),
        lambda one: url_for("ui.contact", contact_id=one),
    ),
    _Kind(
        # Their page leads to whom they became a part of.
        select(_merges.c.contact_id, func.coalesce(_merges.c.name, "a merged contact")),
        lambda one: url_for("ui.contact", contact_id=one),
    ),
    _Kind(
        select(_conversations.c.id, _NAME + " on " + _channels.c.name)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
        .join(_channels, _channels.c.id == _conversations.c.channel_id),
        lambda one: url_for("ui.conversation", conversation_id=one),
    ),
    _Kind(select(_teams.c.id, _teams.c.name), lambda one: url_for("ui.team", team_id=one)),
    _Kind(select(_tokens.c.id, _tokens.c.name), lambda _: url_for("ui.tokens")),
    _Kind(
        select(_requeues.c.id, func.replace(_requeues.c.cause, "_", " ")),
        lambda _: url_for("ui.failed"),
    ),
    _Kind(select(_addresses.c.id, _addresses.c.address), _nowhere),
    # What is somebody's own, nobody else opens.
    _Kind(select(_canned.c.id, "/" + _canned.c.shortcut), _nowhere),
)
