"""Answer the calls about events: the raw webhook calls that were kept."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from flask import Response
from pydantic import Field
from sqlalchemy import Connection, Row

from hubbub.api import queries, shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint, require
from hubbub.api.pages import Page, by_id, cut
from hubbub.connect.former import channel_secrets, open_former
from hubbub.connect.rules import open_connection
from hubbub.hub import Hub
from hubbub.normalise.work import rehearse
from hubbub.people.errors import NotFound
from hubbub.receive.rules import judge
from hubbub.receive.work import NotReleasable, replay
from hubbub.redact import Redactor
from hubbub.sdk.errors import HubError
from hubbub.sdk.mailbox import LETTER
from hubbub.store.calls import kept_call
from hubbub.store.session import reading
from hubbub.store.states import CallState
from hubbub.track.trace import place

_TAG: Final = "Events"
_LETTER_TYPE: Final = "message/rfc822"
_BYTES_TYPE: Final = "application/octet-stream"


class EventQuery(Page):
    """Which calls."""

    channel_id: str | None = None
    state: shapes.CallStateWord | None = None
    message_id: str | None = Field(None, description="The one that brought this message.")


class Replay(Body):
    """How to run a call again."""

    force: bool = Field(default=False, description="Release a quarantined call on a person's word.")


@endpoint("GET", "/events", tag=_TAG, scope="read")
def list_events(hub: Hub, ask: Ask[EventQuery, Nothing]) -> shapes.Listing[shapes.EventJson]:
    """List the webhook calls that were kept, the newest first."""
    query = ask.query
    with reading(hub.engine) as db:
        rows = queries.calls(
            db,
            channel_id=query.channel_id,
            state=query.state,
            message_id=query.message_id,
            before=query.before_id(),
            limit=query.fetch,
        )
    page, cursor = cut(rows, query.limit, by_id)
    items = [shapes.EventJson(**row._asdict()) for row in page]
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("GET", "/events/{id}", tag=_TAG, scope="read")
def get_event(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.WholeEventJson:
    """Return a kept call with its headers and body; the channel's secrets are taken out."""
    return whole_event(hub, ask.id)


@endpoint("GET", "/events/{id}/letter", tag=_TAG, scope="admin", file=_LETTER_TYPE)
def get_event_letter(hub: Hub, ask: Ask[Nothing, Nothing]) -> Response:
    """Return a kept letter as mail programs open it; the channel's secrets are taken out."""
    return letter_file(hub, ask.id)


def whole_event(hub: Hub, call_id: str) -> shapes.WholeEventJson:
    """Return a kept call without the channel's secrets. Raises `NotFound`."""
    row, redactor = _kept(hub, call_id)
    return _whole(row, redactor)


def letter_file(hub: Hub, call_id: str) -> Response:
    """Return the letter that a call brought, to be saved. Raises `NotFound`."""
    row, redactor = _kept(hub, call_id)
    if row.method != LETTER:
        raise NotFound("This event is no letter.")
    return _file(row, redactor, f"letter-{row.id}.eml", _LETTER_TYPE)


def body_file(hub: Hub, call_id: str) -> Response:
    """Return the body of a call, to be saved. Raises `NotFound`."""
    row, redactor = _kept(hub, call_id)
    return _file(row, redactor, f"call-{row.id}.bin", _BYTES_TYPE)


def _kept(hub: Hub, call_id: str) -> tuple[Row[Any], Redactor | None]:
    with reading(hub.engine) as db:
        row = _found(db, call_id)
        return row, _redactor(hub, queries.channel_even_deleted(db, row.channel_id))


def _file(row: Row[Any], redactor: Redactor | None, name: str, content_type: str) -> Response:
    if redactor is None:
        raise NotFound("It is withheld: the secrets to take out are no longer known.")
    answer = Response(redactor.data(row.body), content_type=content_type)
    answer.headers.update(
        {
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        }
    )
    return answer


