"""Decide where an inbound message goes, and be able to say why.

Here is what rules may look at: the `Subject`, its words, and the clock.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import product
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, ValidationError

from hubbub.sdk import routing as sdk
from hubbub.sdk.content import Attachment, Choice, Choices, Content, Email, System, Text
from hubbub.sdk.errors import HubError

#: Characters that a decision keeps of a value it looked at.
SHOWN: Final = 80
_T = TypeVar("_T")


class _once(Generic[_T]):  # noqa: N801  # reads like `property`
    # functools.cached_property takes a lock on Python 3.11, which costs more than these values.
    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __get__(self, subject: Any, owner: type[Any]) -> _T:
        value = self.compute(subject)
        subject.__dict__[self.compute.__name__] = value
        return value


class Subject(sdk.Subject):
    """What a rule may look at of one inbound message, in the forms in which rules compare it."""

    @property
    def kind(self) -> str:
        """The content type."""
        return self.content.type

    @property
    def opened(self) -> bool:
        """Whether the contact opened the chat: Telegram's Start button, and the like."""
        return isinstance(self.content, System) and self.content.event == "started"

    @_once
    def text(self) -> str | None:
        """The words of the message, or None where it has none."""
        return text_of(self.content)

    @_once
    def folded(self) -> str:
        """The words in the form in which they are compared; empty where there are none."""
        return fold(self.text or "")

    @_once
    def encoded(self) -> bytes:
        """The words as RE2 reads them; half a surrogate pair becomes a question mark."""
        return (self.text or "").encode(errors="replace")

    @_once
    def shown(self) -> str:
        """The words as a decision shows them."""
        return "no text" if self.text is None else f"“{shorten(self.text, SHOWN)}”"

    @_once
    def shown_address(self) -> str:
        """The sender's address as a decision shows it."""
        return shorten(self.address, SHOWN)


def text_of(content: Content) -> str | None:
    """Return the words that text conditions look at, or None where there are none."""
    match content:
        case Text(text=text) | Choices(text=text) | Choice(title=text):
            return text
        case Attachment(caption=caption):
            return caption or None
        case Email(subject=subject, new=text):
            return f"{subject}\n{text}"
    return None


def fold(text: str) -> str:
    """Return ``text`` so that case, runs of blanks and composed accents make no difference."""
    folded = " ".join(text.casefold().split())
    return folded if folded.isascii() else unicodedata.normalize("NFC", folded)


def shorten(text: str, limit: int) -> str:
    """Return ``text`` on one line of at most ``limit`` characters."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# --- comparing texts -------------------------------------------------------------------------

TextTest: TypeAlias = Callable[[str], bool]


@lru_cache(maxsize=4096)
def _finder(pattern: str, words: tuple[str, ...]) -> TextTest:
    search = re.compile(pattern.format("|".join(map(re.escape, words)))).search
    return lambda text: search(text) is not None


def _container(words: tuple[str, ...]) -> TextTest:
    if len(words) == 1:
        return lambda text: words[0] in text
    return lambda text: any(word in text for word in words)


#: What each kind of text condition asks of a folded text, by the folded values that may fit.
TEXT_TESTS: Final[Mapping[str, Callable[[tuple[str, ...]], TextTest]]] = {
    "text.contains": _container,
    "text.equals": lambda words: frozenset(words).__contains__,
    "text.starts_with": lambda words: lambda text: text.startswith(words),
    "text.word": partial(_finder, r"(?<!\w)(?:{})(?!\w)"),
    "command": partial(_finder, r"\A/(?:{})(?:[ @]|\Z)"),
    "sender.equals": lambda words: frozenset(words).__contains__,
    "sender.starts_with": lambda words: lambda text: text.startswith(words),
}


_REPEATED: Final = re.compile(r"(\\?[^\\)])\{(\d{1,2})[,\d]*\}")
#: What is replaced in a pattern, one after the other, until only a text is left.
_SIMPLER: Final = (
    (r"\(\?\w*:?|\\[bBAz]|(?<!\\)[$^]", ""),
    (r"\|[^()|]*", ""),
    (r"\\d|\[0-9\]", "1"),
    (r"\\s", " "),
    (r"\\w|(?<!\\)\.", "a"),
    (r"\[([^]^])[^]]*\]", r"\1"),
    (r"(?<!\\)(?:[()*+?]|\{[\d,]*\})", ""),
    (r"\\(.)", r"\1"),
)


def specimen(pattern: str) -> str:
    """Return a text that the regular expression ``pattern`` may match: usual ones, no more."""
    text = _REPEATED.sub(lambda found: found[1] * int(found[2]), pattern)
    for what, instead in _SIMPLER:
        text = re.sub(what, instead, text)
    return text


# --- the clock -------------------------------------------------------------------------------

#: A Monday: moments for examples are taken from the days that follow.
SINCE: Final = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Times of the week by the clock on the wall of a zone; minutes of the day, end exclusive."""

    days: frozenset[int]
    start: int
    end: int
    zone: ZoneInfo

    def holds(self, at: datetime) -> bool:
        """Say whether ``at`` is inside. A window over midnight belongs to the day it began."""
        local = at.astimezone(self.zone)
        day, minute = local.weekday(), local.hour * 60 + local.minute
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        if minute >= self.start:
            return day in self.days
        return minute < self.end and (day - 1) % 7 in self.days


