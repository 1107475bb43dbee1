"""Hold what the events of a batch do, and write it in as few statements as there are tables.

Everything the batch has to know was looked up before (`Facts`); each event then changes only what
is in memory; at the end rows of each table go out together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from hubbub.deliver import queries as deliver_queries
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.normalise import queries, rows
from hubbub.normalise.facts import Facts, Named
from hubbub.normalise.pieces import Whole
from hubbub.normalise.rules import GONE, Settling, stored, take_media
from hubbub.normalise.threads import Threads
from hubbub.remembered import recall
from hubbub.route.queue import queue_up
from hubbub.route.work import Placement
from hubbub.sdk.values import (
    AddressChanged,
    AddressState,
    Answers,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReceiptReceived,
)
from hubbub.store import templates
from hubbub.store.addresses import choose_marketing
from hubbub.store.news import note, noting
from hubbub.store.threads import Addressee, Thread, row_of, rows_of, save
from hubbub.track.receipts import take_receipts


@dataclass(slots=True, kw_only=True)
class Effects:
    """What the events of a batch do, as rows to be written and statements to be run."""

    hub: Hub
    line: Line
    now: datetime
    facts: Facts
    #: What the facts say, and what the events add to it: see `Facts`.
    threads: Threads = field(init=False)
    known: dict[str, tuple[str, str]] = field(init=False)
    seen_keys: set[str] = field(init=False)
    by_external_id: dict[str, list[Named]] = field(init=False)
    wholes: dict[str, Whole] = field(init=False)
    touched: dict[str, Thread] = field(default_factory=dict)
    #: Conversations that begin.
    begun: dict[str, Thread] = field(default_factory=dict)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    addresses: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    media: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    #: What carried the messages that were sent elsewhere.
    carried: list[dict[str, Any]] = field(default_factory=list)
    #: Calls for other channels, by call and channel.
    copies: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    #: What pieces became a part of.
    joined: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    address_changes: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    #: Statements about rows that already exist, run after the new rows are in.
    changes: list[Callable[[Connection], object]] = field(default_factory=list)
    #: What was placed in the queue of a team, or tagged.
    queued: list[tuple[Thread, Placement]] = field(default_factory=list)
    #: Files that are to be deleted once all is committed.
    files_gone: list[str] = field(default_factory=list)
    #: Conversation and message of every status that a receipt moved.
    advanced: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.threads = Threads(self.facts.threads)
        self.known = dict(self.facts.known)
        self.seen_keys = set(self.facts.seen_keys)
        self.by_external_id = {name: [*found] for name, found in self.facts.by_external_id.items()}
        self.wholes = dict(self.facts.wholes)

    def store(self, db: Connection, settlings: Sequence[Settling]) -> None:
        """Write everything; the order satisfies the foreign keys."""
        queue_up(db, self.queued, now=self.now)
        for which, new_rows in (
            (queries.contacts, self.contacts),
            (queries.addresses, self.addresses),
            (queries.conversations, [row_of(thread, self.now) for thread in self.begun.values()]),
            (queries.messages, self.messages),
            (queries.pieces, self.pieces),
            (queries.versions, self.versions),
            (queries.address_changes, self.address_changes),
        ):
            queries.add(db, which, new_rows)
        recall(db, self.hub.vault, self.addresses)
        queries.join(db, self.joined)
        known = self.touched.keys() - self.begun.keys()
        save(db, [self.touched[conversation_id] for conversation_id in sorted(known)])
        deliver_queries.add_deliveries(db, self.deliveries)
        deliver_queries.add_deliveries(db, self.carried)
        deliver_queries.add_media(db, self.media)
        for change in self.changes:
            change(db)
        if self.receipts:
            can = self.line.hooks.capabilities
            self.advanced = take_receipts(
                db,
                self.line.id,
                self.receipts,
                by_watermark=can.watermarks,
                copies="email" in can.outbound,
            )
        queries.add_calls(db, list(self.copies.values()))
        queries.settle(db, [settling.row(self.now) for settling in settlings])
        queries.empty_calls(db, [one.call.id for one in settlings if one.erased])
        queries.touch_channel(db, self.line.id, self.now)
        if noting(db):
            self._note(db)

    def thread_of(self, event: MessageReceived) -> Thread:
        """Return the conversation that a message belongs to."""
        if event.reply_address:
            addressee = self.addressee(event.reply_address, name=event.reply_name)
        else:
            who = event.sender
            known = self.threads.addressee(who.address, who.also)
            # Who may be another than they say changes nothing of who is known.
            if known is None or not event.answers.doubted:
                known = self.addressee(who.address, also=who.also, name=who.name)
            addressee = known
        return self.thread(addressee, event.answers)

    def thread(self, addressee: Addressee, answers: Answers) -> Thread:
        """Return the conversation with somebody that ``answers`` name, begun if need be."""
        thread, related_id = self.threads.belonging(addressee, answers)
        if thread is None:
            thread = self.threads.begin(addressee, self.now, related_id)
            self.begun[thread.conversation_id] = thread
        return thread

    def addressee(
        self, address: str, *, also: str | None = None, name: str | None = None
    ) -> Addressee:
        """Return who is reached at an address, made new if need be."""
        known = self.threads.addressee(address, also)
        if known is None:
            known = self.threads.meet(address, also, name, self.line.id)
            contact, address_row = rows_of(known, self.now)
            self.contacts.append(contact)
            self.addresses.append(address_row)
            return known
        if also:
            self._identify(known, address, also)
        if name and name != known.name:
            known.name = name
            address_id, contact_id = known.id, known.contact_id
            self.changes.append(lambda db: queries.rename(db, address_id, contact_id, name))
        return known

    def hear(self, thread: Thread, event: MessageReceived, line: str, *, quiet: bool) -> None:
        """Note in the thread that the contact wrote; ``quiet``: without asking for attention."""
        said_at = min(event.provider_at or self.now, self.now) if event.historical else self.now
        # Where it is the only one, the conversation has no other time yet than that of this batch.
        if thread.last_seq == 1 or said_at >= thread.last_message_at:
            thread.preview = line
            thread.last_message_at = said_at
        thread.last_inbound_at = self._wrote_at(thread, event)
        thread.our_address = event.our_address or thread.our_address
        thread.menu = None
        if quiet and thread.last_seq == 1:
            # A conversation that begins like this asks nobody to look at it.
            thread.status = "resolved"
        if not quiet:
            thread.unread += 1
            thread.heard += 1
            if thread.status != "open":
                # A new word opens what was resolved or snoozed, and the routes decide afresh.
                if thread.status == "resolved":
                    thread.give_to("queue")
                    thread.assignee_id = None
                thread.status = "open"
        self._reachable(thread.addressee, event)
        self.touch(thread)

    def change_address(self, event: AddressChanged) -> None:
        """Note what became of an address, and what its owner chose."""
        who = self.threads.addressee(event.address)
        if who is None and (event.marketing is False or event.state == AddressState.OPTED_OUT):
            who = self._foreseen(event.address)
        self.address_changes.append(rows.address_change(event, self.line.id, who, self.now))
        if who is None:
            return
        if event.moved_to:
            self._move(who, event.address, event.moved_to)
        if event.state is not None:
            self._set_state(who, event.state.value, event.reason)
        if event.marketing is not None:
            self._set_marketing(who, event.marketing, event.at or self.now)

    def track(self, event: ReceiptReceived) -> None:
        """Note what the provider says of a delivery."""
        self.receipts.append(rows.receipt(event, self.line.id, self.now))
        if event.fault is not None and event.fault.template:
            self.changes.append(lambda db: templates.doubt(db, self.line.id, now=self.now))

    def edit(self, message_id: str, event: MessageEdited) -> dict[str, Any]:
        """Change what a message says; return that."""
        content, media = take_media(
            event.content, channel_id=self.line.id, message_id=message_id, now=self.now
        )
        after = stored(content)
        edited_at = event.edited_at or self.now
        self.media.extend(media)
        self.changes.append(
            lambda db: queries.change_message(
                db, message_id, content=after, kind=content.type, edited_at=edited_at
            )
        )
        return after

    def delete(self, event: MessageDeleted, found: list[Named]) -> None:
        """Take back all that the provider has as this message: what it said is gone for all."""
        deleted_at = event.deleted_at or self.now
        for number, (message_id, _) in enumerate(found):
            self.changes += [
                partial(
                    queries.change_message,
                    message_id=message_id,
                    content=GONE,
                    kind=GONE["type"],
                    deleted_at=deleted_at,
                ),
                partial(self._empty, message_id=message_id),
                partial(queries.hide_preview, message_id=message_id),
            ]
            found[number] = (message_id, GONE)
            key = f"{event.key}:{number}" if number else event.key
            self.keep_version(key, message_id, GONE)

    def keep_version(self, key: str, message_id: str, before: Mapping[str, Any]) -> None:
        """Keep what a message said before it was changed."""
        self.versions.append(rows.version(key, self.line.id, message_id, before, self.now))

    def name(self, external_id: str, named: Named) -> None:
        """Remember what the provider calls a message."""
        self.by_external_id.setdefault(external_id, []).append(named)

    def touch(self, thread: Thread) -> None:
        """Note that a conversation was changed."""
        if thread.conversation_id not in self.touched:
            self.touched[thread.conversation_id] = thread

    def _note(self, db: Connection) -> None:
        """Note what plugins may want to be told of."""
        for conversation_id in self.begun:
            note(db, "conversation_changed", conversation_id)
        for row in self.messages:
            if row["direction"] == "inbound":
                note(db, "message_received", row["id"])
                if "destination" in row["decision"]:
                    note(db, "message_routed", row["id"])

    def _wrote_at(self, thread: Thread, event: MessageReceived) -> datetime:
        """Return when the contact last wrote: the provider's windows count from there.

        By the provider's clock, as a call may be long under way; but never from the future.
        """
        wrote = min(event.provider_at or self.now, self.now)
        return max(thread.last_inbound_at or wrote, wrote)

    def _empty(self, db: Connection, *, message_id: str) -> None:
        self.files_gone += queries.empty(db, message_id, GONE)

    def _reachable(self, who: Addressee, event: MessageReceived) -> None:
        """Who writes can be reached; only who opted out has to opt in again."""
        if event.answers.doubted:
            return
        state, why = who.state, ""
        if event.opt_out:
            state, why = AddressState.OPTED_OUT, "The contact asked not to be written to."
        elif event.opt_out is False or state != AddressState.OPTED_OUT:
            state = AddressState.OK
        # Whoever is new may have said otherwise before they were erased.
        self._set_state(who, state, why, anyway=event.opt_out is False)

    def _identify(self, known: Addressee, address: str, also: str) -> None:
        """Note the two ids of somebody who may have been known by one of them alone."""
        if known.address == also:
            self._move_address(known, address)
        if known.also != also and self.threads.addressee(also) in (None, known):
            self._alias(known, also)

    def _alias(self, known: Addressee, also: str) -> None:
        self.threads.alias(known, also)
        self.changes.append(partial(queries.change_address, address_id=known.id, also=also))

    def _set_state(self, who: Addressee, state: str, why: str, *, anyway: bool = False) -> None:
        if state == who.state and not anyway:
            return
        who.state = state
        address_id = who.id
        self.changes.append(
            lambda db: queries.change_address(db, address_id, state=state, state_reason=why)
        )

    def _set_marketing(self, who: Addressee, marketing: bool, at: datetime) -> None:  # noqa: FBT001  # as told
        # A later choice may be known already: until that is looked up, none is sent too much.
        who.marketing = who.marketing and marketing
        this = queries.addresses.c.id == who.id
        self.changes.append(lambda db: choose_marketing(db, this, marketing=marketing, at=at))

    def _foreseen(self, address: str) -> Addressee:
        """Return somebody whom nobody here has written to: their wish counts once somebody does."""
        who = self.addressee(address)
        if not self.line.hooks.capabilities.threads:
            # Where an address has one conversation, it is met by that.
            self.thread(who, Answers()).status = "resolved"
        return who

    def _move(self, who: Addressee, before: str, after: str) -> None:
        """Change the id of somebody that ``before`` is, unless the channel knows the new one."""
        if self.threads.addressee(after) is not None:
            return
        if before == who.also:
            self._alias(who, after)
        else:
            self._move_address(who, after)

    def _move_address(self, who: Addressee, address: str) -> None:
        self.threads.rename(who, address)
        address_id = who.id
        self.changes.append(lambda db: queries.move_address(db, self.line.id, address_id, address))
