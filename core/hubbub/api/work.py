"""Do what the API is asked: send once, hand conversations around."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from hubbub.api import queries
from hubbub.api.content import media_ids, with_media
from hubbub.connect import queries as channel_queries
from hubbub.deliver.rules import by_program
from hubbub.deliver.work import start_conversation, submit
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.people import queries as people_queries
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.people.mentions import mentioned
from hubbub.people.teams import hand_to_team
from hubbub.sdk.content import Content, Media, from_json, preview, to_json
from hubbub.sdk.errors import BadAddress
from hubbub.store import threads
from hubbub.store.clean import folded
from hubbub.store.readings import mark_read, mark_unread, see_mentions
from hubbub.store.session import transaction
from hubbub.store.tags import MOST_TAGS, as_known, clean_tags, count_tags
from hubbub.store.threads import Thread
from hubbub.store.types import AnyRow, as_json_time, new_id
from hubbub.vault import digest

#: Messages that are quoted to who has not seen them.
_QUOTED_UNSEEN: Final = 3


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody wants sent: into a conversation, or to an address on a channel."""

    content: Content
    author: str
    conversation_id: str | None = None
    channel_id: str | None = None
    address: str | None = None
    reply_to: str | None = None
    send_at: datetime | None = None
    #: How long it can be taken back: it does not go before. The same order asked for again later is
    #: the same one.
    hold: timedelta | None = None
    #: The last message of the conversation that its writer saw, empty where there was none; None:
    #: it does not matter what was said meanwhile.
    seen: str | None = None
    #: Whether it goes to many.
    bulk: bool = False
    #: What makes two requests the same one; already bound to who asks.
    key: str | None = None

    @property
    def digest(self) -> str:
        """What tells this order from another one under the same key."""
        asked = [
            to_json(self.content),
            self.conversation_id,
            self.channel_id,
            self.address,
            self.reply_to,
            as_json_time(self.send_at),
            *(["bulk"] if self.bulk else []),
            *(["automatic"] if by_program(self.author) else []),
        ]
        return digest(json.dumps(asked, sort_keys=True))


@dataclass(frozen=True, kw_only=True)
class ConversationChange:
    """What to change of a conversation; None leaves it. ``version`` is the one that was seen.

    ``seen`` is as in an `Order`. ``tags`` are all that it is to have; ``add_tags`` and
    ``remove_tags`` leave the others.
    """

    status: str | None = None
    #: Only of a snoozed one; None: it sleeps until the contact writes.
    snoozed_until: datetime | None = None
    assignee: str | Literal[False] | None = None
    team: str | Literal[False] | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    version: int | None = None
    seen: str | None = None


def send(hub: Hub, order: Order) -> str:
    """Queue a message and return its id; the same order under the same key is sent once.

    Raises `Invalid`, `Conflict` for another order under the same key, `NotFound`, or
    `hubbub.deliver.rules.Refused`.
    """
    try:
        return _send(hub, order)
    except IntegrityError:
        # Somebody with the same key, or to the same new address, was faster by a moment.
        return _send(hub, order)


def change_conversation(
    hub: Hub, conversation_id: str, change: ConversationChange, *, actor: str
) -> None:
    """Change a conversation. Who is given it owns it: what bots still compute is dropped.

    Raises `NotFound`, `Invalid`, or `Conflict` when somebody else was faster.
    """
    with transaction(hub.engine) as db:
        thread = threads.by_ids(db, [conversation_id]).get(conversation_id)
        if thread is None:
            raise NotFound("There is no such conversation.")
        if change.version not in {None, thread.owner_version}:
            raise Conflict(
                "The conversation changed hands meanwhile: look who has it now.",
                code="version_conflict",
            )
        _check_seen(db, conversation_id, change.seen, by=actor, then="Read it, and do it again.")
        detail = _apply(hub, db, thread, change)
        threads.save(db, [thread])
        if detail:
            audit(
                db,
                now=hub.now(),
                actor=actor,
                action="conversation.changed",
                object_id=conversation_id,
                detail=detail,
            )
    news = LiveEvent("conversation", thread.channel_id, conversation_id)
    hub.live.publish([news])


