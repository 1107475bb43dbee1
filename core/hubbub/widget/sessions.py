"""Find out who somebody in front of a window is, and where their conversation stands."""

from dataclasses import replace
from typing import Any

from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.sdk.widget import WidgetSettings
from hubbub.sdk.widget_calls import VisitorProven
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.widget import queries, shown
from hubbub.widget.about import forget_claims, keep_known
from hubbub.widget.bodies import HashProof, JwtProof, SessionBody
from hubbub.widget.config import availability, identity_secrets
from hubbub.widget.desk import Desk
from hubbub.widget.identity import GRACE, Identity, by_hash, by_jwt
from hubbub.widget.visitors import Visitor, renewed, stranger, write_token


def open_session(
    desk: Desk, line: Line, settings: WidgetSettings, body: SessionBody
) -> dict[str, Any]:
    """Return who somebody is, and where their conversation stands. Raises `Unproven`.

    Nothing is stored of a stranger. What is not proven with each session opens nothing that was
    said by somebody proven.
    """
    hub, now = desk.hub, desk.hub.now()
    known = desk.visitor(line, settings, body.token) if body.token else None
    before = known if known is not None and known.user is None else None
    identity = _identity(hub, line, body.identity) if body.identity else None
    if identity is None:
        visitor = renewed(before, now) if before else stranger(line.id, now)
    else:
        visitor = _proven(hub, line, identity)
    moved = identity is not None and before is not None and _move(desk, line, before, visitor)
    with reading(hub.engine) as db:
        found = queries.conversation(db, line.id, visitor.address)
    if found is not None and moved:
        forget_claims(hub, found.contact_id, visitor)
    if found is not None and identity is not None:
        keep_known(hub, found.contact_id, visitor, body.page, {})
    return {
        "token": write_token(hub.vault, visitor),
        "expires_at": int(visitor.expires_at.timestamp()),
        "contact": _contact(visitor),
        **_conversation(hub, _place(line, visitor, found)),
        "availability": availability(settings, now),
    }


def _identity(hub: Hub, line: Line, given: JwtProof | HashProof) -> Identity:
    now = hub.now()
    secrets = identity_secrets(line, now)
    if isinstance(given, JwtProof):
        return by_jwt(given.jwt, secrets, line.webhook_key, now)
    return by_hash(given.user_id, given.user_hash, secrets, now)


def _proven(hub: Hub, line: Line, identity: Identity) -> Visitor:
    return replace(
        stranger(line.id, hub.now()),
        expires_at=identity.expires_at + GRACE,
        user=identity.user,
        name=identity.name,
        attributes=identity.attributes,
    )


def _move(desk: Desk, line: Line, before: Visitor, after: Visitor) -> bool:
    """Let what was said before the proof belong to whom it names, unless they are known."""
    with reading(desk.hub.engine) as db:
        moves = queries.knows(db, line.id, before.address) and not queries.knows(
            db, line.id, after.address
        )
    if moves:
        proven = VisitorProven(visitor=after.address, before=before.address)
        desk.reception.hear(line, proven, at_once=True)
    return moves


def _contact(visitor: Visitor) -> dict[str, Any] | None:
    return None if visitor.user is None else {"user_id": visitor.user, "name": visitor.name}


def _place(line: Line, visitor: Visitor, found: AnyRow | None) -> shown.Place | None:
    if found is None:
        return None
    return shown.Place(key=line.webhook_key, conversation_id=found.id, address=visitor.address)


def _conversation(hub: Hub, place: shown.Place | None) -> dict[str, Any]:
    if place is None:
        return {"conversation": None, "last_seq": 0, "unread": 0}
    # First, so that what is not numbered yet is counted.
    shown.number(hub, place.conversation_id)
    now = shown.standing(hub, place)
    if now is None:
        return _conversation(hub, None)
    return {
        "conversation": {"id": place.conversation_id, **now.state},
        "last_seq": now.last,
        "unread": now.state["unread"],
    }
