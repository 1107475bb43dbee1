"""Describe connections that stay open, over which a channel both sends and hears: sessions.

A session is as pure as all of a plugin: it is told what came and what time it is, and says what is
to be done. The listener that holds the channel connects, reads, writes, keeps time, and keeps what
was heard; what workers want to say reaches it through `over_session`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from hubbub.sdk.errors import SendError
from hubbub.sdk.values import Connection, HttpRequest, HttpResponse, authority

#: The scheme of requests that go over a session.
SESSION: Final = "session"
#: The schemes of requests that are one frame there and one frame back, over a connection of their
#: own: without and with TLS. The first four octets of a frame are its length (big endian).
FRAME: Final = "frame"
FRAME_TLS: Final = "frames"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Whom a session connects to."""

    host: str
    port: int
    tls: bool = False


@dataclass(frozen=True)
class Write:
    """Write this to the connection."""

    data: bytes


@dataclass(frozen=True)
class Ready:
    """The provider let us in: from now on requests may come."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Keep these calls durably; then `settled`. Not more than one is under way at a time."""

    calls: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What came of the request with this ticket."""

    ticket: str
    answer: HttpResponse | SendError


@dataclass(frozen=True)
class Over:
    """The session has come to its end; the error says why and whether to connect again."""

    error: SendError | None = None


Step: TypeAlias = Write | Ready | Keep | Answered | Over


class Session(Protocol):
    """What is said over one connection; ``now`` is in seconds since 1970.

    Each method returns what is to be done, in order. A request that was handed over and has no
    answer when the connection ends has an unknown outcome.
    """

    @property
    def endpoint(self) -> Endpoint:
        """Whom to connect to."""

    @property
    def room(self) -> int:
        """How many requests it takes now."""

    def opened(self, now: float) -> Iterable[Step]:
        """Begin: the connection is there."""

    def heard(self, data: bytes, now: float) -> Iterable[Step]:
        """Take what was read, in whatever pieces it came."""

    def asked(self, ticket: str, request: HttpRequest, now: float) -> Iterable[Step]:
        """Take a request; only called while there is `room`."""

    def settled(self, *, kept: bool, now: float) -> Iterable[Step]:
        """Hear whether the last `Keep` was done."""

    def passed(self, now: float) -> Iterable[Step]:
        """Look at the clock; called about once a second."""

    def closing(self, now: float) -> Iterable[Step]:
        """Take leave: the hub is about to close the connection."""


@runtime_checkable
class SessionType(Protocol):
    """Opens sessions for the channels of one type; a listener holds each channel's."""

    #: The channel type it serves.
    type: str

    def begin(self, connection: Connection[Any]) -> Sequence[Session]:
        """Return the sessions that a channel needs, one for each connection, all or none of them.

        Requests go to the first one.
        """


def over_session(
    connection: Connection[Any],
    method: str,
    body: bytes,
    *,
    shown: Mapping[str, str],
    timeout: timedelta,
    safe: bool = False,
) -> HttpRequest:
    """Return a request that goes over the session of the channel, wherever that is held.

    ``shown`` says in words what the octets of ``body`` say, for the log of attempts. Where nobody
    holds the session, the request fails as `Transient` with the code ``no_session``.
    """
    return HttpRequest(
        method=method,
        url=f"{SESSION}:{connection.channel_id}",
        headers=shown,
        body=body,
        timeout=timeout,
        safe=safe,
    )


def in_one_frame(
    endpoint: Endpoint, method: str, body: bytes, *, timeout: timedelta
) -> HttpRequest:
    """Return a request that is one frame, answered by one, over a connection of its own.

    It is ``safe``: made to find out whether a provider lets us in, and for nothing else.
    """
    scheme = FRAME_TLS if endpoint.tls else FRAME
    return HttpRequest(
        method=method,
        url=f"{scheme}://{authority(endpoint.host, endpoint.port)}",
        body=body,
        timeout=timeout,
        max_answer=1 << 16,
        safe=True,
    )
