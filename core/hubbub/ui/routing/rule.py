"""Build the form of one rule of a draft, or of its fallback, and read what was done in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from zoneinfo import available_timezones

from hubbub.connect.hidden import revealed
from hubbub.connect.route_drafts import Draft
from hubbub.connect.routes import faults_of, faults_of_destination
from hubbub.people.errors import Complaint
from hubbub.plugins import Plugins
from hubbub.ui.channels.form import Problem
from hubbub.ui.forms import Form
from hubbub.ui.nodes import Act, Node
from hubbub.ui.routing.conditions import (
    MODES,
    Condition,
    Gathered,
    Group,
    menu,
    new_condition,
    parts_of,
    read_group,
    read_when,
    shown_group,
    with_part,
    without_part,
    write_when,
    zone_of,
)
from hubbub.ui.schema_form import SchemaForm
from hubbub.ui.sources import NO_SOURCES, Sources

Json: TypeAlias = dict[str, Any]
#: The name under which the fallback is edited, where others have a rule's id.
FALLBACK: Final = "fallback"
_INBOX: Final = {"type": "inbox"}
_PLACES: Final = {"name": "Name", "when": "If", "to": "Then to"}
#: Where a condition stands in its group.
_PLACE: Final = re.compile(r"[0-9]{1,4}")
_EMPTY: Final = "It is empty and so says nothing: add a condition, or remove the group."


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A kind of destination to choose."""

    type: str
    label: str
    description: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class RulePage:
    """The form of one rule; of the fallback it has no conditions and no name."""

    channel_id: str
    channel: str
    id: str
    name: str
    name_problem: str
    when: Gathered | None
    modes: Mapping[str, str]
    menu: Mapping[str, Sequence[tuple[str, str]]]
    zones: tuple[str, ...]
    destinations: tuple[Choice, ...]
    destination: tuple[Node, ...]
    problems: tuple[Problem, ...]
    #: What is to have the focus.
    at: str


# --- shown -----------------------------------------------------------------------------------


def rule_page(
    plugins: Plugins,
    draft: Draft,
    rule_id: str,
    channel: tuple[str, str],
    *,
    checked: bool,
    at: str,
    sources: Sources = NO_SOURCES,
) -> RulePage:
    """Return the form of a rule; what is wrong is said only once it is ``checked``.

    ``channel`` is the channel's id and name; ``sources`` is what destinations are chosen from.
    Raises `NotFound`.
    """
    rule = rule_of(draft, rule_id)
    group = None if rule_id == FALLBACK else read_when(rule.get("when", {}))
    faults = _faults(plugins, rule, group) if checked else ()
    wrong = {one.field: one.message for one in faults}
    to = rule["to"]
    return RulePage(
        channel_id=channel[0],
        channel=channel[1],
        id=rule_id,
        name=rule.get("name", ""),
        name_problem=wrong.get("name", ""),
        when=None if group is None else shown_group(plugins.conditions, group, wrong),
        modes=MODES,
        menu=menu(plugins.conditions),
        zones=tuple(sorted(available_timezones())) if group and _tells_time(group) else (),
        destinations=tuple(_choices(plugins, to["type"])),
        destination=_settings_form(plugins, to, faults, sources),
        problems=tuple(_problem(one) for one in faults),
        at=at,
    )


def rule_of(draft: Draft, rule_id: str) -> Json:
    """Return a rule of a draft; of its fallback, where it goes. Raises `NotFound`."""
    return {"to": draft.fallback} if rule_id == FALLBACK else draft.rule(rule_id)


def _faults(plugins: Plugins, rule: Json, group: Group | None) -> tuple[Complaint, ...]:
    """Return what is wrong by names in the form."""
    if group is None:
        return faults_of_destination(plugins, rule["to"])
    elsewhere = [one for one in faults_of(plugins, rule) if not one.field.startswith("when")]
    if not group.parts and group.mode != "all":
        return (Complaint("when", _EMPTY), *elsewhere)
    inner = (
        Complaint(name, message)
        for name, part in parts_of(group)
        if (message := _wrong_part(plugins, part))
    )
    return (*inner, *elsewhere)


