"""Hand out all that is held of a contact, as the law gives them a right to, while it is read.

The archive is written in pieces as large as a file or a page of messages: however much was said,
little of it is in memory at once.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import structlog
from flask import Response
from sqlalchemy import Connection

from hubbub.api import render
from hubbub.contacts import merge, queries
from hubbub.contacts.work import find_contact
from hubbub.hub import Hub
from hubbub.media import Missing, StoreDown
from hubbub.people.audit import audit
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow, as_json_time

#: Messages or notes that are read at once.
_PAGE: Final = 500
_ABOUT: Final = """\
contact.json         who the contact is: names, addresses, consent, attributes, merges
conversations.json   the conversations with them, by channel
messages.jsonl       what was said, one message a line, the newest first
notes.jsonl          what people here noted about it, one note a line
files/               the files of these messages, by the ids that the messages give
missing.txt          the files that could not be read, if there were any

Times are in UTC.
"""
log = structlog.get_logger(__name__)


def export_contact(hub: Hub, contact_id: str, *, actor: str) -> Response:
    """Return the archive of a contact. Raises `NotFound`, or `hubbub.contacts.work.Merged`."""
    with transaction(hub.engine) as db:
        find_contact(db, contact_id)
        audit(db, now=hub.now(), actor=actor, action="contact.exported", object_id=contact_id)
    answer = Response(_archive(hub, contact_id), content_type="application/zip")
    answer.headers.update(
        {
            "Content-Disposition": f'attachment; filename="contact-{contact_id}.zip"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    return answer


class _Pipe(io.RawIOBase):
    """Takes what the archive's writer writes until somebody takes it from there."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _archive(hub: Hub, contact_id: str) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in _entries(hub, contact_id):
            with archive.open(name, "w") as entry:
                for piece in pieces:
                    entry.write(piece)
                    yield pipe.taken()
    yield pipe.taken()


def _entries(hub: Hub, contact_id: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    yield "README.txt", iter([_ABOUT.encode()])
    with reading(hub.engine) as db:
        about, conversations = _about(db, contact_id), _conversations(db, contact_id)
        files = queries.files(db, contact_id)
    yield "contact.json", iter([_pretty(about)])
    yield "conversations.json", iter([_pretty(conversations)])
    yield "messages.jsonl", _messages(hub, contact_id)
    yield "notes.jsonl", _notes(hub, contact_id)
    lost = []
    for row in files:
        try:
            body = hub.media.get(row.id)
        except (Missing, StoreDown) as error:
            log.warning("file not exported", media=row.id, reason=error.detail)
            lost.append(f"{row.id} {_name(row)}: {error.detail}\n".encode())
        else:
            yield f"files/{row.id}-{_name(row)}", iter([body])
    if lost:
        yield "missing.txt", iter(lost)


def _about(db: Connection, contact_id: str) -> dict[str, Any]:
    rows = queries.addresses(db, [contact_id])
    about = render.contact(find_contact(db, contact_id), rows).model_dump(mode="json")
    channels = {row.id: row.channel_name for row in rows}
    for address in about["addresses"]:
        address["channel"] = channels[address["id"]]
    merges = [vars(one) for one in merge.past_merges(db, contact_id)]
    return {**about, "merges": merges}


def _conversations(db: Connection, contact_id: str) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "channel_id": row.channel_id,
            "status": row.status,
            "tags": row.tags or [],
            "created_at": row.created_at,
            "last_message_at": row.last_message_at,
        }
        for row in queries.conversations(db, contact_id)
    ]


def _messages(hub: Hub, contact_id: str) -> Iterator[bytes]:
    before = None
    while True:
        with reading(hub.engine) as db:
            rows = queries.said(db, contact_id, before=before, limit=_PAGE)
            told = render.message_list(hub, db, rows)
        if not rows:
            return
        yield b"".join(one.model_dump_json().encode() + b"\n" for one in told)
        before = rows[-1].id


def _notes(hub: Hub, contact_id: str) -> Iterator[bytes]:
    after = ""
    while True:
        with reading(hub.engine) as db:
            rows = queries.notes(db, contact_id, after=after, limit=_PAGE)
        if not rows:
            return
        yield b"".join(_line(row._asdict()) for row in rows)
        after = rows[-1].id


def _name(row: AnyRow) -> str:
    """Return the file's name as every system takes it."""
    kept = (one if one.isalnum() or one in "._- " else "_" for one in row.filename or "file")
    return "".join(kept)[:100].strip(". ") or "file"


def _line(value: Any) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False).encode() + b"\n"


def _pretty(value: Any) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return as_json_time(value)
    raise TypeError(type(value).__name__)
