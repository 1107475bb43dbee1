"""Fill a hub's tables by copying rows that the hub itself made, within the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    String,
    Table,
    cast,
    insert,
    literal,
    literal_column,
    select,
    text,
    true,
    update,
)

from bench.common import wait_until
from bench.hub import Hub
from hubbub.deliver.actors import nudge_bulk, nudge_deliver
from hubbub.deliver.work import submit
from hubbub.sdk.content import Text
from hubbub.store.session import reading, transaction
from hubbub.store.tables import (
    Address,
    Attempt,
    Call,
    Channel,
    Contact,
    Conversation,
    Delivery,
    Message,
    table,
)
from hubbub.store.types import AnyRow, new_id

_CALLS, _CONTACTS, _ADDRESSES = table(Call), table(Contact), table(Address)
_CONVERSATIONS, _MESSAGES = table(Conversation), table(Message)
_DELIVERIES, _ATTEMPTS, _CHANNELS = table(Delivery), table(Attempt), table(Channel)
#: A copy is known by its number beyond this, so that all of their ids are equally long.
_BASE = 100_000_000
#: The number of a copy, within `_copy`.
NUMBER = literal_column("n.i", Integer)
_FAR = datetime.fromisoformat("2100-01-01T00:00:00+00:00")


@dataclass(frozen=True, kw_only=True)
class People:
    """Copied contacts, each with a conversation."""

    prefix: str
    #: The beginning of their addresses: no two series have the same.
    chats: str
    count: int

    def conversation_id(self, number: int) -> str:
        """Return the conversation of one of them, counted from 0."""
        return f"{self.prefix}{_BASE + number}"


class Seeder:
    """Copies the rows of a message that a hub has answered, and lets deliveries go."""

    def __init__(self, hub: Hub) -> None:
        """Look for the message; the hub must have answered one."""
        self.inside = hub.inside()
        self._channel_id = hub.channel_id
        self._delivery = self._first_sent()
        self._inbound = self._first_inbound()
        self._people = 10

    def close(self) -> None:
        """Close the connections."""
        self.inside.engine.dispose()

    def people(self, count: int, *, last_seq: int = 0) -> People:
        """Add ``count`` contacts with a conversation each."""
        self._people += 1
        people = People(prefix=_prefix(), chats=str(self._people), count=count)
        one = self._conversation()
        mine = _id(people.prefix)
        with transaction(self.inside.engine) as db:
            self._copy(db, _CONTACTS, one.contact_id, count, id=mine)
            given = {"id": mine, "contact_id": mine, "address": _id(people.chats)}
            self._copy(db, _ADDRESSES, one.address_id, count, **given)
            given = {"id": mine, "contact_id": mine, "address_id": mine, "last_seq": last_seq}
            self._copy(db, _CONVERSATIONS, one.id, count, **given)
        return people

    def queued(self, people: People, each: int, due: datetime, *, bulk: bool = False) -> None:
        """Add ``each`` outbound messages for everyone, to be sent when they are ``due``."""
        self._outbound(people, each, due, status="queued", bulk=bulk)

    def history(self, people: People, each: int, said: ColumnElement[Any] | None = None) -> None:
        """Add messages that came in and were answered: ``each`` for everyone, half of them ours.

        ``said`` is the content of each, as an expression of `NUMBER`.
        """
        turns, count = each // 2, people.count * (each // 2)
        calls = _prefix()
        given = self._in_conversation(people) | {
            "id": _id(calls),
            "call_id": _id(calls),
            "seq": NUMBER // people.count * 2 + 1,
            "event_key": _id(calls),
            **({} if said is None else {"content": said}),
        }
        with transaction(self.inside.engine) as db:
            self._copy(db, _CALLS, self._inbound.call_id, count, id=_id(calls))
            self._copy(db, _MESSAGES, self._inbound.id, count, **given)
        attempts = self._outbound(
            people, turns, self._delivery.due_at, status="sent", turn=2, said=said
        )
        one = select(_ATTEMPTS.c.id).where(_ATTEMPTS.c.delivery_id == self._delivery.id)
        with transaction(self.inside.engine) as db:
            mine = _id(attempts)
            self._copy(
                db, _ATTEMPTS, db.execute(one).scalars().one(), count, id=mine, delivery_id=mine
            )
        self._analyse()

    def say(
        self, people: People, texts: Mapping[int, list[str]], due: datetime | None = None
    ) -> None:
        """Let the hub itself take outbound messages, of each of ``people`` in order."""
        with transaction(self.inside.engine) as db:
            for number, said in texts.items():
                for one in said:
                    submit(
                        self.inside,
                        db,
                        conversation_id=people.conversation_id(number),
                        content=Text(text=one),
                        author="bench",
                        starts_at=due,
                    )

    def pause(self, *, paused: bool) -> None:
        """Send nothing through the channel from now on, or go on sending."""
        values = {"paused_until": _FAR if paused else None}
        mine = update(_CHANNELS).where(_CHANNELS.c.id == self._channel_id)
        with transaction(self.inside.engine) as db:
            db.execute(mine.values(values))
        if not paused:
            nudge_deliver(self.inside)
            nudge_bulk(self.inside)

    def waiting(self) -> int:
        """Return how many deliveries are still to be sent, and calls still to be read."""
        states = ("queued", "retrying", "sending")
        due = _DELIVERIES.c.state.in_(states) & (_DELIVERIES.c.due_at <= self.inside.now())
        with reading(self.inside.engine) as db:
            deliveries = db.execute(select(_DELIVERIES.c.id).where(due)).all()
            calls = db.execute(select(_CALLS.c.id).where(_CALLS.c.state == "pending")).all()
        return len(deliveries) + len(calls)

    def _outbound(
        self,
        people: People,
        each: int,
        due: datetime,
        *,
        status: str,
        turn: int = 1,
        bulk: bool = False,
        said: ColumnElement[Any] | None = None,
    ) -> str:
        """Add outbound messages, and return the prefix of their ids and their deliveries'."""
        count = people.count * each
        prefix = _prefix()
        mine = _id(prefix)
        shared = self._in_conversation(people) | {
            "id": mine,
            "seq": (NUMBER // people.count + 1) * turn,
        }
        sent = status == "sent"
        external_id = mine if sent else None
        message = shared | {"status": status, "external_id": external_id}
        if said is not None:
            message["content"] = said
        delivery = {name: value for name, value in shared.items() if name != "contact_id"} | {
            "message_id": mine,
            "address": literal(people.chats) + _text(_BASE + NUMBER % people.count),
            "state": status,
            "bulk": bulk,
            "due_at": due,
            "starts_at": None if sent else due,
            "attempts": int(sent),
            "external_id": external_id,
        }
        with transaction(self.inside.engine) as db:
            self._copy(db, _MESSAGES, self._delivery.message_id, count, **message)
            self._copy(db, _DELIVERIES, self._delivery.id, count, **delivery)
        return prefix

    def _in_conversation(self, people: People) -> dict[str, Any]:
        whose = literal(people.prefix) + _text(_BASE + NUMBER % people.count)
        return {"conversation_id": whose, "contact_id": whose}

    def _copy(self, db: Connection, which: Table, row_id: str, count: int, **changed: Any) -> None:
        """Copy a row ``count`` times, with other values or expressions in some columns."""
        picked = [
            _value(changed[column.name], column) if column.name in changed else column
            for column in which.c
        ]
        source = which.join(_numbers(count), true())
        rows = select(*picked).select_from(source).where(which.c.id == row_id)
        db.execute(insert(which).from_select(list(which.c.keys()), rows))

    def _analyse(self) -> None:
        # Autovacuum would do it within a minute.
        if self.inside.engine.dialect.name == "postgresql":
            with transaction(self.inside.engine) as db:
                db.execute(text("ANALYZE"))

    def _conversation(self) -> AnyRow:
        mine = select(_CONVERSATIONS).where(_CONVERSATIONS.c.id == self._delivery.conversation_id)
        with reading(self.inside.engine) as db:
            return db.execute(mine).one()

    def _first_sent(self) -> AnyRow:
        sent = select(_DELIVERIES).where(_DELIVERIES.c.state == "sent").order_by(_DELIVERIES.c.id)
        found: list[AnyRow] = []

        def look() -> bool:
            with reading(self.inside.engine) as db:
                found.extend(db.execute(sent.limit(1)).all())
            return bool(found)

        wait_until(look, 10, "a first answer")
        return found[0]

    def _first_inbound(self) -> AnyRow:
        inbound = select(_MESSAGES).where(_MESSAGES.c.direction == "inbound")
        with reading(self.inside.engine) as db:
            return db.execute(inbound.order_by(_MESSAGES.c.id).limit(1)).one()


def _numbers(count: int) -> FromClause:
    """Return the numbers from 0 to below ``count`` as a table."""
    n = select(literal(0).label("i")).cte("n", recursive=True)
    return n.union_all(select(n.c.i + 1).where(n.c.i < count - 1))


def _id(prefix: str) -> ColumnElement[str]:
    return literal(prefix) + _text(_BASE + NUMBER)


def _text(number: ColumnElement[Any]) -> ColumnElement[str]:
    return cast(number, String)


def _value(value: Any, column: ColumnElement[Any]) -> ColumnElement[Any]:
    return value if isinstance(value, ColumnElement) else literal(value, column.type)


def _prefix() -> str:
    return new_id()[:17]