@endpoint("POST", "/events/{id}/replay", tag=_TAG, scope="write", problems=("not-releasable",))
def replay_event(hub: Hub, ask: Ask[Nothing, Replay]) -> shapes.EventJson:
    """Run a kept call again; what already took effect does not take effect twice.

    A quarantined call is released if it now proves authentic, or by `force`, which needs a token
    with the scope `admin`: whoever sent it may have made it up.
    """
    if ask.body.force:
        require(ask.bearer, "admin")
    with reading(hub.engine) as db:
        _found(db, ask.id)
    replay(hub, ask.id, force=ask.body.force, actor=ask.bearer.actor)
    with reading(hub.engine) as db:
        row = _found(db, ask.id)
    return shapes.EventJson(**row._asdict())


@endpoint("GET", "/events/{id}/rehearsal", tag=_TAG, scope="read", problems=("not-releasable",))
def rehearse_event(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.RehearsalJson:
    """Say what running a kept call again would do, and do nothing."""
    return rehearsal(hub, ask.id)


def rehearsal(hub: Hub, call_id: str) -> shapes.RehearsalJson:
    """Return what running a kept call again would do. Raises `NotFound` and `NotReleasable`."""
    with reading(hub.engine) as db:
        row = _found(db, call_id)
        line = hub.directory.usable(db, row.channel_id)
    if line is None:
        raise NotReleasable("Its channel is deleted, or the channel's plugin is not loaded.")
    call = kept_call(row)
    refused = ""
    if row.state == CallState.QUARANTINED:
        judged = judge(line, call)
        if judged.state != CallState.PENDING:
            refused = judged.reason or "a handshake"
    would = rehearse(hub, line, call)
    return shapes.RehearsalJson(
        refused=refused,
        before=[_outcome(one) for one in row.outcomes or ()],
        after=[_outcome(one) for one in would.outcomes],
        messages=[
            shapes.RehearsedJson(
                direction=one["direction"],
                content=one["content"],
                conversation_id=one["conversation_id"],
                destination=_destination(one["decision"] or {}),
            )
            for one in would.messages
        ],
    )


def _destination(decision: Mapping[str, Any]) -> str | None:
    return place(decision["destination"]) if "destination" in decision else None


def _found(db: Connection, call_id: str) -> Row[Any]:
    row = queries.call(db, call_id)
    if row is None:
        raise NotFound("There is no such event: it never was, or was deleted after its time.")
    return row


def _redactor(hub: Hub, channel: Row[Any]) -> Redactor | None:
    """Return what masks the secrets of a channel; None where nobody knows them any more."""
    try:
        connection, former = open_connection(hub, channel), open_former(hub, channel)
    except HubError:
        return None
    return Redactor(channel_secrets(connection, former))


def _whole(row: Row[Any], known: Redactor | None) -> shapes.WholeEventJson:
    body, encoding = _body(row.body, known) if known else ("", "withheld")
    # What is secret by its name is masked all the same.
    redactor = known or Redactor()
    summary = {**row._asdict(), "url": redactor.text(row.url)}
    return shapes.WholeEventJson(
        **{
            **summary,
            "headers": redactor.headers(row.headers),
            "body": body,
            "body_encoding": encoding,
            "outcomes": [_outcome(one) for one in row.outcomes or ()],
        }
    )


def _body(body: bytes, redactor: Redactor) -> tuple[str, str]:
    clean = redactor.data(body)
    try:
        return clean.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(clean).decode(), "base64"


def _outcome(one: Mapping[str, Any]) -> shapes.OutcomeJson:
    return shapes.OutcomeJson(
        kind=one.get("kind"),
        key=one.get("key"),
        outcome=one["outcome"],
        reason=one.get("reason") or "",
        message_id=one.get("message_id"),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    list_events,
    get_event,
    get_event_letter,
    rehearse_event,
    replay_event,
)
