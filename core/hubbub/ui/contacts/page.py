"""Build what the pages of contacts show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from hubbub.api import render
from hubbub.api.shapes import MessageJson
from hubbub.contacts import merge, queries
from hubbub.contacts.erase import Erased
from hubbub.contacts.rules import GROUPS, own
from hubbub.contacts.work import find_contact
from hubbub.hub import Hub
from hubbub.sdk.content import from_json, preview
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries as ui_queries, words
from hubbub.ui.addresses import AddressRow, address_row
from hubbub.ui.claims import Standing, shown_value, standing
from hubbub.ui.inbox.shown import ShownFile, shown_files

_PAGE: Final = 50
_SAID: Final = 30
#: Conversations whose tags are named.
_TAGGED: Final = 30
#: Contacts that are offered for a merge; whoever is not among them is searched for more closely.
_OFFERED: Final = 10
#: Rows for new attributes in a form.
_FRESH: Final = 2


@dataclass(frozen=True, kw_only=True)
class ContactRow:
    """A contact in a list."""

    id: str
    name: str
    addresses: tuple[AddressRow, ...]
    blocked: bool
    added: str
    added_at: str


@dataclass(frozen=True, kw_only=True)
class ContactsPage:
    """Some contacts, the newest first."""

    rows: tuple[ContactRow, ...]
    q: str
    blocked: bool
    before: str
    #: From which contact on there are older ones; empty where there are none.
    older: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message of the timeline."""

    id: str
    conversation_id: str
    channel: str
    channel_type: str
    inbound: bool
    author: str
    text: str
    files: tuple[ShownFile, ...]
    at: str
    when: str
    tick: words.Tick


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """A conversation that has tags."""

    id: str
    channel: str
    channel_type: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """Something that is known of a contact; a form shows ``value`` in place of what is kept."""

    name: str
    value: str
    kept: str = ""


@dataclass(frozen=True, kw_only=True)
class MergeRow:
    """A contact that was merged into this one."""

    id: str
    name: str
    addresses: int
    ago: str
    at: str
    by: str
    carried: bool


@dataclass(frozen=True, kw_only=True)
class ContactPage:
    """One contact."""

    id: str
    #: As it is shown, and as people here wrote it.
    name: str
    given_name: str
    kept_name: str
    blocked_since: str
    added: str
    added_at: str
    addresses: tuple[AddressRow, ...]
    tagged: tuple[Tagged, ...]
    attributes: tuple[Attribute, ...]
    #: Rows for new ones, numbered.
    fresh: tuple[Attribute, ...]
    #: What a chat window knows of them.
    standing: Standing
    #: What somebody else saved meanwhile of what was typed; None: that was not so.
    theirs: tuple[tuple[str, str], ...] | None
    timeline: tuple[Said, ...]
    before: str
    older: str
    merges: tuple[MergeRow, ...]
    held: Mapping[str, int]
    problem: str
    #: To which form the problem belongs: ``about`` or ``erase``; empty: to none.
    form: str


@dataclass(frozen=True, kw_only=True)
class MergePage:
    """The choice of a contact to merge into one, and what that would do."""

    id: str
    name: str
    q: str
    found: tuple[ContactRow, ...]
    more: bool
    chosen: ContactRow | None = None
    preview: merge.Preview | None = None
    #: What the contact takes over, in words.
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ErasedPage:
    """What was erased."""

    name: str
    erased: Erased


def contacts_page(hub: Hub, *, q: str, blocked: bool, before: str) -> ContactsPage:
    """Return the contacts that came before the contact ``before``; ``q`` is part of a name."""
    with reading(hub.engine) as db:
        rows = queries.contacts(
            db, q=q or None, blocked=blocked or None, before=before or None, limit=_PAGE + 1
        )
        shown = _rows(hub, db, rows[:_PAGE])
    return ContactsPage(
        rows=shown,
        q=q,
        blocked=blocked,
        before=before,
        older=shown[-1].id if len(rows) > _PAGE else "",
    )


