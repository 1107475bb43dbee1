"""Read the calls by which visitors of the hub's own chat window are heard.

The window proves each with the channel's webhook secret, like any provider; `read_call` returns
what it says.
"""

import hashlib
import hmac
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from hubbub.sdk.content import Json
from hubbub.sdk.types import Wire
from hubbub.sdk.values import HttpRequest

#: The header in which a call is proven, and the scheme by which a visitor's file is fetched.
PROOF: Final = "x-hubbub-widget"
UPLOAD: Final = "upload"
#: Characters of a visitor's text.
LONGEST_TEXT: Final = 4000
#: How a visitor's address is written.
ADDRESS: Final = r"^(v:[0-9a-z]{26}|u:[^\x00-\x1f\x7f]{1,200})$"

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
