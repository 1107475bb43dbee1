"""Make forms of any depth from a JSON Schema and the JSON that is there, and read them back.

What is typed is kept as it is, sound or not: whoever owns the schema says what is wrong with it.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, unquote

from pydantic import BaseModel

from hubbub.connect.hidden import HIDDEN
from hubbub.people.errors import Complaint
from hubbub.ui.forms import Form, FormField, field_of, shown_value, typed
from hubbub.ui.nodes import Act, Fieldset, Node, Rows, every, placed
from hubbub.ui.shapes import Group, Named, Rows as Listed, Schema, Shapes, Tuple
from hubbub.ui.sources import NO_SOURCES, Sources

#: Rows to which a button adds one more.
_MOST: Final = 1000
#: Parts of a name that are looked at: no field lies deeper.
_LONGEST: Final = 20
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
#: What is behind the name of rows that people name, in the field for the next name.
_NEXT: Final = "+"


class SchemaForm:
    """The form of one pydantic model, whose fields' names begin with ``path``.

    ``hides``: a secret that is kept is read as `HIDDEN`, and not as itself.
    """

    def __init__(self, model: type[BaseModel], path: str = "", *, hides: bool = True) -> None:
        self._shapes = Shapes(model.model_json_schema())
        self._path = path
        self._hides = hides

    def nodes(
        self,
        value: Mapping[str, Any],
        problems: Sequence[Complaint] = (),
        *,
        kept: Collection[str] | None = None,
        sources: Sources = NO_SOURCES,
    ) -> tuple[Node, ...]:
        """Return the form that shows ``value`` and what is wrong with it.

        ``kept`` names the fields in which something is stored that is not shown; None: those are
        the secrets in ``value``. ``sources`` is what there is to choose from.
        """
        whole, drawing = self._shapes.whole(), _Drawing(self._shapes, kept, sources)
        nodes = drawing.group(whole, self._path, value)
        drawing.wrong = placed(nodes, problems)
        return drawing.group(whole, self._path, value) if drawing.wrong else nodes

    def read(self, form: Form, kept: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was typed; a secret that was left empty is the one that is kept."""
        reading = _Reading(self._shapes, form, hides=self._hides)
        return reading.group(self._shapes.whole(), self._path, kept)

    def after(self, act: Act, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``value`` with what was pressed done to it: a row more, or one less."""
        if not act.looks:
            return dict(value)
        lists = [one for one in every(self.nodes(value)) if isinstance(one, Rows)]
        known = {
            "row": {one.name for one in lists if one.adding == "row"},
            "unrow": {row.name for one in lists for row in one.rows},
        }
        if act.name not in known.get(act.verb, ()):
            return dict(value)
        path = act.name.removeprefix(f"{self._path}.").split(".")
        return dict((_with_row if act.verb == "row" else _without)(value, path))


# --- shown -----------------------------------------------------------------------------------


class _Drawing:
    def __init__(self, shapes: Shapes, kept: Collection[str] | None, sources: Sources) -> None:
        self._shapes = shapes
        self._kept = kept
        self._sources = sources
        #: What is wrong, by the names of what it stands at.
        self.wrong: Mapping[str, str] = {}

    def group(self, group: Group, path: str, value: Any, *, asks: bool = True) -> tuple[Node, ...]:
        given = value if isinstance(value, Mapping) else {}
        return tuple(
            self._node(part, _within(path, name), given.get(name), name in group.required, asks)
            for name, part in group.fields.items()
        )

    def _node(self, part: Schema, path: str, value: Any, required: bool, asks: bool) -> Node:  # noqa: FBT001  # private
        # What is required is never out of sight.
        advanced = not required and part.get("advanced", False)
        section = "" if required or advanced else part.get("section", "")
        # A browser cannot ask for what is behind a fold.
        asks = asks and not (advanced or section)
        about = {
            "name": path,
            "title": _title(part, path),
            "help": part.get("description", ""),
            "problem": self.wrong.get(path, ""),
            "advanced": advanced,
            "section": section,
            "first": part.get("first", False),
        }
        match self._shapes.of(part, path):
            case Group() as group:
                if group.optional:
                    about["title"] += " (optional)"
                parts = self.group(group, path, value, asks=asks and not group.optional)
                return Fieldset(**about, parts=parts)
            case Named(row):
                given = part.get("default") if value is None else value
                rows = self._named(row, path, about["title"], given)
                key = part.get("key", "Name")
                return Rows(**about, rows=tuple(rows), nested="named", key=key)
            case Listed(row, most):
                given = part.get("default") if value is None else value
                rows = self._rows(row, path, about["title"], given, most)
                lines = isinstance(self._shapes.of(row, f"{path}.0"), Tuple)
                return Rows(**about, rows=tuple(rows), nested="lines" if lines else "rows")
        return replace(self._field(part, path, value, required, asks), section=section)

    def _rows(
        self, row: Schema, path: str, title: str, value: Any, most: int | None
    ) -> Iterator[Fieldset]:
        shape = self._shapes.of(row, f"{path}.0")
        given = value if isinstance(value, list) else []
        spare = [None] if isinstance(shape, Tuple) and len(given) < (most or _MOST) else []
        for number, one in enumerate([*given, *spare]):
            where, named = f"{path}.{number}", f"{title}, no. {number + 1}"
            if isinstance(shape, Tuple):
                parts = self._tuple(shape, where, one)
            else:
                parts = self.group(shape, where, one) if isinstance(shape, Group) else ()
            yield Fieldset(
                name=where,
                title=named,
                parts=parts,
                problem=self.wrong.get(where, ""),
                spare=number == len(given),
            )

    def _tuple(self, shape: Tuple, path: str, value: Any) -> tuple[Node, ...]:
        given = value if isinstance(value, list | tuple) else ()
        return tuple(
            self._field(item, f"{path}.{number}", shown, required=True, asks=False)
            for number, item in enumerate(shape.items)
            for shown in [given[number] if number < len(given) else None]
        )

    def _named(self, row: Schema, path: str, title: str, value: Any) -> Iterator[Fieldset]:
        group = self._shapes.of(row, f"{path}.0")
        for key, one in (value if isinstance(value, Mapping) else {}).items():
            where = _within(path, _name_of(key))
            yield Fieldset(
                name=where,
                title=f"{title}: {key}",
                parts=self.group(group, where, one) if isinstance(group, Group) else (),
                problem=self.wrong.get(where, ""),
            )

    def _field(self, part: Schema, path: str, value: Any, required: bool, asks: bool) -> FormField:  # noqa: FBT001  # private
        secret = bool(part.get("writeOnly")) and bool(value) and value != HIDDEN
        field = field_of(
            path,
            {**part, "title": _title(part, path)},
            None if value is None else shown_value(value),
            self.wrong.get(path, ""),
            required=required and asks,
            advanced=not required and part.get("advanced", False),
            kept=secret if self._kept is None else path in self._kept,
            sources=self._sources,
        )
        return replace(field, settled=True) if required and not asks else field


# --- read ------------------------------------------------------------------------------------


class _Reading:
    def __init__(self, shapes: Shapes, form: Form, *, hides: bool) -> None:
        self._shapes = shapes
        self._form = form
        self._hides = hides
        self._parts = _parts(form)

    def group(self, group: Group, path: str, kept: Any) -> dict[str, Any]:
        known = kept if isinstance(kept, Mapping) else {}
        found = {
            name: self._value(part, _within(path, name), known.get(name))
            for name, part in group.fields.items()
        }
        return {
            name: value
            for name, value in found.items()
            if not _unsaid(value, known.get(name), group.fields[name].get("default"))
        }

    def _value(self, part: Schema, path: str, kept: Any) -> Any:
        match self._shapes.of(part, path):
            case Group() as group:
                # Where all of it may be left out, what merely is as always says nothing.
                if group.optional and not self.group(group, path, {}):
                    return None
                return self.group(group, path, kept)
            case Listed(row, _):
                return list(self._rows(row, path, kept if isinstance(kept, list) else []))
            case Named(row):
                known = kept if isinstance(kept, Mapping) else {}
                return {
                    key: self._row(row, _within(path, _name_of(key)), known.get(key))
                    for key in self._keys(path)
                }
        return self._field(part, path, kept)

    def _rows(self, row: Schema, path: str, kept: Sequence[Any]) -> Iterator[Any]:
        for number in self._numbers(path):
            before = kept[number] if number < len(kept) else None
            one = self._row(row, f"{path}.{number}", before)
            if one is not None:
                yield one

    def _row(self, row: Schema, path: str, kept: Any) -> Any:
        """Return a row; None: a line that nobody filled in."""
        shape = self._shapes.of(row, path)
        if isinstance(shape, Tuple):
            read = [self._field(one, f"{path}.{n}", None) for n, one in enumerate(shape.items)]
            return [one or "" for one in read] if any(read) else None
        return self.group(shape, path, kept) if isinstance(shape, Group) else None

    def _field(self, part: Schema, path: str, kept: Any) -> Any:
        field = field_of(path, part, "", "", required=False, advanced=False, kept=False)
        value = typed(field, self._form)
        if field.kind == "password" and not value and kept:
            return HIDDEN if self._hides else kept
        return value

    def _numbers(self, path: str) -> list[int]:
        """Return the numbers of the rows that the form has at ``path``."""
        found = (one for one in self._parts.get(path, ()) if _NUMBER.fullmatch(one))
        return sorted(set(map(int, found)))

    def _keys(self, path: str) -> list[str]:
        """Return the names of the rows at ``path``, and the one that was just thought of."""
        named = [unquote(one) for one in self._parts.get(path, ()) if one != _NEXT]
        new = self._form.get(_within(path, _NEXT), "").strip()
        return list(dict.fromkeys([*named, *filter(None, [new])]))


def _parts(form: Form) -> dict[str, dict[str, None]]:
    """Return what the names of a form have behind each path, in their order."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for name in form:
        path = ""
        for part in name.split(".", _LONGEST):
            found[path][part] = None
            path = _within(path, part)
    return found


def _unsaid(value: Any, kept: Any, default: Any) -> bool:
    """Whether ``value`` says nothing: a form shows defaults, which nobody may want to keep."""
    if value is None:
        return True
    return kept is None and (value in (default, {}) or (value == [] and not default))


# --- rows ------------------------------------------------------------------------------------


def _without(value: Any, path: Sequence[str]) -> Any:
    """Return ``value`` without the row at ``path``."""
    if len(path) > 1:
        return _inside(value, path, _without)
    if isinstance(value, Mapping):
        return {key: one for key, one in value.items() if _name_of(key) != path[0]}
    return [one for number, one in enumerate(value) if str(number) != path[0]]


def _with_row(value: Any, path: Sequence[str]) -> Any:
    """Return ``value`` with an empty row behind those of the list at ``path``."""
    if not path:
        rows = value if isinstance(value, list) else []
        return [*rows, {}] if len(rows) < _MOST else rows
    return _inside(value, path, _with_row)


def _inside(value: Any, path: Sequence[str], change: Any) -> Any:
    name, *rest = path
    if isinstance(value, list):
        return [
            change(one, rest) if str(number) == name else one for number, one in enumerate(value)
        ]
    inner = value if isinstance(value, Mapping) else {}
    key = next((one for one in inner if _name_of(one) == name), name)
    return {**inner, key: change(inner.get(key), rest)}


def _name_of(key: str) -> str:
    """Return the name of a row in a form, which no dot or blank parts."""
    return quote(key, safe="").replace(".", "%2E")


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _title(part: Schema, path: str) -> str:
    return part.get("title") or path.rpartition(".")[2].replace("_", " ").capitalize()