def add_note(
    hub: Hub, conversation_id: str, *, text: str, author: str, key: str | None = None
) -> dict[str, Any]:
    """Add a note to a conversation and return it; the same one under the same key is added once.

    Raises `NotFound`, or `Conflict` for another note under the same key.
    """
    note = {"conversation_id": conversation_id, "author": author, "text": text}
    try:
        return _add_note(hub, note, key)
    except IntegrityError:
        return _add_note(hub, note, key)  # somebody with the same key was faster by a moment


def read(hub: Hub, conversation_id: str, user_id: str, *, done: bool) -> None:
    """Note that somebody has read a conversation, or wants to do so again. Raises `NotFound`."""
    with transaction(hub.engine) as db:
        if queries.conversation(db, conversation_id) is None:
            raise NotFound("There is no such conversation.")
        if people_queries.user(db, user_id) is None:
            raise NotFound("There is no such user.")
        if done:
            mark_read(db, conversation_id, user_id)
            see_mentions(db, conversation_id, user_id, now=hub.now())
        else:
            mark_unread(db, conversation_id, user_id)


def _add_note(hub: Hub, wanted: Mapping[str, str], key: str | None) -> dict[str, Any]:
    note: dict[str, Any] = {"id": new_id(), **wanted, "created_at": hub.now()}
    with transaction(hub.engine) as db:
        row = queries.conversation(db, note["conversation_id"])
        if row is None:
            raise NotFound("There is no such conversation.")
        earlier = queries.note_under(db, key) if key else None
        if earlier is not None:
            return _same_note(db, earlier, wanted)
        queries.add_note(db, **note, idempotency_key=key)
        named = [(one.id, one.name, one.email) for one in people_queries.colleagues(db)]
        note["mentions"] = list(mentioned(note["text"], named))
        queries.add_mentions(db, note["id"], row.id, note["mentions"])
    hub.live.publish([LiveEvent("note", row.channel_id, row.id)])
    return note


def _same_note(db: Connection, earlier: AnyRow, wanted: Mapping[str, str]) -> dict[str, Any]:
    note = earlier._asdict()
    if any(note[name] != value for name, value in wanted.items()):
        raise _reused()
    return {**note, "mentions": queries.mentions(db, [earlier.id])[earlier.id]}


def _send(hub: Hub, order: Order) -> str:
    with transaction(hub.engine) as db:
        earlier = queries.sent_under(db, order.key) if order.key else None
        if earlier is not None:
            return _same(earlier, order)
        _check_seen(
            db,
            order.conversation_id,
            order.seen,
            by=order.author,
            then="Send it again if it still fits.",
        )
        content = _with_uploads(db, order.content)
        message_id = submit(
            hub,
            db,
            conversation_id=_target(hub, db, order),
            content=content,
            author=order.author,
            idempotency_key=order.key,
            request_digest=order.digest if order.key else None,
            reply_to_id=_quoted(db, order),
            starts_at=order.send_at or (hub.now() + order.hold if order.hold else None),
            bulk=order.bulk,
        )
        uploads = [media_id for _, media_id in media_ids(content)]
        if uploads:
            queries.claim_uploads(db, uploads, message_id=message_id)
    return message_id


def _same(earlier: AnyRow, order: Order) -> str:
    if earlier.request_digest != order.digest:
        raise _reused()
    return str(earlier.id)


def _reused() -> Conflict:
    return Conflict(
        "This Idempotency-Key was used for another message. Take a new key for a new message.",
        code="idempotency_conflict",
    )


def _check_seen(
    db: Connection, conversation_id: str | None, seen: str | None, *, by: str, then: str
) -> None:
    """Refuse what is done by somebody who does not know what was said before it."""
    if seen is None or conversation_id is None:
        return
    # Held, so that nothing comes between this look and what is done.
    threads.by_ids(db, [conversation_id])
    last = queries.message(db, seen) if seen else None
    seq = last.seq if last and last.conversation_id == conversation_id else 0
    said = queries.said_since(db, conversation_id, seq=seq, but=by, limit=_QUOTED_UNSEEN)
    if said:
        quoted = " ".join(f"“{preview(from_json(row.content))}”" for row in said)
        raise Conflict(f"Something was said meanwhile: {quoted} {then}", code="unseen")


