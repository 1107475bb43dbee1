"""Build what the list of channels shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from hubbub.connect import queries as channel_queries
from hubbub.connect.drafts import drafts
from hubbub.connect.health import NO_TRAFFIC, Traffic, expires_at, traffic
from hubbub.connect.rules import campaigns_paused, shown_status
from hubbub.connect.versions import names_of
from hubbub.deliver.traffic import ceilings_reached
from hubbub.hub import Hub
from hubbub.route.rules import RouteSet
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.track.lane import CAMPAIGNS_PAUSED
from hubbub.ui import queries, words
from hubbub.ui.standstill import missed

_PAGE: Final = 50
#: A token that ends sooner is worth a word in the list.
_SOON: Final = timedelta(days=14)
_A_DAY: Final = timedelta(days=1)
_STATES: Final = ("connected", "error", "inactive")
_SILENCED: Final = "Bots answer no new contacts for now."
#: The height of a sparkline, and the width of an hour in it.
_HIGH, _WIDE = 20, 4


@dataclass(frozen=True, kw_only=True)
class Look:
    """Which channels are asked for."""

    q: str = ""
    type: str = ""
    state: str = ""
    before: str = ""

    @property
    def filtered(self) -> bool:
        """Whether some channels are left out on purpose."""
        return bool(self.q or self.type or self.state)


@dataclass(frozen=True, kw_only=True)
class When:
    """A time as a page says it; both are empty where it never was."""

    ago: str
    exact: str

    @classmethod
    def of(cls, then: datetime | None, now: datetime) -> "When":
        """Return ``then`` as it is said at ``now``."""
        return cls(ago=words.ago(then, now) if then else "", exact=words.exact(then))


@dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """One channel, as lists and the head of its pages show it."""

    id: str
    name: str
    type: str
    label: str
    status: str
    word: str
    reason: str
    since: When
    #: For how long, in words.
    lasting: str
    received_at: When
    #: When it last sent in these 24 hours; before them it is not known.
    sent_at: When
    #: Whether it is no older than that.
    young: bool
    enabled: bool
    #: Why campaigns wait; empty when they do not.
    campaigns: str
    #: That bots answer no strangers; empty when they do.
    silenced: str
    #: That its credentials end soon, or have; empty where that is far off or not known.
    expiry: str
    #: How many messages wait for it; empty where none does.
    waiting: str
    received: int
    sent: int
    failed: int
    #: The path of an SVG of 24 bars; empty where nothing went through.
    spark: str
    #: Where what comes in goes, by its rules, as the list alone says; empty where the channel
    #: cannot be used.
    goes: str = ""


@dataclass(frozen=True, kw_only=True)
class DraftRow:
    """A channel that somebody began to add."""

    id: str
    label: str
    name: str
    by: str
    changed: When


@dataclass(frozen=True, kw_only=True)
class ChannelsPage:
    """The list of channels."""

    look: Look
    channels: tuple[ChannelRow, ...]
    #: From which channel on there are older ones; empty where there are none.
    older: str
    drafts: tuple[DraftRow, ...]
    #: What can be asked for: types with their labels, and states.
    types: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    silent: tuple[str, ...]
    #: Whether there are simulators to try a channel with.
    simulator: bool


def channels_page(hub: Hub, look: Look) -> ChannelsPage:
    """Return channels with the traffic of a day."""
    now, kinds = hub.now(), hub.plugins.channels
    wanted = channel_queries.Wanted(q=look.q, type=look.type, status=look.state, loaded=set(kinds))
    with reading(hub.engine) as db:
        rows = channel_queries.channels(
            db, wanted=wanted, before=look.before or None, limit=_PAGE + 1
        )
        shown = rows[:_PAGE]
        channels = _with_goals(hub, db, channel_rows(hub, db, shown))
        silent = missed(hub, db, now)
    return ChannelsPage(
        look=look,
        channels=channels,
        older=shown[-1].id if len(rows) > _PAGE else "",
        drafts=() if look.filtered or look.before else _drafts(hub, now),
        types=tuple(sorted((kind.type, kind.label) for kind in kinds.values())),
        states=tuple((state, words.STATUS[state]) for state in _STATES),
        silent=silent,
        simulator=bool(hub.settings.sandbox_url),
    )


def channel_rows(hub: Hub, db: Connection, rows: Sequence[AnyRow]) -> tuple[ChannelRow, ...]:
    """Return channels as lists show them, but for where what comes in goes."""
    now = hub.now()
    day = traffic(db, [row.id for row in rows], now=now)
    told = {row.id: shown_status(hub, row) for row in rows}
    # Of a channel that sends, whatever waits is on its way.
    stuck = [channel_id for channel_id, (status, _) in told.items() if status != "connected"]
    waiting = channel_queries.waiting(db, stuck, now=now)
    silenced = _silenced(hub, db, rows)
    return tuple(
        _row(
            hub,
            row,
            told[row.id],
            day.get(row.id, NO_TRAFFIC),
            waiting=waiting.get(row.id, 0),
            silenced=_SILENCED if row.id in silenced else "",
        )
        for row in rows
    )


def _row(
    hub: Hub,
    row: AnyRow,
    told: tuple[str, str],
    day: Traffic,
    *,
    waiting: int,
    silenced: str,
) -> ChannelRow:
    now, kind = hub.now(), hub.plugins.channels.get(row.type)
    status, reason = told
    return ChannelRow(
        id=row.id,
        name=row.name,
        type=row.type,
        label=kind.label if kind else row.type,
        status=status,
        word=words.STATUS[status],
        reason=reason,
        since=When.of(row.status_since, now),
        lasting=words.lasting(row.status_since, now),
        received_at=When.of(day.received_at or row.last_active_at, now),
        sent_at=When.of(day.sent_at, now),
        young=row.created_at > now - _A_DAY,
        enabled=row.enabled,
        campaigns=_campaigns(row, now),
        silenced=silenced,
        expiry=_expiry(row, now),
        waiting=_waiting(waiting),
        received=day.received,
        sent=day.sent,
        failed=day.failed,
        spark=spark(day.hours),
    )


def _with_goals(hub: Hub, db: Connection, rows: Sequence[ChannelRow]) -> tuple[ChannelRow, ...]:
    lines = hub.directory.all_usable(db, [row.id for row in rows])
    goes = {channel_id: _goes(hub, line.routes) for channel_id, line in lines.items()}
    return tuple(replace(row, goes=goes.get(row.id, "")) for row in rows)


def _goes(hub: Hub, routes: RouteSet) -> str:
    """Return where the rules lead, the first of them first, and where all else goes."""
    asked = []
    on = (route for route in routes.routes if route.enabled)
    for route in on:
        asked.append(route.to)
        if not route.conditions:
            break
    else:
        asked.append(routes.fallback)
    places = dict.fromkeys(names_of(hub, to) for to in asked)
    first, *others = places
    return f"{first}; or {len(others)} others" if len(others) > 1 else "; else ".join(places)


def spark(hours: Sequence[int]) -> str:
    """Return the path of a bar for each hour, as high as its share of the busiest."""
    most = max(hours, default=0)
    if not most:
        return ""
    bars = []
    for number, count in enumerate(hours):
        height = max(1, round(count / most * _HIGH)) if count else 0
        if height:
            x, y = number * _WIDE, _HIGH - height
            bars.append(f"M{x} {_HIGH}V{y}h{_WIDE - 1}V{_HIGH}z")
    return "".join(bars)


def _waiting(count: int) -> str:
    if not count:
        return ""
    if count == 1:
        return "1 message waits."
    many = f"{count} or more" if count == channel_queries.MOST else str(count)
    return f"{many} messages wait."


def _expiry(row: AnyRow, now: datetime) -> str:
    end = expires_at(row)
    if end is None or end - now > _SOON:
        return ""
    return "Token has ended" if end <= now else f"Token ends {words.until(end, now)}"


def _campaigns(row: AnyRow, now: datetime) -> str:
    until = campaigns_paused(row, now)
    return f"{CAMPAIGNS_PAUSED} They are sent {words.until(until, now)}." if until else ""


def _silenced(hub: Hub, db: Connection, rows: Sequence[AnyRow]) -> set[str]:
    """Return the ids of the channels on which bots answer no strangers."""
    kinds = {row.id: hub.plugins.channels.get(row.type) for row in rows}
    limits = {id_: kind.capabilities.ceilings for id_, kind in kinds.items() if kind}
    ceilings = {id_: limit for id_, limit in limits.items() if limit is not None}
    return ceilings_reached(db, ceilings, hub.now())


def _drafts(hub: Hub, now: datetime) -> tuple[DraftRow, ...]:
    found = drafts(hub)
    if not found:
        return ()
    with reading(hub.engine) as db:
        names = queries.names(db)
    return tuple(
        DraftRow(
            id=one.id,
            label=kind.label if (kind := hub.plugins.channels.get(one.type)) else one.type,
            name=one.typed.get("name", ""),
            by=words.author(one.created_by, names),
            changed=When.of(one.changed_at, now),
        )
        for one in found
    )
