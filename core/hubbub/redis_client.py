"""Make clients of Redis, and know whether it is away."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import structlog
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from redis.sentinel import Sentinel

_SENTINEL_PORT: Final = 26379
log = structlog.get_logger(__name__)


def make_redis(
    url: str,
    *,
    timeout: timedelta = timedelta(seconds=2),
    connections: int = 64,
    retries: int = 1,
) -> Redis:
    """Return a client for ``url``; no connection is made yet.

    ``redis+sentinel://[user:password@]host[:port],host.../service[/db]``, and ``rediss+sentinel``
    with TLS, name sentinels that know who the master of ``service`` is.
    ``retries`` is for a connection that turns out to be lost: a command may then run twice, so
    what takes something away from Redis asks for 0. An answer that is late is never asked again.
    """
    retry = Retry(NoBackoff(), retries, supported_errors=(RedisConnectionError,))
    options: dict[str, Any] = {
        "max_connections": connections,
        "socket_timeout": timeout.total_seconds(),
        "socket_connect_timeout": 2,
        "health_check_interval": 15,
        "retry": retry,
    }
    if "+sentinel://" in url:
        return _master(url, options)
    wait = timeout.total_seconds()
    return Redis.from_pool(BlockingConnectionPool.from_url(url, timeout=wait, **options))


def _master(url: str, options: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    service, _, database = parts.path.strip("/").partition("/")
    tls = {"ssl": True} if parts.scheme == "rediss+sentinel" else {}
    # A sentinel that is away is not asked again, with growing pauses: there is another.
    asking = {
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        "retry": Retry(NoBackoff(), 0),
        **tls,
    }
    sentinels = Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types there
        [_host_and_port(one) for one in parts.netloc.rpartition("@")[2].split(",")],
        sentinel_kwargs=asking,
    )
    # Who is the master is asked for each new connection, so that a failover needs no restart.
    client: Redis = sentinels.master_for(  # type: ignore[no-untyped-call]  # likewise
        service,
        db=int(database or 0),
        username=parts.username and unquote(parts.username),
        password=parts.password and unquote(parts.password),
        **tls,
        **options,
    )
    return client


def _host_and_port(sentinel: str) -> tuple[str, int]:
    parts = urlsplit(f"//{sentinel}")
    return parts.hostname or "", parts.port or _SENTINEL_PORT


class Outage:
    """Know whether Redis is away; log it once when it goes and once when it is back."""

    #: While Redis is away it is asked no more often than this: each question may take seconds.
    REST: Final = 1.0

    def __init__(self, consequence: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._consequence = consequence
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = 0.0
        self.away = False

    def resting(self) -> bool:
        """Whether Redis was found away a moment ago, so that asking again would be in vain."""
        return self.away and self._clock() < self._asked + self.REST

    def began(self, error: Exception) -> None:
        """Note that Redis did not do what was asked."""
        with self._lock:
            first, self.away = not self.away, True
            self._asked = self._clock()
        if first:
            log.warning("redis does not answer", error=str(error), consequence=self._consequence)

    def over(self) -> None:
        """Note that Redis did what was asked."""
        if not self.away:
            return
        with self._lock:
            before, self.away = self.away, False
        if before:
            log.info("redis answers again", consequence=self._consequence)
