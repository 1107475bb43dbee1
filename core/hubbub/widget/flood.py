"""Notice when more conversations begin on a channel than people begin, and ask for more meanwhile.

Whoever writes first then fills in a form: people can, and most programs do not expect it.
"""

from datetime import timedelta
from typing import Final

import structlog
from redis.exceptions import RedisError

from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.limiter import Bucket

#: So many conversations begin in so long where people begin them, and how long doubt lasts.
_MOST: Final = 60
_WITHIN: Final = timedelta(minutes=1)
_DOUBT: Final = timedelta(minutes=10)
log = structlog.get_logger(__name__)


def begins(hub: Hub, line: Line) -> None:
    """Count one more conversation; where that is too many, say so to whoever runs the hub."""
    bucket = Bucket(f"widget:conversations:{line.id}", _MOST, _WITHIN, burst=_MOST)
    (delay,) = hub.limiter.acquire([[bucket]])
    if delay is not None and _doubt(hub, line.id):
        log.warning(
            "conversations begin too fast: visitors fill in a form first",
            channel=line.id,
            more_than=_MOST,
            seconds=_DOUBT.total_seconds(),
        )


def lasts(hub: Hub, channel_id: str) -> bool:
    """Whether there were too many a moment ago."""
    try:
        return bool(hub.redis.exists(_key(channel_id)))
    except RedisError:
        return False


def _doubt(hub: Hub, channel_id: str) -> bool:
    """Begin to doubt, or go on; whether it has begun."""
    try:
        begun = hub.redis.set(_key(channel_id), 1, nx=True, ex=_DOUBT)
    except RedisError:
        return False
    return bool(begun)


def _key(channel_id: str) -> str:
    return f"widget:flood:{channel_id}"
