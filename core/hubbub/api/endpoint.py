"""Declare a call of the API once: what it takes, checks, answers, and how it is described."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import structlog
from flask import Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from hubbub.api.problems import Problem, Refusal, invalid, problem_of
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, NotFound, complaints
from hubbub.people.rules import Bearer, Scope
from hubbub.people.tokens import bearer_of
from hubbub.sdk.errors import HubError
from hubbub.store.types import UNKEPT

PREFIX: Final = "/api/v1"
#: Bytes of a JSON body.
_BODY_LIMIT: Final = 1 << 20
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
log = structlog.get_logger(__name__)


class Body(BaseModel):
    """A base for bodies: unknown fields are refused, and a number is no text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def optional(*, secret: bool = False, **more: Any) -> Any:
    """Return a field that may be left out, which is None then, but may not be null.

    Its schema names no default: a client that filled it in would change what it must leave alone.
    """

    def describe(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        if secret:
            schema["writeOnly"] = True

    return Field(None, json_schema_extra=describe, **more)


class Query(BaseModel):
    """A base for query strings: a misspelt filter must not answer with everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(BaseModel):
    """The absence of a query, a body or an answer."""


Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Ask(Generic[Q, B]):
    """One call of the API, validated."""

    bearer: Bearer
    query: Q
    body: B
    #: What the path names, such as ``id``.
    path: Mapping[str, str]
    request: Request = field(repr=False)

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.path["id"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A declared call; ``run`` answers a request to it."""

    method: str
    #: Below `PREFIX`, such as ``/channels/{id}``.
    path: str
    tag: str
    scope: Scope
    status: int
    #: The problems it may answer beside those that every call may.
    problems: tuple[str, ...]
    #: Header fields it understands, and what they mean.
    headers: Mapping[str, str]
    #: The files of a multipart body, and what they are.
    form: Mapping[str, str]
    #: The content type of a file that it answers; empty where it answers JSON.
    file: str
    handler: Callable[[Hub, Ask[Any, Any]], object]
    query: type[BaseModel]
    body: type[BaseModel]
    answer: Any

    def run(self, hub: Hub, request: Request, path: Mapping[str, str]) -> Response:
        """Answer ``request``: authenticate, validate, call the handler; never raise."""
        return guarded(hub, lambda: self._answer(hub, request, path))

    def _answer(self, hub: Hub, request: Request, path: Mapping[str, str]) -> Response:
        bearer = bearer_for(hub, request, self.scope)
        if not all(_ID.fullmatch(part) for part in path.values()):
            raise NotFound("There is nothing at this address.")
        ask = Ask(
            bearer=bearer,
            query=_query(request, self.query),
            body=read_body(request, self.body),
            path=path,
            request=request,
        )
        found = self.handler(hub, ask)
        if isinstance(found, Response):
            return found
        if isinstance(found, BaseModel):
            text = found.model_dump_json()
            return Response(text, status=self.status, content_type="application/json")
        return Response(status=self.status)


def needs_body(model: type[BaseModel]) -> bool:
    """Whether a call with this body cannot do without it."""
    return any(field.is_required() for field in model.model_fields.values())


def guarded(hub: Hub, answer: Callable[[], Response]) -> Response:
    """Return what ``answer`` answers, or the problem that it ran into; never raise."""
    try:
        return answer()
    except RequestEntityTooLarge:
        problem = Problem(code="too-large", detail="The body is too large for this call.")
    except HubError as error:
        problem = problem_of(error)
    except HTTPException:
        problem = Problem(code="not-json", detail="The request cannot be read.")
    # The edge of the process: whatever it is, the caller gets an answer and we the traceback.
    except Exception:
        log.exception("api call failed")
        problem = Problem(code="internal", detail="The hub failed. Its log holds the reason.")
    return problem.response(hub.settings.base_url)


def endpoint(
    method: str,
    path: str,
    *,
    tag: str,
    scope: Scope,
    status: int = 200,
    problems: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    file: str = "",
) -> Callable[[Callable[[Hub, Ask[Q, B]], A]], Endpoint]:
    """Make an `Endpoint` of a handler.

    The handler's annotations say the rest: ``ask: Ask[QueryModel, BodyModel]`` and what it
    returns. Its docstring is the call's description.
    """

    def declare(handler: Callable[[Hub, Ask[Q, B]], A]) -> Endpoint:
        hints = get_type_hints(handler)
        query, body = get_args(hints["ask"])
        return Endpoint(
            method=method,
            path=path,
            tag=tag,
            scope=scope,
            status=status,
            problems=problems,
            headers=headers or {},
            form=form or {},
            file=file,
            handler=handler,
            query=query,
            body=body,
            answer=hints["return"],
        )

    return declare


def bearer_for(hub: Hub, request: Request, scope: Scope) -> Bearer:
    """Return whose token the request carries. Raises `Refusal` unless it has ``scope``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    bearer = bearer_of(hub, token.strip()) if scheme.lower() == "bearer" else None
    if bearer is None:
        detail = "Send `Authorization: Bearer <token>` with a token that was not revoked."
        raise _challenge("unauthorized", detail, "" if not token else 'error="invalid_token"')
    require(bearer, scope)
    return bearer


def require(bearer: Bearer, scope: Scope) -> None:
    """Raise `Refusal` unless the token has ``scope``."""
    if scope not in bearer.scopes:
        detail = f"This call needs a token with the scope {scope!r}."
        raise _challenge("forbidden", detail, f'error="insufficient_scope", scope="{scope}"')


def read_body(
    request: Request,
    model: type[B],
    *,
    limit: int = _BODY_LIMIT,
    mend: Callable[[object], object] | None = None,
) -> B:
    """Return the JSON body of a request as a ``model``, after ``mend``. Raises `Refusal`."""
    if model is Nothing:
        return model()
    request.max_content_length = limit
    raw = request.get_data(cache=False) or _without_body(model)
    if request.mimetype and not _is_json(request.mimetype):
        detail = "Send the body as application/json."
        raise Refusal(Problem(code="unsupported-media-type", detail=detail))
    parsed = _parsed(raw)
    if mend is not None:
        parsed = mend(parsed)
        raw = json.dumps(parsed).encode()
    _refuse_unstorable(parsed)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Refusal(invalid(_named(complaints(error)))) from None


def _challenge(code: str, detail: str, why: str) -> Refusal:
    challenge = ", ".join(filter(None, ('Bearer realm="hubbub"', why)))
    headers = {"WWW-Authenticate": challenge}
    return Refusal(Problem(code=code, detail=detail, headers=headers))


def _query(request: Request, model: type[BaseModel]) -> BaseModel:
    given = request.args.to_dict()
    _refuse_unstorable(given)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refusal(invalid(complaints(error))) from None


def _without_body(model: type[BaseModel]) -> bytes:
    """Return what a missing body stands for, where nothing in it is needed."""
    return b"" if needs_body(model) else b"{}"


def _is_json(mimetype: str) -> bool:
    return mimetype == "application/json" or mimetype.endswith("+json")


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        detail = f"The body is not JSON: {error}."
        raise Refusal(Problem(code="not-json", detail=detail)) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _named(errors: tuple[Complaint, ...]) -> Iterator[Complaint]:
    return (Complaint(error.field or "body", error.message) for error in errors)


def _refuse_unstorable(value: object) -> None:
    found = tuple(_unstorable(value, ""))
    if found:
        raise Refusal(invalid(found))


def _unstorable(value: object, where: str) -> Iterator[Complaint]:
    match value:
        case str() if not _storable(value):
            yield Complaint(where or "body", "Characters that no text holds, such as NUL.")
        case float() if not math.isfinite(value):
            yield Complaint(where or "body", "Take a number that is not endless.")
        case dict():
            for key, item in value.items():
                yield from _unstorable(key, where)
                yield from _unstorable(item, f"{where}.{key}" if where else str(key))
        case list():
            for index, item in enumerate(value):
                yield from _unstorable(item, f"{where}.{index}" if where else str(index))


def _storable(text: str) -> bool:
    """Whether every database can keep ``text``."""
    return ("\0" not in text and text.isascii()) or not UNKEPT.search(text)
