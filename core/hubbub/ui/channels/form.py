"""Build the form of a channel: a new one, or one that is changed."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote
from zoneinfo import available_timezones

from hubbub.people.errors import Complaint, Invalid
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import ChannelType
from hubbub.store.types import AnyRow
from hubbub.ui.forms import Form
from hubbub.ui.nodes import Act, Fieldset, Node, Rows, control_after, every, fields_of, placed
from hubbub.ui.schema_form import SchemaForm
from hubbub.ui.sources import NO_SOURCES, Sources

Json: TypeAlias = Mapping[str, Any]
#: Fields of the form that no plugin describes.
_OURS: Final = {"name": "Name"}
#: The heading of what is for the few.
_ADVANCED: Final = "Advanced"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something to mend in a form: where it is, and what is wrong."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """What stands in a form under one heading, behind a fold."""

    title: str
    nodes: tuple[Node, ...]
    open: bool

    @property
    def id(self) -> str:
        """Its id in the page."""
        return _section_id(self.title)

    def is_titled_by(self, node: Node) -> bool:
        """Whether a node is all that is in it, and says the same at its own head."""
        return self.nodes == (node,) and node.title == self.title


@dataclass(frozen=True, kw_only=True)
class FormPage:
    """The form of a channel."""

    label: str
    type: str
    name: str
    name_problem: str
    #: What is always to be seen.
    nodes: tuple[Node, ...]
    #: All else; what is for the few comes last.
    sections: tuple[Section, ...]
    #: Whether secrets were typed, which are not shown again.
    forgets: bool
    #: The time zones, where one is asked for.
    zones: tuple[str, ...]
    #: The id of what has the focus, after something was pressed that only changes the form.
    at: str
    legacy: str
    problems: tuple[Problem, ...]

    @property
    def all_nodes(self) -> tuple[Node, ...]:
        """What is to be seen, and what is behind folds."""
        return (*self.nodes, *(node for one in self.sections for node in one.nodes))

    def stored_instead(self, stored: "FormPage") -> tuple[tuple[str, str], ...]:
        """Return what ``stored`` says where this form says otherwise; no secret is among it."""
        mine = {one.name: one.value for one in fields_of(self.all_nodes)}
        titles = dict(_titles(stored.all_nodes))
        differs = (
            (titles.get(one.name, one.title), one.value)
            for one in fields_of(stored.all_nodes)
            if one.kind != "password" and (one.name not in mine or mine[one.name] != one.value)
        )
        named = [("Name", stored.name)] if stored.name != self.name else []
        return (*named, *differs)


def draft_form(
    kind: ChannelType[Any],
    typed: Json,
    error: HubError | None = None,
    act: Act | None = None,
    *,
    sources: Sources = NO_SOURCES,
    opened: Collection[str] = (),
) -> FormPage:
    """Return the form of a channel to be, with what was typed and why it was refused.

    Secrets that were typed are kept and never shown again. ``opened`` has the ids of the sections
    that are open anyway.
    """
    name = typed.get("name") or kind.label
    return _page(
        kind, typed, name=name, kept=None, error=error, act=act, sources=sources, opened=opened
    )


def change_form(
    kind: ChannelType[Any],
    row: AnyRow,
    kept: Collection[str],
    typed: Form | None = None,
    error: HubError | None = None,
    *,
    sources: Sources = NO_SOURCES,
    opened: Collection[str] = (),
) -> FormPage:
    """Return the form of a channel that is there; the credentials ``kept`` are never shown.

    ``typed``: what it holds in place of what is stored, with what was pressed done to it.
    ``opened``: as for `draft_form`.
    """
    act = Act.of(typed) if typed is not None else None
    value: Json = {"settings": row.settings}
    name = row.name
    if typed is not None:
        value, name = read_form(kind, typed, value), typed.get("name", row.name)
    hidden = [
        field.name
        for field in fields_of(SchemaForm(kind.fields).nodes({}))
        if field.name.split(".")[:1] == ["credentials"] and field.name.split(".")[1] in kept
    ]
    page = _page(
        kind, value, name=name, kept=hidden, error=error, act=act, sources=sources, opened=opened
    )
    return replace(page, forgets=typed is not None and _tells_secret(page.all_nodes, typed))


def read_form(kind: ChannelType[Any], form: Form, before: Json) -> dict[str, Any]:
    """Return the credentials and settings that a form says, with what was pressed done to them.

    ``before``: what it showed; a secret in it that was left empty stays.
    """
    fields = SchemaForm(kind.fields, hides=False)
    return fields.after(Act.of(form), fields.read(form, before))


def read_change(kind: ChannelType[Any], row: AnyRow, form: Form) -> dict[str, dict[str, Any]]:
    """Return the credentials and settings to change; what of the settings was emptied is None."""
    read = read_form(kind, form, {"settings": row.settings})
    return {
        "credentials": read.get("credentials", {}),
        "settings": _changes(row.settings, read.get("settings", {})),
    }


def sections_with(kind: ChannelType[Any], change: Mapping[str, Json]) -> list[str]:
    """Return the ids of the sections in which ``change``, as `read_change` returns it, is seen."""
    changed = {f"{part}.{name}" for part, values in change.items() for name in values}
    nodes = _top(SchemaForm(kind.fields).nodes({}))
    return [
        _section_id(title)
        for title, inside in _by_section(nodes).items()
        if title and any(one.name in changed for one in inside)
    ]


def _changes(before: Json, after: Json) -> dict[str, Any]:
    """Return what makes ``after`` out of ``before``: each value that differs; None: it is gone."""
    changes: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        former = before.get(name)
        if isinstance(former, Mapping) and isinstance(value, Mapping):
            if inner := _changes(former, value):
                changes[name] = inner
        elif name not in before or value != former:
            changes[name] = value
    return changes


def _page(
    kind: ChannelType[Any],
    value: Json,
    *,
    name: str,
    kept: Collection[str] | None,
    error: HubError | None,
    act: Act | None,
    sources: Sources,
    opened: Collection[str],
) -> FormPage:
    wrong = _complaints(error)
    nodes = _top(SchemaForm(kind.fields).nodes(value, wrong, kept=kept, sources=sources))
    at = control_after(act, nodes) if act else ""
    parts = _by_section(nodes)
    return FormPage(
        label=kind.label,
        type=kind.type,
        name=name,
        name_problem=" ".join(one.message for one in wrong if one.field == "name"),
        nodes=tuple(parts.pop("", ())),
        sections=tuple(
            Section(title=title, nodes=tuple(inside), open=_is_open(title, inside, opened, act))
            for title, inside in parts.items()
        ),
        forgets=False,
        zones=tuple(sorted(available_timezones())) if _tells_zone(nodes) else (),
        at=at,
        legacy=kind.legacy,
        problems=_problems(nodes, wrong),
    )


def _top(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return what credentials and settings hold, in the order in which it is asked for."""
    held = (part for one in nodes for part in getattr(one, "parts", ()))
    return tuple(sorted(held, key=lambda one: (one.advanced, not one.first)))


