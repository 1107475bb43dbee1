"""Check what windows send: small, and nothing but what a visitor can say."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints, field_validator

from hubbub.api.endpoint import Body
from hubbub.sdk.widget_calls import LONGEST_TEXT
from hubbub.store.types import UNKEPT

#: Bytes of a JSON body: the longest text may be written in escapes, twelve for each character.
LIMIT: Final = 1 << 16
#: What nobody sees (C0 but tab and line feed), and what turns the text around it (bidi overrides).
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
#: Characters of what stands in one line, and of an address; what a page may say of its visitor.
_LONGEST_LINE: Final = 200
_LONGEST_URL: Final = 2000
_LONGEST_PROOF: Final = 8192
_MOST_ATTRIBUTES: Final = 20
#: The most questions that a channel may have, and what the hub asks beside them.
_MOST_ANSWERS: Final = 24

_ClientId: TypeAlias = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{16,64}$")]
_Line: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=_LONGEST_LINE)
]
_Url: TypeAlias = Annotated[str, Field(max_length=_LONGEST_URL)]
_Attributes: TypeAlias = Annotated[dict[_Line, _Line], Field(max_length=_MOST_ATTRIBUTES)]
_Answer: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT)
]
#: By the names of what was asked.
_Answers: TypeAlias = Annotated[dict[_Line, _Answer], Field(min_length=1, max_length=_MOST_ANSWERS)]


class Page(Body):
    """Where the window stands."""

    url: _Url = ""
    title: _Line = ""


class JwtProof(Body):
    """A JWT that the site's server signed."""

    jwt: Annotated[str, Field(max_length=_LONGEST_PROOF)]


class HashProof(Body):
    """A user's id with its HMAC, and what the page says beside it."""

    user_id: Annotated[str, Field(max_length=_LONGEST_PROOF)]
    user_hash: Annotated[str, Field(max_length=_LONGEST_PROOF)]


class SessionBody(Body):
    """Somebody loads a page with a window."""

    token: Annotated[str, Field(max_length=_LONGEST_PROOF)] | None = None
    identity: JwtProof | HashProof | None = None
    page: Page = Page()


class TextSaid(Body):
    """A text."""

    type: Literal["text"]
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]

    @field_validator("text")
    @classmethod
    def _not_blank(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("There is nothing to be seen.")
        return text


class ChoiceSaid(Body):
    """A button that was pressed."""

    type: Literal["choice"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=200)]


class FormSaid(Body):
    """A form that was filled in."""

    type: Literal["form"]
    fields: _Answers


class FileSaid(Body):
    """A file that was uploaded before."""

    type: Literal["file"]
    media_id: Annotated[str, Field(max_length=200)]
    caption: Annotated[str, Field(max_length=1000)] | None = None


Said: TypeAlias = Annotated[
    TextSaid | ChoiceSaid | FormSaid | FileSaid, Field(discriminator="type")
]


class MessageBody(Body):
    """A visitor's message. ``client_id`` is made once, and sent again with each try."""

    client_id: _ClientId
    content: Said
    page: Page = Page()
    #: The id of the greeting that it answers, if it answers one.
    greeting: Annotated[str, Field(max_length=64)] = ""
    #: What the page says of its visitor, which nobody has proven.
    attributes: _Attributes = Field(default_factory=dict)


class OfflineBody(Body):
    """What somebody leaves while it is closed."""

    client_id: _ClientId
    fields: _Answers
    page: Page = Page()
    #: People do not see this field, and take their time: programs do neither.
    website: _Line = ""
    elapsed_ms: int = 0


class EndBody(Body):
    """The visitor has no more to say."""

    client_id: _ClientId


class RatingBody(Body):
    """How it was."""

    client_id: _ClientId
    stars: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, Field(max_length=1000)] = ""


class SeqBody(Body):
    """All up to this number."""

    seq: Annotated[int, Field(ge=0, le=2**31)]


class TypingBody(Body):
    """Whether the visitor is writing."""

    on: bool


def mended(body: object) -> object:
    """Return a body in which nothing that a page says on the side is a reason to refuse it.

    Pages say what they like there, and no visitor can help it: what is odd is cut, or left out.
    """
    if not isinstance(body, dict):
        return body
    return {name: _MENDS[name](what) if name in _MENDS else what for name, what in body.items()}


def _mended_page(page: object) -> dict[str, str]:
    said = page if isinstance(page, dict) else {}
    return {"url": _text(said.get("url"), _LONGEST_URL), "title": _text(said.get("title"))}


def _mended_token(token: object) -> str | None:
    # What a page kept for long may be anything by now: nobody is known by it.
    return _proof(token) or None


def _mended_identity(identity: object) -> object:
    """Return a proof that says of whatever is none that it does not hold, as a wrong one does."""
    if identity is None:
        return None
    said = identity if isinstance(identity, dict) else {}
    proof = {name: _proof(said.get(name)) for name in ("jwt", "user_id", "user_hash")}
    if proof["jwt"] or not proof["user_hash"]:
        return {"jwt": proof["jwt"]}
    return {"user_id": proof["user_id"], "user_hash": proof["user_hash"]}


def _proof(value: object) -> str:
    text = str(value) if isinstance(value, str | int) else ""
    return "" if len(text) > _LONGEST_PROOF or UNKEPT.search(text) else text


def _mended_attributes(attributes: object) -> dict[str, str]:
    said = attributes if isinstance(attributes, dict) else {}
    texts = {_text(name): _text(value) for name, value in said.items()}
    return dict([(name, text) for name, text in texts.items() if name and text][:_MOST_ATTRIBUTES])


def _text(value: object, longest: int = _LONGEST_LINE) -> str:
    """Return a text, a number or a truth as a text that can be kept; empty for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else ""
    return UNKEPT.sub("", text).strip()[:longest]


_MENDS: Final[Mapping[str, Callable[[object], object]]] = {
    "page": _mended_page,
    "token": _mended_token,
    "identity": _mended_identity,
    "attributes": _mended_attributes,
}


def visible(value: Any) -> Any:
    """Return a text, or the texts of an object, without what nobody sees."""
    if isinstance(value, dict):
        return {visible(name): visible(item) for name, item in value.items()}
    return _UNSEEN.sub("", value) if isinstance(value, str) else value
