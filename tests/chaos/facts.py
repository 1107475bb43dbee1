"""Collect what is to be judged: the rows of the hub, and what the sandbox saw."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from hubbub.media import MediaStore
from hubbub.sdk.content import Text, from_json
from hubbub.store.session import reading
from hubbub.store.tables import (
    Address,
    Attempt,
    Call,
    Conversation,
    Delivery,
    MediaFile,
    Message,
    MessageVersion,
    Piece,
    Receipt,
    table,
)
from hubbub.store.types import AnyRow
from tests.chaos.calls import ask
from tests.chaos.kinds import KINDS
from tests.chaos.town import Town

_calls, _messages, _deliveries = table(Call), table(Message), table(Delivery)
_conversations, _addresses = table(Conversation), table(Address)
_media, _pieces, _versions, _receipts, _attempts = (
    table(MediaFile),
    table(Piece),
    table(MessageVersion),
    table(Receipt),
    table(Attempt),
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A message that the sandbox accepted: its place in the order of all, and when."""

    seq: int
    at: float
    address: str
    text: str
    #: By which the hub knows it.
    external_id: str
    #: What came before it in its thread, where there are threads.
    names: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything there is to know after a run."""

    ledger: dict[str, Any]
    calls: list[AnyRow]
    #: With the address of their conversation, in its order.
    messages: list[AnyRow]
    #: What was to be carried to contacts, in the order of their conversations.
    deliveries: list[AnyRow]
    edits: dict[str, int]
    #: Of which message each piece of a longer one is a part, where it is of any yet.
    pieces: list[str | None]
    receipts: list[AnyRow]
    #: The bytes of each file of a message, or how far it is, by the message's external id.
    files: dict[str, list[bytes | str]]
    #: How attempts ended, by delivery.
    attempts: dict[str, list[str]]
    seen: list[Seen]
    #: How often a centre brought a segment again, by its id of the message.
    repeats: Mapping[str, int]

    def text_of(self, delivery: AnyRow) -> str:
        """Return what a delivery says."""
        content = from_json(delivery.content or delivery.message_content)
        return content.text if isinstance(content, Text) else ""


def collect(town: Town, engine: Engine) -> Facts:
    """Ask the database, the sandbox, and ``hubbub ledger``."""
    journal = ask(f"{town.sandbox}/_sandbox/outbound?limit=1000000", timeout=60)
    calls = ask(f"{town.sandbox}/_sandbox/calls?kind=message&limit=1000000", timeout=60)
    with reading(engine) as db:
        attempts: dict[str, list[str]] = defaultdict(list)
        for row in db.execute(select(_attempts).order_by(_attempts.c.id)):
            attempts[row.delivery_id].append(row.outcome)
        edits = select(_messages.c.external_id).join(
            _versions, _versions.c.message_id == _messages.c.id
        )
        counts: dict[str, int] = defaultdict(int)
        for external_id in db.execute(edits).scalars():
            counts[external_id] += 1
        return Facts(
            ledger=json.loads(town.command("ledger", "--json")),
            calls=list(db.execute(select(_calls).order_by(_calls.c.id))),
            messages=list(db.execute(_MESSAGES)),
            deliveries=list(db.execute(_DELIVERIES)),
            edits=counts,
            pieces=list(db.execute(select(_pieces.c.message_id)).scalars()),
            receipts=list(db.execute(select(_receipts).order_by(_receipts.c.id))),
            files=_files(db, MediaStore(town.settings.media)),
            attempts=attempts,
            seen=[_seen(one) for one in journal["items"]],
            repeats=_repeats(calls["items"]),
        )


_MESSAGES = (
    select(_messages, _addresses.c.address)
    .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .order_by(_messages.c.conversation_id, _messages.c.seq)
)
_DELIVERIES = (
    select(
        _deliveries,
        _messages.c.content.label("message_content"),
        _messages.c.status.label("message_status"),
    )
    .join(_messages, _messages.c.id == _deliveries.c.message_id)
    .where(_deliveries.c.destination == "contact")
    .order_by(_deliveries.c.conversation_id, _deliveries.c.seq, _deliveries.c.part)
)


def _files(db: Connection, store: MediaStore) -> dict[str, list[bytes | str]]:
    found = select(_media, _messages.c.external_id).join(
        _messages, _messages.c.id == _media.c.message_id
    )
    files: dict[str, list[bytes | str]] = defaultdict(list)
    for row in db.execute(found):
        ready = row.state == "ready"
        files[row.external_id].append(store.get(row.id) if ready else f"{row.state}: {row.reason}")
    return files


def _repeats(calls: Iterable[Mapping[str, Any]]) -> Counter[str]:
    repeats: Counter[str] = Counter()
    for call in calls:
        # A segment whose first try found nobody bound was not brought by that.
        repeats[call["key"]] += (not call["error"]) - (call["attempt"] == 1)
    return repeats


def _seen(line: dict[str, Any]) -> Seen:
    names = ("seq", "at", "address", "text")
    known_as = _KNOWN_AS[line["provider"]]
    return Seen(
        **{name: line[name] for name in names},
        external_id=known_as(line),
        names=line["params"].get("references", ()),
    )


_KNOWN_AS = {kind.provider: kind.known_as for kind in KINDS}
