"""Read requests and write answers without a framework: the providers' hot path."""

import base64
import binascii
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request

#: A JSON object as a provider writes it.
Json: TypeAlias = dict[str, Any]
Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
WsgiApp: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

#: A time that is no less than this is one in milliseconds, where seconds are asked for.
NO_SECONDS: Final = 100_000_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a request."""

    name: str
    mime_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; a ``broken`` one promises a body and closes the connection instead."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    broken: bool = False


#: What a client gets when the connection is dropped.
BROKEN = Reply(broken=True)


def json_reply(value: object, *, status: int = 200, headers: Mapping[str, str] = {}) -> Reply:
    """Return ``value`` as a JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, body, headers=tuple(headers.items()))


@dataclass(frozen=True)
class Ask:
    """One request, parsed no further than somebody asks."""

    environ: Environ = field(repr=False)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        """The decoded path, as text."""
        # WSGI hands bytes over as Latin-1; granian hands over text that already is UTF-8.
        path = str(self.environ["PATH_INFO"])
        try:
            return path.encode("latin-1").decode()
        except UnicodeError:
            return path

    @cached_property
    def body(self) -> bytes:
        """The raw body."""
        stream = self.environ["wsgi.input"]
        if self.environ.get("wsgi.input_terminated"):
            return bytes(stream.read())
        return bytes(stream.read(int(self.environ.get("CONTENT_LENGTH") or 0)))

    @property
    def content_type(self) -> str:
        """The media type of the body, without its parameters."""
        return str(self.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The parameters of the query string."""
        return parse_qsl(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The parameters of a form body, in order."""
        if self.content_type == "application/x-www-form-urlencoded":
            return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        if self.content_type == "multipart/form-data":
            return self._multipart[0]
        return []

    @cached_property
    def json(self) -> Json:
        """The JSON object in the body; empty where there is none.

        Raises `ValueError` for what claims to be JSON and is not an object.
        """
        if self.content_type != "application/json" or not self.body:
            return {}
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError("The body must be a JSON object.")  # noqa: TRY004  # for the caller both are bad JSON
        return value

    @cached_property
    def files(self) -> dict[str, Upload]:
        """The files of a multipart body, by field name."""
        return self._multipart[1] if self.content_type == "multipart/form-data" else {}

    @property
    def basic(self) -> tuple[str, str]:
        """The user and password of HTTP Basic; empty where there are none."""
        scheme, _, encoded = str(self.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password

    @property
    def base_url(self) -> str:
        """The address under which the client reached us, without a slash at the end."""
        return base_url_of(self.environ)

    @cached_property
    def _multipart(self) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
        with Request(self.environ) as request:
            pairs = list(request.form.items(multi=True))
            files = {
                name: Upload(item.filename or name, item.mimetype, item.read())
                for name, item in request.files.items()
            }
        return pairs, files


def base_url_of(environ: Environ) -> str:
    """Return the address under which a client reached us, without a slash at the end."""
    return f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST', 'localhost')}"


class Answering(Protocol):
    """What answers the requests below one path."""

    @property
    def prefix(self) -> str:
        """The path below which it answers."""

    def answer(self, ask: Ask) -> Reply:
        """Return the answer to one request."""


class Front:
    """A WSGI application that answers for the providers and leaves the rest to ``inner``.

    Flask's dispatch costs more than a simulated send, so providers are answered before it.
    """

    def __init__(self, answering: Iterable[Answering], inner: WsgiApp) -> None:
        self._answering = tuple(answering)
        self._inner = inner

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        for candidate in self._answering:
            if path.startswith(candidate.prefix):
                return send(_answer(candidate, Ask(environ)), start_response)
        return self._inner(environ, start_response)


def send(reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
    """Write ``reply`` to the server."""
    if reply.broken:
        # More is promised than comes, so the server can only close the connection.
        start_response("200 OK", [("Content-Length", "1000000"), ("Connection", "close")])
        return _Nothing()
    headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body)))]
    start_response(_status_line(reply.status), [*headers, *reply.headers])
    return [reply.body]


class _Nothing:
    """A body that ends at once. Granian sends lists whole and takes only this as a broken one."""

    def __iter__(self) -> Iterator[bytes]:
        return iter((b"",))

    def close(self) -> None:
        """Do nothing: WSGI servers call it at the end."""


def _answer(answering: Answering, ask: Ask) -> Reply:
    try:
        return answering.answer(ask)
    except Exception:  # noqa: BLE001  # the edge of the process, as a web server's
        _log.exception("The sandbox failed at %s", answering.prefix)
        return Reply(500, b"The sandbox itself failed; its log says where.", "text/plain")


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
