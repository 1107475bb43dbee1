"""Show a template as a form, with what it says filled in as far as it is."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.api import queries as api_queries
from hubbub.deliver.gate import Sendable
from hubbub.people.errors import Invalid
from hubbub.sdk.content import Template
from hubbub.sdk.errors import HubError
from hubbub.store.templates import KnownTemplate
from hubbub.store.types import AnyRow

_BLANK: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
#: How the names of what is filled in begin in a form.
_PREFIX: Final = "parameter."
#: What is filled in of a button, before what stands on it.
_OF_BUTTON: Final = {
    "url": "End of the address behind",
    "quick_reply": "What comes back from",
    "copy_code": "Code to copy by",
}


@dataclass(frozen=True, kw_only=True)
class Blank:
    """One thing to fill in."""

    name: str
    label: str
    value: str
    required: bool
    max_length: int | None
    url: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of what a template says; ``fills``: what is filled in there, if anything."""

    text: str
    fills: str = ""


@dataclass(frozen=True, kw_only=True)
class TemplateForm:
    """A template that may be sent."""

    id: str
    name: str
    language: str
    blanks: tuple[Blank, ...]
    #: Line by line.
    lines: tuple[tuple[Piece, ...], ...]
    #: Whether nobody here knows what it wants filled in.
    unknown: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class TemplateRow:
    """A template in the list; ``withheld`` says why it may not be sent."""

    id: str
    name: str
    language: str
    says: str
    withheld: str = ""


def template_rows(db: Connection, answer: Sendable) -> tuple[TemplateRow, ...]:
    """Return the templates of a channel, those first that may be sent."""
    judged = [*((one, "") for one in answer.templates), *answer.withheld]
    rows = api_queries.templates_by_ids(db, [one.id for one, _ in judged])
    return tuple(
        TemplateRow(
            id=one.id,
            name=one.name,
            language=one.language,
            says=_body(rows[one.id]) if one.id in rows else "",
            withheld=withheld,
        )
        for one, withheld in judged
    )


def template_form(
    db: Connection,
    answer: Sendable,
    template_id: str,
    given: Mapping[str, str],
    error: HubError | None = None,
) -> TemplateForm | None:
    """Return the form of a template that may be sent, filled in as ``given``; or None."""
    known = next((one for one in answer.templates if one.id == template_id), None)
    row = api_queries.template(db, template_id)
    if known is None or row is None:
        return None
    wrong = _wrong(error)
    return TemplateForm(
        id=known.id,
        name=known.name,
        language=known.language,
        blanks=tuple(_blanks(known, given, wrong, _buttons(row.components))),
        lines=tuple(_lines(row.components, given, known)),
        unknown=known.parameters is None,
        problem="" if error is None or wrong else error.detail,
    )


def filled(known: TemplateForm, given: Mapping[str, str]) -> Template:
    """Return the message that a form asks for; what is left empty is left out."""
    values = {blank.name: given.get(_PREFIX + blank.name, "").strip() for blank in known.blanks}
    return Template(
        name=known.name,
        language=known.language,
        parameters={name: value for name, value in values.items() if value},
    )


def _wrong(error: HubError | None) -> dict[str, str]:
    """Return what is wrong with what was filled in, by its name."""
    if not isinstance(error, Invalid):
        return {}
    prefix = "content.parameters."
    return {
        one.field.removeprefix(prefix): one.message
        for one in error.complaints
        if one.field.startswith(prefix)
    }


def _blanks(
    known: KnownTemplate,
    given: Mapping[str, str],
    wrong: Mapping[str, str],
    buttons: Sequence[str],
) -> Iterator[Blank]:
    for one in known.parameters or ():
        yield Blank(
            name=one.name,
            label=_label(one.name, buttons),
            value=given.get(_PREFIX + one.name, ""),
            required=one.required,
            max_length=one.max_length,
            url=one.holds == "url",
            problem=wrong.get(one.name, ""),
        )


def _label(name: str, buttons: Sequence[str]) -> str:
    """Return what a blank is called: ``1``, ``header.name``, ``button.0.url``."""
    match name.split("."):
        case ["button", number, what] if number.isdecimal() and int(number) < len(buttons):
            return f"{_OF_BUTTON.get(what, what.capitalize())} “{buttons[int(number)]}”"
        case [number] if number.isdecimal():
            return f"Blank {number}"
    return name.replace(".", " ").replace("_", " ").capitalize()


def _buttons(components: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what stands on the buttons of a template, in their order."""
    return [
        str(one.get("text", "")) if isinstance(one, Mapping) else ""
        for component in components
        for one in component.get("buttons") or ()
    ]


def _lines(
    components: Iterable[Mapping[str, Any]], given: Mapping[str, str], known: KnownTemplate
) -> Iterator[tuple[Piece, ...]]:
    """Yield what a template says. Its components are the provider's: what is a text, is shown."""
    names = {one.name for one in known.parameters or ()}
    for component in components:
        part = str(component.get("type", "")).lower()
        for text in _texts(component):
            yield tuple(_pieces(text, part, names, given))


def _texts(component: Mapping[str, Any]) -> Iterator[str]:
    for one in (component, *(component.get("buttons") or ())):
        if isinstance(one, Mapping) and isinstance(one.get("text"), str):
            yield one["text"]


def _pieces(text: str, part: str, names: set[str], given: Mapping[str, str]) -> Iterator[Piece]:
    end = 0
    for found in _BLANK.finditer(text):
        if found.start() > end:
            yield Piece(text=text[end : found.start()])
        # A blank of a heading may have the heading's name before its own.
        name = f"{part}.{found[1]}" if f"{part}.{found[1]}" in names else found[1]
        yield Piece(text=given.get(_PREFIX + name) or found[0], fills=name)
        end = found.end()
    if end < len(text):
        yield Piece(text=text[end:])


def _body(row: AnyRow) -> str:
    return " · ".join(text for component in row.components for text in _texts(component))
