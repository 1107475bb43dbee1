"""Find the conversations that a batch of events belongs to.

Mostly an address has one. Where the channel type tells conversations apart, a message belongs to
the one that it proves or claims to answer, if its sender has a part in that, and else to a new one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from sqlalchemy import Connection

from hubbub.deliver.traffic import answered_lately, traffic_at
from hubbub.directory import Line
from hubbub.normalise import queries
from hubbub.sdk.capabilities import Capabilities
from hubbub.sdk.values import AddressChanged, Answers, Event, MessageReceived, SentElsewhere
from hubbub.store.threads import (
    Addressee,
    Thread,
    Traffic,
    addressee_of,
    addressees,
    at_addresses,
    begun,
    rows_by_ids,
    thread_of,
)
from hubbub.store.types import AnyRow, new_id


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the database knows of the conversations that events may belong to."""

    capabilities: Capabilities
    threads: Sequence[AnyRow]
    #: Those at addresses that write, where conversations are not found by these.
    addressees: Sequence[AnyRow] = ()
    #: Conversations by what was sent there (`Part.reference`), and by ids of the provider.
    by_reference: Mapping[str, str] = field(default_factory=dict)
    by_external_id: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: By the id of an address, where there are ceilings.
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    #: `Traffic.answered`, likewise.
    answered: Collection[str] = ()
    #: Addresses from which channels of this hub write.
    ours: Collection[str] = ()

    @classmethod
    def look_up(cls, db: Connection, line: Line, events: Iterable[Event], now: datetime) -> "Found":
        """Ask for all that ``events`` may need. Conversations are held until the end."""
        can, addresses = line.hooks.capabilities, _addresses(events)
        if not can.threads:
            threads = at_addresses(db, line.id, addresses, aliases=can.aliases)
            return cls(capabilities=can, threads=threads)
        answers = [event.answers for event in events if isinstance(event, MessageReceived)]
        by_reference = queries.by_reference(db, line.id, _all(one.references for one in answers))
        claimed = _all(one.external_ids for one in answers)
        by_external_id = queries.conversations_by_external_id(db, line.id, claimed)
        proven = {one.conversation_id for one in answers if one.conversation_id}
        wanted = proven | {*by_reference.values()} | _all(by_external_id.values())
        people = addressees(db, line.id, addresses)
        wanted |= {*queries.beside(db, {row.address_id for row in people}, wanted)}
        return cls(
            capabilities=can,
            threads=[row for row in rows_by_ids(db, wanted) if row.channel_id == line.id],
            addressees=people,
            by_reference=by_reference,
            by_external_id=by_external_id,
            traffic=traffic_at(db, line, {row.address_id for row in people}, now),
            answered=answered_lately(db, line, now),
            ours=queries.senders(db, line.type, addresses),
        )


class Belonging(NamedTuple):
    """Where a message belongs: to a conversation, or to a new one beside ``related_id``."""

    thread: Thread | None
    related_id: str | None = None


