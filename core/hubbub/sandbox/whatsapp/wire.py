"""Say what a message to the Cloud API must look like. Source: "Messages", "Interactive messages".

Stricter than Meta in one thing: whatever it would ignore is refused here.
"""

from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.whatsapp import codes
from hubbub.sandbox.wsgi import Json

_M = TypeVar("_M", bound="Doc")
_MOST_ROWS: Final = 10


class Doc(BaseModel):
    """A base for what the hub writes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _distinct(values: list[str], what: str) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"duplicate {what}")


# --- what has no parts ---------------------------------------------------------------------


class Text(Doc):
    """A text."""

    body: str = Field(min_length=1, max_length=4096)
    preview_url: bool = False


class File(Doc):
    """A file: uploaded before, or at a public address."""

    id: str = ""
    link: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.id) == bool(self.link):
            raise ValueError("either id or link is required")
        if self.link and not self.link.startswith(("https://", "http://")):
            raise ValueError("link is no web address")
        return self


class Picture(File):
    """An image or a video."""

    caption: str = Field("", max_length=1024)


class Document(Picture):
    """Any other file."""

    filename: str = ""


class Audio(File):
    """An audio; a voice note is marked."""

    voice: bool = False


class Place(Doc):
    """A location."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str = ""
    address: str = ""


class Reaction(Doc):
    """An emoji on a message; an empty one takes it back."""

    message_id: str = Field(min_length=1)
    emoji: str


# --- contacts ------------------------------------------------------------------------------


class CardName(Doc):
    """What a shared contact is called."""

    formatted_name: str = Field(min_length=1)
    first_name: str = ""
    last_name: str = ""
    middle_name: str = ""
    suffix: str = ""
    prefix: str = ""

    @model_validator(mode="after")
    def _has_parts(self) -> Self:
        parts = (self.first_name, self.last_name, self.middle_name, self.suffix, self.prefix)
        if not any(parts):
            raise ValueError("beside formatted_name at least one more name is required")
        return self


class CardPhone(Doc):
    """A number of a shared contact."""

    phone: str = ""
    type: str = ""
    wa_id: str = ""


class CardEmail(Doc):
    """An email address of a shared contact."""

    email: str = ""
    type: str = ""


class CardUrl(Doc):
    """A web address of a shared contact."""

    url: str = ""
    type: str = ""


class Card(Doc):
    """A contact to share."""

    name: CardName
    phones: list[CardPhone] = []
    emails: list[CardEmail] = []
    urls: list[CardUrl] = []
    addresses: list[dict[str, str]] = []
    org: dict[str, str] = {}
    birthday: str = ""


# --- interactive ---------------------------------------------------------------------------


class Said(Doc):
    """The text of an interactive message."""

    text: str = Field(min_length=1, max_length=1024)


class Footer(Doc):
    """What stands below it, small."""

    text: str = Field(min_length=1, max_length=60)


class Header(Doc):
    """What stands above it."""

    type: Literal["text", "image", "video", "document"]
    text: str = Field("", max_length=60)
    image: File | None = None
    video: File | None = None
    document: Document | None = None

    @model_validator(mode="after")
    def _is_of_its_type(self) -> Self:
        if not getattr(self, self.type):
            raise ValueError(f"a header of type {self.type} needs {self.type}")
        return self


class Reply(Doc):
    """What a button says, and what a press tells."""

    id: str = Field(min_length=1, max_length=256)
    title: str = Field(min_length=1, max_length=20)


class ReplyButton(Doc):
    """A button."""

    type: Literal["reply"]
    reply: Reply


class Buttons(Doc):
    """Up to three buttons."""

    buttons: list[ReplyButton] = Field(min_length=1, max_length=3)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        _distinct([button.reply.id for button in self.buttons], "button id")
        _distinct([button.reply.title for button in self.buttons], "button title")
        return self


class Row(Doc):
    """A row of a list."""

    id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=24)
    description: str = Field("", max_length=72)


class Section(Doc):
    """Some rows of a list."""

    title: str = Field("", max_length=24)
    rows: list[Row] = Field(min_length=1, max_length=_MOST_ROWS)


class Rows(Doc):
    """A list behind a button."""

    button: str = Field(min_length=1, max_length=20)
    sections: list[Section] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        rows = [row for section in self.sections for row in section.rows]
        if len(rows) > _MOST_ROWS:
            raise ValueError(f"a list has at most {_MOST_ROWS} rows")
        if len(self.sections) > 1 and not all(section.title for section in self.sections):
            raise ValueError("several sections need titles")
        _distinct([row.id for row in rows], "row id")
        return self


class Link(Doc):
    """A button that opens a page."""

    display_text: str = Field(min_length=1, max_length=20)
    url: str = Field(min_length=1)


class OpenLink(Doc):
    """The action of such a button."""

    name: Literal["cta_url"]
    parameters: Link


class AskLocation(Doc):
    """The action that asks for a place."""

    name: Literal["send_location"]


class AskContact(Doc):
    """The action that asks for the number of who hides it."""

    name: Literal["request_contact_info"]


class ButtonMessage(Doc):
    """A text with buttons."""

    type: Literal["button"]
    header: Header | None = None
    body: Said
    footer: Footer | None = None
    action: Buttons


