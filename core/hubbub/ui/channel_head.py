"""Build what stands above every page of one channel: how it is, and what else there is of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from hubbub.connect import queries as channel_queries
from hubbub.connect.rules import widget_types
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui.channel_list import ChannelRow, channel_rows


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One of a channel's pages, by the endpoint that shows it."""

    endpoint: str
    title: str
    #: How much is there that somebody should look at; empty: nothing.
    count: str = ""


@dataclass(frozen=True, kw_only=True)
class ChannelHead:
    """What stands above every page of one channel."""

    row: ChannelRow
    tabs: tuple[Tab, ...]


def channel_head(hub: Hub, channel_id: str) -> ChannelHead:
    """Return the head of a channel's pages. Raises `NotFound`."""
    return head_of(hub, find_channel(hub, channel_id))


def head_of(hub: Hub, row: AnyRow) -> ChannelHead:
    """Return the head of the pages of the channel ``row``."""
    with reading(hub.engine) as db:
        quarantined = channel_queries.quarantined(db, row.id)
        shown = channel_rows(hub, db, [row])[0]
    return ChannelHead(row=shown, tabs=tuple(_tabs(hub, row, quarantined)))


def webhook_title(hub: Hub, channel_type: str) -> str:
    """Return how people call the place from which messages of a type's channels come."""
    return "On your site" if channel_type in widget_types(hub) else "Webhook"


def _tabs(hub: Hub, row: AnyRow, quarantined: int) -> Iterator[Tab]:
    kind = hub.plugins.channels.get(row.type)
    yield Tab(endpoint="ui.channel", title="Overview")
    yield Tab(endpoint="ui.channel_webhook", title=webhook_title(hub, row.type))
    yield Tab(endpoint="ui.routing", title="Routing")
    if kind and kind.capabilities.templates:
        yield Tab(endpoint="ui.channel_templates", title="Templates")
    yield Tab(endpoint="ui.calls", title="Logs")
    count = str(quarantined) if quarantined else ""
    yield Tab(endpoint="ui.quarantine", title="Quarantine", count=count)
    yield Tab(endpoint="ui.channel_settings", title="Settings")
    yield Tab(endpoint="ui.channel_audit", title="Audit")
