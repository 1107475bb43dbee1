"""Speak of the hub's own chat window: its settings, and the calls by which visitors are heard.

A channel type whose provider is that window derives its form from `WidgetSettings` and
`WidgetCredentials`. The window proves each call with the channel's webhook secret, like any
provider; `read_call` returns what it says.
"""

import hashlib
import hmac
import re
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AwareDatetime, Field, TypeAdapter, field_validator

from hubbub.sdk.content import Json
from hubbub.sdk.hours import Hours
from hubbub.sdk.types import Fields, SeenSettings, Wire
from hubbub.sdk.values import HttpRequest

#: The header in which a call is proven, and the scheme by which a visitor's file is fetched.
PROOF: Final = "x-hubbub-widget"
UPLOAD: Final = "upload"
#: Characters of a visitor's text.
LONGEST_TEXT: Final = 4000

_ORIGIN: Final = re.compile(r"https?://(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?", re.IGNORECASE)
_COLOUR: Final = r"^#[0-9a-fA-F]{6}$"
_LOCALE: Final = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
ADDRESS: Final = r"^(v:[0-9a-z]{26}|u:[^\x00-\x1f\x7f]{1,200})$"
_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password", "advanced": True}
_ADVANCED: Final[dict[str, Any]] = {"advanced": True}

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

    color: str = Field(default="#1d4ed8", pattern=_COLOUR)
    position: Literal["end", "start"] = "end"
    scheme: Literal["auto", "light", "dark"] = "auto"
    #: CSS pixels from the edges of the page.
    offset_x: int = Field(default=20, ge=0, le=400)
    offset_y: int = Field(default=20, ge=0, le=400)


class Texts(Fields):
    """What the window says in one language; what is empty is said in the hub's own words."""

    title: Words = ""
    welcome: Words = ""
    launcher: Words = ""
    reply_time: Words = ""
    offline: Words = ""
    consent: Words = ""


class FormField(Fields):
    """One question of a form."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: Words
    kind: Literal["text", "email", "phone", "select", "checkbox"] = "text"
    required: bool = False
    options: Annotated[tuple[Words, ...], Field(max_length=50)] = ()
    autocomplete: str = Field(default="", pattern=r"^[a-z -]{0,40}$")


class Prechat(Fields):
    """What a visitor is asked before the first message."""

    when: Literal["never", "first", "closed"] = "never"
    fields: Annotated[tuple[FormField, ...], Field(max_length=20)] = ()


class When(Fields):
    """When a greeting is shown: all that is said here must hold."""

    url: Annotated[tuple[Words, ...], Field(max_length=50)] = ()
    not_url: Annotated[tuple[Words, ...], Field(max_length=50)] = ()
    delay_s: int = Field(default=0, ge=0, le=3600)
    scroll_pct: int = Field(default=0, ge=0, le=100)
    visits_min: int = Field(default=0, ge=0, le=1000)
    lang: Annotated[tuple[Words, ...], Field(max_length=50)] = ()
    availability: Literal["any", "open", "closed"] = "any"
    device: Literal["any", "phone", "desktop"] = "any"


class Greeting(Fields):
    """What the window says of its own accord. The first whose ``when`` holds is shown."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    when: When = Field(default=When(), title="When it is shown")
    once: Literal["visitor", "session", "page"] = "visitor"
    show: Literal["bubble", "panel"] = "bubble"
    content: Annotated[str, Field(min_length=1, max_length=1000)]


class Offline(Fields):
    """What a visitor can do while it is closed."""

    #: form: leave an address and a message. chat: write all the same, with a notice.
    mode: Literal["form", "chat"] = "form"


class Closing(Fields):
    """What a visitor can do at the end of a conversation."""

    end_by_visitor: bool = True
    #: From one star to five, with a comment.
    rating: bool = False


class Privacy(Fields):
    """What is kept of visitors beside what they say."""

    #: Of the address that they come from: nothing, its network (/24, of IPv6 /48), or all of it.
    ip: Literal["none", "network", "whole"] = "none"


class EmailFallback(Fields):
    """Where an answer goes that no window has seen."""

    #: The id of a channel for email; empty: nowhere.
    channel: str = ""
    after_minutes: int = Field(default=10, ge=1, le=10_080)
    subject: Annotated[str, Field(min_length=1, max_length=200)] = "Our answer to your message"
    intro: Words = "You were gone when we answered:"


