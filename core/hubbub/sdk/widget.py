"""Say what can be set of the hub's own chat window.

A channel type whose provider is that window derives its form from `WidgetSettings` and
`WidgetCredentials`, and hears its visitors by `hubbub.sdk.widget_calls`.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    ValidationInfo,
    field_validator,
)

from hubbub.sdk.hours import Hours
from hubbub.sdk.types import Fields, SeenSettings

_ORIGIN: Final = re.compile(r"(https?)://((?:\*\.)?(?:[a-z0-9-]+\.)*[a-z0-9-]+)(?::([0-9]{1,5}))?")
#: Ports that browsers leave out, and the highest one.
_USUAL: Final = {"http": 80, "https": 443}
_HIGHEST: Final = 65_535
_COLOUR: Final = r"^#[0-9a-fA-F]{6}$"
#: Language, script, region and variants: of other codes browsers make no dates (ECMA-402).
_LOCALE: Final = re.compile(
    r"[a-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)
_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password", "advanced": True}
_ADVANCED: Final[dict[str, Any]] = {"advanced": True}
_LANGUAGE: Final = "Language, such as de or pt-BR"


def _under(section: str, **more: Any) -> dict[str, Any]:
    """Return under which heading of the form a setting stands."""
    return {"section": section, **more}


def _labels(**labels: str) -> dict[str, Any]:
    """Return what the words of a choice are called where people make it."""
    return {"labels": labels}


def _locale(code: str) -> str:
    if _LOCALE.fullmatch(code) is None:
        raise ValueError("Take the code of a language, such as de or pt-BR.")
    return code


def _origin(written: str) -> str:
    """Return a site as browsers name it. Raises `ValueError`."""
    scheme, sign, rest = written.removesuffix("/").lower().partition("://")
    try:
        plain = f"{scheme}{sign}{rest.encode('idna').decode()}"
    except UnicodeError:
        plain = ""
    found = _ORIGIN.fullmatch(plain)
    if found is None or int(found[3] or 0) > _HIGHEST:
        raise ValueError(f"{written} is no origin: write https://example.com, and no path.")
    scheme, host, port = found.groups()
    return plain if port and int(port) != _USUAL[scheme] else f"{scheme}://{host}"


def _twice(names: Iterable[str]) -> str:
    """Return a name that is there more than once; empty: none is."""
    return next((name for name, times in Counter(names).items() if times > 1), "")


Locale: TypeAlias = Annotated[str, AfterValidator(_locale)]
Words: TypeAlias = Annotated[str, Field(max_length=500)]


class WidgetCredentials(Fields):
    """What proves who a visitor is."""

    identity_secret: str = Field(
        default="",
        title="Identity secret",
        description="At least 32 characters, shared with the server of the site: it signs there "
        "who is logged in. Without one nobody is identified.",
        pattern=r"^(\S{32,512})?$",
        repr=False,
        json_schema_extra=_SECRET,
    )


class Theme(Fields):
    """How the window looks."""

    color: str = Field(
        default="#1d4ed8", pattern=_COLOUR, title="Colour", json_schema_extra={"format": "color"}
    )
    position: Literal["end", "start"] = Field(
        default="end",
        title="Where it stands",
        json_schema_extra=_labels(
            end="Where lines end: on the right, or on the left of an Arabic page",
            start="Where lines begin",
        ),
    )
    scheme: Literal["auto", "light", "dark"] = Field(
        default="auto",
        title="Light or dark",
        json_schema_extra=_labels(auto="As the visitor's system", light="Light", dark="Dark"),
    )
    offset_x: int = Field(default=20, ge=0, le=400, title="Pixels from the side of the page")
    offset_y: int = Field(default=20, ge=0, le=400, title="Pixels from its bottom")


class Texts(Fields):
    """What the window says in one language; what is empty is said in the hub's own words."""

    title: Words = Field(default="", title="Title of the window")
    welcome: Words = Field(default="", title="Welcome, before the first message")
    launcher: Words = Field(default="", title="On the button that opens it")
    reply_time: Words = Field(default="", title="How soon somebody answers")
    offline: Words = Field(default="", title="What is said while it is closed")
    consent: Words = Field(default="", title="What a visitor agrees to in a form")


