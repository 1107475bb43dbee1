"""Steer the sandbox by JSON: be a customer, see what was sent, make things go wrong."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from hubbub.sandbox.config import Rules
from hubbub.sandbox.faults import Fault
from hubbub.sandbox.journal import Called, Journal, Sent
from hubbub.sandbox.providers import Provider
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Json

_LONGEST_WAIT = 30.0
_DEFAULT_LIMIT = 1000

T = TypeVar("T", Sent, Called)


def control_blueprint(world: World, providers: Mapping[str, Provider]) -> Blueprint:
    """Return everything under ``/_sandbox``."""
    blueprint = Blueprint("control", "hubbub.sandbox.control", url_prefix="/_sandbox")
    _add_endpoints(blueprint, providers)
    _add_journals(blueprint, world)
    _add_faults(blueprint, world, providers)
    _add_rest(blueprint, world, providers)
    blueprint.register_error_handler(HTTPException, _refused)
    blueprint.register_error_handler(NoSuchThing, _unknown)
    blueprint.register_error_handler(ValueError, _wrong)
    return blueprint


def _add_endpoints(blueprint: Blueprint, providers: Mapping[str, Provider]) -> None:
    names = {
        "bots": "telegram",
        "accounts": "twilio",
        "gateways": "gateway",
        "applications": "vonage",
        "numbers": "whatsapp",
        "pages": "messenger",
        "clients": "onprem",
        "centres": "smsc",
        "mailboxes": "email",
    }
    for path, name in names.items():
        provider = providers[name]

        def listing(provider: Provider = provider) -> Response:
            return jsonify(items=provider.endpoints())

        def register(provider: Provider = provider) -> tuple[Response, int]:
            return jsonify(provider.register(_body())), 201

        blueprint.add_url_rule(f"/{path}", f"list_{path}", listing, methods=["GET"])
        blueprint.add_url_rule(f"/{path}", f"register_{path}", register, methods=["POST"])

    @blueprint.post("/<any(" + ",".join(providers) + "):provider>/<endpoint>/<action>")
    def act(provider: str, endpoint: str, action: str) -> tuple[Response, int]:
        return jsonify(providers[provider].control(endpoint, action, _body())), 201


def _add_journals(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/outbound")
    def outbound() -> Response:
        kind = request.args.get("kind", "message")
        address, external_id = request.args.get("address"), request.args.get("external_id")

        def wanted(sent: Sent) -> bool:
            return (
                kind in {"all", sent.kind}
                and address in {None, sent.address}
                and external_id in {None, sent.external_id}
                and _of_endpoint(sent)
            )

        return _page(world.sent, wanted)

    @blueprint.get("/calls")
    def calls() -> Response:
        kind = request.args.get("kind")
        return _page(
            world.calls, lambda called: kind in {None, called.kind} and _of_endpoint(called)
        )

    @blueprint.delete("/outbound")
    def forget_outbound() -> tuple[str, int]:
        world.sent.clear()
        return "", 204

    @blueprint.delete("/calls")
    def forget_calls() -> tuple[str, int]:
        world.calls.clear()
        return "", 204


def _add_faults(blueprint: Blueprint, world: World, providers: Mapping[str, Provider]) -> None:
    @blueprint.get("/faults")
    def faults() -> Response:
        return jsonify(items=[_fault(*line) for line in world.faults.listed()])

    @blueprint.post("/faults")
    def add_fault() -> tuple[Response, int]:
        fault = Fault.model_validate(_body())
        if fault.provider and fault.provider not in providers:
            known = ", ".join(sorted(providers))
            raise ValueError(f"there is no provider {fault.provider!r}; there are {known}")
        return jsonify(_fault(world.faults.add(fault), fault, 0)), 201

    @blueprint.delete("/faults")
    def remove_faults() -> tuple[str, int]:
        world.faults.remove()
        return "", 204

    @blueprint.delete("/faults/<int:number>")
    def remove_fault(number: int) -> tuple[str, int]:
        world.faults.remove(number)
        return "", 204


def _add_rest(blueprint: Blueprint, world: World, providers: Mapping[str, Provider]) -> None:
    @blueprint.get("/health")
    def health() -> Response:
        return jsonify(ok=True, providers=list(providers))

    @blueprint.get("/rules")
    def rules() -> Response:
        return jsonify(world.rules.model_dump())

    @blueprint.patch("/rules")
    def change_rules() -> Response:
        world.rules = Rules.model_validate(world.rules.model_dump() | _body())
        return jsonify(world.rules.model_dump())

    @blueprint.post("/reset")
    def reset() -> tuple[str, int]:
        world.reset()
        for provider in providers.values():
            provider.reset()
        return "", 204


def _page(journal: Journal[T], wanted: Any) -> Response:
    since = request.args.get("since", 0, type=int)
    wait = min(request.args.get("wait", 0.0, type=float), _LONGEST_WAIT)
    limit = max(request.args.get("limit", _DEFAULT_LIMIT, type=int), 1)
    found = journal.since(since, wanted=wanted, wait=wait)
    items = found[:limit]
    return jsonify(
        items=[entry.as_json() for entry in items],
        count=len(found),
        total=journal.total,
        next=items[-1].seq if items else since,
    )


def _of_endpoint(line: Sent | Called) -> bool:
    provider, endpoint = request.args.get("provider"), request.args.get("endpoint")
    return provider in {None, line.provider} and endpoint in {None, line.endpoint}


def _fault(number: int, fault: Fault, fired: int) -> Json:
    return {"id": number, "fired": fired, **fault.model_dump()}


def _body() -> Json:
    try:
        body = json.loads(request.data or "{}")
    except ValueError as error:
        raise ValueError(f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")  # noqa: TRY004  # for the caller both are bad JSON
    return body


def _refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


def _unknown(error: NoSuchThing) -> tuple[Response, int]:
    return jsonify(error=str(error)), 404


def _wrong(error: ValueError) -> tuple[Response, int]:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        return jsonify(error=f"{where}: {first['msg']}"), 422
    return jsonify(error=str(error)), 422
