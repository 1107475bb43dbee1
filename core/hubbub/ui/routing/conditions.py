"""Turn the ``when`` of a rule into a form, group by group, and back.

The form is a tree: a group asks that all, any or none of its parts hold; a condition asks one
thing. JSON that nobody could save yet goes both ways too, so that half a rule can be kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from hubbub.route.conditions import DAYS, INBOUND_TYPES, VERBS
from hubbub.sdk.types import ConditionType
from hubbub.ui.forms import Form, FormField, shown_value, typed
from hubbub.ui.nodes import Node
from hubbub.ui.schema_form import SchemaForm

Json: TypeAlias = dict[str, Any]
Kinds: TypeAlias = Mapping[str, ConditionType]

#: How many of a group's parts must hold, in the words of the form.
MODES: Final[Mapping[str, str]] = {
    "all": "all of these",
    "any": "any of these",
    "none": "none of these",
    "not all": "not all of these",
}
#: What can be asked, in groups, with the title of what is to be filled in.
_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "text.contains": ("Words", "One a line: any of them is enough. Inside of other words too."),
    "text.word": ("Words", "One a line: any of them is enough. As words of their own."),
    "text.equals": ("Texts", "One a line: the message says just this."),
    "text.starts_with": ("Beginnings", "One a line."),
    "text.matches": ("Regular expressions", "One a line, in RE2's syntax, such as order #?\\d{4}"),
    "command": ("Commands", "One a line, such as start. Opening a chat counts as start."),
    "choice.equals": ("Ids of options", "One a line, exactly as they are."),
    "sender.equals": ("Addresses", "One a line."),
    "sender.starts_with": ("Beginnings of addresses", "One a line: of numbers such as +49."),
}
MENU: Final[Mapping[str, Sequence[str]]] = {
    "Text": [name for name in _LISTS if name.startswith("text.")] + ["command", "choice.equals"],
    "Message": ["content_type", "first_message"],
    "Sender": ["sender.equals", "sender.starts_with"],
    "Time": ["time"],
}
_DEEPEST: Final = 5


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing asked: its kind, such as ``text.word`` or ``plugin.language``, and its JSON."""

    kind: str
    value: Any
    negated: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Parts, and how many of them must hold."""

    mode: str = "all"
    parts: tuple["Condition | Group", ...] = ()


# --- JSON ------------------------------------------------------------------------------------


def read_when(when: Mapping[str, Any]) -> Group:
    """Return the tree of a rule's ``when``."""
    found = _read(when)
    return found if isinstance(found, Group) else Group(parts=(found,))


def write_when(group: Group) -> Json:
    """Return the ``when`` that a tree stands for."""
    if group.mode != "all":
        return _write(group)
    written = [_write(part) for part in group.parts]
    names = [name for one in written for name in one]
    plain = all(isinstance(part, Condition) and not part.negated for part in group.parts)
    if plain and len(set(names)) == len(names):
        return {name: value for one in written for name, value in one.items()}
    return {"all": written}


def _read(when: Mapping[str, Any]) -> Condition | Group:
    if set(when) == {"all"}:
        return Group(parts=_read_all(when["all"]))
    parts = tuple(_parts(when))
    return parts[0] if len(parts) == 1 else Group(parts=parts)


def _parts(when: Mapping[str, Any]) -> Iterator[Condition | Group]:
    for name, value in when.items():
        match name:
            case "all":
                yield Group(parts=_read_all(value))
            case "any":
                yield Group(mode="any", parts=_read_all(value))
            case "not":
                yield _opposite(_read(value))
            case "text" | "sender" | "choice" | "plugin":
                for inner, given in value.items():
                    yield Condition(kind=f"{name}.{inner}", value=given)
            case _:
                yield _plain(name, value)


def _read_all(value: Any) -> tuple[Condition | Group, ...]:
    return tuple(map(_read, value if isinstance(value, list) else [value]))


def _plain(name: str, value: Any) -> Condition:
    if name == "first_message":
        return Condition(kind=name, value=True, negated=value is False)
    return Condition(kind=name, value=value)


_OPPOSITES: Final = {"all": "not all", "any": "none", "none": "any", "not all": "all"}


