"""Do what visitors ask: each word of theirs is a call of the channel, kept before the answer."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from hubbub.api.problems import Problem, Refusal
from hubbub.api.work import ConversationChange, change_conversation
from hubbub.hub import Hub
from hubbub.live import VISITOR_TYPES, LiveEvent
from hubbub.people.errors import Invalid
from hubbub.sdk.widget_calls import VisitorLeft, VisitorRated, VisitorSaw, VisitorWrote
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.widget import flood, queries, shown
from hubbub.widget.about import keep_known
from hubbub.widget.bodies import (
    ChoiceSaid,
    EndBody,
    FileSaid,
    FormSaid,
    MessageBody,
    OfflineBody,
    RatingBody,
    Said,
    TextSaid,
    visible,
)
from hubbub.widget.desk import Desk, Guest
from hubbub.widget.limits import spend
from hubbub.widget.links import upload_id
from hubbub.widget.places import kept_of
from hubbub.widget.questions import MESSAGE, asked_while_closed, wrong_answers

#: Messages that one acknowledgement can speak of.
_ACKNOWLEDGED: Final = 200
#: How long people need at least to fill in a form.
_HUMAN: Final = timedelta(seconds=3)
#: What a message has to be, so that it is news that it was seen.
_BEFORE: Final[Mapping[str, tuple[str, ...]]] = {
    "delivered": ("sent",),
    "read": ("sent", "delivered"),
}
_LONGEST_CLAIM: Final = 200
log = structlog.get_logger(__name__)


def write(desk: Desk, guest: Guest, body: MessageBody) -> tuple[dict[str, Any], int]:
    """Take a message; return it as the window shows it, and the status of the answer.

    The same ``client_id`` again is the same message. What is kept and not yet read is answered
    without its number: the stream brings it.
    """
    hub = desk.hub
    said = _content(hub, guest, body.content)
    if found := _written(hub, guest, body.client_id):
        return found, 200
    _spend(hub, guest, "message")
    begins = _conversation(hub, guest) is None
    if begins:
        _begin(hub, guest, body.content)
    claims = _claims(guest, body)
    wrote = VisitorWrote(
        visitor=guest.visitor.address,
        name=_name(guest, claims) or (_called(guest) if begins else None),
        client_id=body.client_id,
        content=said,
        greeting=body.greeting if begins else "",
    )
    desk.reception.hear(guest.line, wrote, at_once=True)
    known = _conversation(hub, guest)
    if known is not None:
        whence = kept_of(guest.ip, guest.settings.privacy.ip)
        keep_known(hub, known.contact_id, guest.visitor, body.page, {**claims, "ip": whence})
    found = _written(hub, guest, body.client_id)
    return (found, 201) if found else ({"client_id": body.client_id, "seq": None}, 202)


def leave(desk: Desk, guest: Guest, body: OfflineBody) -> tuple[dict[str, Any], int]:
    """Take what somebody leaves while it is closed, as a filled-in form; like `write`.

    Raises `Invalid` where it lacks what the channel asks for.
    """
    _spend(desk.hub, guest, "offline")
    if body.website or body.elapsed_ms < _HUMAN / timedelta(milliseconds=1):
        log.info("offline form of a program", channel=guest.line.id)
        return {"client_id": body.client_id, "seq": None}, 202
    if wrong := tuple(wrong_answers(asked_while_closed(guest.settings), body.fields)):
        raise Invalid(*wrong)
    form = FormSaid(type="form", fields={name: text for name, text in body.fields.items() if text})
    message = MessageBody(client_id=body.client_id, content=form, page=body.page)
    return write(desk, guest, message)


def end(desk: Desk, guest: Guest, body: EndBody) -> None:
    """Take that the visitor ended the conversation; another word of theirs opens it again.

    What is at its end already is left as it is: another tab was faster, or an agent.
    """
    allowed = guest.settings.conversation.end_by_visitor
    found = _closing(desk.hub, guest, "end", allowed=allowed)
    if found.status == "resolved":
        return
    left = VisitorLeft(visitor=guest.visitor.address, client_id=body.client_id)
    desk.reception.hear(guest.line, left, at_once=True)
    change = ConversationChange(status="resolved")
    change_conversation(desk.hub, found.id, change, actor="visitor")


def rate(desk: Desk, guest: Guest, body: RatingBody) -> None:
    """Take how the visitor found it, once until somebody says something again."""
    found = _closing(desk.hub, guest, "rate", allowed=guest.settings.conversation.rating)
    with reading(desk.hub.engine) as db:
        if queries.is_rated(db, found.id):
            return
    rated = VisitorRated(
        visitor=guest.visitor.address,
        client_id=body.client_id,
        stars=body.stars,
        comment=visible(body.comment),
    )
    desk.reception.hear(guest.line, rated, at_once=True)


def saw(desk: Desk, guest: Guest, up_to: int, state: str) -> None:
    """Take that messages reached the window, or that somebody read them there."""
    found = _conversation(desk.hub, guest)
    if found is None:
        return
    with reading(desk.hub.engine) as db:
        references = queries.not_yet(db, found.id, up_to, _BEFORE[state], limit=_ACKNOWLEDGED)
    if references:
        seen = VisitorSaw(
            visitor=guest.visitor.address,
            state="read" if state == "read" else "delivered",
            references=tuple(references),
        )
        desk.reception.hear(guest.line, seen)


def types(hub: Hub, guest: Guest) -> None:
    """Tell whoever looks at the conversation that the visitor is writing."""
    _spend(hub, guest, "typing")
    found = _conversation(hub, guest)
    if found is not None:
        hub.live.publish([LiveEvent(VISITOR_TYPES, guest.line.id, found.id)])


def place_of(hub: Hub, guest: Guest) -> shown.Place | None:
    """Return which conversation a window shows; None before the first word."""
    found = _conversation(hub, guest)
    if found is None:
        return None
    return shown.Place(
        key=guest.line.webhook_key, conversation_id=found.id, address=guest.visitor.address
    )


def _closing(hub: Hub, guest: Guest, what: str, *, allowed: bool) -> AnyRow:
    """Return the conversation that is at its end. Raises `Refusal` where nobody may say so."""
    _spend(hub, guest, what)
    if not allowed:
        raise Refusal(Problem(code="forbidden", detail="Here visitors do not do that."))
    found = _conversation(hub, guest)
    if found is None:
        raise Refusal(Problem(code="not-found", detail="There is no conversation yet."))
    return found


def _begin(hub: Hub, guest: Guest, said: Said) -> None:
    """Let a conversation begin. Raises `Refusal`."""
    _spend(hub, guest, "begin")
    flood.begins(hub, guest.line)
    if not isinstance(said, FormSaid) and flood.lasts(hub, guest.line.id):
        detail = "Please load the page again: there is a form to fill in first."
        raise Refusal(Problem(code="form-needed", detail=detail))


# --- what is said ---------------------------------------------------------------------------


def _content(hub: Hub, guest: Guest, said: Said) -> dict[str, Any]:
    match said:
        case TextSaid() | ChoiceSaid() | FormSaid():
            content: dict[str, Any] = visible(said.model_dump())
            return content
        case FileSaid():
            return _file(hub, guest, said)


def _file(hub: Hub, guest: Guest, said: FileSaid) -> dict[str, Any]:
    media_id = upload_id(hub.vault, said.media_id, guest.visitor.address)
    with reading(hub.engine) as db:
        file = queries.files(db, [media_id]).get(media_id) if media_id else None
    if file is None:
        raise Refusal(Problem(code="not-found", detail="There is no such upload of yours."))
    kind = str(file.mime_type).partition("/")[0]
    media = {
        name: value
        for name in ("mime_type", "filename", "size", "width", "height")
        if (value := getattr(file, name)) is not None
    }
    content = {
        "type": kind if kind in {"image", "audio", "video"} else "document",
        "media": {**media, "ref": file.id},
    }
    return {**content, "caption": visible(said.caption)} if said.caption else content


def _written(hub: Hub, guest: Guest, client_id: str) -> dict[str, Any] | None:
    """Return a message of this visitor as the window shows it; None where there is none yet."""
    with reading(hub.engine) as db:
        found = queries.message_by_key(db, guest.line.id, f"message:{client_id}")
    if found is None:
        return None
    place = place_of(hub, guest)
    if place is None or place.conversation_id != found.conversation_id:
        raise Refusal(Problem(code="conflict", detail="This client_id is somebody else's."))
    if found.seq is None:
        shown.number(hub, place.conversation_id)
        with reading(hub.engine) as db:
            found = queries.message_by_key(db, guest.line.id, f"message:{client_id}")
    if found is None or found.seq is None:
        return None
    (message,) = shown.before(hub, place, found.seq + 1, 1)
    return {**message, "conversation_id": place.conversation_id}


def _claims(guest: Guest, body: MessageBody) -> dict[str, str]:
    """Return what the page says of its visitor, and what the visitor says in a form."""
    if guest.settings.require_verified:
        return {}
    answers = body.content.fields if isinstance(body.content, FormSaid) else {}
    claims = visible({**body.attributes, **answers})
    return {name: text[:_LONGEST_CLAIM] for name, text in claims.items() if name != MESSAGE}


def _name(guest: Guest, claims: Mapping[str, str]) -> str | None:
    """Return what to call the visitor, where it is known: as proven, else as it is said."""
    if guest.visitor.user is not None:
        return guest.visitor.name
    return claims.get("name") or None


def _called(guest: Guest) -> str:
    """Return what tells one visitor from the next, as long as nobody knows more."""
    return guest.visitor.user or f"Visitor {guest.visitor.id[-4:]}"


def _conversation(hub: Hub, guest: Guest) -> AnyRow | None:
    with reading(hub.engine) as db:
        return queries.conversation(db, guest.line.id, guest.visitor.address)


def _spend(hub: Hub, guest: Guest, what: str) -> None:
    spend(hub.limiter, what, visitor=guest.who, network=guest.network)
