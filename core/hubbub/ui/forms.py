"""Make forms from the JSON Schema of a channel type's fields, and read them back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One field of a form. ``name`` is its path, such as ``credentials.token``."""

    name: str
    title: str
    help: str = ""
    #: text, lines (more than one), password, number, checkbox or select.
    kind: str = "text"
    value: str = ""
    options: tuple[str, ...] = ()
    required: bool = False
    #: Whether it is for the few, and stands behind a fold.
    advanced: bool = False
    #: Whether something is stored that is not shown; left empty, it stays.
    kept: bool = False
    problem: str = ""

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
        model = _resolved(schema, schema["properties"].get(part, {}))
        required = set(model.get("required", ()))
        for name, field in model.get("properties", {}).items():
            path = f"{part}.{name}"
            described = _resolved(schema, field)
            found.append(
                _field(
                    path,
                    described,
                    values.get(path),
                    problems.get(path, ""),
                    required=name in required,
                    # A browser cannot ask for what is out of sight.
                    advanced=name not in required and described.get("advanced", False),
                    kept=name in kept and part == "credentials",
                )
            )
    return tuple(sorted(found, key=lambda field: field.advanced))


def read_form(fields: tuple[FormField, ...], form: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what was typed, by ``credentials`` and ``settings``; empty ones are left out."""
    given: dict[str, dict[str, Any]] = {"credentials": {}, "settings": {}}
    for field in fields:
        part, _, name = field.name.partition(".")
        typed = form.get(field.name, "").strip()
        if field.kind == "checkbox":
            given[part][name] = bool(typed)
        elif typed:
            given[part][name] = typed
        elif part == "settings" and field.value:
            given[part][name] = None
    return given


def _field(
    path: str,
    schema: Mapping[str, Any],
    value: str | None,
    problem: str,
    *,
    required: bool,
    advanced: bool,
    kept: bool,
) -> FormField:
    kind, options = _kind(schema)
    default = schema.get("default")
    shown = value if value is not None else ("" if default is None else str(default))
    return FormField(
        name=path,
        title=schema.get("title") or path.partition(".")[2].replace("_", " ").capitalize(),
        help=schema.get("description", ""),
        kind=kind,
        value="" if kind == "password" else shown,
        options=options,
        required=required and not kept,
        advanced=advanced,
        kept=kept,
        problem=problem,
    )


def _kind(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
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
    return ("lines" if schema.get("format") == "multiline" else "text"), ()


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, keeping what stands beside it."""
    reference = part.get("$ref")
    if reference is None and len(part.get("allOf", ())) == 1:
        reference = part["allOf"][0].get("$ref")
    if reference is None:
        return part
    return {**schema["$defs"][reference.rpartition("/")[2]], **part}
