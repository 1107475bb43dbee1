"""Build the form of a channel: a new one, or one that is changed."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from hubbub.people.errors import Invalid
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import ChannelType
from hubbub.store.types import AnyRow
from hubbub.ui.forms import FormField, form_fields, read_form, shown_value


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something to mend in a form: where it is, and what is wrong."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class FormPage:
    """The form of a channel."""

    label: str
    type: str
    name: str
    name_problem: str
    fields: tuple[FormField, ...]
    legacy: str
    problems: tuple[Problem, ...]


def draft_form(
    kind: ChannelType[Any], typed: Mapping[str, str], error: HubError | None = None
) -> FormPage:
    """Return the form of a channel to be, with what was typed and why it was refused.

    Secrets that were typed are kept and never shown again.
    """
    wrong = _complaints(error)
    schema = schema_of(kind)
    secrets = [one.name for one in form_fields(schema, {}, {}) if one.kind == "password"]
    kept = {path.split(".")[1] for path in secrets if typed.get(path)}
    fields = form_fields(schema, typed, wrong, kept=kept)
    return FormPage(
        label=kind.label,
        type=kind.type,
        name=typed.get("name") or kind.label,
        name_problem=wrong.get("name", ""),
        fields=fields,
        legacy=kind.legacy,
        problems=_problems(fields, wrong),
    )


def change_form(
    kind: ChannelType[Any],
    row: AnyRow,
    kept: Collection[str],
    typed: Mapping[str, str],
    error: HubError | None = None,
) -> FormPage:
    """Return the form of a channel that is there; the credentials ``kept`` are never shown."""
    wrong = _complaints(error)
    fields = form_fields(schema_of(kind), {**_flat(row.settings), **typed}, wrong, kept=kept)
    return FormPage(
        label=kind.label,
        type=kind.type,
        name=typed.get("name", row.name),
        name_problem=wrong.get("name", ""),
        fields=fields,
        legacy=kind.legacy,
        problems=_problems(fields, wrong),
    )


def read_new(kind: ChannelType[Any], form: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the credentials and settings of a new channel."""
    return read_form(form_fields(schema_of(kind), {}, {}), form)


def read_change(
    kind: ChannelType[Any], row: AnyRow, form: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the credentials and settings to change; a setting that was emptied is None."""
    return read_form(form_fields(schema_of(kind), _flat(row.settings), {}), form)


def schema_of(kind: ChannelType[Any]) -> Mapping[str, Any]:
    """Return the JSON Schema of a type's form."""
    fields: type[BaseModel] = kind.fields
    schema: Mapping[str, Any] = fields.model_json_schema()
    return schema


def _flat(settings: Mapping[str, Any]) -> dict[str, str]:
    return dict(_shown("settings", settings))


def _shown(path: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what stands in the fields, by their paths: an object may be one, or a group of them."""
    for name, value in values.items():
        yield f"{path}.{name}", shown_value(value)
        if isinstance(value, Mapping):
            yield from _shown(f"{path}.{name}", value)


def _complaints(error: HubError | None) -> dict[str, str]:
    if error is None:
        return {}
    if isinstance(error, Invalid):
        return {one.field: one.message[:1].upper() + one.message[1:] for one in error.complaints}
    return {"": error.detail}


def _problems(fields: tuple[FormField, ...], wrong: Mapping[str, str]) -> tuple[Problem, ...]:
    titles = {"name": "Name", **{field.name: field.title for field in fields}}
    return tuple(
        Problem(id=path.replace(".", "-"), title=titles.get(path, path), text=text)
        for path, text in wrong.items()
    )
