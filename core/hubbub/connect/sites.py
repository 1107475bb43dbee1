"""Know on which sites a chat window may open, and remember those on which it was refused.

Whoever loads the window from another site names that site. Strangers can name any, as often as they
like: so only a few are remembered, the seldom ones are forgotten first, and each for a week.
Redis holds them, and may forget them: then they are learnt anew.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from hubbub.hub import Hub
from hubbub.sdk.values import Connection, Finding
from hubbub.sdk.widget import WidgetSettings

#: Sites remembered of a channel, for how long, and how many of them are told of.
_MOST: Final = 20
_KEPT: Final = timedelta(days=7)
_TOLD: Final = 5
#: What stands for any host below one, where everything is taken as it is written.
_ANY_HOST: Final = re.escape("*")
_HOST: Final = re.compile(r"[a-z0-9.-]{1,253}")


@dataclass(frozen=True, kw_only=True)
class RefusedSite:
    """A site on which the window was not shown: how often at least, and when last."""

    origin: str
    times: int
    last_at: datetime


def sites_of(settings: WidgetSettings, base_url: str) -> str:
    """Return a regular expression of the origins of pages on which the window may be shown."""
    if not settings.allowed_origins:
        return ""
    public = urlsplit(base_url)
    origins = (f"{public.scheme}://{public.netloc}", *settings.allowed_origins)
    return f"^({'|'.join(re.escape(one).replace(_ANY_HOST, '.+') for one in origins)})$"


def origin_of(address: str) -> str:
    """Return the origin of a page's address; empty for what is no page of a site."""
    try:
        url = urlsplit(address)
        port = f":{url.port}" if url.port else ""
    except ValueError:
        return ""
    host = url.hostname or ""
    if url.scheme not in {"http", "https"} or _HOST.fullmatch(host) is None:
        return ""
    return f"{url.scheme}://{host}{port}"


def is_refused(settings: WidgetSettings, base_url: str, origin: str) -> bool:
    """Whether the window is not shown on a site."""
    return re.search(sites_of(settings, base_url), origin) is None


def note_refused(hub: Hub, channel_id: str, origin: str) -> None:
    """Remember that the window was asked for on a site on which it is not shown."""
    with suppress(RedisError):
        known = _read(hub, channel_id)
        before = known.pop(origin, None)
        times = before.times + 1 if before else 1
        rest = sorted(known.values(), key=_weight)[-_MOST + 1 :]
        gone = known.keys() - {one.origin for one in rest}
        key = _key(channel_id)
        with hub.redis.pipeline() as pipe:
            if gone:
                pipe.hdel(key, *gone)
            pipe.hset(key, origin, f"{times} {hub.now().timestamp():.0f}")
            pipe.expire(key, _KEPT)
            pipe.execute()


def refused_sites(hub: Hub, channel_id: str, settings: WidgetSettings) -> tuple[RefusedSite, ...]:
    """Return the sites that are refused as things are now, the most frequent first."""
    try:
        known = _read(hub, channel_id).values()
    except RedisError:
        return ()
    since = hub.now() - _KEPT
    found = (
        one
        for one in known
        if one.last_at >= since and is_refused(settings, hub.settings.base_url, one.origin)
    )
    return tuple(sorted(found, key=_weight, reverse=True))


def findings_of(hub: Hub, connection: Connection[Any]) -> tuple[Finding, ...]:
    """Return what to say of the sites on which a channel's window was refused, if it has one.

    It informs and does not warn: anybody can ask in the name of any site.
    """
    settings = getattr(connection.fields, "settings", None)
    if not isinstance(settings, WidgetSettings):
        return ()
    return tuple(
        Finding.good(
            "refused_site",
            f"{one.origin} asked for the window {_often(one.times)}, last at "
            f"{one.last_at:%Y-%m-%d %H:%M} UTC, is not among the allowed sites, and shows nothing. "
            "If it is yours, allow it on the channel's page.",
        )
        for one in refused_sites(hub, connection.channel_id, settings)[:_TOLD]
    )


def _often(times: int) -> str:
    return "once" if times == 1 else f"at least {times} times"


def _read(hub: Hub, channel_id: str) -> dict[str, RefusedSite]:
    kept = cast("Mapping[bytes, bytes]", hub.redis.hgetall(_key(channel_id)))
    return {
        origin.decode(): RefusedSite(
            origin=origin.decode(),
            times=int(times),
            last_at=datetime.fromtimestamp(int(at), UTC),
        )
        for origin, value in kept.items()
        for times, at in [value.split()]
    }


def _weight(one: RefusedSite) -> tuple[int, datetime]:
    return one.times, one.last_at


def _key(channel_id: str) -> str:
    return f"widget:refused:{channel_id}"