class Threads:
    """The conversations and addresses that events belong to, the new ones included."""

    def __init__(self, found: Found) -> None:
        self._can = found.capabilities
        self._found = found
        self._addressees: dict[str, Addressee] = {}
        self._by_id: dict[str, Thread] = {}
        #: By the id of its address, where it is the only one there.
        self._only: dict[str, Thread] = {}
        #: By the id of its address and of the conversation beside which it began.
        self._beside: dict[tuple[str, str], Thread] = {}
        self._by_external_id = {name: [*ids] for name, ids in found.by_external_id.items()}
        # This batch counts on, and may be begun afresh.
        self._answered_lately = {*found.answered}
        known: dict[str, Addressee] = {}
        for row in (*found.addressees, *found.threads):
            if row.address_id not in known:
                known[row.address_id] = addressee_of(row)
                if counted := found.traffic.get(row.address_id):
                    known[row.address_id].traffic = self._counting(counted)
        for addressee in known.values():
            self._addressees[addressee.address] = addressee
        for addressee in known.values():
            if addressee.also:
                self._addressees.setdefault(addressee.also, addressee)
        for row in found.threads:
            self._add(thread_of(row, known[row.address_id]))

    def is_ours(self, address: str) -> bool:
        """Whether a channel of this hub writes from ``address``, where that may be a loop."""
        return address in self._found.ours

    def addressee(self, address: str, also: str | None = None) -> Addressee | None:
        """Return who is known at an address, or by the other id."""
        return self._addressees.get(address) or self._addressees.get(also or "")

    def belonging(self, addressee: Addressee, answers: Answers) -> Belonging:
        """Return the conversation that a message from ``addressee`` belongs to."""
        if not self._can.threads:
            return Belonging(self._only.get(addressee.id))
        answered = list(self._answered(answers))
        if not answered:
            return Belonging(None)
        # Others may have used the same ids.
        own = (one for one in answered if one.addressee.id == addressee.id)
        first = answered[0].conversation_id
        # A colleague, or a stranger who knows an id: neither reads along here by that.
        mine = None if answers.doubted else next(own, None)
        mine = mine or self._beside.get((addressee.id, first))
        return Belonging(mine) if mine else Belonging(None, first)

    def meet(self, address: str, also: str | None, name: str | None, channel_id: str) -> Addressee:
        """Return a new contact at an address."""
        addressee = Addressee(
            id=new_id(),
            channel_id=channel_id,
            contact_id=new_id(),
            address=address,
            also=also,
            name=name,
            traffic=self._counting(Traffic()) if self._can.ceilings else None,
        )
        self.rename(addressee, address)
        if also:
            self._addressees.setdefault(also, addressee)
        return addressee

    def begin(self, addressee: Addressee, now: datetime, related_id: str | None = None) -> Thread:
        """Return a new conversation."""
        thread = begun(addressee, now, threads=self._can.threads, related_id=related_id)
        self._add(thread)
        return thread

    def rename(self, addressee: Addressee, address: str) -> None:
        """Let ``addressee`` be known at ``address``.

        The old address stays with it: the rest of the batch may still use either.
        """
        addressee.address = address
        self._addressees[address] = addressee

    def alias(self, addressee: Addressee, also: str) -> None:
        """Let ``addressee`` be known by another id as well."""
        addressee.also = also
        self._addressees[also] = addressee

    def name(self, external_id: str, thread: Thread) -> None:
        """Remember what the provider calls a message of ``thread``."""
        self._by_external_id.setdefault(external_id, []).append(thread.conversation_id)

    def _counting(self, traffic: Traffic) -> Traffic:
        """Return ``traffic`` to be counted on, together with all others of the batch."""
        return replace(deepcopy(traffic), answered=self._answered_lately)

    def _add(self, thread: Thread) -> None:
        self._by_id[thread.conversation_id] = thread
        self._only[thread.addressee.id] = thread
        if thread.related_id:
            self._beside[thread.addressee.id, thread.related_id] = thread

    def _answered(self, answers: Answers) -> Iterator[Thread]:
        """Yield the conversations that ``answers`` name and that are known, the surest first."""
        named = (
            [answers.conversation_id or ""],
            [self._found.by_reference.get(one, "") for one in answers.references],
            *(self._by_external_id.get(one, ()) for one in answers.external_ids),
        )
        for conversation_id in chain.from_iterable(named):
            if thread := self._by_id.get(conversation_id):
                yield thread


def _all(of_each: Iterable[Iterable[str]]) -> set[str]:
    return {one for each in of_each for one in each}


def _addresses(events: Iterable[Event]) -> set[str]:
    found: set[str] = set()
    for event in events:
        if isinstance(event, MessageReceived):
            found |= {event.reply_address or event.sender.address, event.sender.also or ""}
        elif isinstance(event, SentElsewhere):
            found.add(event.address)
        elif isinstance(event, AddressChanged):
            found |= {event.address, event.moved_to or ""}
    return found - {""}
