"""Send by email what a visitor was told and no window has shown.

The letter begins a conversation on a channel for email, beside the one in the window: whoever
answers it writes there, and agents see in each that there is the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from hubbub.connect.rules import widget_types
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import start_conversation, submit
from hubbub.hub import Hub
from hubbub.sdk.content import Email, from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.sdk.widget import EmailFallback
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow
from hubbub.widget import queries
from hubbub.widget.config import settings_of

#: What was not seen for so long is old news.
_NEWS: Final = timedelta(days=7)
#: Characters of one message in a letter.
_LONGEST: Final = 4000
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Missed:
    """What a visitor missed, and how to reach them."""

    conversation_id: str
    email: str
    #: Oldest first.
    messages: Sequence[AnyRow]


def write_letters(hub: Hub) -> None:
    """Write to visitors who missed something, each once of each answer."""
    for channel_id, fallback in _channels(hub):
        before = hub.now() - timedelta(minutes=fallback.after_minutes)
        with reading(hub.engine) as db:
            ids = queries.missing(db, channel_id, after=before - _NEWS, before=before)
        for conversation_id in ids:
            _write(hub, fallback, conversation_id)


def _channels(hub: Hub) -> Iterator[tuple[str, EmailFallback]]:
    with reading(hub.engine) as db:
        ids = queries.channels(db, widget_types(hub))
        lines = [hub.directory.usable(db, one) for one in ids]
    for line in lines:
        settings = settings_of(line) if line else None
        if line is not None and settings is not None and settings.email_fallback.channel:
            yield line.id, settings.email_fallback


def _write(hub: Hub, fallback: EmailFallback, conversation_id: str) -> None:
    try:
        with transaction(hub.engine) as db:
            missed = _missed(db, conversation_id, hub.now() - _NEWS)
            if missed is None:
                return
            _submit(hub, db, fallback, missed)
    except HubError as error:
        log.info("no letter to a visitor", conversation=conversation_id, reason=str(error))
    else:
        nudge_deliver(hub)


def _missed(db: Connection, conversation_id: str, since: datetime) -> _Missed | None:
    """Return what no letter has told yet. The conversation is held until the end."""
    if not queries.hold(db, conversation_id):
        return None
    messages = queries.missed(db, conversation_id, since)
    told = queries.idempotency_keys(db, [_key(one.id) for one in messages])
    last = max((at for at, one in enumerate(messages) if _key(one.id) in told), default=-1)
    email = queries.email_of(db, conversation_id)
    if not email or not messages[last + 1 :]:
        return None
    return _Missed(conversation_id=conversation_id, email=email, messages=messages[last + 1 :])


def _submit(hub: Hub, db: Connection, fallback: EmailFallback, missed: _Missed) -> None:
    letters_id = queries.beside(db, missed.conversation_id, fallback.channel, missed.email)
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
        # Who answered goes on there.
        author=last.author,
        idempotency_key=_key(last.id),
    )


def _key(message_id: str) -> str:
    return f"widget letter:{message_id}"
