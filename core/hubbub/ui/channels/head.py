"""Build what stands above every page of one channel: how it is, and what else there is of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from hubbub.connect import queries as channel_queries
from hubbub.connect.rules import widget_types
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui.channels.listing import ChannelRow, channel_rows


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
    #: Whether the hub fetches what comes, and nobody calls it.
    fetches: bool
    tabs: tuple[Tab, ...]


def channel_head(hub: Hub, channel_id: str) -> ChannelHead:
    """Return the head of a channel's pages. Raises `NotFound`."""
    return head_of(hub, find_channel(hub, channel_id))


def head_of(hub: Hub, row: AnyRow) -> ChannelHead:
    """Return the head of the pages of the channel ``row``."""
    with reading(hub.engine) as db:
        quarantined = channel_queries.quarantined(db, row.id)
        shown = channel_rows(hub, db, [row])[0]
        line = hub.directory.usable(db, row.id)
    fetches = line is not None and hub.plugins.fetches(row.type, line.connection)
    tabs = _tabs(hub, row, quarantined, fetches=fetches)
    return ChannelHead(row=shown, fetches=fetches, tabs=tuple(tabs))


def webhook_title(hub: Hub, channel_type: str, *, fetches: bool = False) -> str:
    """Return how people call the place from which messages of a type's channels come.

    ``fetches``: such a channel is known to be fetched, as those of some types always are.
    """
    if channel_type in widget_types(hub):
        return "On your site"
    sessions, mailboxes = hub.plugins.sessions, hub.plugins.mailboxes
    never_called = {one.type for one in sessions} | {one.type for one in mailboxes}
    return "Receiving" if fetches or channel_type in never_called else "Webhook"


def _tabs(hub: Hub, row: AnyRow, quarantined: int, *, fetches: bool) -> Iterator[Tab]:
    kind = hub.plugins.channels.get(row.type)
    yield Tab(endpoint="ui.channel", title="Overview")
    yield Tab(endpoint="ui.channel_webhook", title=webhook_title(hub, row.type, fetches=fetches))
    yield Tab(endpoint="ui.routing", title="Routing")
    if kind and kind.capabilities.templates:
        yield Tab(endpoint="ui.channel_templates", title="Templates")
    yield Tab(endpoint="ui.calls", title="Logs")
    count = str(quarantined) if quarantined else ""
    yield Tab(endpoint="ui.quarantine", title="Quarantine", count=count)
    yield Tab(endpoint="ui.channel_settings", title="Settings")
    yield Tab(endpoint="ui.channel_audit", title="Audit")
