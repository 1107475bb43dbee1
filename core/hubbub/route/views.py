"""Take the answers that bots give later: ``POST /callbacks/<delivery>``."""

import json
from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.people.errors import Complaint, Invalid
from hubbub.route.handling import NotAwaited, resume
from hubbub.sdk.errors import HubError, MalformedPayload, SendError

#: Bytes of one answer.
_LARGEST: Final = 256 << 10


def make_callbacks(hub: Hub, problem: Callable[[HubError], Response]) -> Blueprint:
    """Return the routes for answers; each is authorised by a token for its message alone.

    ``problem`` makes the answer to what went wrong, of the same kind as everywhere else.
    """
    blueprint = Blueprint("callbacks", __name__)

    @blueprint.post("/callbacks/<delivery_id>")
    def callback(delivery_id: str) -> tuple[Response, int] | Response:
        try:
            _take(hub, delivery_id)
        except HubError as error:
            return problem(error)
        nudge_deliver(hub)
        hub.live.publish([LiveEvent("message")])
        return jsonify(status="accepted"), 202

    return blueprint


def _take(hub: Hub, delivery_id: str) -> None:
    if not hub.vault.signed(f"callback:{delivery_id}", _token()):
        raise HubError("The callback token is missing or wrong.", code="unauthorized")
    answer = _answer()
    try:
        resume(hub, delivery_id, answer)
    except MalformedPayload as error:
        complaint = error.detail.removeprefix(f"{error.field}: ")
        raise Invalid(Complaint(error.field or "the answer", complaint)) from None
    except SendError as error:
        raise NotAwaited(error.detail) from error


def _token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _answer() -> object:
    # Of a body that does not say how long it is, Werkzeug reads this much and no more.
    request.max_content_length = _LARGEST + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large() from None
    if len(body) > _LARGEST:
        raise _too_large()
    try:
        answer: object = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise HubError("The body is not JSON.", code="not_json") from None
    return answer


def _too_large() -> HubError:
    return HubError("An answer may have 256 kB.", code="too_large")