class Wording(Fields):
    """How one question is put in one language."""

    label: Words = Field(default="", title="Question")


class FormField(Fields):
    """One question of a form."""

    label: Words = Field(title="Question")
    texts: dict[Locale, Wording] = Field(
        default_factory=dict,
        title="In other languages",
        description="Where there is none of the visitor's, the question above is asked.",
        json_schema_extra={"key": _LANGUAGE},
    )
    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        title="Name of the answer",
        description="Small letters, digits and _, such as order_number: under it the answer is "
        "kept of the contact.",
    )
    kind: Literal["text", "email", "phone", "select", "checkbox"] = Field(
        default="text",
        title="Kind of answer",
        json_schema_extra=_labels(
            text="Text",
            email="Email address",
            phone="Phone number",
            select="One of several",
            checkbox="A tick",
        ),
    )
    required: bool = Field(default=False, title="It has to be answered")
    options: Annotated[tuple[Words, ...], Field(max_length=50)] = Field(
        default=(),
        title="Answers to choose from",
        description="One a line.",
        validate_default=True,
    )
    autocomplete: str = Field(
        default="",
        pattern=r"^[a-z -]{0,40}$",
        title="What browsers fill in",
        description="A word of HTML, such as email, tel or given-name.",
    )

    @field_validator("options")
    @classmethod
    def _options(cls, options: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("kind") == "select" and not any(options):
            raise ValueError("Nobody can choose among none: write one or more, one a line.")
        return options


class Prechat(Fields):
    """What a visitor is asked before the first message."""

    when: Literal["never", "first", "closed"] = Field(
        default="never",
        title="When to ask",
        json_schema_extra=_labels(
            never="Never", first="Before the first message", closed="Only while it is closed"
        ),
    )
    fields: Annotated[tuple[FormField, ...], Field(max_length=20)] = Field(
        default=(), title="Questions"
    )

    @field_validator("fields")
    @classmethod
    def _fields(cls, fields: tuple[FormField, ...]) -> tuple[FormField, ...]:
        if name := _twice(one.name for one in fields):
            raise ValueError(f"Two questions have the name {name}: one answer would be lost.")
        return fields


class When(Fields):
    """When a greeting is shown: all that is said here must hold."""

    url: Annotated[tuple[Words, ...], Field(max_length=50)] = Field(
        default=(),
        title="On these pages",
        description="One a line, such as https://shop.example/cart*. A * stands for anything "
        "within a segment, ** for anything at all. Empty: on every page.",
    )
    not_url: Annotated[tuple[Words, ...], Field(max_length=50)] = Field(
        default=(), title="But not on these", description="One a line."
    )
    delay_s: int = Field(default=0, ge=0, le=3600, title="After so many seconds")
    scroll_pct: int = Field(
        default=0, ge=0, le=100, title="After so much of the page was scrolled, in percent"
    )
    visits_min: int = Field(default=0, ge=0, le=1000, title="From this visit on")
    lang: Annotated[tuple[Words, ...], Field(max_length=50)] = Field(
        default=(), title="In these languages", description="One a line, such as de. Empty: in all."
    )
    availability: Literal["any", "open", "closed"] = Field(
        default="any",
        title="At what hours",
        json_schema_extra=_labels(any="At all", open="While open", closed="While closed"),
    )
    device: Literal["any", "phone", "desktop"] = Field(
        default="any",
        title="On what device",
        json_schema_extra=_labels(any="On all", phone="On phones", desktop="On others than phones"),
    )


class Greeting(Fields):
    """What the window says of its own accord. The first whose ``when`` holds is shown."""

    content: Annotated[str, Field(min_length=1, max_length=1000)] = Field(
        title="What it says", json_schema_extra={"format": "multiline"}
    )
    id: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        title="Its name",
        description="Letters, digits, - and _, such as cart: agents see which one was answered.",
    )
    once: Literal["visitor", "session", "page"] = Field(
        default="visitor",
        title="How often",
        json_schema_extra=_labels(
            visitor="Once for each visitor", session="Once a visit", page="Once a page"
        ),
    )
    show: Literal["bubble", "panel"] = Field(
        default="bubble",
        title="How",
        json_schema_extra=_labels(bubble="Beside the button", panel="In the window, opened"),
    )
    when: When = Field(default=When(), title="When it is shown")


