"""Show everything that happened to one message, and settle what went wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from sqlalchemy import Connection

from hubbub.api import queries as api_queries
from hubbub.connect.versions import names_of
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.route.rules import INBOX, Considered, Decision, Destination, Looked
from hubbub.route.telling import sentence
from hubbub.sdk.content import from_json, preview
from hubbub.store.session import reading, transaction
from hubbub.track.trace import Stage, TraceItem, trace
from hubbub.ui import queries, words
from hubbub.ui.guard import Guard, by_script
from hubbub.ui.routing.path import step_of

#: What people call the stages, and some of what is known there.
_STAGES: Final[Mapping[Stage, str]] = {
    "receive": "Receiving",
    "normalise": "Reading",
    "route": "Routing",
    "deliver": "Sending",
    "track": "Receipts",
}
_FACTS: Final = {
    "content_type": "kind",
    "due_at": "next try",
    "external_id": "provider's id",
    "mime_type": "kind of file",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the trace."""

    at: str
    clock: str
    stage: str
    what: str
    #: What is known of it in a line each, and what takes more.
    facts: tuple[tuple[str, str], ...]
    detail: str
    #: The kept call that it tells of; empty where it tells of none.
    call_id: str
    duration: str


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """What became of one rule, when the message was placed."""

    name: str
    state: str
    said: str
    conditions: tuple[Looked, ...]


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a message went where it went: by which version of whose rules, rule by rule."""

    said: str
    channel_id: str = ""
    #: 0: no rules were asked.
    version: int = 0
    rules: tuple[Ruled, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TracePage:
    """The trace of a message."""

    id: str
    conversation_id: str
    contact_id: str
    text: str
    direction: str
    tick: words.Tick
    problem: str
    why: Why | None
    steps: tuple[Step, ...]


def add_messages(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the page of a message's trace, and what can be done about a message."""
    _add_trace(ui, hub, guard)
    _add_settling(ui, hub, guard)


def _add_trace(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/messages/<message_id>/trace")
    @guard.page
    def trace_of(message_id: str) -> str:
        with reading(hub.engine) as db:
            row = api_queries.message(db, message_id)
            if row is None:
                abort(404)
            items = trace(db, message_id)
            names = queries.names(db)
        page = TracePage(
            id=row.id,
            conversation_id=row.conversation_id,
            contact_id=row.contact_id,
            text=preview(from_json(row.content)),
            direction=row.direction,
            tick=words.TICKS[row.status],
            problem=(row.error or {}).get("detail", ""),
            why=_why(hub, row.channel_id, row.decision),
            steps=tuple(_step(item, names) for item in items),
        )
        return render_template("operate/trace.html", page=page)


def _add_settling(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/messages/<message_id>/<any(retry,arrived,cancel):what>")
    @guard.page
    def settle(message_id: str, what: str) -> Any:
        with transaction(hub.engine) as db:
            _settle(hub, db, message_id, what)
            conversation_id = deliver.conversation_of(db, message_id)
        nudge_deliver(hub)
        hub.live.publish([LiveEvent("status", None, conversation_id, message_id)])
        if by_script():
            return Response(status=204)
        return redirect(url_for("ui.conversation", conversation_id=conversation_id))


def _settle(hub: Hub, db: Connection, message_id: str, what: str) -> None:
    match what:
        case "retry":
            deliver.retry(hub, db, message_id)
        case "arrived":
            deliver.settle_by_hand(db, message_id, arrived=True)
        case _:
            deliver.cancel(db, message_id)


def _why(hub: Hub, channel_id: str, decision: dict[str, Any] | None) -> Why | None:
    if decision is None:
        return None
    if "not_routed" in decision:
        return Why(said=str(decision["not_routed"]))
    try:
        read = Decision.from_json(decision)
    except ValueError:
        return Why(said=str(decision.get("why", "")))
    where = names_of(hub, Destination.from_json(decision.get("destination") or INBOX.as_json()))
    said = sentence(read, where)
    if "kept_with" in decision:
        said = f"Went to {where}: people have this conversation, so no bot was asked."
    rules = tuple(_ruled(one) for one in read.considered)
    return Why(said=said, channel_id=channel_id, version=read.version, rules=rules)


def _ruled(one: Considered) -> Ruled:
    step = step_of(one.matched, one.off, one.conditions)
    return Ruled(name=one.name, state=step.state, said=step.said, conditions=one.conditions)


def _step(item: TraceItem, names: Mapping[str, str]) -> Step:
    known = {name: value for name, value in item.detail.items() if value not in (None, "", [], {})}
    call_id = str(known.pop("event_id", ""))
    if "author" in known:
        known["author"] = words.author(known["author"], names)
    facts = {name: _fact(value) for name, value in known.items()}
    long = {name: value for name, value in known.items() if facts[name] is None}
    return Step(
        at=words.exact(item.at),
        clock=f"{item.at.strftime('%H:%M:%S.%f')[:-3]} UTC",
        stage=_STAGES[item.stage],
        what=item.what,
        facts=tuple((_called(name), fact) for name, fact in facts.items() if fact),
        detail=json.dumps(long, indent=2, ensure_ascii=False) if long else "",
        call_id=call_id,
        duration="" if item.duration_ms is None else f"{item.duration_ms} ms",
    )


def _called(name: str) -> str:
    return _FACTS.get(name) or name.replace("_", " ")


def _fact(value: object) -> str | None:
    """Return a value as it stands in a line; None where it takes more."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else None
