"""Build what the first page of one channel shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hubbub.connect.health import Part, channel_health
from hubbub.connect.routes import current_routes
from hubbub.connect.rules import kept_findings
from hubbub.connect.sites import refused_sites
from hubbub.connect.versions import names_of
from hubbub.connect.work import find_channel
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.route.telling import reads
from hubbub.sdk.content import from_json, preview
from hubbub.sdk.values import Finding
from hubbub.sdk.widget import WidgetSettings
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.channels.calls_page import CallRow, last_calls
from hubbub.ui.channels.head import ChannelHead, head_of
from hubbub.ui.channels.listing import When

#: Calls, and messages that failed, shown with a channel.
_CALLS: Final = 5
_FAILED: Final = 10


@dataclass(frozen=True, kw_only=True)
class FailedRow:
    """A message that was not sent, or perhaps not."""

    id: str
    text: str
    at: When
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A site on which the chat window was not shown, how often at least, and when last."""

    origin: str
    times: int
    last: When


@dataclass(frozen=True, kw_only=True)
class ChannelPage:
    """How one channel is, and what goes through it."""

    head: ChannelHead
    #: How each part of it is; what was found when the provider was asked last, and when.
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]
    checked: When
    #: When its credentials end, where that is known.
    expires: When
    #: Whether a message ever came in: until then its set-up is not finished.
    heard: bool
    failed: tuple[FailedRow, ...]
    #: The names of the rules that are asked, and what they say.
    routes: tuple[tuple[str, str], ...]
    fallback: str
    calls: tuple[CallRow, ...]
    #: Sites on which its chat window was not shown.
    refused: tuple[RefusedRow, ...]
    #: What its provider has put an end to, if so.
    legacy: str
    problem: str


def channel_page(
    hub: Hub, channel_id: str, *, findings: tuple[Finding, ...] = (), problem: str = ""
) -> ChannelPage:
    """Return how a channel is; ``findings``: just now. Raises `NotFound`."""
    row = find_channel(hub, channel_id)
    now = hub.now()
    current = current_routes(hub, channel_id)
    kind = hub.plugins.channels.get(row.type)
    with reading(hub.engine) as db:
        health = channel_health(hub, db, row)
        line = hub.directory.usable(db, channel_id)
        return ChannelPage(
            head=head_of(hub, row),
            parts=health.parts,
            findings=findings or kept_findings(row),
            checked=When.of(row.checked_at, now),
            expires=When.of(health.expires_at, now),
            heard=queries.heard(db, channel_id),
            failed=tuple(_failed(queries.failed_on_channel(db, channel_id, limit=_FAILED), now)),
            routes=tuple(
                (route.name, reads(route, names_of(hub, route.to)))
                for route in current.routes
                if route.enabled
            ),
            fallback=names_of(hub, current.fallback),
            calls=last_calls(db, channel_id, now, most=_CALLS),
            refused=_refused(hub, line, now) if line else (),
            legacy=kind.legacy if kind else "",
            problem=problem,
        )


def _failed(rows: Iterable[AnyRow], now: datetime) -> Iterator[FailedRow]:
    for row in rows:
        yield FailedRow(
            id=row.id,
            text=preview(from_json(row.content)),
            at=When.of(row.created_at, now),
            reason=(row.error or {}).get("detail") or words.TICKS[row.status].explained,
        )


def _refused(hub: Hub, line: Line, now: datetime) -> tuple[RefusedRow, ...]:
    if not isinstance(line.settings, WidgetSettings):
        return ()
    return tuple(
        RefusedRow(origin=one.origin, times=one.times, last=When.of(one.last_at, now))
        for one in refused_sites(hub, line.id, line.settings)
    )
