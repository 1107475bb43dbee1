"""Answer webhooks in front of Flask's dispatch; docs/decisions/0004 says what that saves."""

import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

import structlog

from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.metrics import call_seconds, calls_received
from hubbub.plugins import UnknownType
from hubbub.receive import queries
from hubbub.receive.rules import (
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN,
    UNREADABLE,
    WEBHOOK_PATH,
    WRONG_METHOD,
    Judged,
    judge,
)
from hubbub.receive.work import Keeper, NotKept, row_of
from hubbub.sdk.values import Answer, Call, Headers
from hubbub.sdk.widget import WidgetSettings
from hubbub.steps import step
from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.states import CallState
from hubbub.vault import Undecryptable

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]

_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
#: Calls that fail their check are kept as well, but nobody may fill our disk with them:
#: this many at once for each channel, and this many more each second.
_QUARANTINE_BURST: Final = 2000
_QUARANTINE_RATE: Final = 10.0

log = structlog.get_logger(__name__)


class _BodyTooLarge(Exception):
    """The body is larger than the channel type allows."""


class _BodyCutShort(Exception):
    """The connection ended within the body."""


class Webhooks:
    """A WSGI application that takes ``/webhooks/...`` and leaves all else to ``rest``."""

    def __init__(self, hub: Hub, rest: WsgiApp) -> None:
        self._hub = hub
        self._rest = rest
        self._keeper = Keeper(hub)
        self._allowance = _Allowance()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a webhook call, or pass the request on."""
        path = environ["PATH_INFO"]
        if not path.startswith("/webhooks/"):
            return self._rest(environ, start_response)
        answer = self._answer(environ, path)
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        if answer.status == UNAVAILABLE.status:
            headers.append(("Retry-After", "5"))
        if answer.status == WRONG_METHOD.status:
            headers.append(("Allow", "GET, POST"))
        start_response(_STATUS.get(answer.status, f"{answer.status} "), headers)
        return [answer.body]

    def _answer(self, environ: Environ, path: str) -> Answer:
        match = WEBHOOK_PATH.fullmatch(path)
        if match is None:
            return UNKNOWN
        if environ["REQUEST_METHOD"] not in {"GET", "POST"}:
            return WRONG_METHOD
        began = time.perf_counter()
        try:
            answer = self._take(environ, match[1])
        except _BodyTooLarge:
            return TOO_LARGE
        except _BodyCutShort:
            return UNREADABLE
        except (DatabaseDown, NotKept, UnknownType, Undecryptable) as error:
            log.warning("call not kept", reason=str(error))
            return UNAVAILABLE
        call_seconds(time.perf_counter() - began)
        return answer

    def _take(self, environ: Environ, key: str) -> Answer:
        line = self._hub.directory.known(key)
        while True:
            line = line or self._look_up(key)
            if line is None or isinstance(line.settings, WidgetSettings):
                # The hub's own window needs no HTTP to be heard, and its key stands in every page.
                return UNKNOWN
            call = self._read(environ, line)
            judged = judge(line, call)
            step("receive.judged")
            if self._keep(line, call, judged):
                return judged.answer
            # The channel changed since we last looked: judge again by what holds now.
            line = None

    def _look_up(self, key: str) -> Line | None:
        with reading(self._hub.engine) as db:
            return self._hub.directory.by_key(db, key)

    def _keep(self, line: Line, call: Call, judged: Judged) -> bool:
        if judged.state is None:
            return self._still(line, judged)
        if judged.state == CallState.QUARANTINED and not self._allowance.take(line.id):
            calls_received(line.type, "dropped")
            return True
        kept = self._keeper.keep(row_of(call, line, judged), line.version)
        if kept:
            calls_received(line.type, judged.state)
        return kept

    def _still(self, line: Line, judged: Judged) -> bool:
        with reading(self._hub.engine) as db:
            still = self._hub.directory.versions(db, [line.id]).get(line.id) == line.version
        if still and judged.handshake and self._allowance.take(line.id):
            handshake = {"at": self._hub.now().isoformat(), "problem": judged.reason}
            with transaction(self._hub.engine) as db:
                queries.note_handshake(db, line.id, handshake)
        return still

    def _read(self, environ: Environ, line: Line) -> Call:
        body = environ.get("hubbub.body")
        if body is None:
            body = _body(environ, line.hooks.capabilities.webhook_limit)
            environ["hubbub.body"] = body
        query = environ.get("QUERY_STRING") or ""
        return Call(
            method=environ["REQUEST_METHOD"],
            url=line.connection.webhook_url + (f"?{query}" if query else ""),
            headers=_headers(environ),
            body=body,
            received_at=self._hub.now(),
        )


class _Allowance:
    """A token bucket for each channel, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, channel_id: str) -> bool:
        now = time.monotonic()
        with self._lock:
            left, then = self._left.get(channel_id, (float(_QUARANTINE_BURST), now))
            left = min(_QUARANTINE_BURST, left + (now - then) * _QUARANTINE_RATE)
            self._left[channel_id] = (max(left - 1, 0), now)
        return left >= 1


def _headers(environ: Environ) -> Headers:
    fields = {
        key[5:].replace("_", "-"): value for key, value in environ.items() if key[:5] == "HTTP_"
    }
    if environ.get("CONTENT_TYPE"):
        fields["content-type"] = environ["CONTENT_TYPE"]
    return Headers(fields)


def _body(environ: Environ, limit: int) -> bytes:
    stream = environ["wsgi.input"]
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        raise _BodyCutShort from None
    if length > limit:
        raise _BodyTooLarge
    if length < 0:
        # Chunked, or no body at all: only servers that end the stream can be read to its end.
        body = stream.read(limit + 1) if environ.get("wsgi.input_terminated") else b""
        if len(body) > limit:
            raise _BodyTooLarge
        return bytes(body)
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise _BodyCutShort
    return bytes(body)
