"""Compare what is with what was acknowledged; say in sentences what is wrong."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise

from hubbub.deliver.rules import LANE_HOLD
from hubbub.store.states import DeliveryState, message_status
from hubbub.store.types import AnyRow
from tests.chaos.book import Book, Talk
from tests.chaos.calls import said_in
from tests.chaos.facts import Facts, Seen
from tests.chaos.texts import texts_verdict
from tests.chaos.words import answer_to

ARRIVED = frozenset({"sent", "delivered", "read"})
#: What the record of a decision holds when a bot no longer answers, as people are to.
TO_PEOPLE = frozenset({"fell_back", "dropped", "kept_with"})
#: Why nobody is asked about a letter that people see.
OLD = "It was in the mailbox before the hub was."
#: Between the clocks of processes on one machine.
SLACK = timedelta(seconds=1)
#: Between the clocks of hub and provider, as the hub allows for it.
SKEW = timedelta(seconds=2)


@dataclass(kw_only=True)
class Judge:
    """Knows what was promised (``book``) and what came of it (``facts``)."""

    book: Book
    facts: Facts
    #: The id of the channel of each kind.
    channels: dict[str, str]
    #: The kinds of which hub and provider know a message by the hub's own id alone.
    by_reference: frozenset[str] = frozenset()
    #: The kinds of which nobody can tell that a receipt is told a second time.
    retelling: frozenset[str] = frozenset()

    def verdict(self) -> list[str]:
        """Return everything that is wrong."""
        return [
            *self.book.complaints,
            *self._silence(),
            *self._ledger(),
            *self._inbound(),
            *self._texts(),
            *self._edits(),
            *self._files(),
            *self._answers(),
            *self._written(),
            *self._receipts(),
            *self._marks(),
            *self._deliveries(),
            *self._strangers(),
            *self._statuses(),
            *self._order(),
            *self._threads(),
            *self._kept("rejected", self.book.rejected, "quarantined"),
            *self._kept("malformed", self.book.malformed, "dead"),
        ]

    def _silence(self) -> Iterator[str]:
        """Nothing is proven of a channel on which nobody was heard."""
        heard = {talk.kind for talk in (*self.book.heard, *self.book.texted)}
        yield from (f"nobody was heard on {kind}" for kind in self.channels if kind not in heard)

    def _ledger(self) -> Iterator[str]:
        ledger = self.facts.ledger
        if not ledger["balanced"]:
            yield f"The ledger does not balance: {ledger}"
        if ledger["pending"]:
            yield f"The ledger has {ledger['pending']} pending calls"
        receipts = ledger["receipts"] - sum(map(_by_mark, self.facts.receipts))
        effects = ledger["inbound_messages"] + receipts + sum(self.facts.edits.values())
        # Each piece was told by itself, and the message that they are by none.
        effects += len(self.facts.pieces) - len({*self.facts.pieces} - {None})
        if ledger["applied"] != effects:
            yield f"{ledger['applied']} events were applied, {effects} effects are there: {ledger}"

    # --- what came in ---

    def _inbound(self) -> Iterator[str]:
        """Every acknowledged message is there once, in order, and nothing else."""
        for talk in {*self._told, *self.book.heard} - self.book.texted.keys():
            wanted = [heard.external_id for heard in self.book.heard.get(talk, ())]
            ids = [row.external_id for row in self._told.get(talk, ())]
            yield from _difference(f"{talk} inbound", wanted, ids)

    def _texts(self) -> Iterator[str]:
        """Texts without ids are there, in order, and no more often than their centre brought them.

        Each one that is there has its answer.
        """
        for talk, texted in self.book.texted.items():
            texts = [row.content.get("text") for row in self._told.get(talk, ())]
            yield from texts_verdict(f"{talk}", texted, texts, self.facts.repeats)
            for answer, times in Counter(map(answer_to, texts)).items():
                if self._said[talk, answer] != times:
                    yield f"{self._said[talk, answer]} answers {answer} to {times} messages"

    @cached_property
    def _told(self) -> Mapping[Talk, list[AnyRow]]:
        """What came in, in order."""
        found: dict[Talk, list[AnyRow]] = defaultdict(list)
        for row in self.facts.messages:
            if row.direction == "inbound":
                found[self._talk(row)].append(row)
        return found

    def _talk(self, row: AnyRow) -> Talk:
        """Return to what a message belongs."""
        kind = self._kinds[row.channel_id]
        thread = self._firsts.get(row.conversation_id, "") if kind in self._threaded else ""
        return Talk(kind, row.address, thread)

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return {channel_id: kind for kind, channel_id in self.channels.items()}

    @cached_property
    def _threaded(self) -> frozenset[str]:
        """The kinds of which an address has several conversations."""
        return frozenset(talk.kind for talk in self.book.heard if talk.thread)

    @cached_property
    def _firsts(self) -> Mapping[str, str]:
        """The id of the first message that came in, by conversation."""
        firsts: dict[str, str] = {}
        for row in self.facts.messages:
            if row.direction == "inbound":
                firsts.setdefault(row.conversation_id, row.external_id)
        return firsts

    def _edits(self) -> Iterator[str]:
        texts = {row.external_id: row.content.get("text") for row in self.facts.messages}
        for external_id, (number, text) in self.book.edits.items():
            versions = self.facts.edits.get(external_id, 0)
            if (versions, texts.get(external_id)) != (number, text):
                yield (
                    f"{external_id} was edited {number} times to {text!r}; there are {versions} "
                    f"versions, and it says {texts.get(external_id)!r}"
                )
        if sum(self.facts.edits.values()) > len(self.book.edits):
            yield f"{self.facts.edits} edits, {len(self.book.edits)} were told"

    def _files(self) -> Iterator[str]:
        """Every file was fetched once and is what was sent; one told of twice is there once."""
        for external_id in {*self.book.files, *self.facts.files}:
            wanted = [self.book.files.get(external_id)]
            found = self.facts.files.get(external_id, [])
            if found != wanted:
                yield f"{len(found)} files of {external_id}, not the one that was sent: {found}"

    def _answers(self) -> Iterator[str]:
        """Every message got one answer of its bot, or people have it: the bot failed, or it is old."""
        decisions = {
            row.external_id: row.decision or {}
            for row in self.facts.messages
            if row.direction == "inbound"
        }
        for talk, heard in self.book.heard.items():
            failed = any("fell_back" in decisions.get(one.external_id, ()) for one in heard)
            for one in heard:
                times = self._said[talk, one.answer]
                decision = decisions.get(one.external_id, {})
                to_people = (failed and TO_PEOPLE & decision.keys()) or (
                    self._renumbered and decision.get("not_routed") == OLD
                )
                if times != 1 and not (times == 0 and to_people):
                    yield f"{talk.address}: {times} answers {one.answer!r} to {one.external_id}"

    @property
    def _renumbered(self) -> bool:
        """Whether letters got other numbers, so that nothing tells new ones from old ones."""
        return any("renumberings" in deed for deed in self.book.deeds)

    @cached_property
    def _said(self) -> Counter[tuple[Talk, str]]:
        """How often the hub said what, and where."""
        return Counter(
            (self._talk(row), row.content.get("text"))
            for row in self.facts.messages
            if row.direction == "outbound"
        )

    def _receipts(self) -> Iterator[str]:
        """Every acknowledged receipt is there once, and moved its delivery forward."""
        named = [
            (row.external_id or row.reference, row.state, self._kinds[row.channel_id])
            for row in self.facts.receipts
        ]
        for (key, state, kind), times in Counter(one for one in named if one[0]).items():
            if times > 1 and kind not in self.retelling:
                yield f"receipt {(key, state)} is there {times} times"
        kept = {(key, state) for key, state, _ in named}
        states = {
            self._known_as(row): row.state
            for row in self.facts.deliveries
            if row.address not in self.book.marks
        }
        for message_id, told in self.book.receipts.items():
            yield from (
                f"the receipt {message_id} {one} is lost"
                for one in told
                if (message_id, one) not in kept
            )
            wanted = next((one for one in ("delivered", "failed") if one in told), "sent")
            if message_id in states and told and states[message_id] != wanted:
                yield f"{message_id} is {states[message_id]} after the receipts {sorted(told)}"

    def _marks(self) -> Iterator[str]:
        """Every acknowledged watermark is there once, and moved all that it speaks of, no more."""
        kept = Counter(
            # A time that is read back may lie a hair beside its own.
            (row.address, round(row.up_to.timestamp() * 1000))
            for row in self.facts.receipts
            if row.up_to
        )
        told = {
            (address, int(at * 1000)) for address, marks in self.book.marks.items() for at in marks
        }
        for mark in {*kept, *told}:
            if (kept[mark], mark in told) != (1, True):
                yield f"the watermark {mark} is there {kept[mark]} times"
        taken = {one.external_id: one.at for one in self.facts.seen}
        for row in self.facts.deliveries:
            last = max(self.book.marks.get(row.address, ()), default=0.0)
            echoed = "sent" in self.book.receipts.get(self._known_as(row), ())
            # Without an echo the hub knows it only from the answer.
            heard = 0.0 if echoed else row.due_at.timestamp()
            if row.state == "sent" and max(taken.get(self._known_as(row), last), heard) < last:
                yield f"{self._known_as(row)} is sent, and reached {row.address} before {last}"
            begun = row.claimed_at and (row.claimed_at - SKEW).timestamp()
            if row.address in self.book.marks and row.state == "delivered" and last < begun:
                yield f"{self._known_as(row)} is delivered after {last}, as nobody told"

    def _kept(self, what: str, said: set[bytes], state: str) -> Iterator[str]:
        states: dict[bytes, set[str]] = defaultdict(set)
        for row in self.facts.calls:
            states[said_in(row.url, row.body)].add(row.state)
        for one in said:
            if states.get(one) != {state}:
                yield f"a {what} call is {states.get(one) or 'gone'}: {one[:80]!r}"
        strangers = sum(1 for row in self.facts.calls if row.state == state) - len(said)
        # One whose answer was lost is kept again: it has no id by which it could be known.
        if not 0 <= strangers <= self.book.repeated:
            yield f"{len(said)} {what}, {strangers} more of them {state}"

    # --- what went out ---

    def _written(self) -> Iterator[str]:
        texts = {row.id: (row.address, row.content.get("text")) for row in self.facts.messages}
        for one in self.book.written.values():
            if texts.get(one.message_id) != (one.address, one.text):
                yield f"{one} became {texts.get(one.message_id)}"
        times = Counter(texts.values())
        for one in self.book.written.values():
            if times[one.address, one.text] != 1:
                yield f"{one.text[:40]!r} is there {times[one.address, one.text]} times"

    def _deliveries(self) -> Iterator[str]:
        """What is called sent was seen once; what is unknown once or never; nothing twice."""
        times = Counter((one.address, one.text) for one in self.facts.seen)
        ids = Counter(one.external_id for one in self.facts.seen)
        # An answer to the same text twice is there twice.
        twins: dict[tuple[str, str], list[AnyRow]] = defaultdict(list)
        for row in self.facts.deliveries:
            twins[row.address, self.facts.text_of(row)].append(row)
        for saying, rows in twins.items():
            most = sum(map(self._may_be_seen, rows))
            least = most - sum(row.state == "unknown" for row in rows)
            for row in rows:
                known = ids[self._known_as(row)]
                if not (least <= times[saying] <= most and self._as_promised(row, known)):
                    yield (
                        f"delivery {row.id} to {row.address} is {row.state}, the sandbox saw it "
                        f"{times[saying]} times ({known} by its id); {self._story(row)}"
                    )

    def _may_be_seen(self, row: AnyRow) -> bool:
        # A receipt says of a failed one that it was accepted; else the provider never had it.
        told = "failed" in self.book.receipts.get(self._known_as(row), ())
        return row.state in ARRIVED or row.state == "unknown" or (row.state == "failed" and told)

    def _as_promised(self, row: AnyRow, known: int) -> bool:
        """Whether it is in a state to end in, and its id is what that state says."""
        match row.state:
            case "unknown":
                return True
            case "failed":
                detail = (row.error or {}).get("detail")
                return bool(detail) and known == self._may_be_seen(row)
        return row.state in ARRIVED and known == 1

    def _known_as(self, delivery: AnyRow) -> str:
        """Return by which id provider and hub know what was sent: the hub's, if there is no other."""
        if self._kinds.get(delivery.channel_id) in self.by_reference:
            return str(delivery.id)
        return str(delivery.external_id or delivery.id)

    def _story(self, row: AnyRow) -> str:
        return (
            f"attempts {self.facts.attempts.get(row.id, [])}, error {row.error}, "
            f"claimed {row.claimed_at}, message {row.message_id}"
        )

    def _strangers(self) -> Iterator[str]:
        """Nothing was sent that nobody wanted sent."""
        wanted = {(row.address, self.facts.text_of(row)) for row in self.facts.deliveries}
        for one in self.facts.seen:
            if (one.address, one.text) not in wanted:
                yield f"the sandbox saw what nobody sent: {one}"

    def _statuses(self) -> Iterator[str]:
        parts: dict[str, list[AnyRow]] = defaultdict(list)
        for row in self.facts.deliveries:
            parts[row.message_id].append(row)
        for message_id, rows in parts.items():
            status = message_status(DeliveryState(row.state) for row in rows)
            if rows[0].message_status != status:
                yield f"message {message_id} is {rows[0].message_status}, its parts make {status}"

    def _order(self) -> Iterator[str]:
        """Each conversation's parts came in order, but behind one that held its lane too long."""
        at = {(one.address, one.external_id): one for one in self.facts.seen}
        # What has no id, since its outcome is unknown, is known by what it says, if only once.
        times = Counter((one.address, one.text) for one in self.facts.seen)
        at |= {
            (one.address, one.text): one
            for one in self.facts.seen
            if times[one.address, one.text] == 1
        }
        lanes: dict[str, list[tuple[AnyRow, Seen]]] = defaultdict(list)
        for row in self.facts.deliveries:
            seen = at.get((row.address, self._known_as(row))) or at.get(
                (row.address, self.facts.text_of(row))
            )
            if seen is not None:
                lanes[row.conversation_id].append((row, seen))
        for lane in lanes.values():
            for (row, seen), (later, later_seen) in pairwise(lane):
                if later_seen.seq < seen.seq and not _was_overdue(row, later_seen):
                    yield (
                        f"{row.address}: {later_seen.text[:30]!r} overtook {seen.text[:30]!r}; "
                        f"{self._story(row)}, lane until {row.lane_until}; "
                        f"{self._story(later)}"
                    )

    def _threads(self) -> Iterator[str]:
        """What goes out where there are threads names its own conversation, and no other one."""
        ids: dict[str, set[str]] = defaultdict(set)
        for row in self.facts.messages:
            if row.direction == "inbound":
                ids[row.conversation_id].add(row.external_id)
        for row in self.facts.deliveries:
            ids[row.conversation_id].add(row.external_id)
            # What may have arrived is known by the id that we gave it, which begins with ours.
            ids[row.conversation_id].add(row.id)
        names = {one.external_id: one.names for one in self.facts.seen}
        for row in self.facts.deliveries:
            if self._kinds[row.channel_id] not in self._threaded:
                continue
            first = self._firsts.get(row.conversation_id)
            least = {first} if first else set()  # nothing, where a colleague began it
            named = names.get(self._known_as(row), least)
            known = ids[row.conversation_id]
            strange = [one for one in named if not {one, _ours(one)} & known]
            if strange or not least <= {*named}:
                yield f"{self._known_as(row)} belongs to {first} and names {named}"