def contact_page(
    hub: Hub,
    contact_id: str,
    *,
    before: str = "",
    problem: str = "",
    form: str = "",
    typed: Mapping[str, str] | None = None,
) -> ContactPage:
    """Return one contact, with what was said before the message ``before``.

    Raises `NotFound`, or `hubbub.contacts.work.Merged`.
    """
    now = hub.now()
    with reading(hub.engine) as db:
        row = find_contact(db, contact_id)
        addresses = queries.addresses(db, [contact_id])
        names = ui_queries.names(db)
        timeline, older = _timeline(hub, db, contact_id, addresses, names, before=before)
        merges = merge.past_merges(db, contact_id)
        held = queries.held(db, contact_id)
        tagged = queries.tagged(db, contact_id, limit=_TAGGED)
    about, typed = row.attributes or {}, typed or {}
    overtaken = form == "about" and not problem
    return ContactPage(
        id=row.id,
        name=_name(row, addresses),
        given_name=typed.get("name", row.name or ""),
        kept_name=row.name or "",
        blocked_since=words.exact(row.blocked_at),
        added=words.ago(row.created_at, now),
        added_at=words.exact(row.created_at),
        addresses=tuple(address_row(hub, one, now) for one in addresses),
        tagged=tuple(_tagged(one) for one in tagged),
        attributes=tuple(_attributes(own(about), typed)),
        fresh=tuple(_fresh(typed)),
        theirs=overtaken_by(row.name, own(about), typed) if overtaken else None,
        standing=standing(hub, about, [(one.channel_type, one.address) for one in addresses]),
        timeline=timeline,
        before=before,
        older=older,
        merges=tuple(_merge(one, names, now) for one in merges),
        held=held,
        problem=problem,
        form=form,
    )


def _attributes(known: Mapping[str, object], typed: Mapping[str, str]) -> Iterator[Attribute]:
    """Yield what is known, as it was typed; and what was typed of what somebody took away."""
    fields = (one.removeprefix("value.") for one in typed if one.startswith("value."))
    for name in dict.fromkeys((*known, *fields)):
        kept = shown_value(known.get(name, ""))
        yield Attribute(name=name, value=typed.get(f"value.{name}", kept), kept=kept)


def _fresh(typed: Mapping[str, str]) -> Iterator[Attribute]:
    for n in range(_FRESH):
        yield Attribute(name=typed.get(f"new.{n}", ""), value=typed.get(f"new.{n}.value", ""))


