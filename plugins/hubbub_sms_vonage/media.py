"""Fetch the files of inbound MMS."""

from email.message import Message
from typing import Final
from urllib.parse import SplitResult, urlsplit

from hubbub.sdk import Exchange, FetchedMedia, HttpRequest, HttpResponse, Permanent, Transient
from hubbub_sms_vonage import api, faults
from hubbub_sms_vonage.fields import VonageConnection

#: Bytes: far more than MMS carries.
LARGEST: Final = 25 << 20

_OK: Final = 200
_NOT_FOUND: Final = 404
_VONAGE: Final = (".nexmo.com", ".vonage.com")


def fetch(ref: str, connection: VonageConnection) -> Exchange[FetchedMedia]:
    """Fetch the file at ``ref``; Vonage wants our token where inbound media is authenticated."""
    where = _parts(ref)
    base = _parts(connection.fields.settings.api_base)
    if where.scheme != "https" and (where.scheme, where.netloc) != (base.scheme, base.netloc):
        # A simulator, or a proxy in the operator's own network, may do without TLS.
        raise Permanent(
            "The file is not offered over HTTPS: it is not fetched.", code="media_unsafe"
        )
    # The token is for Vonage's own hosts and for nobody else's.
    known = where.netloc == base.netloc or f".{where.hostname}".endswith(_VONAGE)
    headers = api.by_application(connection.fields.credentials) if known else {}
    response = yield HttpRequest(
        method="GET", url=ref, headers=headers, max_answer=LARGEST, safe=True
    )
    return _file(response)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise Permanent("The file has no usable address.", code="media_unavailable") from None


def _file(response: HttpResponse) -> FetchedMedia:
    if response.status == _NOT_FOUND:
        # Right after its message a file may not be there yet.
        raise Transient("Vonage does not have the file (yet).", code="media_missing")
    if error := faults.refusal(response):
        raise error
    if response.status != _OK:
        raise Permanent(
            f"Vonage does not hand out the file (HTTP status {response.status}).",
            code="media_unavailable",
        )
    header = Message()
    header["content-type"] = response.headers.get("content-type", "application/octet-stream")
    header["content-disposition"] = response.headers.get("content-disposition", "inline")
    return FetchedMedia(
        body=response.body, mime_type=header.get_content_type(), filename=header.get_filename()
    )
