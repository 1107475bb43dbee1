"""Tell one plugin of one thing."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.store.news import News
from hubbub.store.session import reading
from hubbub.tell import queries

log = structlog.get_logger(__name__)


def tell(hub: Hub, plugin: str, news: News) -> None:
    """Call the hook of ``news`` in one plugin; how it fails is logged and harms nothing."""
    listener = hub.plugins.listeners.get(news.hook, {}).get(plugin)
    if listener is None:
        return
    with reading(hub.engine) as db:
        told = _looked_up(db, news)
    if told is None:
        return
    try:
        listener(**told)
    # A plugin may fail in any way; what it is told of has happened all the same.
    except Exception:
        log.exception("plugin failed at being told", plugin=plugin, hook=news.hook)


def _looked_up(db: Connection, news: News) -> Mapping[str, Any] | None:
    """Return the arguments of the hook, or None when what it is about is gone."""
    found: dict[str, Any]
    match news.hook:
        case "delivery_advanced":
            found = {"message": queries.message(db, news.object_id), "status": news.more}
        case "channel_status_changed":
            found = {"channel": queries.channel(db, news.object_id)}
        case "conversation_changed":
            found = {"conversation": queries.conversation(db, news.object_id)}
        case _:
            found = {"message": queries.message(db, news.object_id)}
    return None if None in found.values() else found