def _opposite(node: Condition | Group) -> Condition | Group:
    if isinstance(node, Condition):
        return replace(node, negated=not node.negated)
    return replace(node, mode=_OPPOSITES[node.mode])


def _write(node: Condition | Group) -> Json:
    if isinstance(node, Group):
        word = "all" if node.mode in {"all", "not all"} else "any"
        written: Json = {word: [_write(part) for part in node.parts]}
        return {"not": written} if node.mode in {"none", "not all"} else written
    if node.kind == "first_message":
        return {"first_message": not node.negated}
    section, _, name = node.kind.partition(".")
    written = {section: {name: node.value} if name else node.value}
    return {"not": written} if node.negated else written


# --- changes ---------------------------------------------------------------------------------


def with_part(group: Group, path: Sequence[int], part: Condition | Group) -> Group:
    """Return ``group`` with a part behind those of the group at ``path``."""
    if not path:
        return replace(group, parts=(*group.parts, part))
    return _at(group, path, lambda inner: with_part(inner, path[1:], part))


def without_part(group: Group, path: Sequence[int]) -> Group:
    """Return ``group`` without the part at ``path``."""
    if len(path) == 1:
        parts = (part for number, part in enumerate(group.parts) if number != path[0])
        return replace(group, parts=tuple(parts))
    return _at(group, path, lambda inner: without_part(inner, path[1:]))


def new_condition(kind: str, zone: str) -> Condition:
    """Return an empty condition of a kind; times are told in ``zone``."""
    if kind == "time":
        hours = {"from": "09:00", "to": "17:00", "zone": zone}
        return Condition(kind=kind, value={"days": list(DAYS[:5]), **hours})
    if kind == "first_message":
        return Condition(kind=kind, value=True)
    return Condition(kind=kind, value={} if kind.startswith("plugin.") else [])


def zone_of(rules: Sequence[Json]) -> str:
    """Return the time zone in which rules tell times already, or UTC."""
    return next((zone for rule in rules for zone in _zones(rule.get("when"))), "UTC")


def _zones(when: Any) -> Iterator[str]:
    if isinstance(when, Mapping):
        if isinstance(when.get("zone"), str):
            yield when["zone"]
        for inner in when.values():
            yield from _zones(inner)
    elif isinstance(when, list):
        for inner in when:
            yield from _zones(inner)


def _at(group: Group, path: Sequence[int], change: Any) -> Group:
    parts = list(group.parts)
    if path[0] < len(parts) and isinstance(parts[path[0]], Group):
        parts[path[0]] = change(parts[path[0]])
    return replace(group, parts=tuple(parts))


# --- the form --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One condition in the form."""

    name: str
    kind: str
    #: How it reads, and its opposite.
    verbs: tuple[str, str]
    negated: bool
    fields: tuple[Node, ...]
    problem: str

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """One group in the form. ``deep``: no more groups go into it."""

    name: str
    mode: str
    parts: tuple["Asked | Gathered", ...]
    problem: str
    deep: bool

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")


def shown_group(
    kinds: Kinds, group: Group, faults: Mapping[str, str], name: str = "when"
) -> Gathered:
    """Return the form of a group; ``faults`` says of a part's name what is wrong with it."""
    parts = tuple(
        shown_group(kinds, part, faults, f"{name}.{number}")
        if isinstance(part, Group)
        else _asked(kinds, part, faults, f"{name}.{number}")
        for number, part in enumerate(group.parts)
    )
    deep = name.count(".") >= _DEEPEST
    return Gathered(
        name=name, mode=group.mode, parts=parts, problem=faults.get(name, ""), deep=deep
    )


def menu(kinds: Kinds) -> dict[str, list[tuple[str, str]]]:
    """Return the kinds of condition that can be added, in groups, as pairs of kind and words."""
    ours = {group: [(kind, VERBS[kind][0]) for kind in names] for group, names in MENU.items()}
    theirs = [(f"plugin.{kind.type}", kind.label) for kind in kinds.values()]
    return {**ours, "Plugins": theirs} if theirs else ours


def parts_of(group: Group, name: str = "when") -> Iterator[tuple[str, Condition | Group]]:
    """Yield every part within a group with its name in the form."""
    for number, part in enumerate(group.parts):
        inner = f"{name}.{number}"
        yield inner, part
        if isinstance(part, Group):
            yield from parts_of(part, inner)


