"""Fetch files that lie elsewhere, and follow where they have moved to; each hop is guarded."""

from datetime import timedelta
from typing import Final
from urllib.parse import urljoin

from hubbub.sdk.content import Media
from hubbub.sdk.errors import Permanent, Transient
from hubbub.sdk.values import HttpRequest, HttpResponse
from hubbub.transport import Transport

_HOPS: Final = 3
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
#: What a server says that may be able to give it later.
_LATER: Final = frozenset({408, 425, 429})
_BROKEN: Final = 500


def file_at(
    transport: Transport,
    url: str,
    *,
    most: int,
    accept: str = "*/*",
    patience: timedelta = timedelta(seconds=20),
) -> bytes:
    """Return what is at ``url``, at most so many bytes. Raises `SendError`."""
    for _ in range(_HOPS):
        request = HttpRequest(
            method="GET",
            url=url.partition("#")[0],
            headers={"accept": accept},
            timeout=patience,
            max_answer=most,
            safe=True,
        )
        answer = transport.perform(request, files=_no_files)
        if answer.status not in _MOVED:
            return _body(answer)
        url = _next(url, answer)
    raise Permanent("Its address leads to another one again and again.")


def _body(answer: HttpResponse) -> bytes:
    if answer.status == _OK:
        return answer.body
    said = f"Where it lies, the server answers {answer.status}."
    raise Transient(said) if _may_come(answer.status) else Permanent(said)


def _may_come(status: int) -> bool:
    return status >= _BROKEN or status in _LATER


def _next(url: str, answer: HttpResponse) -> str:
    try:
        return urljoin(url, answer.headers.get("location") or "")
    except ValueError:
        return ""


def _no_files(media: Media) -> bytes:
    raise ValueError(media.id)
