"""Slow down those who guess passwords."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from hubbub.people.errors import TooManyAttempts
from hubbub.redis_client import make_redis

#: One account, guessed at from one place; from many places, which must not lock its owner out too
#: easily; and one place that guesses at many accounts, which may be a proxy before everybody.
_PER_PAIR: Final = RateLimitItemPerMinute(10, 15)
_PER_ACCOUNT: Final = RateLimitItemPerMinute(50, 15)
_PER_ADDRESS: Final = RateLimitItemPerMinute(200, 15)

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Throttle:
    """Counts attempts by account and by address; in memory while Redis is away."""

    def __init__(self, storage: RedisStorage | None = None) -> None:
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._shared = self._memory if storage is None else MovingWindowRateLimiter(storage)

    @classmethod
    def on(cls, redis_url: str) -> "Throttle":
        """Return a throttle whose counts every process shares through Redis."""
        pool = make_redis(redis_url).connection_pool
        return cls(RedisStorage("redis://", connection_pool=pool, wrap_exceptions=True))

    def attempt(self, *, account: str, address: str) -> None:
        """Count an attempt before it is made. Raises `TooManyAttempts`.

        Counted beforehand, so that guesses made at the same moment are counted too.
        """
        if not self._ask(lambda way: way.test(_PER_ADDRESS, "address", address)):
            raise TooManyAttempts(self._wait(_PER_ADDRESS, "address", address))
        for item, *key in (
            (_PER_PAIR, "pair", account, address),
            (_PER_ACCOUNT, "account", account),
        ):
            if not self._ask(lambda way, item=item, key=key: way.hit(item, *key)):  # type: ignore[misc]  # bound as defaults, for the loop
                raise TooManyAttempts(self._wait(item, *key))

    def failed(self, *, address: str) -> None:
        """Count a wrong guess against the place from which it came."""
        self._ask(lambda way: way.hit(_PER_ADDRESS, "address", address))

    def succeeded(self, *, account: str, address: str) -> None:
        """Forget the attempts at an account whose owner is in."""
        self._ask(lambda way: way.clear(_PER_PAIR, "pair", account, address))
        self._ask(lambda way: way.clear(_PER_ACCOUNT, "account", account))

    def _wait(self, item: RateLimitItem, *key: str) -> timedelta:
        ends = self._ask(lambda way: way.get_window_stats(item, *key).reset_time)
        return timedelta(seconds=max(1, round(ends - time.time())))

    def _ask(self, question: Callable[[MovingWindowRateLimiter], T]) -> T:
        try:
            return question(self._shared)
        except StorageError as error:
            log.warning("throttle works without redis", error=str(error.storage_error))
            return question(self._memory)