@lru_cache(maxsize=256)
def moments(windows: tuple[Window, ...]) -> Mapping[tuple[bool, ...], datetime]:
    """Return a moment for every way in which the clock can be inside and outside ``windows``."""
    found: dict[tuple[bool, ...], datetime] = {}
    for moment in _edges(windows):
        found.setdefault(tuple(window.holds(moment) for window in windows), moment)
    return found


def _edges(windows: tuple[Window, ...]) -> Iterator[datetime]:
    """Yield the moments at which anything can change."""
    yield SINCE + timedelta(hours=12)
    zones = {window.zone for window in windows}
    minutes = {0} | {edge % 1440 for window in windows for edge in (window.start, window.end)}
    # In one zone a week is like another. Several drift apart and together within a year, by
    # summer time; on the days of a change any hour may be special.
    for days in range(14 if len(zones) < 2 else 366):  # noqa: PLR2004  # see above
        midnight = SINCE + timedelta(days=days)
        for zone, minute in product(zones, minutes):
            yield midnight.replace(tzinfo=zone, hour=minute // 60, minute=minute % 60).astimezone(
                UTC
            )
        if any(_shifts(midnight, zone) for zone in zones):
            yield from (midnight + timedelta(minutes=15 * step) for step in range(-96, 192))


def _shifts(midnight: datetime, zone: ZoneInfo) -> bool:
    before, after = midnight - timedelta(days=1), midnight + timedelta(days=1)
    return before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()


# --- reading ---------------------------------------------------------------------------------


class Invalid(HubError):
    """What somebody wrote cannot be used; ``errors`` says what is wrong with which field."""

    code = "invalid"

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        field_name, message = errors[0]
        super().__init__(f"{field_name}: {message}")
        #: Pairs of a field such as ``routes.0.when.text`` and a sentence.
        self.errors = tuple(errors)


def problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return what is wrong as pairs of a field such as ``routes.0.name`` and a sentence."""
    return [
        (".".join(map(str, one["loc"])) or "body", _sentence_of(one["type"], one["msg"]))
        for one in error.errors(include_url=False, include_input=False)
    ]


def _sentence_of(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such field here: it would be ignored. See docs/routing.md."
    if kind == "missing":
        return "It is missing."
    return message.removeprefix("Value error, ")


def read_message(body: Mapping[str, Any], *, now: datetime) -> Subject:
    """Return the message that ``{"content", "sender"?, "at"?, "first_message"?}`` describes.

    Reads examples, and what people want explained. Raises `Invalid`.
    """
    try:
        message = _Message.model_validate(body)
    except ValidationError as error:
        raise Invalid([(_TAG.sub(r"\1", name), text) for name, text in problems(error)]) from None
    return Subject(
        content=message.content,
        address=message.sender,
        name=None,
        first=message.first_message,
        at=message.at or now,
    )


#: Pydantic puts the content type between ``content`` and the field of it.
_TAG: Final = re.compile(r"^(content)\.[^.]+(?=\.|$)")


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    content: Annotated[Content, Discriminator("type")]
    sender: str = Field("", max_length=1000)
    at: AwareDatetime | None = None
    first_message: bool = False