def _by_mark(receipt: AnyRow) -> bool:
    """Whether a receipt stands for what a watermark, kept for itself, says of one delivery."""
    return not (receipt.external_id or receipt.reference or receipt.up_to)


def _was_overdue(row: AnyRow, later: Seen) -> bool:
    until = row.lane_until or row.created_at + LANE_HOLD
    return later.at >= float((until - SLACK).timestamp())


def _difference(where: str, wanted: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    if list(wanted) == list(found):
        return
    missing = sorted({*wanted} - {*found})[:3]
    extra = sorted({*found} - {*wanted})[:3]
    double = [key for key, count in Counter(found).items() if count > 1][:3]
    swapped = next(
        ((one, other) for one, other in zip(wanted, found, strict=False) if one != other), None
    )
    yield f"{where}: missing {missing}, never told {extra}, double {double}, first {swapped}"


def settled(facts: Facts) -> Counter[str]:
    """Count how outcomes that were unknown at some time came to be known."""
    ways: Counter[str] = Counter()
    for row in facts.deliveries:
        outcomes = facts.attempts.get(row.id, [])
        lost = "outcome_unknown" in outcomes or (row.error or {}).get("code") == "worker_lost"
        if row.state == "unknown":
            ways["left to a person"] += 1
        elif "proven_sent" in outcomes:
            ways["found at the provider"] += 1
        elif "proven_not_sent" in outcomes:
            ways["not found at the provider, sent again"] += 1
        elif lost and row.state in ARRIVED:
            ways["told by a receipt"] += 1
    return ways


def _ours(message_id: str) -> str:
    """Return the delivery from which we made a Message-ID; something else of those of others."""
    return message_id.removeprefix("<").partition(".")[0]
