"""Fetch the files that contacts sent, and give Meta those of ours. Source: "Media"."""

from typing import Final

from pydantic import Field

from hubbub.sdk import (
    Attachment,
    Exchange,
    FetchedMedia,
    File,
    HttpResponse,
    Permanent,
    Transient,
    graph,
    graph_files,
)
from hubbub.sdk.whatsapp.files import LARGEST, filename
from hubbub_whatsapp_cloud import api, faults
from hubbub_whatsapp_cloud.fields import WhatsAppConnection

_OK: Final = 200
#: What an address says that is older than five minutes.
_EXPIRED: Final = frozenset({401, 404, 410})
#: What says that the file itself is not there: one that the user took back, or too old.
_GONE: Final = frozenset({"unknown_number", "bad_request", "media_lost"})


class Where(graph.Said):
    """Where a file is, for five minutes."""

    url: str = Field(min_length=1)
    mime_type: str = ""


class Uploaded(graph.Said):
    """The id of a file of ours, good for 30 days."""

    id: str = Field(min_length=1)


def fetch(ref: str, connection: WhatsAppConnection) -> Exchange[FetchedMedia]:
    """Fetch the file with the media id ``ref``."""
    where = yield from _look_up(ref, connection)
    response = yield from _download(where.url, connection)
    if response.status in _EXPIRED:
        where = yield from _look_up(ref, connection)
        response = yield from _download(where.url, connection)
    if response.status in _EXPIRED:
        raise _lost()
    if response.status != _OK:
        raise faults.refusal(response) or Transient(
            f"Meta did not hand out the file (HTTP status {response.status}).",
            code="media_unavailable",
        )
    told = response.headers.get("content-type", "") or where.mime_type
    mime_type = told.partition(";")[0].strip().lower()
    return FetchedMedia(body=response.body, mime_type=mime_type or None)


def upload(content: Attachment, connection: WhatsAppConnection) -> Exchange[str]:
    """Give Meta a file of ours; return its media id."""
    media = content.media
    file = File(media, filename(content.type, media))
    response = yield api.upload(connection, file, media.mime_type or "application/octet-stream")
    return api.need(Uploaded, response).id


def _look_up(ref: str, connection: WhatsAppConnection) -> Exchange[Where]:
    number = connection.fields.settings.phone_number_id
    try:
        return (yield from api.ask(connection, Where, ref, phone_number_id=number))
    except Permanent as error:
        # Not every refusal is about the file: a token that died will be replaced.
        raise _lost() if error.code in _GONE else error from None


def _download(url: str, connection: WhatsAppConnection) -> Exchange[HttpResponse]:
    base = connection.fields.settings.api_base
    return graph_files.download(url, base, lambda at: api.download(connection, at, limit=LARGEST))


def _lost() -> Permanent:
    return Permanent("WhatsApp does not have the file any more.", code="media_lost")
