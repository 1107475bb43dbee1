"""Take providers' receipts: in any order, any number of times, even before their message."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, select, union, update

from hubbub.store.addresses import choose_marketing
from hubbub.store.news import note
from hubbub.store.prepared import Adding, Prepared, among, setting
from hubbub.store.states import DeliveryState, advance, message_status
from hubbub.store.tables import Address, Delivery, Message, Receipt, table
from hubbub.store.types import AnyRow, new_id
from hubbub.track import watermarks

_receipts = table(Receipt)
_deliveries = table(Delivery)
_messages = table(Message)
_addresses = table(Address)

#: For clocks of several hosts that do not agree.
_CLOCKS: Final = timedelta(minutes=5)
_COLUMNS: Final = (
    _deliveries.c.id,
    _deliveries.c.message_id,
    _deliveries.c.conversation_id,
    _deliveries.c.external_id,
    _deliveries.c.address,
    _deliveries.c.state,
    _deliveries.c.error,
    _deliveries.c.channel_id,
    _deliveries.c.starts_at,
    _deliveries.c.created_at,
)
#: Found by one index each; the two in one condition would mean reading the whole table.
_IDS: Final = union(
    select(_deliveries.c.id).where(
        _deliveries.c.channel_id == bindparam("channel_id"),
        among(_deliveries.c.external_id, "external_ids"),
    ),
    select(_deliveries.c.id).where(
        _deliveries.c.channel_id == bindparam("channel_id"),
        among(_deliveries.c.id, "references"),
    ),
)
_NAMED: Final = Prepared(
    select(*_COLUMNS).where(_deliveries.c.id.in_(_IDS)).order_by(_deliveries.c.id).with_for_update()
)
_WAITING: Final = Prepared(
    select(_receipts)
    .where(
        _receipts.c.channel_id == bindparam("channel_id"),
        among(_receipts.c.external_id, "external_ids"),
        _receipts.c.delivery_id.is_(None),
    )
    .order_by(_receipts.c.id)
)
_STRAYS: Final = Prepared(
    select(_receipts.c.channel_id, _receipts.c.external_id)
    .distinct()
    .join(
        _deliveries,
        and_(
            _deliveries.c.channel_id == _receipts.c.channel_id,
            _deliveries.c.external_id == _receipts.c.external_id,
        ),
    )
    .where(
        _receipts.c.delivery_id.is_(None),
        _receipts.c.received_at >= bindparam("since"),
        _receipts.c.received_at < bindparam("before"),
    )
)
_ATTACH: Final = setting(_receipts, "delivery_id")
_ADVANCE: Final = setting(_deliveries, "state", "error", "external_id")
_PARTS: Final = Prepared(
    select(
        _deliveries.c.message_id,
        _deliveries.c.conversation_id,
        _deliveries.c.part,
        _deliveries.c.state,
        _deliveries.c.external_id,
        _deliveries.c.error,
        _messages.c.status,
        _messages.c.external_id.label("message_external_id"),
    )
    .join(_messages, _messages.c.id == _deliveries.c.message_id)
    .where(
        among(_deliveries.c.message_id, "ids"),
        _deliveries.c.destination == "contact",
    )
    .order_by(_deliveries.c.message_id, _deliveries.c.part)
)
_STATUS: Final = setting(_messages, "status", "error", "external_id")
_ADD: Final = Adding(_receipts)


class _Mark(NamedTuple):
    """What a fault means for an address (`Fault.recipient`), why, and since when."""

    recipient: str
    detail: str
    at: datetime


@dataclass(slots=True)
class _Moving:
    """A delivery while receipts are applied to it."""

    row: AnyRow
    state: DeliveryState
    external_id: str | None
    error: dict[str, Any] | None
    #: What becomes of the address.
    marks: list[_Mark] = field(default_factory=list)
    echoed: bool = False
    #: Whether others got copies. They too have what a report must name to be believed.
    copied: bool = False

    @property
    def placed(self) -> bool:
        """Whether it is known only now that the provider has it, or since when."""
        news = self.echoed or self.row.state not in watermarks.ARRIVED
        return news and self.state in watermarks.ARRIVED

    def hear(self, receipt: Mapping[str, Any]) -> None:
        wanted = DeliveryState(receipt["state"])
        fault = receipt["fault"]
        if self.copied and (fault or {}).get("address") != self.row.address:
            return  # It is told in the trace; the message is what came to whom it is to.
        before, self.state = self.state, advance(self.state, wanted)
        self.echoed |= wanted == DeliveryState.SENT and receipt["provider_at"] is not None
        # What waits for another try goes by no id: receipts that name it speak of the one before.
        if self.state != DeliveryState.QUEUED:
            self.external_id = self.external_id or receipt["external_id"]
        if fault is not None:
            if self.state == DeliveryState.FAILED and before != DeliveryState.FAILED:
                self.error = _error(fault)
            about_us = fault.get("address") in {None, self.row.address}
            if fault.get("recipient") and about_us and not self.copied:
                at = receipt["provider_at"] or receipt["received_at"]
                self.marks.append(_Mark(fault["recipient"], fault["detail"], at))
        elif self.state != DeliveryState.FAILED:
            self.error = None


def take_receipts(
    db: Connection,
    channel_id: str,
    rows: Sequence[dict[str, Any]],
    *,
    by_watermark: bool,
    copies: bool,
) -> list[tuple[str, str]]:
    """Store receipts and advance what they speak of; one without its delivery waits for it.

    ``by_watermark``: some may tell only how far a contact has come. ``copies``: of what they speak
    of others may have got copies.
    Returns conversation and message of each message whose status changed.
    """
    named = _named(
        db,
        channel_id,
        {row["external_id"] for row in rows if row["external_id"]},
        {row["reference"] for row in rows if row["reference"]},
    )
    if copies:
        _know_copies(db, named.values())
    for row in rows:
        moving = named.get(row["reference"]) or named.get(row["external_id"])
        if moving is not None:
            row["delivery_id"] = moving.row.id
            moving.hear(row)
    _ADD.run(db, rows)
    changed = _write(db, channel_id, named.values())
    if not by_watermark:
        return changed
    # Watermarks may have spoken before of what is placed only now.
    placed = {one.external_id for one in named.values() if one.placed and one.external_id}
    changed += _catch_up(db, channel_id, placed)
    marks = [row for row in rows if row["up_to"] is not None]
    return changed + _pass(db, channel_id, marks, watermarks.reached(db, channel_id, marks))


def attach_waiting(
    db: Connection, channel_id: str, external_ids: Collection[str], *, by_watermark: bool
) -> list[tuple[str, str]]:
    """Apply receipts that came before their deliveries had these ids; return like above.

    ``by_watermark``: also those that name none and only tell how far a contact has come.
    """
    if not external_ids:
        return []
    waiting = _WAITING.all(db, channel_id=channel_id, external_ids=external_ids)
    changed = _attach(db, channel_id, waiting, set(external_ids)) if waiting else []
    return changed + (_catch_up(db, channel_id, external_ids) if by_watermark else [])


def strays(db: Connection, *, since: datetime, before: datetime) -> dict[str, set[str]]:
    """Return by channel the ids of receipts, received then, that missed their delivery.

    The two were written at the same moment, or another receipt brought the provider's id.
    """
    missed: dict[str, set[str]] = {}
    for row in _STRAYS.all(db, since=since, before=before):
        missed.setdefault(row.channel_id, set()).add(row.external_id)
    return missed


def refresh(db: Connection, message_ids: Collection[str]) -> list[tuple[str, str]]:
    """Write the status of outbound messages from the states of their parts.

    Returns conversation and message of each one that changed.
    """
    if not message_ids:
        return []
    parts: dict[str, list[AnyRow]] = {}
    for row in _PARTS.all(db, ids=message_ids):
        parts.setdefault(row.message_id, []).append(row)
    changed, updates = [], []
    for message_id, rows in parts.items():
        status = message_status(DeliveryState(row.state) for row in rows)
        external_id = rows[0].external_id
        if status == rows[0].status and external_id == rows[0].message_external_id:
            continue
        if status != rows[0].status:
            note(db, "delivery_advanced", message_id, status)
        changed.append((rows[0].conversation_id, message_id))
        updates.append(
            {
                "id": message_id,
                "status": status,
                "external_id": external_id,
                "error": _first_error(rows) if status in {"failed", "unknown"} else None,
            }
        )
    _STATUS.run(db, updates)
    return changed


def _attach(
    db: Connection, channel_id: str, waiting: Sequence[AnyRow], external_ids: set[str]
) -> list[tuple[str, str]]:
    named = _named(db, channel_id, external_ids, set())
    attached = []
    for receipt in waiting:
        moving = named.get(receipt.external_id)
        if moving is not None and _may_speak_of(receipt, moving.row):
            moving.hear(receipt._asdict())
            attached.append({"id": receipt.id, "delivery_id": moving.row.id})
    _ATTACH.run(db, attached)
    return _write(db, channel_id, named.values())


def _know_copies(db: Connection, named: Iterable[_Moving]) -> None:
    """Look up of which messages others got copies."""
    ids = {moving.row.message_id for moving in named}
    found = select(_messages.c.id, _messages.c.content).where(_messages.c.id.in_(ids))
    contents = {row.id: row.content for row in db.execute(found)}
    for moving in named:
        said = contents.get(moving.row.message_id, {})
        moving.copied = bool(said.get("cc") or said.get("bcc"))


def _may_speak_of(receipt: AnyRow, delivery: AnyRow) -> bool:
    """Whether a receipt that waits is young enough: some providers count their ids anew."""
    begun: datetime = delivery.starts_at or delivery.created_at
    received_at: datetime = receipt.received_at
    return received_at > begun - _CLOCKS


def _catch_up(
    db: Connection, channel_id: str, external_ids: Collection[str]
) -> list[tuple[str, str]]:
    """Apply the watermarks told so far to deliveries that have become known by these ids."""
    if not external_ids:
        return []
    sent = watermarks.named(db, channel_id, external_ids)
    return _pass(db, channel_id, watermarks.told(db, channel_id, sent), sent)


def _pass(
    db: Connection,
    channel_id: str,
    marks: Sequence[Mapping[str, Any]],
    sent: Sequence[AnyRow],
) -> list[tuple[str, str]]:
    """Apply watermarks to what was ``sent`` before them; each leaves a receipt of its own."""
    if not (marks and sent):
        return []
    echoed = watermarks.echoed(db, channel_id, sent)
    moved = [_Moving(row, DeliveryState(row.state), row.external_id, row.error) for row in sent]
    receipts = []
    for mark in marks:
        for moving in moved:
            before = moving.state
            if watermarks.covers(mark, moving.row, echoed=echoed):
                moving.hear(mark)
            if moving.state != before:
                receipts.append(_receipt_by(mark, moving.row))
    _ADD.run(db, receipts)
    return _write(db, channel_id, moved)


def _receipt_by(mark: Mapping[str, Any], delivery: AnyRow) -> dict[str, Any]:
    return {
        **mark,
        "id": new_id(),
        "event_key": f"{mark['event_key']}:{delivery.id}",
        "delivery_id": delivery.id,
        "address": None,
        "up_to": None,
    }


def _named(
    db: Connection, channel_id: str, external_ids: set[str], references: set[str]
) -> dict[str | None, _Moving]:
    found: dict[str | None, _Moving] = {}
    rows = _NAMED.all(db, channel_id=channel_id, external_ids=external_ids, references=references)
    for row in rows:
        moving = _Moving(row, DeliveryState(row.state), row.external_id, row.error)
        found[row.id] = moving
        if row.external_id is not None:
            found[row.external_id] = moving
    return found


def _write(db: Connection, channel_id: str, moved: Iterable[_Moving]) -> list[tuple[str, str]]:
    unique = {moving.row.id: moving for moving in moved}
    changed = [
        moving
        for moving in unique.values()
        if moving.state != moving.row.state or moving.external_id != moving.row.external_id
    ]
    _ADVANCE.run(
        db,
        [
            {
                "id": moving.row.id,
                "state": moving.state,
                "error": moving.error,
                "external_id": moving.external_id,
            }
            for moving in changed
        ],
    )
    for moving in unique.values():
        for mark in moving.marks:
            _mark(db, channel_id, moving.row.address, mark)
    return refresh(db, [moving.row.message_id for moving in changed])


def _mark(db: Connection, channel_id: str, address: str, mark: _Mark) -> None:
    this = (_addresses.c.channel_id == channel_id, _addresses.c.address == address)
    if mark.recipient == "no_marketing":
        choose_marketing(db, *this, marketing=False, at=mark.at)
        return
    marked = {"state": mark.recipient, "state_reason": mark.detail}
    db.execute(update(_addresses).where(*this).values(marked))


def _error(fault: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fault[name] for name in ("code", "provider_code", "detail", "retryable")}


def _first_error(rows: Sequence[AnyRow]) -> dict[str, Any] | None:
    for row in rows:
        if row.error is not None:
            error: dict[str, Any] = row.error
            return error
    return None
