"""Ask Telegram for updates where the hub has no public https address."""

import json
from datetime import timedelta
from typing import Any, Final

from hubbub.sdk import Connection, Exchange, HttpResponse, Polled, Transient
from hubbub_telegram.answers import accepted
from hubbub_telegram.api import calling
from hubbub_telegram.fields import mode_of
from hubbub_telegram.manifest import updates

#: Seconds that Telegram keeps the request open while there is nothing to tell.
_OPEN: Final = 25
_TIMEOUT: Final = timedelta(seconds=40)
_AT_ONCE: Final = 100
_MAX_ANSWER: Final = 16 << 20


class TelegramUpdates:
    """A long poll, round by round. The next round's cursor confirms the updates of this one."""

    type = "telegram"

    def wanted(self, connection: Connection[Any]) -> bool:
        """Say whether this channel polls."""
        return mode_of(connection) == "polling"

    def cycle(self, connection: Connection[Any], cursor: str) -> Exchange[Polled]:
        """Make one ``getUpdates`` from ``cursor``: the number after the last update kept."""
        response = yield calling(
            connection,
            "getUpdates",
            _params(connection, cursor),
            # It confirms what is already kept, so it may be repeated.
            safe=True,
            timeout=_TIMEOUT,
            max_answer=_MAX_ANSWER,
        )
        return _polled(_found(response), cursor)


def _params(connection: Connection[Any], cursor: str) -> dict[str, object]:
    params: dict[str, object] = {
        "timeout": _OPEN,
        "limit": _AT_ONCE,
        "allowed_updates": updates(connection),
    }
    return {"offset": int(cursor), **params} if cursor else params


def _found(response: HttpResponse) -> list[object]:
    """Return the updates one by one, unread: one that cannot be read must not hold up the rest."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        answer = None
    match answer:
        case {"ok": True, "result": list(updates)} if response.status == 200:  # noqa: PLR2004  # HTTP's own number
            return updates
    accepted(response)
    raise Transient("Telegram's updates are no list.", code="unreadable_answer")


def _polled(updates: list[object], cursor: str) -> Polled:
    ids = [number for update in updates if (number := _number(update)) is not None]
    if updates and not ids:
        # Without a number nothing could be confirmed, and the same would come for ever.
        raise Transient("Telegram's updates have no numbers.", code="unreadable_answer")
    return Polled(
        calls=tuple(json.dumps(update, separators=(",", ":")).encode() for update in updates),
        cursor=str(max(ids) + 1) if ids else cursor,
    )


def _number(update: object) -> int | None:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) else None