def overtaken_by(
    name: str | None, known: Mapping[str, object], typed: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return what is stored by now where a form says otherwise of what it saw otherwise."""
    stored = {"name": name or "", **{f"value.{one}": shown_value(of) for one, of in known.items()}}
    found = []
    for field, showed in typed.items():
        kind, _, field_name = field.partition(".")
        now, wanted = stored.get(field_name, "").strip(), typed.get(field_name, "").strip()
        if kind == "was" and showed.strip() not in {now, wanted} and now != wanted:
            found.append((field_name.removeprefix("value."), stored.get(field_name, "")))
    return tuple(found)


def merge_page(hub: Hub, contact_id: str, *, q: str, other: str) -> MergePage:
    """Return the contacts that ``q`` finds, or what merging ``other`` would do.

    Raises `NotFound`, `Invalid`, or `hubbub.contacts.work.Merged`.
    """
    with reading(hub.engine) as db:
        row = find_contact(db, contact_id)
        mine = _rows(hub, db, [row])[0]
        rows = queries.contacts(db, q=q, before=None, limit=_OFFERED + 2) if q and not other else []
        found = _rows(hub, db, [one for one in rows if one.id != contact_id])
        chosen = _rows(hub, db, [find_contact(db, other)])[0] if other else None
    page = MergePage(
        id=contact_id,
        name=mine.name,
        q=q,
        found=found[:_OFFERED],
        more=len(found) > _OFFERED,
    )
    if chosen is None:
        return page
    would = merge.preview(hub, contact_id, other)
    return MergePage(
        **{
            **vars(page),
            "chosen": chosen,
            "preview": would,
            "takes": tuple(_takes(would)),
        }
    )


def name_of(hub: Hub, contact_id: str) -> str:
    """Return what a contact is called. Raises `NotFound`, or `hubbub.contacts.work.Merged`."""
    with reading(hub.engine) as db:
        row = find_contact(db, contact_id)
        return _name(row, queries.addresses(db, [contact_id]))


def _takes(would: merge.Preview) -> list[str]:
    taken = would.taken
    said = [f"the name “{taken.name}”"] if taken.name is not None else []
    for name, value in taken.attributes.items():
        if name in GROUPS:
            said += [f"{inner} ({name})" for inner in value]
        else:
            said.append(f"{name}: {shown_value(value)}")
    return [*said, "being blocked"] if taken.blocked else said


def _rows(hub: Hub, db: Connection, rows: Sequence[AnyRow]) -> tuple[ContactRow, ...]:
    now = hub.now()
    addresses: dict[str, list[AnyRow]] = {row.id: [] for row in rows}
    for one in queries.addresses(db, list(addresses)):
        addresses[one.contact_id].append(one)
    return tuple(
        ContactRow(
            id=row.id,
            name=_name(row, addresses[row.id]),
            addresses=tuple(address_row(hub, one, now) for one in addresses[row.id]),
            blocked=row.blocked_at is not None,
            added=words.ago(row.created_at, now),
            added_at=words.exact(row.created_at),
        )
        for row in rows
    )


def _name(row: AnyRow, addresses: Sequence[AnyRow]) -> str:
    named = (one.name for one in addresses if one.name)
    return row.name or next(named, "") or next((one.address for one in addresses), "Nobody")


def _timeline(
    hub: Hub,
    db: Connection,
    contact_id: str,
    addresses: Sequence[AnyRow],
    names: dict[str, str],
    *,
    before: str,
) -> tuple[tuple[Said, ...], str]:
    """Return what was said, and from which message on there is older; empty where there is none."""
    rows = queries.said(db, contact_id, before=before or None, limit=_SAID + 1)
    shown = rows[:_SAID]
    channels = {one.channel_id: one for one in addresses}
    said = tuple(
        _said(row, channels, names, _files(hub, row, told))
        for row, told in zip(shown, render.message_list(hub, db, shown), strict=True)
    )
    return said, shown[-1].id if len(rows) > _SAID else ""


def _files(hub: Hub, row: AnyRow, told: MessageJson) -> tuple[ShownFile, ...]:
    content = told.model_dump(mode="json")["content"]
    return () if row.deleted_at else shown_files(row.kind, content, hub.settings.base_url)


def _said(
    row: AnyRow,
    channels: Mapping[str, AnyRow],
    names: dict[str, str],
    files: tuple[ShownFile, ...],
) -> Said:
    channel = channels.get(row.channel_id)
    inbound = row.direction == "inbound"
    return Said(
        id=row.id,
        conversation_id=row.conversation_id,
        channel=channel.channel_name if channel else words.NO_CHANNEL,
        channel_type=channel.channel_type if channel else "",
        inbound=inbound,
        author=(row.sender_name or row.sender_address)
        if inbound
        else words.author(row.author, names),
        text="Deleted by its author." if row.deleted_at else preview(from_json(row.content)),
        files=files,
        at=words.exact(row.created_at),
        when=words.moment(row.created_at),
        tick=words.NO_TICK if inbound else words.TICKS[row.status],
    )


def _tagged(row: AnyRow) -> Tagged:
    return Tagged(
        id=row.id,
        channel=row.channel_name,
        channel_type=row.channel_type,
        tags=tuple(row.tags),
    )


def _merge(one: merge.Past, names: dict[str, str], now: datetime) -> MergeRow:
    return MergeRow(
        id=one.id,
        name=one.name or one.contact_id,
        addresses=one.addresses,
        ago=words.ago(one.merged_at, now),
        at=words.exact(one.merged_at),
        by=words.author(one.merged_by, names),
        carried=one.carried,
    )
