"""Let each event of a batch have its effect, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

import structlog
from sqlalchemy import Connection

from hubbub.deliver.rules import elsewhere
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.normalise import queries, rows
from hubbub.normalise.effects import Effects
from hubbub.normalise.facts import Facts
from hubbub.normalise.pieces import Kept, begun, name_of, row as piece_row
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
from hubbub.route.work import Case, place, routable
from hubbub.sdk.content import Content, preview
from hubbub.sdk.routing import Inquiry
from hubbub.sdk.templates import TemplateChanged
from hubbub.sdk.values import (
    AddressChanged,
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
from hubbub.store.calls import ERASED
from hubbub.store.threads import Thread
from hubbub.store.types import new_id

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
    effects: Effects = field(init=False)

    def __post_init__(self) -> None:
        self.effects = Effects(hub=self.hub, line=self.line, now=self.now, facts=self.facts)

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
        """Write everything."""
        self.effects.store(db, self.settlings)

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
        if event.key in self.effects.seen_keys:
            settling.note(event, DUPLICATE)
            return
        if isinstance(event, ReceiptReceived):
            self.effects.track(event)
        else:
            self.effects.change_address(event)
        self.effects.seen_keys.add(event.key)
        settling.note(event, APPLIED)

    def _message(self, settling: Settling, event: MessageReceived) -> None:
        if event.piece is not None:
            self._piece(settling, event, event.piece)
            return
        if event.key is not None and event.key in self.effects.known:
            self._known_message(settling, event, *self.effects.known[event.key])
            return
        settling.note(event, *self._receive(event, settling.call.id))

    def _piece(self, settling: Settling, event: MessageReceived, piece: Piece) -> None:
        """Keep one piece of a message; with the last one, the message comes in."""
        name = name_of(event, piece)
        whole = self.effects.wholes.get(name)
        # Carriers repeat a piece under another id. Once it is a message, this may be of another one
        # with the same words: that shows when no other piece of it comes (`Whole.repeats`).
        again = whole and whole.waits and whole.says(piece.number, event)
        if again or event.key in self.effects.seen_keys:
            settling.note(event, DUPLICATE)
        elif whole and not whole.waits and whole.lacks(piece.number):
            log.warning("piece too late", channel=self.line.id, call=settling.call.id)
            settling.note(event, IGNORED, f"{piece} came after its message was shown without it.")
        else:
            self._keep(settling, event, piece)
            settling.note(event, *self._complete(name, piece))

    def _keep(self, settling: Settling, event: MessageReceived, piece: Piece) -> None:
        name = name_of(event, piece)
        whole = self.effects.wholes.get(name)
        if whole and whole.waits and not whole.lacks(piece.number):
            # Another text in the same place: the sender has begun to count anew.
            self.join(name)
        if whole is None or not self.effects.wholes[name].waits:
            whole = begun(piece, self.now)
        row = piece_row(
            event,
            piece,
            channel_id=self.line.id,
            call_id=settling.call.id,
            due_at=whole.due_at,
            kept_at=self.now,
        )
        self.effects.pieces.append(row)
        self.effects.seen_keys.add(row["event_key"])
        kept = Kept(id=row["id"], call_id=settling.call.id, event=event)
        self.effects.wholes[name] = whole.adding(piece.number, kept)

    def _complete(self, name: str, piece: Piece) -> Received:
        """Return what becomes of the last piece that came: the message, if there are all."""
        if self.effects.wholes[name].complete:
            return self.join(name)
        return Received(APPLIED, f"{piece}: it waits for the others.")

    def join(self, name: str) -> Received:
        """Let what there is of a message come in."""
        whole = self.effects.wholes[name]
        received = self._receive(whole.joined(), whole.call_id)
        self.effects.joined += whole.ended(received.message_id)
        self.effects.wholes[name] = replace(whole, due_at=None)
        return received

    def _receive(self, event: MessageReceived, call_id: str) -> Received:
        """Let a message come in; return what became of it."""
        screening = screen(self.hub.plugins.inbound, self.line, event, self.now)
        if screening.dropped:
            return Received(IGNORED, screening.dropped)
        message_id = new_id()
        thread = self.effects.thread_of(event)
        first = thread.last_inbound_at is None
        quoted = next(
            iter(self.effects.by_external_id.get(event.reply_to_external_id or "", ())), None
        )
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
        self.effects.messages.append(row)
        self.effects.media.extend(media)
        self.effects.hear(
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
            self.effects.known[event.key] = (message_id, content.type)
        if event.external_id is not None:
            self.effects.name(event.external_id, (message_id, row["content"]))
            self.effects.threads.name(event.external_id, thread)
        return Received(APPLIED, message_id=message_id)

    def _sent_elsewhere(self, settling: Settling, event: SentElsewhere) -> None:
        known = self.effects.known.get(event.key, ("", ""))[0]
        known = known or self.facts.sent.get(event.external_id or "", "")
        if known:
            settling.note(event, DUPLICATE, message_id=known)
            return
        message_id = new_id()
        thread = self.effects.thread(self.effects.addressee(event.address), Answers())
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
        self.effects.messages.append(row)
        self.effects.media.extend(media)
        if event.external_id is not None:
            self.effects.name(event.external_id, (message_id, row["content"]))
            carried = elsewhere(
                row, address=thread.address, sent_at=event.provider_at, now=self.now
            )
            self.effects.carried.append(carried)
        thread.preview = preview(content)
        thread.last_message_at = self.now
        thread.menu = None
        self.effects.touch(thread)
        self.effects.known[event.key] = (message_id, content.type)
        settling.note(event, APPLIED, message_id=message_id)

    def _hand_on(self, settling: Settling, event: ForAccount) -> None:
        call = settling.call
        channel_id = self.relatives.get(event.account)
        if is_copy(self.line, call):
            settling.note(event, IGNORED, "Another channel was called, and handed it on.")
        elif channel_id is None:
            settling.note(event, IGNORED, f"No channel here has the account {event.account}.")
        else:
            self.effects.copies.setdefault((call.id, channel_id), copy_for(channel_id, call))
            settling.note(event, APPLIED, f"Handed on to the channel {channel_id}.")

    def _known_message(
        self, settling: Settling, event: MessageReceived, message_id: str, kind: str
    ) -> None:
        if better_reading(kind, event):
            content, media = take_media(
                event.content, channel_id=self.line.id, message_id=message_id, now=self.now
            )
            self.effects.media.extend(media)
            self.effects.changes.append(
                lambda db: queries.change_message(
                    db, message_id, content=stored(content), kind=content.type
                )
            )
            settling.note(event, DUPLICATE, "Now understood.", message_id)
        else:
            settling.note(event, DUPLICATE, message_id=message_id)

    def _may_loop(self, thread: Thread) -> str:
        """Return why nobody answers automatically; people see what came as any other message."""
        if self.effects.threads.is_ours(thread.address):
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
        self.effects.messages.extend(placement.messages)
        self.effects.deliveries.extend(placement.deliveries)
        if placement.team or placement.tags:
            self.effects.queued.append((thread, placement))

    def _change(self, settling: Settling, event: MessageEdited | MessageDeleted) -> None:
        if event.key in self.effects.seen_keys:
            settling.note(event, DUPLICATE)
            return
        found = self.effects.by_external_id.get(event.external_id)
        if not found:
            settling.note(event, IGNORED, "It changes a message that never reached us.")
            return
        message_id, before = found[0]
        if before == GONE:
            settling.note(event, IGNORED, "Its author has taken the message back.", message_id)
            return
        self.effects.seen_keys.add(event.key)
        if isinstance(event, MessageDeleted):
            self.effects.delete(event, found)
        else:
            after = self.effects.edit(message_id, event)
            if after == before:
                settling.note(event, IGNORED, "Nothing visible changed.", message_id)
                return
            found[0] = (message_id, after)
            self.effects.keep_version(event.key, message_id, before)
        settling.note(event, APPLIED, message_id=message_id)

    def _template(self, settling: Settling, event: TemplateChanged) -> None:
        self.effects.changes.append(
            lambda db: templates.hear(db, self.line.id, event, now=self.now)
        )
        news = f"is {event.status}" if event.status else "changed"
        settling.note(event, APPLIED, f"The template {event.name} ({event.language}) {news}.")


def _why_not(thread: Thread, event: MessageReceived) -> str:
    """Return why no destination is asked; empty when one is."""
    if thread.addressee.blocked:
        return "The contact is blocked."
    if event.not_routed:
        return event.not_routed
    if event.opt_out is not None:
        return "It is an opt-out or opt-in word."
    return "" if routable(event.content) else f"A {event.content.type} asks for no answer."
