"""Follow a message through the rules of a draft: what each condition saw, and who took it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hubbub.connect.dryrun import find_heard, subject_of
from hubbub.connect.route_drafts import Draft
from hubbub.connect.versions import names_of
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.route import Subject
from hubbub.route.conditions import INBOUND_TYPES
from hubbub.route.rules import Decision, Looked, RouteSet, decide
from hubbub.route.specimens import content_of
from hubbub.sdk.content import preview


@dataclass(frozen=True, kw_only=True)
class Step:
    """What became of one rule for a message: matched, passed, off, unasked or unfinished."""

    state: str
    said: str
    conditions: tuple[Looked, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants explained: what they typed, or a message that came in."""

    kind: str = "text"
    text: str = ""
    sender: str = ""
    at: str = ""
    zone: str = "UTC"
    first: bool = False
    message_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Where the draft sends a message."""

    said: str
    to: str
    by: str
    #: Where the rules in force send it, if elsewhere.
    today: str
    message_id: str


class State(NamedTuple):
    """A draft, and what it is compared with."""

    draft: Draft
    #: What of it can be used.
    sound: RouteSet
    current: RouteSet


def explain(
    hub: Hub, channel_id: str, state: State, asked: Asked | None
) -> tuple[Mapping[str, Step], Explained | None, tuple[str, ...]]:
    """Return what became of each rule by its id, of the fallback under "", and the summary."""
    if asked is None:
        return {}, None, ()
    try:
        subject = _subject(hub, channel_id, asked)
    except Invalid as error:
        return {}, None, tuple(one.message for one in error.complaints)
    except NotFound as error:
        return {}, None, (error.detail,)
    decision, today = decide(state.sound, subject), decide(state.current, subject)
    elsewhere = today.destination != decision.destination
    explained = Explained(
        said=preview(subject.content),
        to=names_of(hub, decision.destination),
        by=decision.route_name,
        today=_today(hub, today) if elsewhere else "",
        message_id=asked.message_id,
    )
    return _steps(state.draft, decision), explained, ()


def _today(hub: Hub, decision: Decision) -> str:
    by = f"by “{decision.route_name}”" if decision.route_id else "as the fallback"
    return f"{names_of(hub, decision.destination)}, {by}"


def _subject(hub: Hub, channel_id: str, asked: Asked) -> Subject:
    if asked.message_id:
        return subject_of(find_heard(hub, channel_id, asked.message_id))
    kind = asked.kind if asked.kind in INBOUND_TYPES else "text"
    return Subject(
        content=content_of(kind, asked.text, choice=asked.text),
        address=asked.sender,
        name=None,
        first=asked.first,
        at=_moment(hub, asked),
    )


def _moment(hub: Hub, asked: Asked) -> datetime:
    if not asked.at:
        return hub.now()
    try:
        return datetime.fromisoformat(asked.at).replace(tzinfo=ZoneInfo(asked.zone or "UTC"))
    except (ValueError, KeyError, OSError):
        problem = "Write a day and a time, and a time zone such as Europe/Berlin."
        raise Invalid(Complaint("at", problem)) from None


def _steps(draft: Draft, decision: Decision) -> dict[str, Step]:
    considered = {one.route_id: one for one in decision.considered}
    steps = {}
    for rule in draft.rules:
        one = considered.get(rule["id"])
        if one is not None:
            steps[rule["id"]] = step_of(one.matched, one.off, one.conditions)
        elif decision.fallback or _before(draft, rule["id"], decision.route_id):
            steps[rule["id"]] = Step(state="unfinished", said="Not asked: it is not finished.")
        else:
            steps[rule["id"]] = Step(state="unasked", said="Not asked: an earlier rule took it.")
    taken = "Takes it: no rule matched." if decision.fallback else "Not needed: a rule took it."
    steps[""] = Step(state="matched" if decision.fallback else "unasked", said=taken)
    return steps


def step_of(matched: bool, off: bool, conditions: tuple[Looked, ...]) -> Step:  # noqa: FBT001  # as a decision has them
    """Return what became of a rule that was asked, or passed over."""
    if off:
        return Step(state="off", said="Not asked: it is switched off.")
    if matched:
        said = "Takes it." if conditions else "Takes it, as it takes every message."
        return Step(state="matched", said=said, conditions=conditions)
    return Step(state="passed", said="Does not match.", conditions=conditions)


def _before(draft: Draft, rule_id: str, winner: str | None) -> bool:
    return winner is not None and draft.place(rule_id) < draft.place(winner)
