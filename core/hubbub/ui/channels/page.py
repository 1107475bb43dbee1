"""Build what the pages of channels show."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from hubbub.connect.health import Part, channel_health
from hubbub.connect.routes import current_routes
from hubbub.connect.rules import kept_findings, stored_credentials
from hubbub.connect.sites import refused_sites
from hubbub.connect.versions import names_of
from hubbub.connect.work import find_channel, mark_of_channel
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.people.overtaken import Overtaken
from hubbub.route.telling import reads
from hubbub.sdk.content import from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Finding
from hubbub.sdk.widget import WidgetSettings
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.channels.calls_page import CallRow, last_calls
from hubbub.ui.channels.form import FormPage, change_form
from hubbub.ui.channels.head import ChannelHead, head_of
from hubbub.ui.channels.listing import When
from hubbub.ui.forms import Form
from hubbub.ui.sources import sources_of

#: Calls, and messages that failed, shown with a channel.
_CALLS: Final = 5
_FAILED: Final = 10
#: Conversations, and messages, of which is said how many there are.
_COUNTED: Final = 10_000


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
    """Everything of one channel. ``form`` is None while its plugin is not loaded."""

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
    form: FormPage | None
    #: The mark of what the form shows, and what somebody else saved meanwhile, if that is so.
    seen: str
    theirs: tuple[tuple[str, str], ...] | None
    #: Until when the credentials from before prove calls; empty where they do not.
    old_until: str
    #: What deleting it would touch, in words.
    touches: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What somebody just tried with a channel, what they typed for it, and how it ended."""

    what: str = ""
    typed: Form
    error: HubError | None = None
    findings: tuple[Finding, ...] = ()

    def error_of(self, *names: str) -> HubError | None:
        """Return the error if it is about one of ``names``."""
        return self.error if self.what in names else None

    def typed_for(self, name: str) -> Form | None:
        """Return what was typed if it is to be shown again."""
        return self.typed if self.what == name else None


def channel_page(hub: Hub, channel_id: str, tried: Tried) -> ChannelPage:
    """Return everything of one channel. Raises `NotFound`."""
    row = find_channel(hub, channel_id)
    now = hub.now()
    current = current_routes(hub, channel_id)
    form, theirs = _forms(hub, row, tried)
    with reading(hub.engine) as db:
        health = channel_health(hub, db, row)
        line = hub.directory.usable(db, channel_id)
        former = line.former if line and line.former and line.former.until > now else None
        return ChannelPage(
            head=head_of(hub, row),
            parts=health.parts,
            findings=tried.findings or kept_findings(row),
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
            form=form,
            seen=_seen(hub, row, tried),
            theirs=theirs,
            old_until=words.exact(former.until) if former else "",
            touches=_touches(db, channel_id),
            problem=_other_problem(tried),
        )


def _touches(db: Connection, channel_id: str) -> str:
    conversations, messages = queries.counts_of_channel(db, channel_id, most=_COUNTED)
    return f"{_several(conversations, 'conversation')} with {_several(messages, 'message')}"


def _several(count: int, word: str) -> str:
    number = f"more than {_COUNTED:,}" if count > _COUNTED else f"{count:,}"
    return f"{number} {word}{'' if count == 1 else 's'}"


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


def _forms(
    hub: Hub, row: AnyRow, tried: Tried
) -> tuple[FormPage | None, tuple[tuple[str, str], ...] | None]:
    """Return the form, and what somebody else saved meanwhile, if that is so."""
    kind = hub.plugins.channels.get(row.type)
    if kind is None:
        return None, None
    kept, sources = stored_credentials(hub, row), sources_of(hub)
    typed = tried.typed_for("change")
    if isinstance(tried.error, Overtaken):
        form = change_form(kind, row, kept, typed, sources=sources)
        return form, form.stored_instead(change_form(kind, row, kept, sources=sources))
    return change_form(kind, row, kept, typed, tried.error_of("change"), sources=sources), None


def _seen(hub: Hub, row: AnyRow, tried: Tried) -> str:
    """Return what the form repeats: what it repeated before, until it was told of something new."""
    typed = None if isinstance(tried.error, Overtaken) else tried.typed_for("change")
    return (typed.get("seen") if typed else None) or mark_of_channel(hub, row)


def _other_problem(tried: Tried) -> str:
    return tried.error.detail if tried.error and tried.what != "change" else ""
