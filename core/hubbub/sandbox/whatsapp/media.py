"""Take, describe and hand out files. Source: WhatsApp Cloud API, "Media"."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Final

from hubbub.sandbox import client
from hubbub.sandbox.files import StoredFile
from hubbub.sandbox.meta.apps import App
from hubbub.sandbox.meta.refusal import Refused, no_such_object
from hubbub.sandbox.whatsapp import codes
from hubbub.sandbox.whatsapp.state import Cloud, Media, Number, Ticket, new_id
from hubbub.sandbox.whatsapp.wire import Audio, File
from hubbub.sandbox.wsgi import Ask, Json, Reply, Upload, json_reply

#: Below the API's prefix; Meta has it at a host of its own.
DOWNLOADS: Final = "lookaside/"

_MB: Final = 1024 * 1024
_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "audio": frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    "video": frozenset({"video/mp4", "video/3gpp", "video/3gp"}),
    "sticker": frozenset({"image/webp"}),
}
#: Bytes; a sticker that moves may have so many.
_LIMITS: Final = {"image": 5 * _MB, "audio": 16 * _MB, "video": 16 * _MB, "sticker": 500 * 1024}
_LARGEST: Final = 100 * _MB


def upload(cloud: Cloud, number: Number, ask: Ask) -> Json:
    """Take a file of the business; good for 30 days, as long as a sandbox lasts."""
    form, file = dict(ask.form), ask.files.get("file")
    if form.get("messaging_product") != codes.PRODUCT:
        raise Refused(100, "The parameter messaging_product is required.")
    if file is None or not file.data:
        raise Refused(100, "The parameter file is required.")
    mime_type = _bare(form.get("type", "") or file.mime_type)
    if _bare(file.mime_type) != mime_type:
        raise Refused(100, f"Param file must be of type {mime_type}, not {file.mime_type}.")
    kind = next((kind for kind, types in _TYPES.items() if mime_type in types), "document")
    if "/" not in mime_type or len(file.data) > _LIMITS.get(kind, _LARGEST):
        raise Refused(100, f"Param file is no usable {kind}: {mime_type}, {len(file.data)} bytes.")
    return {"id": admit(cloud, number, file, mime_type, ours=True).id}


def admit(cloud: Cloud, number: Number, file: Upload, mime_type: str, *, ours: bool) -> Media:
    """Keep a file under an id of Meta's."""
    stored = cloud.world.files.put(name=file.name, mime_type=_bare(mime_type), data=file.data)
    media = Media(new_id(), number.id, stored.id, mime_type, ours)
    with cloud.world.lock:
        cloud.media[media.id] = media
    return media


def described(media: Media, data: bytes) -> Json:
    """Return the object by which a webhook names a file."""
    # Base64 in webhooks, hexadecimal in the API.
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return {"id": media.id, "mime_type": media.mime_type, "sha256": digest}


def lookup(cloud: Cloud, app: App, media_id: str, ask: Ask) -> Json:
    """Say where a file is for the next minutes."""
    media, stored = _found(cloud, app, media_id)
    asked = dict(ask.query).get("phone_number_id", media.number_id)
    if asked != media.number_id:
        raise no_such_object(media_id)
    ticket = secrets.token_urlsafe(16)
    with cloud.world.lock:
        until = time.time() + cloud.world.rules.whatsapp_media_seconds
        cloud.tickets[ticket] = Ticket(media_id, until)
    return {
        "messaging_product": codes.PRODUCT,
        "url": f"{ask.base_url}/whatsapp/{DOWNLOADS}?mid={media_id}&hash={ticket}",
        "mime_type": media.mime_type,
        "sha256": hashlib.sha256(stored.data).hexdigest(),
        "file_size": len(stored.data),
        "id": media_id,
    }


def download(cloud: Cloud, app: App, ask: Ask) -> Reply:
    """Hand out a file, to who has the token and a fresh address."""
    ticket = cloud.tickets.get(dict(ask.query).get("hash", ""))
    if ticket is None or ticket.until <= time.time():
        return json_reply({"error": "The URL has expired."}, status=404)
    if not ask.environ.get("HTTP_USER_AGENT"):
        return json_reply({"error": "Who are you?"}, status=403)
    media, stored = _found(cloud, app, ticket.media_id)
    return Reply(200, stored.data, _bare(media.mime_type))


def delete(cloud: Cloud, app: App, media_id: str) -> Json:
    """Forget a file."""
    _found(cloud, app, media_id)
    with cloud.world.lock:
        del cloud.media[media_id]
    return {"success": True}


def uploaded(cloud: Cloud, number: Number, file: File) -> Media | None:
    """Return the upload that a message names, or None for a link. Raises `Refused`."""
    if not file.id:
        return None
    media = cloud.media.get(file.id)
    if media is None or media.number_id != number.id:
        raise Refused(codes.BAD_VALUE, f"Media ID {file.id} does not exist.")
    return media


def fetched(cloud: Cloud, number: Number, link: str) -> Media | None:
    """Fetch what a link leads to, as Meta does; None if nothing usable is there."""
    answer = client.fetch(link, limit=_LARGEST)
    mime_type = answer.headers.get("content-type", "")
    if not (answer.accepted and answer.body and mime_type):
        return None
    name = link.partition("?")[0].rpartition("/")[2] or "file"
    return admit(cloud, number, Upload(name, mime_type, answer.body), mime_type, ours=True)


def fits(cloud: Cloud, media: Media, kind: str, file: File) -> bool:
    """Whether a file can be shown as ``kind``."""
    stored = cloud.world.files.get(media.file_id)
    mime_type = _bare(media.mime_type)
    if stored is None or len(stored.data) > _LIMITS.get(kind, _LARGEST):
        return False
    if isinstance(file, Audio) and file.voice and mime_type != "audio/ogg":
        return False
    return kind not in _TYPES or mime_type in _TYPES[kind]


def _found(cloud: Cloud, app: App, media_id: str) -> tuple[Media, StoredFile]:
    media = cloud.media.get(media_id)
    if media is None:
        raise no_such_object(media_id)
    cloud.number_of(app, media.number_id)
    stored = cloud.world.files.get(media.file_id)
    if stored is None:
        raise no_such_object(media_id)
    return media, stored


def _bare(mime_type: str) -> str:
    return mime_type.partition(";")[0].strip().lower()
