"""Take the answers that bots give later: ``POST /callbacks/<delivery>``."""

import json
from typing import Final

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.route.handling import NotAwaited, resume
from hubbub.sdk.errors import MalformedPayload, SendError
from hubbub.store.session import DatabaseDown

#: Bytes of one answer.
_LARGEST: Final = 256 << 10


def make_callbacks(hub: Hub) -> Blueprint:
    """Return the routes for answers; each is authorised by a token for its message alone."""
    blueprint = Blueprint("callbacks", __name__)

    @blueprint.post("/callbacks/<delivery_id>")
    def callback(delivery_id: str) -> tuple[Response, int]:
        if not hub.vault.signed(f"callback:{delivery_id}", _token()):
            return _problem(401, "unauthorized", "The callback token is missing or wrong.")
        try:
            answer = _answer()
        except RequestEntityTooLarge:
            return _problem(413, "too-large", "An answer may have 256 kB.")
        except (ValueError, RecursionError):
            return _problem(400, "not-json", "The body is not JSON.")
        return _resume(hub, delivery_id, answer)

    return blueprint


def _token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _answer() -> object:
    # Of a body that does not say how long it is, Werkzeug reads this much and no more.
    request.max_content_length = _LARGEST + 1
    body = request.get_data(cache=False)
    if len(body) > _LARGEST:
        raise RequestEntityTooLarge
    answer: object = json.loads(body.decode())
    return answer


def _resume(hub: Hub, delivery_id: str, answer: object) -> tuple[Response, int]:
    try:
        resume(hub, delivery_id, answer)
    except MalformedPayload as error:
        complaint = error.detail.removeprefix(f"{error.field}: ")
        errors = [{"field": error.field or "the answer", "message": complaint}]
        return _problem(422, "invalid", error.detail, errors=errors)
    except (NotAwaited, SendError) as error:
        return _problem(409, "not-awaited", error.detail)
    except DatabaseDown:
        refused, status = _problem(503, "database-down", "Nothing was done; send it again.")
        refused.headers["Retry-After"] = "5"
        return refused, status
    nudge_deliver(hub)
    hub.live.publish([LiveEvent("message")])
    return jsonify(status="accepted"), 202


def _problem(status: int, code: str, detail: str, **more: object) -> tuple[Response, int]:
    # No page stands behind these: RFC 9457 wants "about:blank" then, and the status says it all.
    answer = jsonify(type="about:blank", title=code, status=status, detail=detail, **more)
    answer.content_type = "application/problem+json"
    return answer, status