def _by_section(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    """Return the nodes by the title of their section; by none those that are always seen."""
    found: dict[str, list[Node]] = defaultdict(list)
    for one in nodes:
        found[_ADVANCED if one.advanced else one.section].append(one)
    return found


def _section_id(title: str) -> str:
    return f"section-{quote(title.lower().replace(' ', '-'))}"


def _is_open(title: str, nodes: Sequence[Node], opened: Collection[str], act: Act | None) -> bool:
    inside = tuple(every(nodes))
    return (
        _section_id(title) in opened
        or any(one.problem for one in inside)
        or _leads_into(inside, act)
    )


def _tells_secret(nodes: Sequence[Node], typed: Form) -> bool:
    return any(one.kind == "password" and typed.get(one.name) for one in fields_of(nodes))


def _tells_zone(nodes: Sequence[Node]) -> bool:
    return any(one.kind == "zone" for one in fields_of(nodes))


def _leads_into(inside: Sequence[Node], act: Act | None) -> bool:
    place = act.name if act and act.looks else ""
    return any(place == one.name or place.startswith(f"{one.name}.") for one in inside)


def _complaints(error: HubError | None) -> tuple[Complaint, ...]:
    if error is None:
        return ()
    found = error.complaints if isinstance(error, Invalid) else (Complaint("", error.detail),)
    return tuple(Complaint(one.field, one.message[:1].upper() + one.message[1:]) for one in found)


def _problems(nodes: Sequence[Node], wrong: Sequence[Complaint]) -> tuple[Problem, ...]:
    elsewhere = [one for one in wrong if not placed(nodes, [one])]
    found = placed(nodes, wrong)
    return (
        *(
            Problem(id=one.field, title=_OURS.get(one.field, one.field), text=one.message)
            for one in elsewhere
        ),
        *(
            Problem(id=where.replace(".", "-"), title=title, text=found[where])
            for where, title in _titles(nodes)
            if where in found
        ),
    )


def _titles(nodes: Sequence[Node], around: str = "") -> Iterator[tuple[str, str]]:
    """Yield the title of each node in the order of the page, behind that of the one around it."""
    for one in nodes:
        yield one.name, f"{around}: {one.title}" if around else one.title
        match one:
            case Fieldset():
                yield from _titles(one.parts, one.title)
            case Rows():
                # A row says itself of what it is one.
                yield from _titles(one.rows)
