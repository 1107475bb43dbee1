"""Fetch the files of inbound MMS. Source: "Media resource"."""

from collections.abc import Mapping
from email.message import Message
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from hubbub.sdk import (
    Exchange,
    FetchedMedia,
    HttpRequest,
    HttpResponse,
    Permanent,
    Transient,
)
from hubbub_sms_twilio import api, faults
from hubbub_sms_twilio.fields import TwilioConnection

#: Bytes: far more than MMS carries.
LARGEST: Final = 25 << 20

_NOT_FOUND: Final = 404
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_HOPS: Final = 4


def fetch(ref: str, connection: TwilioConnection) -> Exchange[FetchedMedia]:
    """Fetch the file at ``ref``: Twilio redirects to a storage that must not see our token."""
    url, headers = ref, _proof(ref, connection)
    for _ in range(_MOST_HOPS):
        _require_safe(url, connection)
        response = yield HttpRequest(
            method="GET", url=url, headers=headers, max_answer=LARGEST, safe=True
        )
        target = response.headers.get("location", "")
        if response.status not in _REDIRECTS or not target:
            return _file(response)
        url, headers = _joined(url, target), {}
    raise Permanent("Twilio redirects in circles from this file.", code="media_unavailable")


def _proof(url: str, connection: TwilioConnection) -> Mapping[str, str]:
    host = _parts(url).hostname or ""
    if host == _api(connection).hostname or f".{host}".endswith(".twilio.com"):
        return api.authorization(connection.fields.credentials)
    return {}


def _require_safe(url: str, connection: TwilioConnection) -> None:
    # A simulator, or a proxy in the operator's own network, may do without TLS.
    parts, base = _parts(url), _api(connection)
    if parts.scheme == "https":
        return
    if parts.scheme == base.scheme and parts.hostname == base.hostname:
        return
    raise Permanent("The file is not offered over HTTPS: it is not fetched.", code="media_unsafe")


def _api(connection: TwilioConnection) -> SplitResult:
    return urlsplit(connection.fields.settings.api_base)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _no_address() from None


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        raise _no_address() from None


def _no_address() -> Permanent:
    return Permanent("The file has no usable address.", code="media_unavailable")


def _file(response: HttpResponse) -> FetchedMedia:
    if response.status == _NOT_FOUND:
        # Right after its message a file is sometimes not there yet.
        raise Transient("Twilio does not have the file (yet).", code="media_missing")
    if error := faults.refusal(response):
        raise error
    header = Message()
    header["content-type"] = response.headers.get("content-type", "application/octet-stream")
    header["content-disposition"] = response.headers.get("content-disposition", "inline")
    return FetchedMedia(
        body=response.body, mime_type=header.get_content_type(), filename=header.get_filename()
    )