class WidgetSettings(SeenSettings):
    """A base for the settings of channel types whose provider is the hub's own chat window."""

    allowed_origins: Annotated[tuple[str, ...], Field(max_length=100)] = Field(
        default=(),
        title="Allowed sites",
        description="Such as https://example.com or https://*.example.com. Empty: every site.",
    )
    theme: Theme = Field(default=Theme(), title="Look", json_schema_extra=_ADVANCED)
    locale: str = Field(
        default="en",
        pattern=_LOCALE,
        title="Language",
        description="Where neither page nor browser says one that is known here.",
        json_schema_extra=_ADVANCED,
    )
    texts: dict[Annotated[str, Field(pattern=_LOCALE)], Texts] = Field(
        default_factory=dict, title="Texts by language", json_schema_extra=_ADVANCED
    )
    hours: Hours | None = Field(
        default=None,
        title="Opening hours",
        description='Such as {"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]}}'
        ". Empty: always open.",
        json_schema_extra=_ADVANCED,
    )
    offline: Offline = Field(default=Offline(), title="While closed", json_schema_extra=_ADVANCED)
    prechat: Prechat = Field(
        default=Prechat(), title="Before the chat", json_schema_extra=_ADVANCED
    )
    greetings: Annotated[tuple[Greeting, ...], Field(max_length=50)] = Field(
        default=(), title="Greetings", json_schema_extra=_ADVANCED
    )
    attachments: bool = Field(
        default=True, title="Let visitors send files", json_schema_extra=_ADVANCED
    )
    email_fallback: EmailFallback = Field(
        default=EmailFallback(), title="Answers by email", json_schema_extra=_ADVANCED
    )
    privacy: Privacy = Field(
        default=Privacy(), title="What is kept of visitors", json_schema_extra=_ADVANCED
    )
    sign_out_before: AwareDatetime | None = Field(
        default=None,
        title="Sign out whoever was here before",
        description="A time, such as 2026-01-31T18:00:00Z: what browsers were given before it "
        "opens nothing any more.",
        json_schema_extra=_ADVANCED,
    )
    conversation: Closing = Field(
        default=Closing(), title="At the end", json_schema_extra=_ADVANCED
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
        for origin in origins:
            if _ORIGIN.fullmatch(origin) is None:
                raise ValueError(f"{origin} is no origin: write https://example.com, and no path.")
        return tuple(dict.fromkeys(origin.lower() for origin in origins))


# --- calls -----------------------------------------------------------------------------------


#: A visitor's address: of nobody in particular, by a number that the hub gave; or of somebody whom
#: the site knows by this id.
_Visitor: TypeAlias = Annotated[str, Field(pattern=ADDRESS)]


class VisitorWrote(Wire):
    """A visitor sent a message. ``content`` as `hubbub.sdk.from_json` reads it."""

    kind: Literal["message"] = "message"
    visitor: _Visitor
    name: str | None = None
    client_id: Annotated[str, Field(min_length=1)]
    content: Json
    #: The id of the greeting that a first message answers.
    greeting: str = ""


class VisitorSaw(Wire):
    """Messages reached a visitor's window, or were read there: each by its `Part.reference`."""

    kind: Literal["seen"] = "seen"
    visitor: _Visitor
    state: Literal["delivered", "read"]
    references: tuple[Annotated[str, Field(min_length=1)], ...]


class VisitorProven(Wire):
    """The site has proven who a visitor is, who so far was nobody."""

    kind: Literal["proven"] = "proven"
    visitor: _Visitor
    before: _Visitor


class VisitorLeft(Wire):
    """A visitor ended the conversation."""

    kind: Literal["left"] = "left"
    visitor: _Visitor
    client_id: Annotated[str, Field(min_length=1)]


class VisitorRated(Wire):
    """A visitor said how it was: one star to five, and perhaps why."""

    kind: Literal["rated"] = "rated"
    visitor: _Visitor
    client_id: Annotated[str, Field(min_length=1)]
    stars: Annotated[int, Field(ge=1, le=5)]
    comment: str = ""


WidgetCall: TypeAlias = Annotated[
    VisitorWrote | VisitorSaw | VisitorProven | VisitorLeft | VisitorRated,
    Field(discriminator="kind"),
]
_CALL: Final[TypeAdapter[WidgetCall]] = TypeAdapter(WidgetCall)


def read_call(body: bytes) -> WidgetCall:
    """Return what a call of the window says. Raises `pydantic.ValidationError`."""
    return _CALL.validate_json(body)


def proof(body: bytes, secret: str) -> str:
    """Return what proves a call of the window (`PROOF`); ``secret`` is the webhook's."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def upload(ref: str) -> HttpRequest:
    """Return a request for the bytes of a file that a visitor uploaded."""
    return HttpRequest(method="GET", url=f"{UPLOAD}:{ref}", safe=True)