class Offline(Fields):
    """What a visitor can do while it is closed."""

    mode: Literal["form", "chat"] = Field(
        default="form",
        title="What a visitor can do",
        json_schema_extra=_labels(
            form="Leave a message in a form, with your questions",
            chat="Write all the same, with a notice",
        ),
    )


class Closing(Fields):
    """What a visitor can do at the end of a conversation."""

    end_by_visitor: bool = Field(default=True, title="Visitors may end a conversation")
    rating: bool = Field(default=False, title="Ask for one to five stars and a comment")


class Privacy(Fields):
    """What is kept of visitors beside what they say."""

    ip: Literal["none", "network", "whole"] = Field(
        default="none",
        title="Of the address that they come from",
        json_schema_extra=_labels(
            none="Nothing", network="Its network (/24, of IPv6 /48)", whole="All of it"
        ),
    )


class EmailFallback(Fields):
    """Where an answer goes that no window has seen."""

    channel: str = Field(
        default="",
        title="Channel for email",
        description="Without one nothing is sent.",
        json_schema_extra={"format": "channel.email"},
    )
    after_minutes: int = Field(
        default=10, ge=1, le=10_080, title="Minutes in which no window showed the answer"
    )
    subject: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default="Our answer to your message", title="Subject"
    )
    intro: Words = Field(default="You were gone when we answered:", title="First line")


class WidgetSettings(SeenSettings):
    """A base for the settings of channel types whose provider is the hub's own chat window."""

    allowed_origins: Annotated[tuple[str, ...], Field(max_length=100)] = Field(
        default=(),
        title="Allowed sites",
        description="One a line, such as https://example.com or https://*.example.com. Empty: "
        "every site.",
    )
    theme: Theme = Field(default=Theme(), title="Look", json_schema_extra=_under("Look"))
    locale: Locale = Field(
        default="en",
        title="Language",
        description="Where neither page nor browser says one that is known here.",
        json_schema_extra=_under("Language and texts"),
    )
    texts: dict[Locale, Texts] = Field(
        default_factory=dict,
        title="Texts by language",
        description="What is empty is said in the hub's own words.",
        json_schema_extra=_under("Language and texts", key=_LANGUAGE),
    )
    hours: Hours | None = Field(
        default=None,
        title="Opening hours",
        description="Empty: always open.",
        json_schema_extra=_under("Hours"),
    )
    offline: Offline = Field(
        default=Offline(), title="While closed", json_schema_extra=_under("Hours")
    )
    prechat: Prechat = Field(
        default=Prechat(),
        title="Questions before the chat",
        json_schema_extra=_under("Questions before the chat"),
    )
    greetings: Annotated[tuple[Greeting, ...], Field(max_length=50)] = Field(
        default=(), title="Greetings", json_schema_extra=_under("Greetings")
    )
    attachments: bool = Field(
        default=True, title="Let visitors send files", json_schema_extra=_under("Files and the end")
    )
    email_fallback: EmailFallback = Field(
        default=EmailFallback(),
        title="Answers by email",
        json_schema_extra=_under("Answers by email"),
    )
    privacy: Privacy = Field(
        default=Privacy(),
        title="What is kept of visitors",
        json_schema_extra=_under("What is kept of visitors"),
    )
    sign_out_before: AwareDatetime | None = Field(
        default=None,
        title="Sign out whoever was here before",
        description="A time, such as 2026-01-31T18:00:00Z: what browsers were given before it "
        "opens nothing any more.",
        json_schema_extra=_ADVANCED,
    )
    conversation: Closing = Field(
        default=Closing(), title="At the end", json_schema_extra=_under("Files and the end")
    )
    require_verified: bool = Field(
        default=False,
        title="Believe only what the site signed",
        description="What a page says of its visitor without a signature is not even noted.",
        json_schema_extra=_ADVANCED,
    )

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(_origin, origins)))

    @field_validator("greetings")
    @classmethod
    def _greetings(cls, greetings: tuple[Greeting, ...]) -> tuple[Greeting, ...]:
        if name := _twice(one.id for one in greetings):
            raise ValueError(f"Two greetings have the name {name}: who saw one has seen both.")
        return greetings