class TextHeader(Doc):
    """The header of a list, which has no files."""

    type: Literal["text"]
    text: str = Field(min_length=1, max_length=60)


class ListMessage(Doc):
    """A text with a list."""

    type: Literal["list"]
    header: TextHeader | None = None
    body: Said
    footer: Footer | None = None
    action: Rows


class LinkMessage(Doc):
    """A text with a link."""

    type: Literal["cta_url"]
    header: Header | None = None
    body: Said
    footer: Footer | None = None
    action: OpenLink


class LocationRequest(Doc):
    """A text that asks for a place."""

    type: Literal["location_request_message"]
    body: Said
    action: AskLocation


class ContactRequest(Doc):
    """A text that asks for a number."""

    type: Literal["request_contact_info"]
    body: Said
    action: AskContact


Interactive = Annotated[
    ButtonMessage | ListMessage | LinkMessage | LocationRequest | ContactRequest,
    Field(discriminator="type"),
]


# --- templates -----------------------------------------------------------------------------


class Money(Doc):
    """An amount."""

    fallback_value: str
    code: str
    amount_1000: int


class Moment(Doc):
    """A time, in words."""

    fallback_value: str


class Parameter(Doc):
    """What stands in place of a variable."""

    type: str
    parameter_name: str = ""
    text: str | None = None
    payload: str | None = Field(None, max_length=128)
    coupon_code: str | None = Field(None, max_length=15)
    currency: Money | None = None
    date_time: Moment | None = None
    image: File | None = None
    video: File | None = None
    document: Document | None = None
    location: Place | None = None

    @model_validator(mode="after")
    def _is_of_its_type(self) -> Self:
        if getattr(self, self.kind, None) is None:
            raise ValueError(f"a parameter of type {self.type} needs {self.kind}")
        return self

    @property
    def kind(self) -> str:
        """The type, which Meta reads in any case."""
        return self.type.lower()

    @property
    def words(self) -> str:
        """What people see of it."""
        value = getattr(self, self.kind)
        return value.fallback_value if isinstance(value, Money | Moment) else str(value)

    @property
    def file(self) -> File | None:
        """The file of a header."""
        return self.image or self.video or self.document


class Component(Doc):
    """What fills in one part of a template."""

    type: str
    sub_type: str = ""
    index: str | int = 0
    parameters: list[Parameter] = []

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        if self.kind not in {"header", "body", "button"}:
            raise ValueError(f"{self.type!r} is no part of a template")
        if not str(self.index).isdigit():
            raise ValueError("index is no number")
        return self

    @property
    def kind(self) -> str:
        """The type, which Meta reads in any case."""
        return self.type.lower()

    @property
    def place(self) -> int:
        """Which of the buttons is meant."""
        return int(self.index)


class Language(Doc):
    """In which language."""

    code: str = Field(min_length=1)
    policy: Literal["deterministic"] = "deterministic"


class TemplateBody(Doc):
    """A template, filled in."""

    name: str = Field(min_length=1)
    language: Language
    components: list[Component] = []


# --- messages ------------------------------------------------------------------------------


class Context(Doc):
    """Which message is quoted."""

    message_id: str = Field(min_length=1)


class Outgoing(Doc):
    """A message: one body, under the name of its type."""

    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual"] = "individual"
    to: str = ""
    recipient: str = ""
    biz_opaque_callback_data: str = Field("", max_length=512)
    context: Context | None = None
    type: Literal[
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "interactive",
        "template",
    ] = "text"
    text: Text | None = None
    image: Picture | None = None
    audio: Audio | None = None
    video: Picture | None = None
    document: Document | None = None
    sticker: File | None = None
    location: Place | None = None
    contacts: list[Card] | None = Field(None, min_length=1, max_length=257)
    reaction: Reaction | None = None
    interactive: Interactive | None = None
    template: TemplateBody | None = None

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        given = [name for name in BODIES if getattr(self, name) is not None]
        if given != [self.type]:
            raise ValueError(f"a message of type {self.type} has the body {self.type} and no other")
        if not (self.to or self.recipient):
            raise ValueError("to or recipient is required")
        if self.reaction and self.context:
            raise ValueError("a reaction quotes nothing")
        return self

    @property
    def body(self) -> Any:
        """What is said."""
        return getattr(self, self.type)


BODIES: Final = (
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
)


class Typing(Doc):
    """The sign that somebody is writing."""

    type: Literal["text"]


class Reading(Doc):
    """That a message was read, and all before it."""

    messaging_product: Literal["whatsapp"]
    status: Literal["read"]
    message_id: str = Field(min_length=1)
    typing_indicator: Typing | None = None


def read(model: type[_M], said: Json) -> _M:
    """Return ``said`` as ``model``. Raises `Refused` with the first thing that is wrong."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        wrong = error.errors()[0]
    where = ".".join(str(step) for step in wrong["loc"])
    match wrong["type"]:
        case "missing":
            raise Refused(codes.MISSING, f"Parameter '{where}' is missing.")
        case "extra_forbidden":
            raise Refused(100, f"Unexpected key '{where}'.")
        case _:
            raise Refused(codes.BAD_VALUE, f"Param {where or 'type'}: {wrong['msg']}")
