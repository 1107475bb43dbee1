"""Send by email what a visitor was told and no window has shown.

The letter begins a conversation on a channel for email, beside the one in the window: whoever
answers it writes there, and agents see in each that there is the other.

An address that was typed may be anybody's. It gets few letters, and of one conversation no other
one gets any; whoever has proven who they are is written to at a proven address alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from hubbub.connect.rules import KNOWN_VISITOR, widget_types
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import by_person
from hubbub.deliver.work import start_conversation, submit
from hubbub.hub import Hub
from hubbub.limiter import Bucket
from hubbub.sdk.content import Email, from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.sdk.widget import EmailFallback
from hubbub.store.letters import letter_key
from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.threads import by_ids, save
from hubbub.store.types import AnyRow
from hubbub.widget import queries
from hubbub.widget.config import settings_of

#: What was not seen for so long is old news.
_NEWS: Final = timedelta(days=7)
#: Characters of one message in a letter.
_LONGEST: Final = 4000
#: Who writes the letters: nobody here, so they say that a program did.
_AUTHOR: Final = "program:letters"
#: Letters to one address that was typed, and to all that were typed in windows of a channel.
_TO_ONE: Final = (3, timedelta(days=1))
_TO_ALL: Final = (60, timedelta(hours=1))
#: A host with a name, as nobody's mail goes to an address of an internal network.
_EMAIL: Final = re.compile(r"[^@\s<>,;:\"\\]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Missed:
    """What a visitor missed, and how to reach them."""

    conversation_id: str
    #: The conversation that the letter belongs to, where there is one.
    letters_id: str | None
    email: str
    proven: bool
    #: Oldest first.
    messages: Sequence[AnyRow]


def write_letters(hub: Hub) -> None:
    """Write to visitors who missed something, each once of each answer."""
    for channel_id, fallback in _channels(hub):
        before = hub.now() - timedelta(minutes=fallback.after_minutes)
        with reading(hub.engine) as db:
            ids = queries.missing(db, channel_id, after=before - _NEWS, before=before)
        for conversation_id in ids:
            try:
                _write(hub, channel_id, fallback, conversation_id)
            except DatabaseDown:
                raise
            # One odd conversation must not keep the others from their letters.
            except Exception:
                log.exception("letter failed", conversation=conversation_id)


def _channels(hub: Hub) -> Iterator[tuple[str, EmailFallback]]:
    with reading(hub.engine) as db:
        lines = hub.directory.all_usable(db, queries.channels(db, widget_types(hub)))
    for line in lines.values():
        settings = settings_of(line)
        if settings is not None and settings.email_fallback.channel:
            yield line.id, settings.email_fallback


def _write(hub: Hub, channel_id: str, fallback: EmailFallback, conversation_id: str) -> None:
    since = hub.now() - _NEWS
    with reading(hub.engine) as db:
        missed = _missed(db, fallback, conversation_id, since)
    if missed is None:
        return
    buckets = [] if missed.proven else _buckets(channel_id, missed.email)
    if hub.limiter.acquire([buckets]) != [None]:
        return  # what waits goes into one letter later
    try:
        with transaction(hub.engine) as db:
            # Somebody may have been faster, or looked meanwhile.
            still = queries.hold(db, conversation_id) and (
                _missed(db, fallback, conversation_id, since)
            )
            if still:
                _submit(hub, db, fallback, still)
    except HubError as error:
        hub.limiter.give_back([buckets])
        log.info("no letter to a visitor", conversation=conversation_id, reason=str(error))
    else:
        nudge_deliver(hub)


def _buckets(channel_id: str, email: str) -> list[Bucket]:
    # Many providers deliver what stands after a plus to whoever stands before it.
    who, _, host = email.lower().rpartition("@")
    to_one, to_all = _TO_ONE, _TO_ALL
    return [
        Bucket(f"widget:letter:{who.partition('+')[0]}@{host}", *to_one, burst=to_one[0]),
        Bucket(f"widget:letters:{channel_id}", *to_all, burst=to_all[0]),
    ]


def _missed(
    db: Connection, fallback: EmailFallback, conversation_id: str, since: datetime
) -> _Missed | None:
    """Return what no letter has told yet, and to whom it goes."""
    visitor = queries.reached(db, conversation_id)
    if visitor is None:
        return None
    messages = queries.missed(db, conversation_id, since)
    told = queries.idempotency_keys(db, [letter_key(one.id) for one in messages])
    last = max((at for at, one in enumerate(messages) if letter_key(one.id) in told), default=-1)
    fresh = [one for one in messages[last + 1 :] if one.deleted_at is None]
    email, proven = _email_of(visitor)
    letters = queries.beside(db, conversation_id, fallback.channel)
    if not proven and letters:
        # Whatever is typed next, it stays at the address that the first letter went to.
        email, letters = letters[0].address, letters[:1]
    if not (fresh and _EMAIL.fullmatch(email)) or queries.is_ours(db, email):
        return None
    same = (one.id for one in letters if one.address.lower() == email.lower())
    return _Missed(
        conversation_id=conversation_id,
        letters_id=next(same, None),
        email=email,
        proven=proven,
        messages=fresh,
    )


def _email_of(visitor: AnyRow) -> tuple[str, bool]:
    """Return the email address of a visitor, or nothing, and whether the site has proven it."""
    known = dict(visitor.attributes or {})
    user = visitor.address.startswith(KNOWN_VISITOR)
    for kind in ("verified",) if user else ("verified", "unverified"):
        told = known.get(kind)
        given = told.get("email") if isinstance(told, dict) else None
        if isinstance(given, str) and given:
            return given, kind == "verified"
    return "", user


def _submit(hub: Hub, db: Connection, fallback: EmailFallback, missed: _Missed) -> None:
    letters_id = missed.letters_id
    if letters_id is None:
        letters_id = start_conversation(hub, db, channel_id=fallback.channel, address=missed.email)
        queries.relate(db, letters_id, missed.conversation_id)
    said = (preview(from_json(one.content), _LONGEST) for one in missed.messages)
    last = missed.messages[-1]
    submit(
        hub,
        db,
        conversation_id=letters_id,
        content=Email(subject=fallback.subject, text="\n\n".join([fallback.intro, *said])),
        author=_AUTHOR,
        idempotency_key=letter_key(last.id),
    )
    if by_person(last.author):
        _go_on(db, letters_id, last.author)


def _go_on(db: Connection, letters_id: str, author: str) -> None:
    """Let whoever answered in the window go on where the letter is answered."""
    thread = by_ids(db, [letters_id])[letters_id]
    thread.give_to(author)
    thread.assignee_id = thread.assignee_id or author.removeprefix("user:")
    save(db, [thread])
