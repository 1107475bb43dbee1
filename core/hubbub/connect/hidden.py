"""Show a destination's settings without its secrets, and put back those that were left hidden."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hubbub.plugins import Plugins, UnknownType

#: What is shown in place of a destination's secret; saved again, it keeps the secret.
HIDDEN: Final = "********"
#: What some programs take for an absolute URL, blanks left out; and one that all read alike.
_URL: Final = re.compile(r"https?:|[a-z][a-z0-9+.-]*:[/\\]", re.ASCII | re.IGNORECASE)
_PLAIN: Final = re.compile(r"[a-z0-9+.-]+://[a-z0-9.:\[\]-]+(?![^/?#])", re.ASCII | re.IGNORECASE)
_BLANKS: Final = re.compile(r"[\s\x00-\x20]+")


def hidden(plugins: Plugins, to: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule's ``to`` with `HIDDEN` in place of every secret, at any depth.

    Where the plugin that knows which settings are secret is missing, all of them are.
    """
    try:
        schema = plugins.route(str(to.get("type"))).kind.fields.model_json_schema()
    except UnknownType:
        return {name: value if name == "type" else HIDDEN for name, value in to.items()}
    masked = _masked(to, schema, schema.get("$defs", {}))
    return dict(masked) if isinstance(masked, Mapping) else {}


def revealed(plugins: Plugins, to: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``to`` with the secrets of ``kept`` where it holds `HIDDEN`.

    Only of a destination of the same type, where the secret stood before, and if what it names
    leads nowhere else: who may write routes but never saw the secret must not have it sent to them.
    """
    if to.get("type") != kept.get("type") or not _origins(to) <= _origins(kept):
        return dict(to)
    return {**to, **_filled(to, kept, hidden(plugins, kept))}


def still_hidden(value: object, where: str) -> Iterator[str]:
    """Yield the path of every `HIDDEN` in ``value``, which stands at ``where``."""
    if value == HIDDEN:
        yield where
    items = value.items() if isinstance(value, Mapping) else ()
    for name, item in enumerate(value) if isinstance(value, list) else items:
        yield from still_hidden(item, f"{where}.{name}")


def _origins(value: object) -> set[str]:
    """Return the origin of every URL in ``value``; a URL that is not plain is one of its own."""
    if isinstance(value, str):
        if not _URL.match(_BLANKS.sub("", value)):
            return set()
        plain = _PLAIN.match(value)
        return {plain.group().lower() if plain else value}
    if isinstance(value, Mapping):
        return set().union(*map(_origins, value.values()))
    return set().union(*map(_origins, value)) if isinstance(value, list) else set()


def _masked(value: Any, schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    schema = known.get(str(schema.get("$ref")).rpartition("/")[2], schema)
    if schema.get("writeOnly"):
        return HIDDEN if value else value
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        value = _masked(value, one, known)
    if isinstance(value, Mapping):
        return {name: _masked(item, _of(schema, name), known) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, schema.get("items") or {}, known) for item in value]
    return value


def _of(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the schema of what an object holds under ``name``."""
    found = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
    return found if isinstance(found, Mapping) else {}


def _filled(value: Any, kept: Any, shown: Any) -> Any:
    if value == HIDDEN:
        return kept if shown == HIDDEN else value
    if isinstance(value, Mapping) and isinstance(kept, Mapping) and isinstance(shown, Mapping):
        return {
            name: _filled(item, kept.get(name), shown.get(name)) for name, item in value.items()
        }
    if isinstance(value, list) and isinstance(kept, list) and len(value) == len(kept):
        return [_filled(*three) for three in zip(value, kept, shown, strict=True)]
    return value
