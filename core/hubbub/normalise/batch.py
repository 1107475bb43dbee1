"""Gather what the events of a batch do, and write it in as few statements as there are tables.

Everything the batch has to know was looked up before (`Facts`); each event then changes only what
is in memory; at the end rows of each table go out together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never

import structlog
from sqlalchemy import Connection

from hubbub.deliver import queries as deliver_queries
from hubbub.deliver.rules import elsewhere
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.normalise import queries, rows
from hubbub.normalise.facts import Facts, Named
from hubbub.normalise.pieces import Kept, Whole, begun, name_of, row as piece_row
from hubbub.normalise.relatives import copy_for, is_copy
from hubbub.normalise.rules import (
    APPLIED,
    DEAD,
    DUPLICATE,
    GONE,
    IGNORED,
    Received,
    Settling,
    better_reading,
    menu_choice,
    screen,
    short_choice,
    stored,
    take_media,
)
from hubbub.normalise.threads import Threads
from hubbub.remembered import recall
from hubbub.route.queue import queue_up
from hubbub.route.work import Case, Placement, place, routable
from hubbub.sdk.content import Content, preview
from hubbub.sdk.routing import Inquiry
from hubbub.sdk.templates import TemplateChanged
from hubbub.sdk.values import (
    AddressChanged,
    AddressState,
    Answers,
    Event,
    ForAccount,
    Ignored,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Piece,
    ReceiptReceived,
    SentElsewhere,
    Unreadable,
)
from hubbub.store import templates
from hubbub.store.addresses import choose_marketing
from hubbub.store.calls import ERASED
from hubbub.store.news import note, noting
from hubbub.store.threads import Addressee, Thread, row_of, rows_of, save
from hubbub.store.types import new_id
from hubbub.track.receipts import take_receipts

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Batch:
    """The calls of one channel that are settled in one transaction."""

    hub: Hub
    line: Line
    settlings: list[Settling]
    now: datetime
    facts: Facts
    #: The channels that the events may be handed on to, by account.
    relatives: Mapping[str, str] = field(default_factory=dict)
    #: Why events, by their identity, failed at an earlier try: they have no effect at all.
    failing: dict[int, str] = field(default_factory=dict)
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

    def apply(self, settling: Settling, event: Event) -> None:
        """Let ``event`` have its effect, once; note in ``settling`` what became of it.

        One that fails half-way is added to ``failing``; this batch is then not fit to be stored.
        """
        if id(event) in self.failing:
            settling.note(event, DEAD, self.failing[id(event)])
            return
        if getattr(event, "key", None) in self.facts.erased:
            settling.note(event, IGNORED, ERASED)
            return
        try:
            self._apply(settling, event)
        # One bad item harms no other: not its siblings, not its channel.
        except Exception as error:
            log.exception("event failed", channel=self.line.id, call=settling.call.id)
            self.failing[id(event)] = f"It could not be applied: {type(error).__name__}."

    def store(self, db: Connection) -> None:
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
        queries.settle(db, [settling.row(self.now) for settling in self.settlings])
        queries.empty_calls(db, [one.call.id for one in self.settlings if one.erased])
        queries.touch_channel(db, self.line.id, self.now)
        if noting(db):
            self._note(db)

    def _note(self, db: Connection) -> None:
        """Note what plugins may want to be told of."""
        for conversation_id in self.begun:
            note(db, "conversation_changed", conversation_id)
        for row in self.messages:
            if row["direction"] == "inbound":
                note(db, "message_received", row["id"])
                if "destination" in row["decision"]:
                    note(db, "message_routed", row["id"])

    def _apply(self, settling: Settling, event: Event) -> None:
        match event:
            case MessageReceived():
                self._message(settling, event)
            case SentElsewhere():
                self._sent_elsewhere(settling, event)
            case ForAccount():
                self._hand_on(settling, event)
            case ReceiptReceived() | AddressChanged():
                self._once(settling, event)
            case MessageEdited() | MessageDeleted():
                self._change(settling, event)
            case TemplateChanged():
                self._template(settling, event)
            case Ignored(reason=reason) | Unreadable(reason=reason):
                settling.note(event, IGNORED if isinstance(event, Ignored) else DEAD, reason)
            case _:
                assert_never(event)

    def _once(self, settling: Settling, event: ReceiptReceived | AddressChanged) -> None:
        if event.key in self.seen_keys:
            settling.note(event, DUPLICATE)
            return
        if isinstance(event, ReceiptReceived):
            self._receipt(event)
        else:
            self._address(event)
        self.seen_keys.add(event.key)
        settling.note(event, APPLIED)

    def _message(self, settling: Settling, event: MessageReceived) -> None:
        if event.piece is not None:
            self._piece(settling, event, event.piece)
            return
        if event.key is not None and event.key in self.known:
            self._known_message(settling, event, *self.known[event.key])
            return
        settling.note(event, *self._receive(event, settling.call.id))

    def _piece(self, settling: Settling, event: MessageReceived, piece: Piece) -> None:
        """Keep one piece of a message; with the last one, the message comes in."""
        name = name_of(event, piece)
        whole = self.wholes.get(name)
        # Carriers repeat a piece under another id. Once it is a message, this may be of another one
        # with the same words: that shows when no other piece of it comes (`Whole.repeats`).
        again = whole and whole.waits and whole.says(piece.number, event)
        if again or event.key in self.seen_keys:
            settling.note(event, DUPLICATE)
        elif whole and not whole.waits and whole.lacks(piece.number):
            log.warning("piece too late", channel=self.line.id, call=settling.call.id)
            settling.note(event, IGNORED, f"{piece} came after its message was shown without it.")
        else:
            self._keep(settling, event, piece)
            settling.note(event, *self._complete(name, piece))

    def _keep(self, settling: Settling, event: MessageReceived, piece: Piece) -> None:
        name = name_of(event, piece)
        whole = self.wholes.get(name)
        if whole and whole.waits and not whole.lacks(piece.number):
            # Another text in the same place: the sender has begun to count anew.
            self.join(name)
        if whole is None or not self.wholes[name].waits:
            whole = begun(piece, self.now)
        row = piece_row(
            event,
            piece,
            channel_id=self.line.id,
            call_id=settling.call.id,
            due_at=whole.due_at,
            kept_at=self.now,
        )
        self.pieces.append(row)
        self.seen_keys.add(row["event_key"])
        kept = Kept(id=row["id"], call_id=settling.call.id, event=event)
        self.wholes[name] = whole.adding(piece.number, kept)

    def _complete(self, name: str, piece: Piece) -> Received:
        """Return what becomes of the last piece that came: the message, if there are all."""
        if self.wholes[name].complete:
            return self.join(name)
        return Received(APPLIED, f"{piece}: it waits for the others.")

    def join(self, name: str) -> Received:
        """Let what there is of a message come in."""
        whole = self.wholes[name]
        received = self._receive(whole.joined(), whole.call_id)
        self.joined += whole.ended(received.message_id)
        self.wholes[name] = replace(whole, due_at=None)
        return received

    def _receive(self, event: MessageReceived, call_id: str) -> Received:
        """Let a message come in; return what became of it."""
        screening = screen(self.hub.plugins.inbound, self.line, event, self.now)
        if screening.dropped:
            return Received(IGNORED, screening.dropped)
        message_id = new_id()
        thread = self._thread_of(event)
        first = thread.last_inbound_at is None
        quoted = next(iter(self.by_external_id.get(event.reply_to_external_id or "", ())), None)
        content = short_choice(event.content, quoted[1] if quoted else None)
        content = menu_choice(thread, content)
        content, media = take_media(
            content, channel_id=self.line.id, message_id=message_id, now=self.now
        )
        row = rows.inbound(
            call_id,
            event,
            thread,
            message_id=message_id,
            content=content,
            reply_to_id=quoted[0] if quoted else None,
            now=self.now,
        )
        self.messages.append(row)
        self.media.extend(media)
        self._hear(
            thread,
            event,
            preview(content),
            quiet=thread.addressee.blocked
            or bool(screening.quarantined or (event.not_routed and event.quiet)),
        )
        why_not = screening.quarantined or _why_not(thread, event) or self._may_loop(thread)
        if why_not:
            row["decision"] = {"not_routed": why_not}
        else:
            self._place(thread, row, event, content, first=first)
        if event.key is not None:
            self.known[event.key] = (message_id, content.type)
        if event.external_id is not None:
            self._name(event.external_id, (message_id, row["content"]))
            self.threads.name(event.external_id, thread)
        return Received(APPLIED, message_id=message_id)

    def _sent_elsewhere(self, settling: Settling, event: SentElsewhere) -> None:
        known = self.known.get(event.key, ("", ""))[0]
        known = known or self.facts.sent.get(event.external_id or "", "")
        if known:
            settling.note(event, DUPLICATE, message_id=known)
            return
        message_id = new_id()
        thread = self._thread(self._addressee(event.address), Answers())
        content, media = take_media(
            event.content, channel_id=self.line.id, message_id=message_id, now=self.now
        )
        row = rows.elsewhere(
            settling.call.id,
            event,
            thread,
            line=self.line,
            message_id=message_id,
            content=content,
            now=self.now,
        )
        self.messages.append(row)
        self.media.extend(media)
        if event.external_id is not None:
            self._name(event.external_id, (message_id, row["content"]))
            carried = elsewhere(
                row, address=thread.address, sent_at=event.provider_at, now=self.now
            )
            self.carried.append(carried)
        thread.preview = preview(content)
        thread.last_message_at = self.now
        thread.menu = None
        self._touch(thread)
        self.known[event.key] = (message_id, content.type)
        settling.note(event, APPLIED, message_id=message_id)

    def _hand_on(self, settling: Settling, event: ForAccount) -> None:
        call = settling.call
        channel_id = self.relatives.get(event.account)
        if is_copy(self.line, call):
            settling.note(event, IGNORED, "Another channel was called, and handed it on.")
        elif channel_id is None:
            settling.note(event, IGNORED, f"No channel here has the account {event.account}.")
        else:
            self.copies.setdefault((call.id, channel_id), copy_for(channel_id, call))
            settling.note(event, APPLIED, f"Handed on to the channel {channel_id}.")

    def _known_message(
        self, settling: Settling, event: MessageReceived, message_id: str, kind: str
    ) -> None:
        if better_reading(kind, event):
            content, media = take_media(
                event.content, channel_id=self.line.id, message_id=message_id, now=self.now
            )
            self.media.extend(media)
            self.changes.append(
                lambda db: queries.change_message(
                    db, message_id, content=stored(content), kind=content.type
                )
            )
            settling.note(event, DUPLICATE, "Now understood.", message_id)
        else:
            settling.note(event, DUPLICATE, message_id=message_id)

    def _thread_of(self, event: MessageReceived) -> Thread:
        """Return the conversation that a message belongs to."""
        if event.reply_address:
            addressee = self._addressee(event.reply_address, name=event.reply_name)
        else:
            who = event.sender
            known = self.threads.addressee(who.address, who.also)
            # Who may be another than they say changes nothing of who is known.
            if known is None or not event.answers.doubted:
                known = self._addressee(who.address, also=who.also, name=who.name)
            addressee = known
        return self._thread(addressee, event.answers)

    def _thread(self, addressee: Addressee, answers: Answers) -> Thread:
        thread, related_id = self.threads.belonging(addressee, answers)
        if thread is None:
            thread = self.threads.begin(addressee, self.now, related_id)
            self.begun[thread.conversation_id] = thread
        return thread

    def _addressee(
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

    def _identify(self, known: Addressee, address: str, also: str) -> None:
        """Note the two ids of somebody who may have been known by one of them alone."""
        if known.address == also:
            self._move_address(known, address)
        if known.also != also and self.threads.addressee(also) in (None, known):
            self._alias(known, also)

    def _alias(self, known: Addressee, also: str) -> None:
        self.threads.alias(known, also)
        self.changes.append(partial(queries.change_address, address_id=known.id, also=also))

    def _hear(self, thread: Thread, event: MessageReceived, line: str, *, quiet: bool) -> None:
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
        self._touch(thread)

    def _wrote_at(self, thread: Thread, event: MessageReceived) -> datetime:
        """Return when the contact last wrote: the provider's windows count from there.

        By the provider's clock, as a call may be long under way; but never from the future.
        """
        wrote = min(event.provider_at or self.now, self.now)
        return max(thread.last_inbound_at or wrote, wrote)

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

    def _may_loop(self, thread: Thread) -> str:
        """Return why nobody answers automatically; people see what came as any other message."""
        if self.threads.is_ours(thread.address):
            return "Another channel of this hub wrote it."
        ceilings, traffic = self.line.hooks.capabilities.ceilings, thread.addressee.traffic
        if ceilings is None or traffic is None:
            return ""
        traffic.inbound += 1
        if traffic.inbound <= ceilings.inbound:
            return ""
        minutes = ceilings.within // timedelta(minutes=1)
        return f"More than {ceilings.inbound} messages within {minutes} minutes: maybe a program."

    def _place(
        self,
        thread: Thread,
        row: dict[str, Any],
        event: MessageReceived,
        content: Content,
        *,
        first: bool,
    ) -> None:
        inquiry = Inquiry(
            message_id=row["id"],
            channel_id=self.line.id,
            channel_type=self.line.type,
            channel_name=self.line.name,
            conversation_id=thread.conversation_id,
            contact_id=thread.contact_id,
            address=event.sender.address,
            name=event.sender.name or thread.name_of(event.sender.address),
            content=content,
            received_at=self.now,
            now=self.now,
            first=first,
            owner_version=thread.owner_version,
        )
        case = Case(
            plugins=self.hub.plugins,
            line=self.line,
            thread=thread,
            inquiry=inquiry,
            seq=row["seq"],
        )
        placement = place(case)
        row["decision"] = placement.decision
        self.messages.extend(placement.messages)
        self.deliveries.extend(placement.deliveries)
        if placement.team or placement.tags:
            self.queued.append((thread, placement))

    def _receipt(self, event: ReceiptReceived) -> None:
        self.receipts.append(rows.receipt(event, self.line.id, self.now))
        if event.fault is not None and event.fault.template:
            self.changes.append(lambda db: templates.doubt(db, self.line.id, now=self.now))

    def _change(self, settling: Settling, event: MessageEdited | MessageDeleted) -> None:
        if event.key in self.seen_keys:
            settling.note(event, DUPLICATE)
            return
        found = self.by_external_id.get(event.external_id)
        if not found:
            settling.note(event, IGNORED, "It changes a message that never reached us.")
            return
        message_id, before = found[0]
        if before == GONE:
            settling.note(event, IGNORED, "Its author has taken the message back.", message_id)
            return
        self.seen_keys.add(event.key)
        if isinstance(event, MessageDeleted):
            self._delete(event, found)
        else:
            after = self._edit(message_id, event)
            if after == before:
                settling.note(event, IGNORED, "Nothing visible changed.", message_id)
                return
            found[0] = (message_id, after)
            self._keep_version(event.key, message_id, before)
        settling.note(event, APPLIED, message_id=message_id)

    def _delete(self, event: MessageDeleted, found: list[Named]) -> None:
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
            self._keep_version(key, message_id, GONE)

    def _empty(self, db: Connection, *, message_id: str) -> None:
        self.files_gone += queries.empty(db, message_id, GONE)

    def _keep_version(self, key: str, message_id: str, before: Mapping[str, Any]) -> None:
        self.versions.append(rows.version(key, self.line.id, message_id, before, self.now))

    def _name(self, external_id: str, named: Named) -> None:
        self.by_external_id.setdefault(external_id, []).append(named)

    def _edit(self, message_id: str, event: MessageEdited) -> dict[str, Any]:
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

    def _address(self, event: AddressChanged) -> None:
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

    def _foreseen(self, address: str) -> Addressee:
        """Return somebody whom nobody here has written to: their wish counts once somebody does."""
        who = self._addressee(address)
        if not self.line.hooks.capabilities.threads:
            # Where an address has one conversation, it is met by that.
            self._thread(who, Answers()).status = "resolved"
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

    def _template(self, settling: Settling, event: TemplateChanged) -> None:
        self.changes.append(lambda db: templates.hear(db, self.line.id, event, now=self.now))
        news = f"is {event.status}" if event.status else "changed"
        settling.note(event, APPLIED, f"The template {event.name} ({event.language}) {news}.")

    def _touch(self, thread: Thread) -> None:
        if thread.conversation_id not in self.touched:
            self.touched[thread.conversation_id] = thread


def _why_not(thread: Thread, event: MessageReceived) -> str:
    """Return why no destination is asked; empty when one is."""
    if thread.addressee.blocked:
        return "The contact is blocked."
    if event.not_routed:
        return event.not_routed
    if event.opt_out is not None:
        return "It is an opt-out or opt-in word."
    return "" if routable(event.content) else f"A {event.content.type} asks for no answer."
