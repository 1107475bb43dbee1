"""Take files of the Page, and hand out those of customers. Source: "Attachments"."""

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from hubbub.sandbox import client
from hubbub.sandbox.messenger import codes
from hubbub.sandbox.messenger.state import Attachment, Cloud, Page, new_id
from hubbub.sandbox.messenger.wire import FileAttachment
from hubbub.sandbox.wsgi import Ask, Json, Reply, Upload

#: Below the API's prefix; Meta has it at hosts of its own.
DOWNLOADS: Final = "cdn/"

_MB: Final = 1024 * 1024
_LARGEST: Final = 25 * _MB
#: Bytes of an image at an address.
_LARGEST_IMAGE: Final = 8 * _MB
_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif"})
_FAMILIES: Final[Mapping[str, str]] = {"audio": "audio/", "video": "video/", "file": ""}


def take(cloud: Cloud, page: Page, said: FileAttachment, file: Upload | None) -> Attachment:
    """Return the file of a message, from wherever it is. Raises `Refused`."""
    payload = said.payload
    if payload.attachment_id:
        known = page.attachments.get(payload.attachment_id)
        if known is None or known.kind != said.type:
            raise codes.no_attachment(payload.attachment_id)
        return known
    if payload.url:
        limit = _LARGEST_IMAGE if said.type == "image" else _LARGEST
        return _admit(cloud, _fetched(payload.url, limit), said.type, limit)
    if file is None:
        raise codes.not_usable("neither url nor attachment_id nor filedata is given")
    return _admit(cloud, file, said.type, _LARGEST)


def keep(page: Page, attachment: Attachment) -> str:
    """Remember a file for later messages; return its id, good for 90 days."""
    attachment_id = new_id()
    page.attachments[attachment_id] = attachment
    return attachment_id


def address(cloud: Cloud, page: Page, file_id: str) -> str:
    """Return the address by which a webhook names a file: it is signed, and ends."""
    stored = cloud.world.files.get(file_id)
    name = quote(stored.name) if stored else ""
    base = cloud.world.config.base_url or page.reached_at or cloud.world.base_url
    ends = int(time.time() + cloud.world.rules.messenger_media_seconds)
    return f"{base}/messenger/{DOWNLOADS}{file_id}/{name}?oe={ends:x}"


def download(cloud: Cloud, ask: Ask) -> Reply:
    """Hand out a file, to whoever has a fresh address."""
    file_id = ask.path.rpartition(DOWNLOADS)[2].partition("/")[0]
    stored = cloud.world.files.get(file_id)
    ends = dict(ask.query).get("oe", "")
    if stored is None or _is_over(ends):
        return Reply(403, b"URL signature expired", "text/plain")
    return Reply(200, stored.data, stored.mime_type)


def described(cloud: Cloud, page: Page, file_id: str, kind: str) -> Json:
    """Return a file as webhooks tell of it."""
    return {"type": kind, "payload": {"url": address(cloud, page, file_id)}}


def _is_over(ends: str) -> bool:
    try:
        return int(ends, 16) <= time.time()
    except ValueError:
        return True


def _fetched(url: str, limit: int) -> Upload:
    answer = client.fetch(url, limit=limit)
    mime_type = answer.headers.get("content-type", "")
    if not (answer.accepted and answer.body and mime_type):
        raise codes.not_fetched(answer.error or f"HTTP status {answer.status}")
    return Upload(url.partition("?")[0].rpartition("/")[2] or "file", mime_type, answer.body)


def _admit(cloud: Cloud, file: Upload, kind: str, limit: int) -> Attachment:
    mime_type = file.mime_type.partition(";")[0].strip().lower()
    if len(file.data) > limit:
        raise codes.too_large(len(file.data))
    fits = mime_type in _PICTURES if kind == "image" else mime_type.startswith(_FAMILIES[kind])
    if not file.data or not fits:
        raise codes.not_usable(f"{mime_type or 'nothing'} is no {kind}")
    stored = cloud.world.files.put(name=file.name, mime_type=mime_type, data=file.data)
    return Attachment(stored.id, kind)
