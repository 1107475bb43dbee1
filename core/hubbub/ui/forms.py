"""Make the fields of a form from what a JSON Schema says of single values, and read them back."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, TypeAlias

from werkzeug.datastructures import MultiDict

from hubbub.ui.sources import NO_SOURCES, Source, Sources

Form: TypeAlias = MultiDict[str, str]

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")
_TYPES: Final = {"boolean": "checkbox", "number": "number", "integer": "number", "array": "list"}
#: The kinds of texts that are written in a certain form.
_FORMATS: Final = {
    "multiline": "lines",
    "time": "time",
    "date": "date",
    "timezone": "zone",
    "color": "color",
}


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One field of a form. ``name`` is its path, such as ``credentials.token``."""

    name: str
    title: str
    help: str = ""
    #: text, lines (more than one), list (one a line), json (of any shape), password, number,
    #: time, date, zone (of time), color, checkbox, select, or checks (several of the options, one
    #: a line).
    kind: str = "text"
    value: str = ""
    options: tuple[str, ...] = ()
    #: How people call the options, where these are words of the API; and what none of them means.
    labels: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    #: Whether it is not to be called optional: one of the options holds unless another is chosen,
    #: or hardly anybody can do without it.
    settled: bool = False
    #: Whether all else depends on it, so that it stands at the top.
    first: bool = False
    #: Whether it is for the few, and stands behind the last fold.
    advanced: bool = False
    #: The heading under which it stands, behind a fold; empty: it is always to be seen.
    section: str = ""
    #: Whether something is stored that is not shown; left empty, it stays.
    kept: bool = False
    problem: str = ""
    #: Where the provider shows the value, and what a whole one matches; empty: nobody said.
    link: str = ""
    looks_like: str = ""
    #: Where one more of what is chosen from is made, and what the link to there says.
    make: str = ""
    make_title: str = ""
    nested: ClassVar[str] = ""

    @property
    def id(self) -> str:
        """The field's id in the page."""
        return self.name.replace(".", "-")


def shown_value(value: object) -> str:
    """Return a value of a form as it is shown in its field."""
    if isinstance(value, dict) or (isinstance(value, list | tuple) and _holds_more(value)):
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def typed_json(text: str) -> Any:
    """Return what the JSON says; other text as it is, so that its model says what it wants."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _holds_more(values: Collection[object]) -> bool:
    return any(isinstance(one, dict | list | tuple) for one in values)


def typed(one: FormField, form: Form) -> Any:
    """Return what was typed into a field as JSON; None: nothing."""
    text = form.get(one.name, "").strip()
    match one.kind:
        case "checkbox":
            return bool(text)
        case "checks":
            return form.getlist(one.name)
        case "list":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "json" if text:
            return typed_json(text)
        case "number" if text:
            return _number(text)
    return text or None


def _number(text: str) -> int | float | str:
    """Return the number that ``text`` is; other text as it is, so that its model complains."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def field_of(
    path: str,
    schema: Mapping[str, Any],
    value: str | None,
    problem: str,
    *,
    required: bool,
    advanced: bool,
    kept: bool,
    sources: Sources = NO_SOURCES,
) -> FormField:
    """Return the field for one value that ``schema`` describes; ``value`` None: its default."""
    kind, options = kind_of(schema)
    default = schema.get("default")
    if kind == "json" and not default:
        default = None
    shown = value if value is not None else shown_value(default)
    made = FormField(
        name=path,
        title=schema.get("title") or path.rpartition(".")[2].replace("_", " ").capitalize(),
        help=schema.get("description", ""),
        kind=kind,
        value="" if kind == "password" else shown,
        options=options,
        labels=schema.get("labels", {}),
        settled=default in options or schema.get("usual", False),
        first=schema.get("first", False),
        required=required and not kept,
        advanced=advanced,
        kept=kept,
        problem=problem,
        link=schema.get("link", ""),
        looks_like=schema.get("looks_like", ""),
    )
    source = _source_of(schema, sources)
    return _chosen_from(source, made) if source else made


def _source_of(schema: Mapping[str, Any], sources: Sources) -> Source | None:
    variants = (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ()))
    return next(filter(None, (sources.get(one.get("format", "")) for one in variants)), None)


def _chosen_from(source: Source, one: FormField) -> FormField:
    offered = source.offered(one.value)
    return replace(
        one,
        kind="select",
        options=tuple(offered),
        labels={**one.labels, **offered},
        make=source.make,
        make_title=source.make_title,
    )


def kind_of(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the kind of field for what ``schema`` describes, and what can be chosen in it."""
    variants = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if any(one.get("writeOnly") for one in variants):
        return "password", ()
    for one in variants:
        if "enum" in one:
            return "select", tuple(str(word) for word in one["enum"] if word != "")
        if kind := _kind_of_one(one):
            return kind, ()
    return "text", ()


def _kind_of_one(schema: Mapping[str, Any]) -> str:
    kind = str(schema.get("type"))
    if kind == "object" or "$ref" in schema or _holds_structure(schema.get("items", {})):
        return "json"
    return _TYPES.get(kind) or _FORMATS.get(schema.get("format", ""), "")


def _holds_structure(items: Mapping[str, Any]) -> bool:
    return items.get("type") in {"object", "array"} or bool({"$ref", "anyOf", "oneOf"} & set(items))
