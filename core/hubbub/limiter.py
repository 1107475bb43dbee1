"""Limit how fast providers are called: several buckets at once, in one atomic step.

Each bucket is a generic cell rate algorithm: one number, the time at which it would be full
again. Redis holds the numbers for all processes; without Redis a process limits itself.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple, cast

from redis import Redis
from redis.exceptions import RedisError

from hubbub.redis_client import Outage

_SECOND: Final = 1_000_000  # times are whole microseconds: Lua's numbers hold them exactly

# ARGV: now or "", then for each request the number of its buckets and for each bucket the index
# of its key, the interval and the slack.
_ACQUIRE: Final = """
local now = tonumber(ARGV[1])
if not now then
    local clock = redis.call('time')
    now = clock[1] * 1000000 + clock[2]
end
local full, changed, waits = {}, {}, {}
local at = 2
while at <= #ARGV do
    local buckets, wait, slowest = tonumber(ARGV[at]), 0, 0
    for bucket = 0, buckets - 1 do
        local key = tonumber(ARGV[at + 1 + bucket * 3])
        local interval = tonumber(ARGV[at + 2 + bucket * 3])
        local slack = tonumber(ARGV[at + 3 + bucket * 3])
        if not full[key] then
            local kept = tonumber(redis.call('get', KEYS[key]) or 0)
            full[key] = math.min(kept, now + slack + interval)
            -- Only a clock that was ahead has written more, or a limit that was lower.
            changed[key] = full[key] < kept or nil
        end
        if full[key] - slack - now > wait then
            wait, slowest = full[key] - slack - now, bucket
        end
    end
    if wait == 0 then
        for bucket = 0, buckets - 1 do
            local key = tonumber(ARGV[at + 1 + bucket * 3])
            full[key] = math.max(now, full[key]) + tonumber(ARGV[at + 2 + bucket * 3])
            changed[key] = true
        end
    end
    waits[#waits + 1] = wait
    waits[#waits + 1] = slowest
    at = at + 1 + buckets * 3
end
for key in pairs(changed) do
    local left = math.ceil((full[key] - now) / 1000) + 1
    -- Redis forgets by its own clock, which knows nothing of another one.
    local expiry = ARGV[1] == '' and {'px', left} or {}
    redis.call('set', KEYS[key], string.format('%.0f', full[key]), unpack(expiry))
end
return waits
"""

# ARGV: for each key how many microseconds to give back.
_GIVE_BACK: Final = """
for index, key in ipairs(KEYS) do
    local full = redis.call('get', key)
    if full then
        full = tonumber(full) - tonumber(ARGV[index])
        redis.call('set', key, string.format('%.0f', full), 'keepttl')
    end
end
"""


@dataclass(frozen=True)
class Bucket:
    """At most ``count`` in ``per`` in the long run, ``burst`` of them at once.

    A request may count as several, its ``cost``, such as the kilobytes of a file.
    """

    key: str
    count: float
    per: timedelta
    burst: int = 1
    cost: int = 1

    def __post_init__(self) -> None:
        if self.count <= 0 or self.per <= timedelta(0) or not 1 <= self.cost <= self.burst:
            raise ValueError(f"A bucket that lets nothing through: {self!r}")

    @property
    def interval(self) -> int:
        """Microseconds from one to the next at a steady pace."""
        return self._single * self.cost

    @property
    def slack(self) -> int:
        """Microseconds by which a burst may run ahead of that pace."""
        return self._single * (self.burst - self.cost)

    @property
    def _single(self) -> int:
        return math.ceil(self.per / timedelta(microseconds=1) / self.count)


class Delay(NamedTuple):
    """A request has to wait for ``seconds``, because of its bucket at this index."""

    seconds: float
    bucket: int


class Limiter:
    """Say when each of many requests may go. ``clock`` (seconds) replaces Redis's own in tests."""

    def __init__(self, redis: Redis, *, clock: Callable[[], float] | None = None) -> None:
        self._script = redis.register_script(_ACQUIRE)
        self._undo = redis.register_script(_GIVE_BACK)
        self._clock = clock
        self._outage = Outage("each process limits itself, at half the rate and half the bursts")
        self._alone = LocalLimiter(clock=clock or time.monotonic)

    def acquire(self, requests: Sequence[Sequence[Bucket]]) -> list[Delay | None]:
        """Return for each request how it has to wait; None means go, and it has been counted.

        A request goes when all its buckets let it (each named once) and else counts in none;
        one counted here counts for those after it in the list.
        """
        if not requests:
            return []
        if self._outage.resting():
            return self._alone.acquire(requests)
        try:
            answers = self._ask(requests)
        except RedisError as error:
            self._outage.began(error)
            return self._alone.acquire(requests)
        self._outage.over()
        return [
            Delay(wait / _SECOND, index) if wait else None
            for wait, index in zip(answers[::2], answers[1::2], strict=True)
        ]

    def give_back(self, requests: Sequence[Sequence[Bucket]]) -> None:
        """Let these count no more: they went, by what `acquire` said, and then did not."""
        unused: Counter[str] = Counter()
        for buckets in requests:
            unused.update({bucket.key: bucket.interval for bucket in buckets})
        if not unused or self._outage.resting():
            return
        keys = [f"limit:{key}" for key in unused]
        try:
            self._undo(keys=keys, args=list(unused.values()))
        except RedisError as error:
            self._outage.began(error)

    def _ask(self, requests: Sequence[Sequence[Bucket]]) -> list[int]:
        keys: dict[str, int] = {}
        now = "" if self._clock is None else round(self._clock() * _SECOND)
        args = [now, *_arguments(requests, keys)]
        return cast("list[int]", self._script(keys=[f"limit:{key}" for key in keys], args=args))


def _arguments(requests: Sequence[Sequence[Bucket]], keys: dict[str, int]) -> Iterator[int]:
    """Yield what the script reads, and note in ``keys`` the index of each key, from 1."""
    for buckets in requests:
        yield len(buckets)
        for bucket in buckets:
            yield keys.setdefault(bucket.key, len(keys) + 1)
            yield bucket.interval
            yield bucket.slack


class LocalLimiter:
    """Limit this process alone, cautiously: other processes do the same at the same time."""

    #: Each process takes this part of the rate, and of the bursts.
    SHARE: Final = 0.5
    #: How many buckets are kept before those that are full again are forgotten.
    KEPT: Final = 10_000

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._full: dict[str, float] = {}

    def acquire(self, requests: Sequence[Sequence[Bucket]]) -> list[Delay | None]:
        """Return how each request has to wait, as `Limiter.acquire` does."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            return [self._acquire_one(buckets, now) for buckets in requests]

    def _acquire_one(self, buckets: Sequence[Bucket], now: float) -> Delay | None:
        waits = [
            Delay(self._full.get(bucket.key, now) - self._slack(bucket) - now, index)
            for index, bucket in enumerate(buckets)
        ]
        longest = max(waits, default=Delay(0.0, 0))
        if longest.seconds > 0:
            return longest
        for bucket in buckets:
            full = max(now, self._full.get(bucket.key, now))
            self._full[bucket.key] = full + bucket.interval / _SECOND / self.SHARE
        return None

    def _slack(self, bucket: Bucket) -> float:
        """Return by how many seconds a burst may run ahead; what is allowed at all fits into it."""
        burst = max(bucket.cost, int(bucket.burst * self.SHARE))
        return bucket.interval / bucket.cost * (burst - bucket.cost) / _SECOND / self.SHARE

    def _forget(self, now: float) -> None:
        if len(self._full) > self.KEPT:
            self._full = {key: full for key, full in self._full.items() if full > now}
