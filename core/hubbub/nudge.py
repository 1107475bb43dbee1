"""Tell workers that a lane has work; many nudges in a row become one.

The rows are the truth: a nudge that is lost costs the time until the next sweep, nothing else.
So nothing here raises because Redis is away.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import dramatiq
from dramatiq.errors import BrokerConnectionError
from redis import Redis
from redis.exceptions import RedisError

from hubbub.redis_client import Outage

#: How long a nudge stands for later ones when no worker takes it.
HOLD: Final = timedelta(seconds=5)


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
