"""Make clients of Redis, and know whether it is away."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

log = structlog.get_logger(__name__)


def make_redis(
    url: str,
    *,
    timeout: timedelta = timedelta(seconds=2),
    connections: int = 64,
    retries: int = 1,
) -> Redis:
    """Return a client for ``url``; no connection is made yet.

    ``retries`` is for a connection that turns out to be lost: a command may then run twice, so
    what takes something away from Redis asks for 0. An answer that is late is never asked again.
    """
    retry = Retry(NoBackoff(), retries, supported_errors=(RedisConnectionError,))
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout.total_seconds(),
        socket_timeout=timeout.total_seconds(),
        socket_connect_timeout=2,
        health_check_interval=15,
        retry=retry,
    )
    return Redis.from_pool(pool)


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
