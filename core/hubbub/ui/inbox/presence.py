"""Know who else has a conversation open just now, and who writes in it.

It is kept in Redis for moments: where that is away, nobody is told of anybody, and that is all.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, get_args

from redis import Redis
from redis.exceptions import RedisError

from hubbub.redis_client import Outage

Doing: TypeAlias = Literal["looks", "writes"]

#: How long it counts that somebody did so: a page that is open asks again before.
_LASTS: Final[Mapping[str, timedelta]] = {
    "looks": timedelta(seconds=50),
    "writes": timedelta(seconds=13),
}


class Presence:
    """Who is where; made once for each application."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._outage = Outage("nobody is told who else is in a conversation")

    def note(self, conversation_id: str, user_id: str, doing: Doing, *, now: datetime) -> bool:
        """Note what somebody does; say whether that is news to others."""
        before = self.there(conversation_id, now=now).get(user_id)
        if before == "writes" and doing == "looks":
            return False
        until = (now + _LASTS[doing]).timestamp()
        self._ask("hset", _key(conversation_id), user_id, f"{doing} {until}")
        self._ask("expire", _key(conversation_id), _LASTS["looks"])
        return before != doing

    def stopped(self, conversation_id: str, user_id: str) -> None:
        """Note that somebody went away, or has sent what they wrote."""
        self._ask("hdel", _key(conversation_id), user_id)

    def there(self, conversation_id: str, *, now: datetime) -> dict[str, Doing]:
        """Return who does what in a conversation, by their ids."""
        kept: Mapping[bytes, bytes] = self._ask("hgetall", _key(conversation_id)) or {}
        found: dict[str, Doing] = {}
        for user_id, told in kept.items():
            word, _, until = told.decode().partition(" ")
            for doing in get_args(Doing):
                if word == doing and float(until) > now.timestamp():
                    found[user_id.decode()] = doing
        return found

    def _ask(self, what: str, *arguments: Any) -> Any:
        if self._outage.resting():
            return None
        try:
            answer = getattr(self._redis, what)(*arguments)
        except RedisError as error:
            self._outage.began(error)
            return None
        self._outage.over()
        return answer


def _key(conversation_id: str) -> str:
    return f"presence:{conversation_id}"
