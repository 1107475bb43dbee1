"""Build what the pages of channels show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hubbub.connect import queries as channel_queries
from hubbub.connect.routes import current_routes
from hubbub.connect.rules import (
    campaigns_paused,
    embed_line,
    has_widget,
    shown_status,
    stored_credentials,
    widget_url,
)
from hubbub.connect.versions import names_of
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.route.telling import reads
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Finding
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.track.lane import CAMPAIGNS_PAUSED
from hubbub.ui import queries, words
from hubbub.ui.calls_page import CallRow, last_calls
from hubbub.ui.channel_form import FormPage, change_form

_DAY: Final = timedelta(hours=24)
#: Kept calls shown with a channel, and channels in the list.
_CALLS: Final = 20
_MOST: Final = 200
_NO_TRAFFIC: Final[Mapping[str, int]] = {}


@dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """One channel in the list."""

    id: str
    name: str
    type: str
    label: str
    status: str
    word: str
    reason: str
    since: str
    since_exact: str
    active: str
    active_exact: str
    enabled: bool
    #: Why campaigns wait; empty when they do not.
    campaigns: str
    received: int
    sent: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class ChannelsPage:
    """The list of channels."""

    channels: tuple[ChannelRow, ...]
    silent: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TypeCard:
    """One channel type to choose from."""

    type: str
    label: str
    description: str
    legacy: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A plugin that offers nothing, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TypesPage:
    """What can be added."""

    cards: tuple[TypeCard, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, kw_only=True)
class ChannelPage:
    """Everything of one channel. ``form`` is None while its plugin is not loaded."""

    row: ChannelRow
    webhook_url: str
    #: Whether the hub fetches what comes, and no provider calls that address.
    fetches: bool
    #: The line for people's own sites, where the provider is the hub's own window; else empty.
    embed: str
    #: Where its loader is on this very host, to try the window here.
    widget_path: str
    verify_token: str | None
    findings: tuple[Finding, ...]
    #: The names of the rules that are asked, and what they say.
    routes: tuple[tuple[str, str], ...]
    fallback: str
    calls: tuple[CallRow, ...]
    form: FormPage | None
    #: Until when the credentials from before prove calls; empty where they do not.
    old_until: str
    touches: Mapping[str, int]
    problem: str


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What somebody just tried with a channel, what they typed for it, and how it ended."""

    what: str = ""
    typed: Mapping[str, str]
    error: HubError | None = None
    findings: tuple[Finding, ...] = ()

    def error_of(self, *names: str) -> HubError | None:
        """Return the error if it is about one of ``names``."""
        return self.error if self.what in names else None

    def typed_for(self, name: str) -> Mapping[str, str]:
        """Return what was typed if it is to be shown again."""
        return self.typed if self.error_of(name) else {}


def channels_page(hub: Hub) -> ChannelsPage:
    """Return the list of channels with the traffic of a day."""
    now = hub.now()
    with reading(hub.engine) as db:
        rows = channel_queries.channels(db, limit=_MOST)
        traffic = queries.traffic(db, now - _DAY)
        silent = queries.silent_kinds(db, now)
    return ChannelsPage(
        channels=tuple(_row(hub, row, traffic.get(row.id, _NO_TRAFFIC)) for row in rows),
        silent=tuple(silent),
    )


def types_page(hub: Hub) -> TypesPage:
    """Return the types that can be added, and the plugins that could not be loaded."""
    return TypesPage(
        cards=tuple(
            TypeCard(
                type=kind.type, label=kind.label, description=kind.description, legacy=kind.legacy
            )
            for kind in hub.plugins.channels.values()
        ),
        refused=tuple(
            Refused(name=one.name, reason=one.reason)
            for one in hub.plugins.statuses
            if one.state == "refused"
        ),
    )


def channel_page(hub: Hub, channel_id: str, tried: Tried) -> ChannelPage:
    """Return everything of one channel. Raises `NotFound`."""
    row = find_channel(hub, channel_id)
    now = hub.now()
    current = current_routes(hub, channel_id)
    with reading(hub.engine) as db:
        line = hub.directory.usable(db, channel_id)
        former = line.former if line and line.former and line.former.until > now else None
        return ChannelPage(
            row=_row(hub, row, queries.traffic(db, now - _DAY).get(channel_id, _NO_TRAFFIC)),
            webhook_url=f"{hub.settings.base_url}/webhooks/{row.webhook_key}",
            embed=embed_line(widget_url(hub.settings.base_url, row.webhook_key))
            if has_widget(hub, row)
            else "",
            widget_path=widget_url("", row.webhook_key),
            fetches=line is not None and hub.plugins.fetches(row.type, line.connection),
            verify_token=line.connection.verify_token if line else None,
            findings=tried.findings,
            routes=tuple(
                (route.name, reads(route, names_of(hub, route.to)))
                for route in current.routes
                if route.enabled
            ),
            fallback=names_of(hub, current.fallback),
            calls=last_calls(db, channel_id, now, most=_CALLS),
            form=_form(hub, row, tried),
            old_until=words.exact(former.until) if former else "",
            touches=queries.counts_of_channel(db, channel_id),
            problem=_other_problem(tried),
        )


def _form(hub: Hub, row: AnyRow, tried: Tried) -> FormPage | None:
    kind = hub.plugins.channels.get(row.type)
    if kind is None:
        return None
    kept = stored_credentials(hub, row)
    return change_form(kind, row, kept, tried.typed_for("change"), tried.error_of("change"))


def _row(hub: Hub, row: AnyRow, traffic: Mapping[str, int]) -> ChannelRow:
    now = hub.now()
    kind = hub.plugins.channels.get(row.type)
    status, reason = shown_status(hub, row)
    return ChannelRow(
        id=row.id,
        name=row.name,
        type=row.type,
        label=kind.label if kind else row.type,
        status=status,
        word=words.STATUS[status],
        reason=reason,
        since=words.ago(row.status_since, now),
        since_exact=words.exact(row.status_since),
        active=words.ago(row.last_active_at, now),
        active_exact=words.exact(row.last_active_at),
        enabled=row.enabled,
        campaigns=_campaigns(row, now),
        received=traffic.get("received", 0),
        sent=traffic.get("sent", 0),
        failed=traffic.get("failed", 0),
    )


def _campaigns(row: AnyRow, now: datetime) -> str:
    until = campaigns_paused(row, now)
    return f"{CAMPAIGNS_PAUSED} They are sent {words.until(until, now)}." if until else ""


def _other_problem(tried: Tried) -> str:
    return tried.error.detail if tried.error and tried.what != "change" else ""
