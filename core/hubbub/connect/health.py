"""Say how each part of a channel is: whether we are let in, called, written to, and sent for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection as Database

from hubbub.connect import queries
from hubbub.connect.rules import kept_findings, shown_status
from hubbub.deliver.traffic import ceiling_reached
from hubbub.hub import Hub
from hubbub.sdk.types import Component
from hubbub.sdk.values import Finding
from hubbub.store.traffic import HOUR, hour_of, hours_since, summed
from hubbub.store.types import AnyRow

#: ``unknown``: nothing is known yet, which is neither good nor bad.
State: TypeAlias = Literal["fine", "warning", "wrong", "unknown"]
#: How far back traffic is counted.
_HOURS: Final = 24


@dataclass(frozen=True, kw_only=True)
class Part:
    """How one part of a channel is."""

    name: Component
    state: State
    detail: str


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What went through a channel in a day. ``hours`` counts messages, the oldest hour first."""

    received: int = 0
    sent: int = 0
    failed: int = 0
    received_at: datetime | None = None
    sent_at: datetime | None = None
    hours: tuple[int, ...] = (0,) * _HOURS


NO_TRAFFIC: Final = Traffic()


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a channel is."""

    parts: tuple[Part, ...]
    traffic: Traffic
    #: When what lets us in ends, where the provider says so.
    expires_at: datetime | None
    #: Messages that wait to be sent, and calls that are quarantined; `queries.MOST`: or more.
    waiting: int
    quarantined: int
    #: Whether an authentic call is kept, or a message came.
    called: bool


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a channel, from which its parts are judged."""

    status: str
    reason: str
    findings: tuple[Finding, ...]
    components: Mapping[str, Component]
    traffic: Traffic
    active_at: datetime | None
    quarantined: int
    #: Whether the hub fetches what comes, and nobody calls it.
    fetches: bool
    called: bool
    #: Why strangers get no automatic answers; empty where they do.
    ceiling: str = ""


def channel_health(hub: Hub, db: Database, row: AnyRow) -> Health:
    """Return how a channel is, as far as it is known without asking its provider."""
    day = traffic(db, [row.id], now=hub.now())
    kind = hub.plugins.channels.get(row.type)
    line = hub.directory.usable(db, row.id)
    status, reason = shown_status(hub, row)
    facts = Facts(
        status=status,
        reason=reason,
        findings=kept_findings(row),
        components=kind.components if kind else {},
        traffic=day.get(row.id, NO_TRAFFIC),
        active_at=row.last_active_at,
        quarantined=queries.quarantined(db, row.id),
        fetches=line is not None and hub.plugins.fetches(row.type, line.connection),
        called=row.last_active_at is not None or queries.ever_called(db, row.id),
        ceiling=ceiling_reached(db, line, hub.now()) if line else "",
    )
    return Health(
        parts=parts(facts),
        traffic=facts.traffic,
        expires_at=expires_at(row),
        waiting=queries.waiting(db, [row.id], now=hub.now())[row.id],
        quarantined=facts.quarantined,
        called=facts.called,
    )


def traffic(db: Database, channel_ids: Sequence[str], *, now: datetime) -> dict[str, Traffic]:
    """Return what went through channels in this hour and the 23 before it, by channel.

    Those without traffic are left out.
    """
    first = hour_of(now) - _HOURS + 1
    since = datetime.fromtimestamp(first * HOUR, UTC)
    failed = queries.failed_since(db, channel_ids, since)
    found = defaultdict(list)
    for row in hours_since(db, channel_ids, since):
        found[row.channel_id].append(row)
    return {
        channel_id: _traffic(rows, first, failed.get(channel_id, 0))
        for channel_id, rows in found.items()
    }


def _traffic(rows: Sequence[AnyRow], first: int, failed: int) -> Traffic:
    hours = [0] * _HOURS
    for row in rows:
        # What a clock that was ahead wrote belongs to this hour.
        hours[min(row.hour - first, _HOURS - 1)] += row.received + row.sent
    return Traffic(**summed(rows), failed=failed, hours=tuple(hours))


def expires_at(row: AnyRow) -> datetime | None:
    """Return when the first of what lets us in ends, if that is known."""
    return min((one.until for one in kept_findings(row) if one.until), default=None)


def parts(facts: Facts) -> tuple[Part, ...]:
    """Return how each part is: what the provider found wrong first, then what we saw ourselves."""
    return (_auth(facts), _webhook(facts), _inbound(facts), _outbound(facts))


def _auth(facts: Facts) -> Part:
    if facts.status == "inactive" and not facts.findings:
        return Part(name="auth", state="unknown", detail=facts.reason)
    return _found("auth", facts) or Part(
        name="auth",
        state="wrong" if facts.status == "error" else "fine",
        detail=facts.reason or "The provider has nothing against it.",
    )


def _webhook(facts: Facts) -> Part:
    if found := _found("webhook", facts, only_bad=True):
        return found
    if facts.fetches:
        detail = "None is needed: the hub fetches what comes."
        return Part(name="webhook", state="fine", detail=detail)
    if facts.quarantined:
        calls = "1 call is" if facts.quarantined == 1 else f"{facts.quarantined} calls are"
        detail = f"{calls} quarantined: nothing proved who made them."
        return Part(name="webhook", state="warning", detail=detail)
    if facts.called:
        return Part(
            name="webhook", state="fine", detail="The provider calls, and proves who it is."
        )
    return _found("webhook", facts) or Part(
        name="webhook", state="unknown", detail="Nobody has called yet."
    )


def _inbound(facts: Facts) -> Part:
    if found := _found("inbound", facts, only_bad=True):
        return found
    if facts.traffic.received or facts.active_at:
        return Part(name="inbound", state="fine", detail="Messages come in.")
    return Part(name="inbound", state="unknown", detail="No message has come yet.")


def _outbound(facts: Facts) -> Part:
    if found := _found("outbound", facts, only_bad=True):
        return found
    day = facts.traffic
    if facts.ceiling:
        return Part(name="outbound", state="warning", detail=facts.ceiling)
    if day.failed:
        detail = f"{day.failed} of {day.sent} messages of the last 24 hours failed."
        return Part(name="outbound", state="warning", detail=detail)
    if day.sent:
        return Part(name="outbound", state="fine", detail="Messages go out.")
    return Part(name="outbound", state="unknown", detail="Nothing was sent in the last 24 hours.")


def _found(name: Component, facts: Facts, *, only_bad: bool = False) -> Part | None:
    """Return what the provider said of a part when it was asked last, the worst first."""
    ours = [one for one in facts.findings if facts.components.get(one.code, "auth") == name]
    ours.sort(key=_badness)
    if not ours or (only_bad and _badness(ours[0]) == _GOOD):
        return None
    worst = ours[0]
    state: Mapping[int, State] = {_BAD: "wrong", _WARNING: "warning", _GOOD: "fine"}
    detail = " ".join(filter(None, (worst.detail, worst.fix)))
    return Part(name=name, state=state[_badness(worst)], detail=detail)


_BAD, _WARNING, _GOOD = range(3)


def _badness(finding: Finding) -> int:
    if not finding.ok:
        return _BAD
    return _WARNING if finding.fix else _GOOD
