"""Fetch the files that contacts sent, and give the client those of ours. Source: "Media"."""

from typing import Final

from hubbub.sdk import Attachment, Exchange, FetchedMedia, File, Permanent
from hubbub.sdk.whatsapp.files import LARGEST, filename
from hubbub_whatsapp_onprem import api, faults, wire
from hubbub_whatsapp_onprem.fields import OnPremiseConnection
from hubbub_whatsapp_onprem.session import Session

_OK: Final = 200
_NOT_THERE: Final = frozenset({404, 410})
#: Without its codec the client refuses it.
_SPELLED_OUT: Final = {"audio/ogg": "audio/ogg; codecs=opus"}


def fetch(ref: str, connection: OnPremiseConnection) -> Exchange[FetchedMedia]:
    """Fetch the file with the media id ``ref``, before the client clears it away."""
    request = api.download(connection, ref, limit=LARGEST)
    response = yield from Session(connection).ask(request)
    if response.status != _OK:
        error = faults.refusal(response)
        if response.status in _NOT_THERE or error is None:
            raise Permanent("WhatsApp does not have the file any more.", code="media_lost")
        raise error
    mime_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return FetchedMedia(body=response.body, mime_type=mime_type or None)


def upload(content: Attachment, connection: OnPremiseConnection, us: Session) -> Exchange[str]:
    """Give the client a file of ours; return its media id."""
    media = content.media
    mime_type = media.mime_type or "application/octet-stream"
    file = File(media, filename(content.type, media))
    told = _SPELLED_OUT.get(mime_type, mime_type)
    response = yield from us.ask(api.upload(connection, file, told))
    return api.need(wire.Uploaded, response).media[0].id
