"""Fetch the files that contacts sent, and give Meta those of ours. Source: "Attachments"."""

from typing import Final

from pydantic import Field

from hubbub.sdk import (
    Attachment,
    Exchange,
    FetchedMedia,
    File,
    HttpResponse,
    Media,
    Permanent,
    Transient,
    graph,
    graph_files,
)
from hubbub_messenger import api, faults
from hubbub_messenger.fields import MessengerConnection

#: Bytes: the largest file that Messenger takes; what contacts send may be larger.
LARGEST: Final = 25 << 20
_LARGEST_SENT: Final = 100 << 20

_OK: Final = 200
#: What an address says that is too old; Meta gives out no new one.
_EXPIRED: Final = frozenset({401, 403, 404, 410})
_ENDINGS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "video/mp4": ".mp4",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
}


class Uploaded(graph.Said):
    """The id of a file of ours, good for 90 days."""

    attachment_id: str = Field(min_length=1)


def fetch(ref: str, connection: MessengerConnection) -> Exchange[FetchedMedia]:
    """Fetch the file at the address ``ref``, which the message told."""
    response = yield from _download(ref, connection)
    if response.status in _EXPIRED:
        raise Permanent("Messenger does not have the file any more.", code="media_lost")
    if response.status != _OK:
        raise faults.refusal(response) or Transient(
            f"Meta did not hand out the file (HTTP status {response.status}).",
            code="media_unavailable",
        )
    mime_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return FetchedMedia(body=response.body, mime_type=mime_type or None)


def upload(content: Attachment, kind: str, connection: MessengerConnection) -> Exchange[str]:
    """Give Meta a file of ours; return its id there."""
    file = File(content.media, filename(content.type, content.media))
    response = yield api.upload(connection, file, kind)
    return api.need(Uploaded, response).attachment_id


def filename(kind: str, media: Media) -> str:
    """Return what to call a file: its own name, or one that says what it is."""
    return media.filename or kind + _ENDINGS.get(media.mime_type or "", "")


def _download(url: str, connection: MessengerConnection) -> Exchange[HttpResponse]:
    base = connection.fields.settings.api_base
    return graph_files.download(url, base, lambda at: api.download(at, limit=_LARGEST_SENT))
