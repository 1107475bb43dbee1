"""Place an inbound message: decide, ask the destination, and carry out what it says."""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import structlog
from pydantic import ValidationError

from hubbub.deliver.gate import admit
from hubbub.deliver.rules import compose, handling
from hubbub.directory import Line
from hubbub.plugins import Plugins, RouteHooks, UnknownType
from hubbub.route.rules import INBOX, Destination, Subject, decide
from hubbub.sdk.content import Content, Reaction, System
from hubbub.sdk.errors import HubError
from hubbub.sdk.routing import HandOver, Inquiry, Outcome, Reply, Tag
from hubbub.store.clean import clean
from hubbub.store.tags import with_tag
from hubbub.store.threads import Thread
from hubbub.store.types import as_json_time

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Placement:
    """Where a message goes and why, and the rows that this makes."""

    decision: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    #: Whose queue it is to wait in, by name or id; empty: everybody's.
    team: str = ""
    tags: list[str] = field(default_factory=list)


def routable(content: Content) -> bool:
    """Whether ``content`` says something that a destination could answer."""
    match content:
        case Reaction():
            return False
        case System(event=event):
            return event == "started"
    return True


@dataclass(slots=True, kw_only=True)
class Case:
    """One message and the thread that it belongs to, on its way to a destination."""

    plugins: Plugins
    line: Line
    thread: Thread
    inquiry: Inquiry
    #: The message's number in its conversation.
    seq: int


def place(case: Case) -> Placement:
    """Decide where a message goes, and do what can be done without requests."""
    inquiry = case.inquiry
    decision = decide(
        case.line.routes,
        Subject(
            content=inquiry.content,
            address=inquiry.address,
            name=inquiry.name,
            first=inquiry.first,
            at=inquiry.received_at,
        ),
    )
    placement = Placement(decision=decision.as_json())
    _ask_in_turn(case, _Choice(decision.destination, decision.route_id), placement)
    return placement


def fall_back(case: Case, why: str, *, asked: str) -> Placement:
    """Place a message whose destination (of type ``asked``) failed.

    When and ``why`` go into its decision record.
    """
    at = as_json_time(case.inquiry.now)
    placement = Placement(decision={"fell_back": why, "fell_back_at": at, "asked": asked})
    if case.thread.owner.startswith("bot:"):
        case.thread.give_to("people")
    _ask_in_turn(case, _Choice(case.line.routes.fallback), placement)
    return placement


def carry_out(case: Case, kind: RouteHooks, outcome: Outcome, placement: Placement) -> None:
    """Do what a destination said: its rows go to ``placement``, all else to the thread."""
    handed_over = False
    outcome = clean(outcome)
    author = f"{'bot' if kind.automatic else 'route'}:{kind.type}"
    for action in outcome.actions:
        match action:
            case Reply(content=content):
                _reply(case, content, author, placement)
            case HandOver(to="queue", team=team):
                handed_over = True
                if team:
                    placement.team = team
                    placement.decision["destination"] = {"type": kind.type, "team": team}
            case Tag(tag=tag):
                tags = with_tag(case.thread.tags, tag)
                placement.tags += [one for one in tags if one not in case.thread.tags]
                case.thread.tags = tags
    if outcome.why:
        placement.decision["why"] = outcome.why
    _settle_owner(case.thread, kind, handed_over=handed_over)


def _settle_owner(thread: Thread, kind: RouteHooks, *, handed_over: bool) -> None:
    if kind.automatic:
        thread.give_to("people" if handed_over else f"bot:{kind.type}")
    elif thread.owner.startswith("bot:"):
        thread.give_to("queue")


class _Choice(NamedTuple):
    """A destination, and the rule that leads to it; none: the fallback."""

    destination: Destination
    route_id: str | None = None


def _ask_in_turn(case: Case, first: _Choice, placement: Placement) -> None:
    """Ask the decided destination, the fallback, and in the end people, until one takes it."""
    wanted = [first, _Choice(case.line.routes.fallback), _Choice(INBOX)]
    if case.thread.owner == "people" or case.thread.owner.startswith("user:"):
        # People handle this conversation: what answers by itself keeps quiet.
        wanted = [one for one in wanted if not _automatic(case.plugins, one.destination)]
        if wanted[0] != first:
            placement.decision["kept_with"] = case.thread.owner
    for choice in wanted:
        if _take(case, choice, placement):
            return


def _automatic(plugins: Plugins, destination: Destination) -> bool:
    kind = plugins.routes.get(destination.type)
    return kind is not None and kind.automatic


def _take(case: Case, choice: _Choice, placement: Placement) -> bool:
    """Ask one destination; False when it does not want the message or cannot be asked."""
    destination = choice.destination
    try:
        kind = case.plugins.route(destination.type)
        settings = kind.validate(destination.settings)
        inquiry, version = case.inquiry, case.thread.owner_version
        if inquiry.owner_version != version:
            inquiry = replace(inquiry, owner_version=version)
        outcome = _first_step(kind, inquiry, settings)
    except (UnknownType, ValidationError) as error:
        _note(placement, destination, f"It cannot be used: {str(error).partition(chr(10))[0]}")
        return False
    # A route type may fail in any way; the message goes on to the next destination.
    except Exception:
        log.exception("destination failed", destination=destination.type, channel=case.line.id)
        _note(placement, destination, "It failed; see the log.")
        return False
    if outcome is not None and outcome.passed:
        _note(placement, destination, outcome.why or "It passed.")
        return False
    placement.decision["destination"] = {"type": destination.type}
    if outcome is None:
        _hand_to(case, kind, choice, placement)
    else:
        carry_out(case, kind, outcome, placement)
    return True


def _hand_to(case: Case, kind: RouteHooks, choice: _Choice, placement: Placement) -> None:
    """Leave the message to a destination that first makes a request."""
    if kind.automatic:
        case.thread.give_to(f"bot:{kind.type}")
    placement.deliveries.append(
        handling(
            case.thread,
            message_id=case.inquiry.message_id,
            seq=case.seq,
            destination=kind.type,
            routes_version=case.line.routes.version,
            route_id=choice.route_id,
            first_message=case.inquiry.first,
            now=case.inquiry.now,
        )
    )


def _first_step(kind: RouteHooks, inquiry: Inquiry, settings: Any) -> Outcome | None:
    """Return what the destination says at once, or None when it first wants to make a request."""
    exchange = kind.handle(inquiry, settings)
    try:
        next(exchange)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome
    exchange.close()
    return None


def _reply(case: Case, content: Content, author: str, placement: Placement) -> None:
    try:
        now = case.inquiry.now
        held = admit(case.plugins, case.line, case.thread, content, author=author, now=now)
        composed = compose(case.line, case.thread, content, author=author, now=now, held=held)
    # A channel type may fail in any way at fitting it; the message itself is not lost by that.
    except Exception as error:  # noqa: BLE001  # see above
        reason = error.detail if isinstance(error, HubError) else type(error).__name__
        log.warning("answer not sent", channel=case.line.id, reason=reason)
        placement.decision.setdefault("errors", []).append(f"An answer could not be sent: {reason}")
        return
    placement.messages.append(composed.message)
    placement.deliveries.extend(composed.deliveries)


def _note(placement: Placement, destination: Destination, why: str) -> None:
    placement.decision.setdefault("skipped", []).append({"type": destination.type, "why": why})
