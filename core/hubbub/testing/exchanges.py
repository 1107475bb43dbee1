"""Carry out a plugin's exchanges as the hub does, with answers that are given, and read them."""

import json
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import unquote, unquote_plus

from hubbub.exchange import Ran, run
from hubbub.redact import Redactor
from hubbub.sdk import (
    Exchange,
    File,
    HttpRequest,
    HttpResponse,
    Letter,
    Media,
    Multipart,
    SendError,
)
from hubbub.transport import Files, Transport

T = TypeVar("T")


class Scripted:
    """A transport that gives ``answers`` in turn, the last one for ever; an error is raised."""

    def __init__(self, answers: Iterable[HttpResponse | SendError]) -> None:
        self._answers = list(answers)
        #: What was asked, in order.
        self.requests: list[HttpRequest] = []

    def perform(self, request: HttpRequest, *, files: Files) -> HttpResponse:
        """Return the next answer, or raise it."""
        del files
        self.requests.append(request)
        reply = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(reply, SendError):
            raise reply
        return reply


def carried(exchange: Exchange[T], transport: Transport, secrets: Iterable[str] = ()) -> Ran[T]:
    """Return how ``exchange`` went: ``value`` or ``error``, and the hub's redacted record of it."""
    return run(exchange, transport, redact=Redactor(secrets), files=_some_file)


def spoken(request: HttpRequest) -> str:
    """Return all that ``request`` says, with the encodings of forms, addresses and JSON undone."""
    if isinstance(request.body, File):
        raw = request.body.filename
    elif isinstance(request.body, Multipart):
        raw = " ".join(str(value) for _, value in request.body.fields)
    else:
        raw = _bytes_of(request.body).decode("utf-8", "replace")
    address = (unquote(request.url), unquote_plus(request.url))
    return " ".join((raw, unquote_plus(raw), *address, _unescaped(raw)))


def is_planned(error: SendError | None) -> bool:
    """Say whether ``error`` is one that the plugin raised on purpose."""
    return error is not None and error.code != "plugin_error"


def _bytes_of(body: bytes | Letter) -> bytes:
    if isinstance(body, Letter):
        return b"".join(piece for piece in body.pieces if isinstance(piece, bytes))
    return body


def _some_file(media: Media) -> bytes:
    return f"The file {media.id}.".encode()


def _unescaped(raw: str) -> str:
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False)
    except ValueError:
        return ""
