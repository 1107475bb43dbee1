"""Make forms from the JSON Schema of a channel type's fields, and read them back."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One field of a form. ``name`` is its path, such as ``credentials.token``."""

    name: str
    title: str
    help: str = ""
    #: text, lines (more than one), list (one a line), json (of any shape), password, number,
    #: time, checkbox, select, or checks (several of the options, one a line).
    kind: str = "text"
    value: str = ""
    options: tuple[str, ...] = ()
    #: How people call the options, where these are words of the API.
    labels: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    #: Whether it is not to be called optional: one of the options holds unless another is chosen,
    #: or hardly anybody can do without it.
    settled: bool = False
    #: Whether all else depends on it, so that it stands at the top.
    first: bool = False
    #: Whether it is for the few, and stands behind a fold.
    advanced: bool = False
    #: Whether something is stored that is not shown; left empty, it stays.
    kept: bool = False
    problem: str = ""
    #: Where the provider shows the value, and what a whole one matches; empty: nobody said.
    link: str = ""
    looks_like: str = ""

    @property
    def id(self) -> str:
        """The field's id in the page."""
        return self.name.replace(".", "-")


def form_fields(
    schema: Mapping[str, Any],
    values: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    kept: Collection[str] = (),
) -> tuple[FormField, ...]:
    """Return the fields that ``schema`` describes, with what was typed and what is wrong with it.

    ``kept`` names the credentials that are stored already: an empty one stays as it is.
    """
    found = []
    for part in ("credentials", "settings"):
        model = resolved(schema, schema["properties"].get(part, {}))
        for path, described, required in _leaves(schema, model, part):
            found.append(
                field_of(
                    path,
                    described,
                    values.get(path),
                    problems.get(path, ""),
                    required=required,
                    # A browser cannot ask for what is out of sight.
                    advanced=not required and described.get("advanced", False),
                    kept=path.split(".")[1] in kept and part == "credentials",
                )
            )
    return tuple(sorted(found, key=lambda one: (one.advanced, not one.first)))


def read_form(fields: tuple[FormField, ...], form: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what was typed, by ``credentials`` and ``settings``; empty ones are left out."""
    given: dict[str, dict[str, Any]] = {"credentials": {}, "settings": {}}
    for one in fields:
        part, *groups, name = one.name.split(".")
        typed = form.get(one.name, "").strip()
        place = given[part]
        if typed or one.kind == "checkbox":
            for group in groups:
                place = place.setdefault(group, {})
            place[name] = _typed(one, typed)
    for one in fields:
        part, top, *_ = one.name.split(".")
        emptied = one.value and not form.get(one.name, "").strip()
        if part == "settings" and emptied and one.kind != "checkbox":
            # Of a group what is left out is gone, and where nothing is left, so is the group.
            given[part].setdefault(top, None)
    return given


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
    except ValueError:
        return text


def _holds_more(values: Collection[object]) -> bool:
    return any(isinstance(one, dict | list | tuple) for one in values)


def _typed(one: FormField, text: str) -> Any:
    if one.kind == "checkbox":
        return bool(text)
    if one.kind == "number":
        return _number(text)
    if one.kind == "json":
        return typed_json(text)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line] if one.kind == "list" else text


def _number(text: str) -> int | float | str:
    """Return the number that ``text`` is; other text as it is, so that its model complains."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _leaves(
    schema: Mapping[str, Any], model: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield the fields of a model by their paths, and whether they are required; groups inline."""
    required = set(model.get("required", ()))
    for name, given in model.get("properties", {}).items():
        described = resolved(schema, given)
        group = _group(schema, described)
        if group is None:
            yield f"{path}.{name}", described, name in required
            continue
        for inner, one, needed in _leaves(schema, group, f"{path}.{name}"):
            # What may be left out as a whole is asked for where the whole is.
            about = {"advanced": described.get("advanced", False), **one}
            yield inner, about, needed and name in required


def _group(schema: Mapping[str, Any], described: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the model that a field holds, if it does."""
    variants = (resolved(schema, variant) for variant in described.get("anyOf", ()))
    for one in (described, *variants):
        if "properties" in one:
            return one
    return None


def field_of(
    path: str,
    schema: Mapping[str, Any],
    value: str | None,
    problem: str,
    *,
    required: bool,
    advanced: bool,
    kept: bool,
) -> FormField:
    """Return the field for one value that ``schema`` describes; ``value`` None: its default."""
    kind, options = kind_of(schema)
    default = schema.get("default")
    if kind == "json" and not default:
        default = None
    shown = value if value is not None else shown_value(default)
    return FormField(
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


def kind_of(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the kind of field for what ``schema`` describes, and what can be chosen in it."""
    variants = [schema, *schema.get("anyOf", ())]
    if any(one.get("writeOnly") for one in variants):
        return "password", ()
    for one in variants:
        if "enum" in one:
            return "select", tuple(str(word) for word in one["enum"] if word != "")
        if one.get("type") == "boolean":
            return "checkbox", ()
        if one.get("type") in {"number", "integer"}:
            return "number", ()
        if one.get("type") == "object" or {"prefixItems", "$ref"} & one.get("items", {}).keys():
            return "json", ()
        if one.get("type") == "array":
            return "list", ()
    return ("lines" if schema.get("format") == "multiline" else "text"), ()


def resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``part`` with its reference followed, keeping what stands beside that."""
    reference = part.get("$ref")
    if reference is None and len(part.get("allOf", ())) == 1:
        reference = part["allOf"][0].get("$ref")
    if reference is None:
        return part
    return {**schema["$defs"][reference.rpartition("/")[2]], **part}
