"""Tell workers that a lane has work; many nudges in a row become one.

The rows are the truth: a nudge that is lost costs the time until the next sweep, nothing else.
So nothing here raises because Redis is away.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import dramatiq
import structlog
from dramatiq.errors import BrokerConnectionError
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError, RedisError
from redis.retry import Retry

#: How long a nudge stands for later ones when no worker takes it.
HOLD: Final = timedelta(seconds=5)
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


class Nudges:
    """Enqueue one actor message for a lane, however often the lane is nudged meanwhile."""

    def __init__(self, redis: Redis, broker: dramatiq.Broker | None = None) -> None:
        """``broker`` stands in for the one that an actor was declared on."""
        self._redis = redis
        self._broker = broker
        self._outage = Outage("new work waits for the next sweep")

    def nudge(
        self, actor: dramatiq.Actor[..., Any], *args: object, lane: str, hold: timedelta = HOLD
    ) -> bool:
        """Announce work in ``lane``; call it after the commit.

        Answers whether the news is on its way, by this nudge or an earlier one. False: Redis is
        away, and the sweep will find the rows.
        """
        if self._outage.resting():
            return False
        try:
            if self._redis.set(_key(lane), 1, nx=True, px=hold):
                self._enqueue(actor, args, lane)
        except (RedisError, BrokerConnectionError) as error:
            self._outage.began(error)
            return False
        self._outage.over()
        return True

    def taken(self, lane: str) -> None:
        """Let later nudges of ``lane`` count again.

        An actor calls it before it looks for rows: what that look misses is then nudged anew.
        """
        if self._outage.resting():
            return
        try:
            self._redis.delete(_key(lane))
        except RedisError as error:
            self._outage.began(error)

    def _enqueue(
        self, actor: dramatiq.Actor[..., Any], args: tuple[object, ...], lane: str
    ) -> None:
        try:
            (self._broker or actor.broker).enqueue(actor.message(*args))
        except Exception:
            # Nothing was announced, so the key must not swallow the nudges to come.
            with suppress(RedisError):
                self._redis.delete(_key(lane))
            raise


def _key(lane: str) -> str:
    return f"nudge:{lane}"
