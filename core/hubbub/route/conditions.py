"""Read the ``when`` of a rule: the JSON that people write, and the tree that it stands for.

The JSON is `When` (see ``docs/routing.md``). `tree` turns it into `Leaf` and `Group`, negations
pushed down to the leaves: `hubbub.route.rules` compiles that into functions, and
`hubbub.route.conflicts` reasons about it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, TypeVar, get_args
from zoneinfo import ZoneInfo

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from hubbub.route import Window, fold, shorten
from hubbub.route.custom import Custom, read_customs
from hubbub.sdk.content import CONTENT_TYPES

#: What can arrive: the other content types only leave.
INBOUND_TYPES: Final = tuple(kind for kind in CONTENT_TYPES if kind not in {"choices", "template"})
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MAX_DEPTH: Final = 20
_MAX_VALUES: Final = 400
_DAY: Final = 24 * 60


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """Return the compiled RE2 of ``pattern``, in any case. Raises `re2.error`."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(pattern, options)


# --- the JSON --------------------------------------------------------------------------------


_M = TypeVar("_M", bound=BaseModel)


def _without_nulls(schema: dict[str, Any]) -> None:
    for known in schema["properties"].values():
        options = [option for option in known.get("anyOf", ()) if option != {"type": "null"}]
        if len(options) == 1:
            del known["anyOf"], known["default"]
            known.update(options[0])


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_extra=_without_nulls
    )

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, value: object) -> object:
        if isinstance(value, Mapping):
            for name, item in value.items():
                if item is None:
                    raise ValueError(f"{name!r} is null, which says nothing: leave it out.")
        return value


class _Test(_Strict):
    @model_validator(mode="after")
    def _says_something(self) -> Self:
        return _not_empty(self)


def _not_empty(test: _M) -> _M:
    if not test.model_fields_set:
        raise ValueError("It is empty and so says nothing: leave it out, or fill it in.")
    return test


def _listed(value: object) -> object:
    if value == []:
        raise ValueError("It is empty and so says nothing: leave it out, or fill it in.")
    return [value] if isinstance(value, str) else value


def _words(values: tuple[str, ...]) -> tuple[str, ...]:
    folded = tuple(dict.fromkeys(fold(value) for value in values))
    if "" in folded:
        raise ValueError("An empty text would match every message: write the words to look for.")
    return folded


def _patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            compile_pattern(value)
        except re2.error as error:
            raise ValueError(
                f"It is no regular expression that RE2 understands: {error.args[0].decode()}."
            ) from None
    return tuple(dict.fromkeys(values))


def _commands(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(value.lower().removeprefix("/") for value in values))
    if not all(re.fullmatch(r"[a-z0-9_]{1,64}", name) for name in names):
        raise ValueError("A command consists of 1 to 64 letters a-z, digits and underscores.")
    return names


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"There is no time zone {shorten(value, 40)!r}: write one such as Europe/Berlin."
        ) from None
    return value


def _bounded(value: object) -> object:
    # Before anything recursive looks at it, and without recursion.
    values, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        values += 1
        if depth > _MAX_DEPTH or values > _MAX_VALUES:
            raise ValueError(
                f"It is too large: at most {_MAX_DEPTH} levels and {_MAX_VALUES} values; "
                "split it into several rules."
            )
        if isinstance(item, Mapping | list):
            inner = item.values() if isinstance(item, Mapping) else item
            waiting.extend((one, depth + 1) for one in inner)
    return value


