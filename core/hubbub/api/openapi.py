"""Describe the API as OpenAPI 3.1, from the very declarations that serve it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from hubbub import __version__
from hubbub.api.endpoint import PREFIX, Endpoint, Nothing, needs_body
from hubbub.api.problems import MEANINGS, MEDIA_TYPE, status_of
from hubbub.api.shapes import CONTENT_MARK
from hubbub.sdk.content import Content

_Refs: TypeAlias = Mapping[Any, Mapping[str, Any]]
_REF: Final = "#/components/schemas/{model}"
_ALWAYS: Final = ("unauthorized", "forbidden", "internal", "database-down")
_ID: Final = {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"}
_PROBLEM: Final = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def describe(endpoints: Iterable[Endpoint], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of ``endpoints``."""
    endpoints = tuple(endpoints)
    refs, schemas = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hubbub",
            "version": __version__,
            "description": "The JSON API of the hub. Times are RFC 3339 in UTC, ids are opaque.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in endpoints)],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _operation(one: Endpoint, refs: _Refs) -> dict[str, Any]:
    summary, _, rest = (one.handler.__doc__ or "").strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": one.handler.__name__,
        "summary": summary.rstrip("."),
        "description": " ".join([*rest.split(), f"Needs the scope `{one.scope}`."]),
        "tags": [one.tag],
        "parameters": list(_parameters(one)),
        "responses": _responses(one, refs),
    }
    content = _request_content(one, refs)
    if content:
        required = bool(one.form) or needs_body(one.body)
        operation["requestBody"] = {"required": required, "content": content}
    return operation


def _parameters(one: Endpoint) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", one.path):
        yield {"name": name, "in": "path", "required": True, "schema": _ID}
    for name, schema in one.query.model_json_schema().get("properties", {}).items():
        given = {key: value for key, value in schema.items() if key != "description"}
        yield {
            "name": name,
            "in": "query",
            "description": schema.get("description", ""),
            "schema": _without_null(given),
        }
    for name, meaning in one.headers.items():
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        yield {"name": name, "in": "header", "description": meaning, "schema": schema}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a query field, which is left out rather than null."""
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) != 1:
        return dict(schema)
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**rest, **kinds[0]}


def _request_content(one: Endpoint, refs: _Refs) -> dict[str, Any]:
    if one.form:
        properties = {
            name: {"type": "string", "format": "binary", "description": meaning}
            for name, meaning in one.form.items()
        }
        form = {"type": "object", "required": list(one.form), "properties": properties}
        return {"multipart/form-data": {"schema": form}}
    if one.body is Nothing:
        return {}
    return {"application/json": {"schema": refs[one.body]}}


def _responses(one: Endpoint, refs: _Refs) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(one.status).phrase}
    if _is_model(one.answer):
        answer["content"] = {"application/json": {"schema": refs[one.answer]}}
    elif one.file:
        answer["content"] = {one.file: {"schema": {"type": "string", "format": "binary"}}}
    responses = {str(one.status): answer}
    for status, codes in _by_status(_problems(one)).items():
        responses[str(status)] = {
            "description": "; ".join(f"`{code}`: {MEANINGS[code]}" for code in codes),
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    return responses


def _problems(one: Endpoint) -> Iterator[str]:
    yield from _ALWAYS
    yield from one.problems
    if "{" in one.path:
        yield "not-found"
    if one.body is not Nothing or one.form:
        yield from ("not-json", "too-large", "unsupported-media-type")
    if one.body is not Nothing or one.form or one.query is not Nothing:
        yield "invalid"
    if one.method != "GET":
        yield "conflict"


def _by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        found.setdefault(status_of(code), []).append(code)
    return dict(sorted(found.items()))


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[_Refs, dict[str, Any]]:
    models: dict[tuple[type[BaseModel], Literal["validation", "serialization"]], None] = {}
    for one in endpoints:
        if one.body is not Nothing:
            models[one.body, "validation"] = None
        if _is_model(one.answer):
            models[one.answer, "serialization"] = None
    found, definitions = models_json_schema(list(models), ref_template=_REF)
    refs = {model: schema for (model, _), schema in found.items()}
    ours = _linked(definitions["$defs"])
    return refs, {**ours, **_content_schemas(), "Problem": _PROBLEM}


def _linked(node: Any) -> Any:
    """Put the reference to the content where its mark is: pydantic knows only its own."""
    if isinstance(node, list):
        return [_linked(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("$comment") == CONTENT_MARK["$comment"]:
        said = {name: node[name] for name in ("title", "description") if name in node}
        return {"$ref": _REF.format(model="Content"), **said}
    return {name: _linked(value) for name, value in node.items()}


def _content_schemas() -> dict[str, Any]:
    schema = TypeAdapter(Content).json_schema(ref_template=_REF)
    definitions: dict[str, Any] = schema.pop("$defs")
    # The provider's handle of a file is nothing that is ever shown or taken.
    media = definitions["Media"]["properties"]
    media.pop("ref")
    # A file that the caller keeps, named by its address, has no id here.
    media["id"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return {**definitions, "Content": {"title": "Content", **schema}}


def _is_model(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, BaseModel)
