"""Take the answers that bots give later: ``POST /callbacks/<delivery>``."""

from flask import Blueprint, Response, jsonify, request

from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.route.handling import NotAwaited, resume
from hubbub.sdk.errors import MalformedPayload, SendError

#: Bytes of one answer.
_LARGEST = 256 << 10


def make_callbacks(hub: Hub) -> Blueprint:
    """Return the routes for answers; each is authorised by a token for its message alone."""
    blueprint = Blueprint("callbacks", __name__)

    @blueprint.post("/callbacks/<delivery_id>")
    def callback(delivery_id: str) -> tuple[Response, int]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hub.vault.signed(f"callback:{delivery_id}", token):
            return _problem(401, "unauthorized", "The callback token is missing or wrong.")
        if (request.content_length or 0) > _LARGEST:
            return _problem(413, "too-large", "An answer may have 256 kB.")
        answer = request.get_json(silent=True)
        if answer is None:
            return _problem(400, "not-json", "The body is not JSON.")
        try:
            resume(hub, delivery_id, answer)
        except MalformedPayload as error:
            return _problem(422, "invalid", error.detail)
        except (NotAwaited, SendError) as error:
            return _problem(409, "not-awaited", error.detail)
        nudge_deliver(hub)
        hub.live.publish([LiveEvent("message")])
        return jsonify(status="accepted"), 202

    return blueprint


def _problem(status: int, code: str, detail: str) -> tuple[Response, int]:
    answer = jsonify(type=f"/problems/{code}", title=code, status=status, detail=detail)
    answer.content_type = "application/problem+json"
    return answer, status