def _with_uploads(db: Connection, content: Content) -> Content:
    named = list(media_ids(content))
    rows = queries.media_files(db, [media_id for _, media_id in named])
    missing = tuple(
        Complaint(where, "There is no upload with this id.")
        for where, media_id in named
        if media_id not in rows or rows[media_id].state != "ready"
    )
    if missing:
        raise Invalid(*missing)
    return with_media(content, {media_id: _media(row) for media_id, row in rows.items()})


def _media(row: Row[Any]) -> Media:
    return Media(
        id=row.id,
        mime_type=row.mime_type,
        filename=row.filename,
        size=row.size,
        state="ready",
        width=row.width,
        height=row.height,
        duration_ms=row.duration_ms,
    )


def _target(hub: Hub, db: Connection, order: Order) -> str:
    if order.conversation_id is not None:
        if queries.conversation(db, order.conversation_id) is None:
            raise Invalid(Complaint("conversation_id", "There is no such conversation."))
        return order.conversation_id
    channel_id, address = str(order.channel_id), str(order.address)
    if channel_queries.channel(db, channel_id) is None:
        raise Invalid(Complaint("channel_id", "There is no such channel."))
    try:
        return start_conversation(hub, db, channel_id=channel_id, address=address)
    except BadAddress as error:
        raise Invalid(Complaint("to.address", error.detail)) from None


def _quoted(db: Connection, order: Order) -> str | None:
    if order.reply_to is None:
        return None
    quoted = queries.message(db, order.reply_to)
    if quoted is None or order.conversation_id not in {None, quoted.conversation_id}:
        raise Invalid(Complaint("reply_to", "There is no such message in this conversation."))
    return order.reply_to


def _apply(hub: Hub, db: Connection, thread: Thread, change: ConversationChange) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if change.status is not None:
        thread.status = detail["status"] = change.status
        detail |= _snooze(hub, db, thread, change.snoozed_until)
    tags = _tags(db, thread, change)
    if tags != thread.tags:
        before, after = set(thread.tags), set(tags)
        count_tags(db, given=after - before, taken=before - after, now=hub.now())
        thread.tags = detail["tags"] = tags
    if change.team is not None:
        detail["team"] = change.team or None
        _give_to_team(db, thread, change.team or None, unassign=change.assignee is None)
    if change.assignee is not None:
        _assign(db, thread, change.assignee or None)
    if change.assignee is not None or change.team:
        detail["assignee"] = thread.assignee_id
    return detail


def _snooze(
    hub: Hub, db: Connection, thread: Thread, until: datetime | None
) -> dict[str, str | None]:
    snoozed = thread.status == "snoozed"
    if until is not None and not snoozed:
        raise Invalid(Complaint("snoozed_until", "Only a snoozed conversation wakes at a time."))
    if until is not None and until <= hub.now():
        raise Invalid(Complaint("snoozed_until", "This time is over already."))
    queries.change_conversation(db, thread.conversation_id, snoozed_until=until)
    return {"snoozed_until": as_json_time(until)} if snoozed else {}


def _tags(db: Connection, thread: Thread, change: ConversationChange) -> list[str]:
    if change.tags is None and not change.add_tags and not change.remove_tags:
        return thread.tags
    tags = clean_tags((*(thread.tags if change.tags is None else change.tags), *change.add_tags))
    known, gone = as_known(db, tags), set(map(folded, change.remove_tags))
    fewer = [known[tag] for tag in tags if folded(tag) not in gone]
    if len(fewer) > max(MOST_TAGS, len(thread.tags)):
        raise Invalid(Complaint("tags", f"A conversation has at most {MOST_TAGS} tags."))
    return fewer


def _give_to_team(db: Connection, thread: Thread, team_id: str | None, *, unassign: bool) -> None:
    if team_id is None:
        thread.team_id = None
        return
    if unassign:
        thread.assignee_id = None
        thread.give_to("people")
    try:
        hand_to_team(db, thread, team_id)
    except NotFound as error:
        raise Invalid(Complaint("team", error.detail)) from None


def _assign(db: Connection, thread: Thread, user_id: str | None) -> None:
    if user_id is not None:
        user = people_queries.user(db, user_id)
        if user is None or user.disabled_at is not None:
            raise Invalid(Complaint("assignee", "There is no such user, or they are disabled."))
    thread.assignee_id = user_id
    thread.give_to("queue" if user_id is None else f"user:{user_id}")
