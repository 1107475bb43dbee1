"""Show everything that happened to one message."""

import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template

from hubbub.api import queries as api_queries
from hubbub.hub import Hub
from hubbub.route.rules import Decision, sentence
from hubbub.sdk.content import from_json, preview
from hubbub.store.session import reading
from hubbub.track.trace import TraceItem, trace
from hubbub.ui import words
from hubbub.ui.guard import Guard


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the trace."""

    at: str
    clock: str
    stage: str
    what: str
    detail: str
    duration: str


@dataclass(frozen=True, kw_only=True)
class TracePage:
    """The trace of a message."""

    id: str
    conversation_id: str
    text: str
    direction: str
    status: str
    why: str
    steps: tuple[Step, ...]


def add_messages(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the page of a message's trace."""

    @ui.get("/messages/<message_id>/trace")
    @guard.page
    def trace_of(message_id: str) -> str:
        with reading(hub.engine) as db:
            row = api_queries.message(db, message_id)
            if row is None:
                abort(404)
            items = trace(db, message_id)
        page = TracePage(
            id=row.id,
            conversation_id=row.conversation_id,
            text=preview(from_json(row.content)),
            direction=row.direction,
            status=row.status,
            why=_why(row.decision),
            steps=tuple(_step(item) for item in items),
        )
        return render_template("trace.html", page=page)


def _why(decision: dict[str, Any] | None) -> str:
    if decision is None:
        return ""
    if "not_routed" in decision:
        return str(decision["not_routed"])
    try:
        return sentence(Decision.from_json(decision))
    except (KeyError, TypeError, ValueError):
        return str(decision.get("why", ""))


def _step(item: TraceItem) -> Step:
    detail = {name: value for name, value in item.detail.items() if value not in (None, "", [], {})}
    return Step(
        at=words.exact(item.at),
        clock=item.at.strftime("%H:%M:%S.%f")[:-3],
        stage=item.stage,
        what=item.what,
        detail=json.dumps(detail, indent=2, ensure_ascii=False) if detail else "",
        duration="" if item.duration_ms is None else f"{item.duration_ms} ms",
    )
