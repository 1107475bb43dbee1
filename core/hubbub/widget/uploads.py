"""Take files of visitors: small, few, and of kinds that their bytes prove."""

import io
import zipfile
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, Final

from flask import Request
from werkzeug.datastructures import FileStorage

from hubbub.api.media import keep_upload
from hubbub.api.problems import Problem, Refusal
from hubbub.deliver.media import delete_files
from hubbub.hub import Hub
from hubbub.media import dimensions, sniff
from hubbub.store.session import transaction
from hubbub.widget import queries
from hubbub.widget.desk import Guest
from hubbub.widget.kinds import ENDINGS, OFFICE, OPEN
from hubbub.widget.limits import spend, spend_bytes
from hubbub.widget.links import upload_name
from hubbub.widget.metadata import Broken, without_metadata

#: Bytes of one file, and beside it in the form.
LARGEST: Final = 10 << 20
_FORM_OVERHEAD: Final = 1 << 14
_MOST_PIXELS: Final = 50_000_000
#: What an entry in the list of a ZIP archive begins with, and how many a document has at most.
_ENTRY: Final = b"PK\1\2"
_MOST_ENTRIES: Final = 10_000
#: How long an upload waits for the message that names it, and how many are deleted in one go.
_UNSENT: Final = timedelta(days=1)
_BATCH: Final = 500
_TAKEN: Final = (
    "Take a picture (PNG, JPEG, GIF, WebP), a PDF, a text, a video (MP4, WebM), a sound "
    "(MP3, OGG, M4A), or a document of an office."
)
_BROKEN: Final = "The picture is broken: save it anew, and send that."


def upload(hub: Hub, guest: Guest, asked: Request) -> dict[str, Any]:
    """Keep a file until a message names it; return its name. Raises `Refusal`."""
    spend(hub.limiter, "upload", visitor=guest.who, network=guest.network)
    if not guest.settings.attachments:
        raise Refusal(Problem(code="forbidden", detail="Here nobody sends files."))
    asked.max_content_length = LARGEST + _FORM_OVERHEAD
    file = asked.files.get("file")
    if file is None:
        raise Refusal(Problem(code="invalid", detail="Send the file in a field named file."))
    with file.stream:
        body, mime_type = _looked_at(file)
    spend_bytes(
        hub.limiter,
        len(body),
        visitor=guest.who,
        network=guest.network,
        channel=guest.line.id,
    )
    row = keep_upload(
        hub,
        body,
        mime_type=mime_type,
        filename=file.filename or "",
        channel_id=guest.line.id,
        ref=guest.visitor.address,
    )
    return {
        "media_id": upload_name(hub.vault, row["id"], guest.visitor.address),
        "mime_type": mime_type,
        "size": row["size"],
    }


def forget_uploads(hub: Hub) -> None:
    """Delete the uploads of visitors that a message has a copy of, or that none named in a day."""
    with transaction(hub.engine) as db:
        gone = queries.forget_uploads(db, before=hub.now() - _UNSENT, limit=_BATCH)
    delete_files(hub, gone)


def _looked_at(file: FileStorage) -> tuple[bytes, str]:
    """Return the bytes of a file that is taken, and what they are. Raises `Refusal`."""
    body = file.stream.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise Refusal(
            Problem(code="too-large", detail=f"Take a file of at most {LARGEST >> 20} MB.")
        )
    mime_type = sniff(body, file.mimetype)
    ending = PurePosixPath(file.filename or "").suffix.lower().removeprefix(".")
    if not body or ending not in ENDINGS.get(mime_type, ()) or not _holds(body, mime_type):
        raise Refusal(Problem(code="unsupported-media-type", detail=_TAKEN))
    if mime_type.startswith("image/"):
        body = _picture(body, mime_type)
    return body, mime_type


def _picture(body: bytes, mime_type: str) -> bytes:
    """Return a picture without its metadata. Raises `Refusal` where it is broken, or too large."""
    try:
        clean = without_metadata(body, mime_type)
    except Broken:
        raise Refusal(Problem(code="unsupported-media-type", detail=_BROKEN)) from None
    size = dimensions(clean)
    if size is None:
        # Whoever opened it would find out how large it is.
        raise Refusal(Problem(code="unsupported-media-type", detail=_BROKEN))
    if size[0] * size[1] > _MOST_PIXELS:
        raise Refusal(Problem(code="too-large", detail="The picture has too many pixels."))
    return clean


def _holds(body: bytes, mime_type: str) -> bool:
    """Whether a document has inside what its kind asks for."""
    if not mime_type.startswith((OFFICE, OPEN)):
        return True
    # Each entry of its list takes memory and time before anything of it is known.
    if body.count(_ENTRY) > _MOST_ENTRIES:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return ("[Content_Types].xml" if mime_type.startswith(OFFICE) else "mimetype") in names