def read_group(kinds: Kinds, form: Form, name: str = "when") -> Group:
    """Return the tree that a form holds."""
    parts: list[Condition | Group] = []
    while (kind := form.get(f"{name}.{len(parts)}.kind")) is not None:
        inner = f"{name}.{len(parts)}"
        parts.append(
            read_group(kinds, form, inner)
            if kind == "group"
            else _read_condition(kinds, form, inner, kind)
        )
    mode = form.get(f"{name}.mode", "all")
    return Group(mode=mode if mode in MODES else "all", parts=tuple(parts))


def _asked(kinds: Kinds, part: Condition, faults: Mapping[str, str], name: str) -> Asked:
    return Asked(
        name=name,
        kind=part.kind,
        verbs=_verbs(kinds, part.kind),
        negated=part.negated,
        fields=_fields(kinds, name, part.kind, part.value),
        problem=faults.get(name, ""),
    )


def _verbs(kinds: Kinds, kind: str) -> tuple[str, str]:
    section, _, name = kind.partition(".")
    if section == "plugin":
        label = kinds[name].label if name in kinds else name
        return f"it is so: {label}", f"it is not so: {label}"
    return VERBS.get(kind, (kind, f"not {kind}"))


def _fields(kinds: Kinds, name: str, kind: str, value: Any) -> tuple[Node, ...]:
    section, _, plugin = kind.partition(".")
    if section == "plugin":
        known = kinds.get(plugin)
        given = value if isinstance(value, Mapping) else {}
        return SchemaForm(known.fields, f"{name}.value").nodes(given) if known else ()
    if kind == "time":
        return _time_fields(name, value)
    if kind == "content_type":
        return (_several(f"{name}.value", "Types of content", INBOUND_TYPES, value),)
    if kind in _LISTS:
        title, about = _LISTS[kind]
        shown = value if isinstance(value, str) else shown_value(value)
        return (
            FormField(
                name=f"{name}.value",
                title=title,
                help=about,
                kind="list",
                value=shown,
                required=True,
            ),
        )
    return ()


def _time_fields(name: str, value: Any) -> tuple[FormField, ...]:
    given = value if isinstance(value, Mapping) else {}
    days = given.get("days", DAYS)

    def clock(key: str, title: str, about: str) -> FormField:
        shown = shown_value(given.get(key))
        where = f"{name}.value.{key}"
        return FormField(name=where, title=title, help=about, kind="time", value=shown)

    return (
        _several(f"{name}.value.days", "Days", DAYS, days),
        clock("from", "From", "Leave both empty for the whole day."),
        clock("to", "To", "Up to this minute; before “From” it is on the next day."),
        FormField(
            name=f"{name}.value.zone",
            title="Time zone",
            help="Such as Europe/Berlin; summer time is minded.",
            kind="zone",
            value=shown_value(given.get("zone")),
            required=True,
        ),
    )


def _several(name: str, title: str, options: Sequence[str], value: Any) -> FormField:
    chosen = [value] if isinstance(value, str) else value
    return FormField(
        name=name,
        title=title,
        kind="checks",
        options=tuple(options),
        value=shown_value(chosen),
        required=True,
    )


def _read_condition(kinds: Kinds, form: Form, name: str, kind: str) -> Condition:
    negated = form.get(f"{name}.not") == "yes"
    return Condition(kind=kind, value=_read_value(kinds, form, name, kind), negated=negated)


def _read_value(kinds: Kinds, form: Form, name: str, kind: str) -> Any:
    section, _, plugin = kind.partition(".")
    if section == "plugin" and plugin in kinds:
        return SchemaForm(kinds[plugin].fields, f"{name}.value").read(form, {})
    if kind == "first_message":
        return True
    fields = [field for field in _fields(kinds, name, kind, None) if isinstance(field, FormField)]
    values = {field.name.rpartition(".")[2]: typed(field, form) for field in fields}
    if kind != "time":
        return next(iter(values.values()), [])
    if len(values["days"]) == len(DAYS) and values["from"]:
        del values["days"]  # that is what hours without days mean
    return {key: value for key, value in values.items() if value is not None}
