"""Make forms of any depth from a JSON Schema and the JSON that is there, and read them back.

What is typed is kept as it is, sound or not: whoever owns the schema says what is wrong with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from werkzeug.datastructures import MultiDict

from hubbub.connect.hidden import HIDDEN
from hubbub.people.errors import Complaint
from hubbub.ui.forms import FormField, field_of, resolved, shown_value, typed_json

Form: TypeAlias = MultiDict[str, str]
#: Rows that one list in a form may have.
_MOST: Final = 200
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Fieldset:
    """Several fields that belong together; in a list, one row of it."""

    name: str
    title: str
    help: str = ""
    parts: tuple["Node", ...]
    problem: str = ""
    nested: str = "fieldset"

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A list of fieldsets, to which more can be added."""

    name: str
    title: str
    help: str = ""
    rows: tuple[Fieldset, ...]
    problem: str = ""
    nested: str = "rows"

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")


Node: TypeAlias = FormField | Fieldset | Rows


class SchemaForm:
    """The form of one pydantic model, whose fields' names begin with ``path``."""

    def __init__(self, model: type[BaseModel], path: str) -> None:
        self._schema = model.model_json_schema()
        self._path = path

    def nodes(
        self, value: Mapping[str, Any], problems: Sequence[Complaint] = ()
    ) -> tuple[Node, ...]:
        """Return the form that shows ``value`` and what is wrong with it."""
        return tuple(self._nodes(self._schema, self._path, value, problems))

    def read(self, form: Form, kept: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was typed; a secret that was left empty is `HIDDEN` where one is kept."""
        found = self._read(self._schema, self._path, form, kept)
        return found if isinstance(found, dict) else {}

    # --- shown -------------------------------------------------------------------------------

    def _nodes(
        self,
        model: Mapping[str, Any],
        path: str,
        value: Mapping[str, Any],
        problems: Sequence[Complaint],
    ) -> Iterator[Node]:
        required = set(model.get("required", ()))
        for name, field in model.get("properties", {}).items():
            part = self._resolved(field)
            yield self._node(
                part, f"{path}.{name}", value.get(name), problems, required=name in required
            )

    def _node(
        self,
        part: Mapping[str, Any],
        path: str,
        value: Any,
        problems: Sequence[Complaint],
        *,
        required: bool,
    ) -> Node:
        title, about = _title(part, path), part.get("description", "")
        if (row := self._row(part)) is not None:
            given = value if isinstance(value, list) else []
            rows = (
                self._fieldset(row, f"{path}.{number}", f"{title}, no. {number + 1}", one, problems)
                for number, one in enumerate(given)
            )
            own = _exactly(problems, path)
            return Rows(name=path, title=title, help=about, rows=tuple(rows), problem=own)
        if (group := self._group(part)) is not None:
            optional = "" if required else " (optional)"
            return self._fieldset(group, path, f"{title}{optional}", value, problems, about=about)
        kept = bool(part.get("writeOnly")) and bool(value) and value != HIDDEN
        shown = None if value is None else shown_value(value)
        return field_of(
            path,
            {**part, "title": title},
            shown,
            _problem(problems, path),
            required=required,
            advanced=not required and part.get("advanced", False),
            kept=kept,
        )

    def _fieldset(
        self,
        model: Mapping[str, Any],
        path: str,
        title: str,
        value: Any,
        problems: Sequence[Complaint],
        *,
        about: str = "",
    ) -> Fieldset:
        given = value if isinstance(value, Mapping) else {}
        parts = tuple(self._nodes(model, path, given, problems))
        own = _exactly(problems, path)
        return Fieldset(name=path, title=title, help=about, parts=parts, problem=own)

    # --- read --------------------------------------------------------------------------------

    def _read(self, model: Mapping[str, Any], path: str, form: Form, kept: Any) -> Any:
        known = kept if isinstance(kept, Mapping) else {}
        found: dict[str, Any] = {}
        for name, field in model.get("properties", {}).items():
            part, where = self._resolved(field), f"{path}.{name}"
            value = self._value(part, where, form, known.get(name))
            if value is not None:
                found[name] = value
        return found

    def _value(self, part: Mapping[str, Any], path: str, form: Form, kept: Any) -> Any:
        if (row := self._row(part)) is not None:
            before = kept if isinstance(kept, list) else []
            return [
                self._read(
                    row, f"{path}.{number}", form, before[number] if number < len(before) else {}
                )
                for number in _numbers(form, path)
            ]
        if (group := self._group(part)) is not None:
            found = self._read(group, path, form, kept)
            return found if _says_something(found) else None
        value = typed(field_of(path, part, "", "", **_PLAIN), form, kept=kept)
        # The form shows defaults: that they are there does not mean that somebody wants them kept.
        return None if kept is None and value == part.get("default") else value

    # --- the schema --------------------------------------------------------------------------

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        return resolved(self._schema, part)

    def _group(self, part: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the model that a field holds, if it holds one."""
        return next((one for one in self._variants(part) if "properties" in one), None)

    def _row(self, part: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the model of which a field holds a list, if it does."""
        for one in self._variants(part):
            items = self._resolved(one.get("items") or {})
            if "properties" in items:
                return items
        return None

    def _variants(self, part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield part
        yield from map(self._resolved, part.get("anyOf", ()))


_PLAIN: Final = {"required": False, "advanced": False, "kept": False}


def typed(field: FormField, form: Form, *, kept: Any = None) -> Any:
    """Return what was typed into a field as JSON; None: nothing."""
    text = form.get(field.name, "").strip()
    match field.kind:
        case "checkbox":
            return bool(text)
        case "checks":
            return form.getlist(field.name)
        case "list":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "password" if not text and kept:
            return HIDDEN
        case "json" if text:
            return typed_json(text)
        case "number" if _NUMBER.fullmatch(text):
            return float(text) if "." in text else int(text)
    return text or None


def removed(value: Any, path: Sequence[str]) -> Any:
    """Return ``value`` without the row at ``path``."""
    if len(path) == 1:
        return [one for number, one in enumerate(value) if str(number) != path[0]]
    return _within(value, path, removed)


def with_row(value: Any, path: Sequence[str]) -> Any:
    """Return ``value`` with an empty row behind those of the list at ``path``."""
    if not path:
        rows = value if isinstance(value, list) else []
        return [*rows, {}] if len(rows) < _MOST else rows
    return _within(value, path, with_row)


def _within(value: Any, path: Sequence[str], change: Any) -> Any:
    name, *rest = path
    if isinstance(value, list):
        return [
            change(one, rest) if str(number) == name else one for number, one in enumerate(value)
        ]
    inner = value if isinstance(value, Mapping) else {}
    return {**inner, name: change(inner.get(name), rest)}


def _numbers(form: Form, path: str) -> list[int]:
    """Return the numbers of the rows that a form has at ``path``."""
    found = (re.match(rf"{re.escape(path)}\.(\d{{1,3}})(?:\.|$)", name) for name in form)
    return sorted({int(one[1]) for one in found if one})[:_MOST]


def _says_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_says_something, value.values()))
    return bool(value)


def _title(part: Mapping[str, Any], path: str) -> str:
    return part.get("title") or path.rpartition(".")[2].replace("_", " ").capitalize()


def _exactly(problems: Sequence[Complaint], path: str) -> str:
    return " ".join(_sentence(one.message) for one in problems if one.field == path)


def _problem(problems: Sequence[Complaint], path: str) -> str:
    # Behind the path of a value with variants pydantic names the variant.
    about = [one for one in problems if one.field == path or one.field.startswith(f"{path}.")]
    return _sentence(about[0].message) if about else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