_Item: TypeAlias = Annotated[str, Field(min_length=1, max_length=500)]
# `_listed` refuses empty lists: Pydantic would count only the items that are valid.
_NOT_EMPTY: Final[dict[str, Any]] = {"minItems": 1}
_Items: TypeAlias = Annotated[
    tuple[_Item, ...],
    BeforeValidator(_listed),
    Field(max_length=100, json_schema_extra=_NOT_EMPTY),
]
_Words: TypeAlias = Annotated[_Items, AfterValidator(_words)] | None
_Patterns: TypeAlias = Annotated[_Items, AfterValidator(_patterns)] | None
_Clock: TypeAlias = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_Days: TypeAlias = Annotated[
    tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
    BeforeValidator(_listed),
    Field(max_length=7, json_schema_extra=_NOT_EMPTY),
]
_Types: TypeAlias = Annotated[
    tuple[Literal[INBOUND_TYPES], ...],  # type: ignore[valid-type]  # computed from the contract
    BeforeValidator(_listed),
    Field(max_length=len(INBOUND_TYPES), json_schema_extra=_NOT_EMPTY),
]


class TextTest(_Test):
    """What the words of a message are compared with; several values mean any of them."""

    contains: _Words = None
    equals: _Words = None
    starts_with: _Words = None
    word: _Words = None
    matches: _Patterns = None


class SenderTest(_Test):
    """What the sender's address is compared with."""

    equals: _Words = None
    starts_with: _Words = None


class ChoiceTest(_Test):
    """Which option the contact picked, by its id."""

    equals: _Items


class TimeTest(_Test):
    """When the message arrived, by the clock on the wall of ``zone``; ``to`` is exclusive."""

    days: _Days | None = None
    from_: _Clock | None = Field(None, alias="from")
    to: _Clock | None = None
    zone: Annotated[str, AfterValidator(_zone)]

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("'from' and 'to' belong together: give both, or neither.")
        if self.from_ is None and self.days is None:
            raise ValueError("It names no time: give 'days', or 'from' and 'to', or all three.")
        if self.from_ is not None and self.from_ == self.to:
            raise ValueError("'from' and 'to' are the same: for the whole day leave both out.")
        return self


class When(_Strict):
    """A condition: everything in one object must hold. An empty one always holds."""

    all_: "_Inners | None" = Field(None, alias="all")
    any_: "_Inners | None" = Field(None, alias="any")
    not_: "_Inner | None" = Field(None, alias="not")
    text: TextTest | None = None
    content_type: _Types | None = None
    sender: SenderTest | None = None
    first_message: StrictBool | None = None
    time: TimeTest | None = None
    choice: ChoiceTest | None = None
    command: Annotated[_Items, AfterValidator(_commands)] | None = None
    plugin: (
        Annotated[
            tuple[Custom, ...],
            PlainValidator(read_customs),
            WithJsonSchema({"type": "object", "minProperties": 1}),
        ]
        | None
    ) = None


_Inner: TypeAlias = Annotated[When, AfterValidator(_not_empty)]
_Inners: TypeAlias = Annotated[
    tuple[_Inner, ...], BeforeValidator(_listed), Field(json_schema_extra=_NOT_EMPTY)
]
When.model_rebuild()

#: A `When` of bounded size: the type to use in models that read what people wrote.
BoundedWhen: TypeAlias = Annotated[When, BeforeValidator(_bounded)]


# --- the tree --------------------------------------------------------------------------------

Kind: TypeAlias = Literal[
    "text.contains",
    "text.equals",
    "text.starts_with",
    "text.word",
    "text.matches",
    "command",
    "content_type",
    "choice.equals",
    "sender.equals",
    "sender.starts_with",
    "first_message",
    "time",
    "plugin",
]
#: Those that are written as a list of values.
_LISTED: Final[tuple[Kind, ...]] = get_args(Kind)[:-3]


Value: TypeAlias = str | bool | Window | Custom


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing asked of a message: whether any of ``values`` fits, or none if ``negated``."""

    kind: Kind
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Parts of which all, or any, must hold."""

    mode: Literal["all", "any"]
    parts: tuple["Leaf | Group", ...]


Node: TypeAlias = Leaf | Group


def tree(when: When) -> Group:
    """Return ``when`` as a tree whose top is an "all"."""
    return Group("all", tuple(_parts(when)))


