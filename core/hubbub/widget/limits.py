"""Say how much a visitor may do, and the network that they come from, before others suffer."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from hubbub.api.problems import Problem, Refusal
from hubbub.limiter import Bucket, Limiter

_SECONDS: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)

#: So many within so long.
_Rate: TypeAlias = tuple[int, timedelta]
#: What a visitor may do, and what everybody may do together who comes from one place.
_LIMITS: Final[Mapping[str, tuple[Sequence[_Rate], Sequence[_Rate]]]] = {
    "message": (((10, 10 * _SECONDS), (100, 10 * _MINUTE)), ((300, 10 * _MINUTE),)),
    "begin": ((), ((30, _HOUR),)),
    "session": (((30, _MINUTE),), ((120, _MINUTE),)),
    "look": (((120, _MINUTE),), ((1200, _MINUTE),)),
    "read": (((120, _MINUTE),), ((1200, _MINUTE),)),
    "stream": (((60, _MINUTE),), ()),
    "typing": (((30, _MINUTE),), ((600, _MINUTE),)),
    "upload": (((10, 10 * _MINUTE),), ((60, 10 * _MINUTE),)),
    "offline": (((3, _HOUR),), ((10, _HOUR),)),
    "end": (((10, _HOUR),), ((100, _HOUR),)),
    "rate": (((10, _HOUR),), ((100, _HOUR),)),
    "refused": ((), ((60, _HOUR),)),
    "probe": ((), ((30, _MINUTE),)),
}
#: Kilobytes of files: of a visitor, from one place, and of a channel. Disks are not endless.
_FILES: Final = ((25 << 10, _HOUR), (100 << 10, _HOUR), (10 << 20, 24 * _HOUR))


def spend(limiter: Limiter, what: str, *, visitor: str, network: str) -> None:
    """Count one more of ``what``. Raises `Refusal` where it is too much."""
    by_visitor, by_network = _LIMITS[what]
    buckets = [
        *_buckets(what, visitor, by_visitor if visitor else ()),
        *_buckets(what, network, by_network),
    ]
    _take(limiter, buckets)


def spend_bytes(limiter: Limiter, size: int, *, visitor: str, network: str, channel: str) -> None:
    """Count a file of ``size`` bytes. Raises `Refusal` where it is too much."""
    cost = -(-size // 1024)
    buckets = [
        Bucket(f"widget:files:{count}:{who}", count, per, burst=count, cost=cost)
        for who, (count, per) in zip((visitor, network, channel), _FILES, strict=True)
    ]
    _take(limiter, buckets)


def _take(limiter: Limiter, buckets: Sequence[Bucket]) -> None:
    (delay,) = limiter.acquire([buckets])
    if delay is not None:
        raise slow_down(delay.seconds)


def slow_down(seconds: float) -> Refusal:
    """Return what to say to somebody who does too much."""
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    detail = "Too much at once: wait as long as Retry-After says."
    return Refusal(Problem(code="slow-down", detail=detail, headers=headers))


def _buckets(what: str, who: str, rates: Sequence[_Rate]) -> list[Bucket]:
    return [Bucket(f"widget:{what}:{count}:{who}", count, per, burst=count) for count, per in rates]
