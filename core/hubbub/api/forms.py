"""Describe a channel type's form as one JSON Schema without references."""

from typing import Any

from pydantic import BaseModel


def form_schema(fields: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of ``credentials`` and ``settings``; secrets carry ``writeOnly``."""
    schema = fields.model_json_schema()
    definitions = schema.pop("$defs", {})
    found: dict[str, Any] = _inlined(schema, definitions)
    return found


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        beside = {name: value for name, value in node.items() if name != "$ref"}
        return _inlined({**target, **beside}, definitions)
    plain = {name: _inlined(value, definitions) for name, value in node.items()}
    # A secret that may be left out is one of two schemas; the mark belongs to the field.
    if any(isinstance(one, dict) and one.get("writeOnly") for one in plain.get("anyOf", ())):
        plain["writeOnly"] = True
    return plain