def customs(node: Node) -> Iterator[Custom]:
    """Yield what ``node`` asks of plugins."""
    if isinstance(node, Group):
        for part in node.parts:
            yield from customs(part)
    else:
        yield from (value for value in node.values if isinstance(value, Custom))


def negate(node: Node) -> Node:
    """Return the opposite of ``node``, negated at the leaves only."""
    if isinstance(node, Leaf):
        return replace(node, negated=not node.negated)
    return Group("any" if node.mode == "all" else "all", tuple(map(negate, node.parts)))


def _parts(when: When) -> Iterator[Node]:
    for kind, values in _asked(when):
        yield Leaf(kind, values)
    if when.first_message is not None:
        yield Leaf("first_message", (True,), negated=not when.first_message)
    for custom in when.plugin or ():
        yield Leaf("plugin", (custom,))
    for inner in when.all_ or ():
        yield from _parts(inner)
    if when.any_ is not None:
        yield Group("any", tuple(_joined(inner) for inner in when.any_))
    if when.not_ is not None:
        yield negate(_joined(when.not_))


def _asked(when: When) -> Iterator[tuple[Kind, tuple[Value, ...]]]:
    for kind in _LISTED:
        section, _, name = kind.partition(".")
        test = getattr(when, section)
        values = getattr(test, name) if test is not None and name else test
        if values is not None:
            yield kind, values
    if when.time is not None:
        yield "time", (_window(when.time),)


def _joined(when: When) -> Node:
    parts = tuple(_parts(when))
    return parts[0] if len(parts) == 1 else Group("all", parts)


def _window(test: TimeTest) -> Window:
    days = frozenset(DAYS.index(day) for day in test.days or DAYS)
    start = _minutes(test.from_) if test.from_ else 0
    end = _minutes(test.to) if test.to else _DAY
    return Window(days, start, end, ZoneInfo(test.zone))


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


# --- how it reads ----------------------------------------------------------------------------

#: How each kind reads, and how its opposite does; its values follow.
VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "text.contains": ("the text contains", "the text does not contain"),
    "text.equals": ("the text is", "the text is not"),
    "text.starts_with": ("the text starts with", "the text does not start with"),
    "text.word": ("the text has the word", "the text does not have the word"),
    "text.matches": ("the text matches", "the text does not match"),
    "command": ("the command is", "the command is not"),
    "content_type": ("the content is", "the content is not"),
    "choice.equals": ("the choice is", "the choice is not"),
    "sender.equals": ("the sender is", "the sender is not"),
    "sender.starts_with": ("the sender starts with", "the sender does not start with"),
    "first_message": ("it is the contact's first message", "it is not their first message"),
    "time": ("the time is", "the time is not"),
    "plugin": ("", "not so that"),
}


def describe(node: Node) -> str:
    """Return ``node`` as a person reads it."""
    if isinstance(node, Group):
        word = " and " if node.mode == "all" else " or "
        return word.join(_bracketed(part) for part in node.parts)
    verb = VERBS[node.kind][node.negated]
    if node.kind == "first_message":
        return verb
    return f"{verb} {' or '.join(_value(node.kind, value) for value in node.values)}".strip()


def _bracketed(node: Node) -> str:
    return f"({describe(node)})" if isinstance(node, Group) else describe(node)


def _value(kind: Kind, value: Value) -> str:
    if isinstance(value, Window):
        return _period(value)
    if isinstance(value, Custom):
        return value.what
    if kind == "content_type":
        return str(value)
    return f"/{value}" if kind == "command" else f"“{value}”"


def _period(window: Window) -> str:
    days = (
        "" if len(window.days) == len(DAYS) else " ".join(DAYS[day] for day in sorted(window.days))
    )
    hours = "" if (window.start, window.end) == (0, _DAY) else _hours(window)
    return f"{' '.join(filter(None, (days, hours)))} in {window.zone.key}"


def _hours(window: Window) -> str:
    return " to ".join(f"{at // 60:02}:{at % 60:02}" for at in (window.start, window.end))
