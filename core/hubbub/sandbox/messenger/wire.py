"""Say what a message to the Send API must look like. Source: "Send API", "Templates".

Stricter than Meta in one thing: whatever it would ignore is refused here.
"""

from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.wsgi import Json

_M = TypeVar("_M", bound="Doc")


class Doc(BaseModel):
    """A base for what the hub writes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# --- buttons -------------------------------------------------------------------------------


class Postback(Doc):
    """A button that tells the hub something."""

    type: Literal["postback"]
    title: str = Field(min_length=1, max_length=20)
    payload: str = Field(min_length=1, max_length=1000)


class Link(Doc):
    """A button that opens a page."""

    type: Literal["web_url"]
    title: str = Field(min_length=1, max_length=20)
    url: str = Field(pattern=r"^https?://")


class Phone(Doc):
    """A button that calls somebody."""

    type: Literal["phone_number"]
    title: str = Field(min_length=1, max_length=20)
    payload: str = Field(pattern=r"^\+[0-9]{5,15}$")


Button = Annotated[Postback | Link | Phone, Field(discriminator="type")]


class QuickReply(Doc):
    """A reply that is offered until one is picked."""

    content_type: Literal["text", "user_phone_number", "user_email"]
    title: str = Field("", max_length=20)
    payload: str = Field("", max_length=1000)
    image_url: str = ""

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if self.content_type == "text" and not (self.title and self.payload):
            raise ValueError("title and payload are required")
        return self


# --- templates -----------------------------------------------------------------------------


class ButtonTemplate(Doc):
    """A text with up to three buttons."""

    template_type: Literal["button"]
    text: str = Field(min_length=1, max_length=640)
    buttons: list[Button] = Field(min_length=1, max_length=3)


class Element(Doc):
    """A card."""

    title: str = Field(min_length=1, max_length=80)
    subtitle: str = Field("", max_length=80)
    image_url: str = ""
    buttons: list[Button] = Field([], max_length=3)

    @model_validator(mode="after")
    def _has_more_than_a_title(self) -> Self:
        if not (self.subtitle or self.image_url or self.buttons):
            raise ValueError("an element needs at least one property beside its title")
        return self


class GenericTemplate(Doc):
    """Up to ten cards, side by side."""

    template_type: Literal["generic"]
    elements: list[Element] = Field(min_length=1, max_length=10)


class TemplateAttachment(Doc):
    """A message with a form of its own."""

    type: Literal["template"]
    payload: Annotated[ButtonTemplate | GenericTemplate, Field(discriminator="template_type")]


# --- files ---------------------------------------------------------------------------------


class FilePayload(Doc):
    """Where a file is: at an address, uploaded before, or in this request."""

    url: str = ""
    attachment_id: str = ""
    is_reusable: bool = False

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if self.url and self.attachment_id:
            raise ValueError("either url or attachment_id")
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError("url is no web address")
        return self


class FileAttachment(Doc):
    """A file."""

    type: Literal["image", "audio", "video", "file"]
    payload: FilePayload


# --- messages ------------------------------------------------------------------------------


class Body(Doc):
    """What is said: one thing, perhaps with quick replies below it."""

    text: str = Field("", max_length=2000)
    attachment: Annotated[
        FileAttachment | TemplateAttachment | None, Field(discriminator="type")
    ] = None
    sticker_id: int | None = None
    quick_replies: list[QuickReply] = Field([], max_length=13)
    metadata: str = Field("", max_length=1000)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(map(bool, (self.text, self.attachment, self.sticker_id))) != 1:
            raise ValueError("a message has either a text, or an attachment, or a sticker")
        return self


class Recipient(Doc):
    """To whom."""

    id: str = Field(min_length=1)


class Quoted(Doc):
    """Which message is quoted."""

    mid: str = Field(min_length=1)


class Outgoing(Doc):
    """A message, or a sign that needs none."""

    recipient: Recipient
    messaging_type: Literal["RESPONSE", "UPDATE", "MESSAGE_TAG"] | None = None
    tag: str = ""
    message: Body | None = None
    sender_action: Literal["typing_on", "typing_off", "mark_seen"] | None = None
    reply_to: Quoted | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.message) == bool(self.sender_action):
            raise ValueError("either message or sender_action is required, and stands alone")
        if self.message and not self.messaging_type:
            raise ValueError("messaging_type is required")
        if bool(self.tag) != (self.messaging_type == "MESSAGE_TAG"):
            raise ValueError("a tag goes with messaging_type MESSAGE_TAG")
        if self.tag not in TAGS:
            raise ValueError(f"unknown tag {self.tag}")
        return self


class UploadBody(Doc):
    """A file to keep."""

    attachment: FileAttachment


class Upload(Doc):
    """A file that is uploaded before it is sent."""

    message: UploadBody


#: Those that ended are told so, and not that they are unknown.
TAGS: Final = frozenset(
    {"", "HUMAN_AGENT", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "ACCOUNT_UPDATE"}
)


def read(model: type[_M], said: Json) -> _M:
    """Return ``said`` as ``model``. Raises `Refused` with the first thing that is wrong."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        wrong = error.errors()[0]
    where = ".".join(str(step) for step in wrong["loc"])
    match wrong["type"]:
        case "missing":
            raise Refused(100, f"The parameter {where} is required")
        case "extra_forbidden":
            raise Refused(100, f"Unexpected key {where}")
        case _:
            raise Refused(100, f"Param {where or 'message'}: {wrong['msg']}")