def _wrong_part(plugins: Plugins, part: Condition | Group) -> str:
    if isinstance(part, Group):
        return "" if part.parts else _EMPTY
    alone = {"name": "x", "when": write_when(Group(parts=(part,))), "to": _INBOX}
    wrong = (one.message for one in faults_of(plugins, alone) if one.field.startswith("when"))
    return next(wrong, "")


def _tells_time(group: Group) -> bool:
    return any(isinstance(one, Condition) and one.kind == "time" for _, one in parts_of(group))


def _choices(plugins: Plugins, chosen: str) -> list[Choice]:
    known = [
        Choice(
            type=kind.type,
            label=kind.label,
            description=kind.description,
            chosen=kind.type == chosen,
        )
        for kind in plugins.routes.values()
    ]
    if chosen in plugins.routes:
        return known
    gone = Choice(type=chosen, label=f"{chosen} (not installed)", description="", chosen=True)
    return [*known, gone]


def _settings_form(
    plugins: Plugins, to: Json, faults: Sequence[Complaint], sources: Sources
) -> tuple[Node, ...]:
    kind = plugins.routes.get(to["type"])
    return SchemaForm(kind.fields, "to").nodes(to, faults, sources=sources) if kind else ()


def _problem(fault: Complaint) -> Problem:
    place = fault.field.replace(".", "-")
    title = _PLACES.get(fault.field.partition(".")[0], "")
    return Problem(id=place, title=title, text=fault.message[:1].upper() + fault.message[1:])


# --- read ------------------------------------------------------------------------------------


def read_rule(plugins: Plugins, draft: Draft, rule_id: str, form: Form) -> Draft:
    """Return the draft with what a form says of one rule, and with what was pressed in it.

    Raises `NotFound`.
    """
    act = Act.of(form)
    if rule_id == FALLBACK:
        return draft.with_fallback(_read_to(plugins, draft.fallback, form, act))
    rule = draft.rule(rule_id)
    group = _acted(read_group(plugins.conditions, form), act, form, zone_of(draft.rules))
    return draft.edited(
        {
            **rule,
            "name": form.get("name", "").strip(),
            "when": write_when(group),
            "to": _read_to(plugins, rule["to"], form, act),
        }
    )


def focus_after(form: Form) -> str:
    """Return the id of what has the focus after something was pressed."""
    act = Act.of(form)
    match act.verb:
        case "add" | "row":
            count = sum(_is_child(name, act.name) for name in form)
            return f"{act.name}.{count}".replace(".", "-")
        case "remove" | "unrow":
            return act.name.rpartition(".")[0].replace(".", "-")
        case "more":
            return act.name.replace(".", "-")
        case "type":
            return "to"
    return ""


def _is_child(name: str, parent: str) -> bool:
    """Whether a form's field marks one part of a group, or one row of a list."""
    rest = name.removeprefix(f"{parent}.")
    return rest != name and (rest.isdigit() or rest.removesuffix(".kind").isdigit())


def _acted(group: Group, act: Act, form: Form, zone: str) -> Group:
    path = [int(part) for part in act.name.split(".")[1:] if _PLACE.fullmatch(part)]
    match act.verb:
        case "add":
            kind = form.get(f"{act.name}.add", "")
            new = Group(mode="any") if kind == "group" else new_condition(kind, zone)
            return with_part(group, path, new) if kind else group
        case "remove" if path:
            return without_part(group, path)
    return group


def _read_to(plugins: Plugins, kept: Json, form: Form, act: Act) -> Json:
    wanted = form.get("to.type", kept["type"])
    kind = plugins.routes.get(wanted)
    if kind is None:
        return kept
    before = kept if kept["type"] == wanted else {}
    fields = SchemaForm(kind.fields, "to")
    to = revealed(plugins, {**fields.read(form, before), "type": wanted}, before)
    return fields.after(act, to)
