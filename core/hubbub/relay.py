"""Hand requests to the process that holds a channel's session, and bring back what came of them.

Redis carries both. A request lies under a key of its own until its time is over, and is taken from
there exactly once: by the holder, who then sends it, or by whoever asked and gave up waiting. So it
is always known whether something can have been sent. Nothing here outlives a few minutes.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from redis import Redis
from redis.exceptions import RedisError

from hubbub.guard import Deadline
from hubbub.sdk.errors import OutcomeUnknown, SendError
from hubbub.sdk.session import SESSION
from hubbub.sdk.values import Headers, HttpRequest, HttpResponse
from hubbub.store.types import new_id
from hubbub.transport import NotSent

#: A holder that was silent for so long is not waited for any more.
PRESENCE: Final = timedelta(seconds=15)
#: A request lies longer than anybody waits for it, so that taking it back always proves something.
_MARGIN: Final = timedelta(seconds=10)
#: How long an answer waits for whoever asked.
_ANSWER: Final = timedelta(minutes=1)
#: The most whole seconds of one look at a list: more would outlast a client's patience.
_LOOK: Final = 1

_KEY: Final = "hubbub:session"


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A request on its way to the session, and the ticket under which its answer is awaited."""

    ticket: str
    request: HttpRequest


class Relay:
    """The side that asks: for any number of threads, each of which waits for its answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def perform(self, request: HttpRequest) -> HttpResponse:
        """Let the holder of the session make ``request``; return the answer.

        Raises `NotSent` when it provably was not handed over, else `OutcomeUnknown`; and what the
        session made of it.
        """
        channel_id, ticket = request.url.removeprefix(f"{SESSION}:"), new_id()
        deadline = Deadline(request.timeout)
        try:
            held = is_held(self._redis, channel_id)
        except RedisError as error:
            raise NotSent("It was not handed to the session: Redis does not answer.") from error
        if not held:
            raise _nobody()
        try:
            self._put(channel_id, ticket, request)
        except RedisError as error:
            raise self._given_up(ticket, "Redis does not answer") from error
        answer = self._awaited(ticket, deadline)
        if answer is None:
            raise self._given_up(ticket, "no answer came in time")
        return _opened(answer)

    def _put(self, channel_id: str, ticket: str, request: HttpRequest) -> None:
        with self._redis.pipeline() as pipe:
            pipe.set(_request(ticket), _sealed(request), px=request.timeout + _MARGIN)
            pipe.rpush(_waiting(channel_id), ticket)
            pipe.expire(_waiting(channel_id), request.timeout + _MARGIN)
            pipe.execute()

    def _awaited(self, ticket: str, deadline: Deadline) -> bytes | None:
        while deadline.rest() > 0:
            try:
                found = self._redis.blpop([_answer(ticket)], timeout=_LOOK)
            except RedisError:
                return None
            if found is not None:
                return cast("list[bytes]", found)[1]
        return None

    def _given_up(self, ticket: str, why: str) -> SendError:
        """Take the request back, and say what that proves."""
        try:
            if self._redis.delete(_request(ticket)):
                return NotSent(f"It did not reach the session of the channel: {why}.")
        except RedisError:
            why = "Redis does not answer"
        return OutcomeUnknown(f"It may have been sent over the session of the channel: {why}.")


class Desk:
    """The side of the holder, for one channel."""

    def __init__(self, redis: Redis, channel_id: str) -> None:
        self._redis = redis
        self._channel_id = channel_id

    def open(self) -> None:
        """Say that requests are taken here; again and again, as long as that is so."""
        self._redis.set(_presence(self._channel_id), b"1", px=PRESENCE)

    def close(self) -> None:
        """Say that no requests are taken any more; those that wait are taken back."""
        self._redis.delete(_presence(self._channel_id))

    def next(self) -> str | None:
        """Wait a moment for somebody to ask; return the ticket."""
        found = self._redis.blpop([_waiting(self._channel_id)], timeout=_LOOK)
        return None if found is None else cast("list[bytes]", found)[1].decode()

    def give_back(self, ticket: str) -> None:
        """Leave the request with this ticket to whoever holds the session next."""
        self._redis.lpush(_waiting(self._channel_id), ticket)

    def take(self, ticket: str) -> Errand | None:
        """Take what was asked with ``ticket``; None when whoever asked has given up."""
        found = self._redis.getdel(_request(ticket))
        if found is None:
            return None
        return Errand(ticket=ticket, request=_request_of(json.loads(cast("bytes", found))))

    def answer(self, ticket: str, answer: HttpResponse | SendError) -> None:
        """Tell whoever asked what came of it."""
        with self._redis.pipeline() as pipe:
            pipe.rpush(_answer(ticket), _told(answer))
            pipe.expire(_answer(ticket), _ANSWER)
            pipe.execute()


def is_held(redis: Redis, channel_id: str) -> bool:
    """Whether somebody holds the session of a channel. Raises `RedisError`."""
    return bool(redis.exists(_presence(channel_id)))


def _nobody() -> NotSent:
    return NotSent(
        "No listener holds the session of the channel now: it is being connected, or "
        "`hubbub listener` does not run.",
        code="no_session",
    )


def _presence(channel_id: str) -> str:
    return f"{_KEY}:{channel_id}:held"


def _waiting(channel_id: str) -> str:
    return f"{_KEY}:{channel_id}:waiting"


def _request(ticket: str) -> str:
    return f"{_KEY}:request:{ticket}"


def _answer(ticket: str) -> str:
    return f"{_KEY}:answer:{ticket}"


# --- on the way ------------------------------------------------------------------------------


def _sealed(request: HttpRequest) -> bytes:
    if not isinstance(request.body, bytes):
        raise TypeError("What goes over a session is octets.")
    return _json(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        body=b64encode(request.body).decode(),
        timeout=request.timeout.total_seconds(),
        safe=request.safe,
    )


def _request_of(told: Any) -> HttpRequest:
    timeout = timedelta(seconds=told.pop("timeout"))
    return HttpRequest(**{**told, "body": b64decode(told["body"]), "timeout": timeout})


def _told(answer: HttpResponse | SendError) -> bytes:
    if isinstance(answer, SendError):
        kind = "not_sent" if isinstance(answer, NotSent) else "unknown"
        return _json(error=kind, detail=answer.detail, code=answer.code)
    return _json(
        status=answer.status,
        headers=dict(answer.headers),
        body=b64encode(answer.body).decode(),
    )


def _opened(answer: bytes) -> HttpResponse:
    told = json.loads(answer)
    kind = {"not_sent": NotSent, "unknown": OutcomeUnknown}.get(told.get("error"))
    if kind is not None:
        raise kind(told["detail"], code=told["code"])
    return HttpResponse(
        status=told["status"], headers=Headers(told["headers"]), body=b64decode(told["body"])
    )


def _json(**told: Any) -> bytes:
    return json.dumps(told).encode()
