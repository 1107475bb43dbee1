"""Tell what a JSON Schema describes, as far as it makes a difference to a form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
#: How deep groups lie in each other before one is written as JSON: a model may hold itself.
_DEEPEST: Final = 6


@dataclass(frozen=True)
class Group:
    """Several values, each under its name. ``optional``: all of it may be left out."""

    fields: Mapping[str, Schema]
    required: frozenset[str] = frozenset()
    optional: bool = False


@dataclass(frozen=True)
class Tuple:
    """Some values in their order, such as a time from and a time to."""

    items: tuple[Schema, ...]


@dataclass(frozen=True)
class Rows:
    """Any number of the same."""

    row: Schema
    most: int | None = None


@dataclass(frozen=True)
class Named:
    """The same under names that people choose."""

    row: Schema


@dataclass(frozen=True)
class Value:
    """One value, for which there is one field."""


Shape: TypeAlias = Group | Tuple | Rows | Named | Value


class Shapes:
    """The shapes that one JSON Schema describes."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def whole(self) -> Group:
        """Return the model that the schema is of."""
        return self._group(self._schema, self._schema.get("default"), optional=False)

    def of(self, part: Schema, path: str) -> Shape:
        """Return the shape of ``part``, which stands at ``path``; a reference in it is followed."""
        variants = [one for one in self._variants(part) if one.get("type") != "null"]
        if len(variants) != 1 or path.count(".") > _DEEPEST:
            return Value()
        one, optional = variants[0], len(part.get("anyOf", ())) > 1
        if "properties" in one:
            return self._group(one, part.get("default"), optional=optional)
        if "prefixItems" in one:
            return Tuple(tuple(map(self.resolved, one["prefixItems"])))
        items = self.resolved(one.get("items") or {})
        if items and isinstance(self.of(items, f"{path}.0"), Group | Tuple):
            return Rows(items, one.get("maxItems"))
        return self._mapping(one, path)

    def resolved(self, part: Schema) -> Schema:
        """Return ``part`` with its reference followed, keeping what stands beside that."""
        reference = part.get("$ref")
        if reference is None and len(part.get("allOf", ())) == 1:
            reference = part["allOf"][0].get("$ref")
        if reference is None:
            return part
        return {**self._schema["$defs"][reference.rpartition("/")[2]], **part}

    def _variants(self, part: Schema) -> Iterator[Schema]:
        given = [*part.get("anyOf", ()), *part.get("oneOf", ())]
        yield from map(self.resolved, given or [part])

    def _group(self, model: Schema, default: Any, *, optional: bool) -> Group:
        usual = default if isinstance(default, Mapping) else {}
        fields = {
            name: {**self.resolved(field), **({"default": usual[name]} if name in usual else {})}
            for name, field in model.get("properties", {}).items()
        }
        return Group(fields, frozenset(model.get("required", ())), optional)

    def _mapping(self, one: Schema, path: str) -> Shape:
        patterns = list(one.get("patternProperties", {}).values())
        row = patterns[0] if len(patterns) == 1 else one.get("additionalProperties")
        if not isinstance(row, Mapping) or not row:
            return Value()
        row = self.resolved(row)
        names = self.resolved(one.get("propertyNames", {}))
        if keys := names.get("enum", ()):
            labels = {**names.get("labels", {}), **one.get("labels", {})}
            return Group({key: {**row, "title": labels.get(key, key)} for key in keys})
        return Named(row) if isinstance(self.of(row, f"{path}.0"), Group) else Value()
