"""Fetch files that contacts sent, learn their names, acknowledge calls: asked on the side."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, TypeVar

import structlog

from hubbub.bounded import OutOfBounds
from hubbub.deliver import file_queries, queries
from hubbub.deliver.attempt import media_bytes
from hubbub.deliver.rules import RETRY_SCHEDULE
from hubbub.directory import Line
from hubbub.exchange import Ran, run
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.media import StoreDown, dimensions, sniff
from hubbub.plugins import RAISED
from hubbub.sdk.errors import OutcomeUnknown, Permanent, SendError, Transient
from hubbub.sdk.values import Exchange, FetchedMedia
from hubbub.store.calls import kept_call
from hubbub.store.clean import LONGEST_NAME, clean, file_name
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow

T = TypeVar("T")

#: Few at a time: meanwhile a channel may have become silent.
_ROUND: Final = 4
#: A worker that died while it fetched leaves the file to others after this.
_CLAIM: Final = timedelta(minutes=2)
log = structlog.get_logger(__name__)


def fetch_due(hub: Hub) -> int:
    """Fetch every file that is due; return how many. Safe to run twice and in parallel."""
    done = 0
    while True:
        with reading(hub.engine) as db:
            rows = file_queries.due(db, now=hub.now(), limit=_ROUND, without=hub.asides.full())
        taken = [row for row in rows if _fetch(hub, row)]
        done += len(taken)
        if not taken:
            return done


def acknowledge(hub: Hub, call_id: str) -> None:
    """Tell the provider that one of its calls was processed; a failure is only logged."""
    with reading(hub.engine) as db:
        row = queries.call(db, call_id)
        line = hub.directory.usable(db, row.channel_id) if row is not None else None
    if row is None or line is None:
        return
    ran = ask_aside(hub, line, line.hooks.acknowledge(kept_call(row), line.connection))
    if ran is None:
        log.info("call not acknowledged", call=call_id, channel=line.id, error="busy")
    elif ran.error is not None:
        log.info("call not acknowledged", call=call_id, channel=line.id, error=ran.error.code)


def learn_name(hub: Hub, channel_id: str, address: str) -> None:
    """Ask the provider what a contact is called; a failure is only logged. Safe to run twice."""
    with reading(hub.engine) as db:
        line = hub.directory.usable(db, channel_id)
    if line is None:
        return
    ran = ask_aside(hub, line, line.hooks.profile(address, line.connection))
    if ran is None:
        return  # the next message asks again
    if ran.error is not None:
        log.info("name not learnt", channel=channel_id, error=ran.error.code)
    elif ran.value:
        name = clean(ran.value)[:LONGEST_NAME]
        with transaction(hub.engine) as db:
            queries.name_contact(db, channel_id, address, name)


def ask_aside(hub: Hub, line: Line, exchange: Exchange[T]) -> Ran[T] | None:
    """Carry ``exchange``, if few things are asked about the channel now; None: it was not begun."""
    with hub.asides.place(line.id) as free:
        if not free:
            return None
        return run(exchange, hub.http, redact=line.redactor, files=media_bytes(hub))


def delete_files(hub: Hub, ids: Iterable[str]) -> None:
    """Delete files whose rows are gone: nobody can reach those that a store which is away keeps."""
    for media_id in ids:
        try:
            hub.media.delete(media_id)
        except StoreDown as error:
            log.warning("a file is left over", media=media_id, reason=error.detail)


def _fetch(hub: Hub, row: AnyRow) -> bool:
    with hub.asides.place(row.channel_id) as free:
        return free and _fetched(hub, row)


def _fetched(hub: Hub, row: AnyRow) -> bool:
    now = hub.now()
    with transaction(hub.engine) as db:
        line = hub.directory.usable(db, row.channel_id)
        if line is None or not file_queries.claim(db, row.id, now=now, until=now + _CLAIM):
            return False
    try:
        values = _kept(hub, row, _found(hub, line, row))
    except SendError as error:
        values = _failed(hub, row, error)
    with transaction(hub.engine) as db:
        if (learnt := values.get("filename")) and learnt != row.filename:
            file_queries.name(db, row, learnt)
        wanted = file_queries.write(db, row.id, **values)
        message = row.message_id and queries.message(db, row.message_id)
    if not wanted:
        # Meanwhile its message was taken back, or its contact erased.
        delete_files(hub, [row.id])
    _tell(hub, line, message)
    return True


def _found(hub: Hub, line: Line, row: AnyRow) -> FetchedMedia:
    """Return the file, from the provider or from the call that brought it. Raises `SendError`."""
    if not line.hooks.offers("read_media"):
        exchange = line.hooks.fetch_media(row.ref, line.connection)
        ran = run(exchange, hub.http, redact=line.redactor, files=media_bytes(hub))
        if ran.value is None:
            raise ran.error or Permanent("The provider gave no file.", code="media_gone")
        return ran.value
    with reading(hub.engine) as db:
        call = file_queries.call_of(db, row.id)
    if call is None:
        raise Permanent("What brought the file is no longer kept.", code="media_gone")
    try:
        return line.hooks.read_media(row.ref, kept_call(call), line.connection)
    except OutOfBounds as error:
        raise Permanent(f"Reading it was given up. {error.detail}", code=error.code) from None
    except SendError:
        raise
    # As when the same letter was read: a stranger wrote it.
    except RAISED as error:
        log.exception("file cannot be read", channel=line.id, media=row.id)
        why = f"The channel type failed: {type(error).__name__}."
        raise Permanent(why, code="plugin_error") from None


def _kept(hub: Hub, row: AnyRow, fetched: FetchedMedia) -> dict[str, Any]:
    hub.media.put(row.id, fetched.body)
    mime_type = sniff(fetched.body, fetched.mime_type or row.mime_type)
    size = dimensions(fetched.body)
    return {
        "state": "ready",
        "reason": "",
        "size": len(fetched.body),
        "mime_type": mime_type,
        "filename": row.filename or file_name(fetched.filename),
        "width": size[0] if size else row.width,
        "height": size[1] if size else row.height,
    }


def _failed(hub: Hub, row: AnyRow, error: SendError) -> dict[str, Any]:
    # Fetching changes nothing at the provider, so a lost answer is no reason to stop.
    temporary = isinstance(error, Transient | OutcomeUnknown)
    if temporary and row.attempts < len(RETRY_SCHEDULE):
        return {"reason": error.detail, "due_at": hub.now() + RETRY_SCHEDULE[row.attempts]}
    return {"state": "failed", "reason": error.detail}


def _tell(hub: Hub, line: Line, message: AnyRow | None) -> None:
    if message is not None:
        hub.live.publish([LiveEvent("message", line.id, message.conversation_id, message.id)])
