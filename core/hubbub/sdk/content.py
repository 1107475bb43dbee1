"""Say what a message holds: one frozen value for each ``content.type``.

The field names are those of the JSON contract, so a value and its JSON are the same thing;
`to_json` and `from_json` convert between them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from pydantic import ConfigDict, Discriminator, Field, TypeAdapter

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file that belongs to a message."""

    #: Our id; empty while a plugin speaks of a file that the hub has not yet stored.
    id: str = ""
    #: Where the file can be fetched: ours for stored files, the caller's for a draft.
    url: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    #: Bytes.
    size: int | None = None
    state: Literal["pending", "ready", "failed"] = "pending"
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    #: The provider's handle, which ``ChannelType.fetch_media`` turns into bytes. Never shown.
    ref: str | None = None
    #: The name by which the HTML of its letter shows it, as ``cid:<name>``.
    cid: str | None = None


@dataclass(frozen=True, kw_only=True)
class Text:
    """Plain text."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file with an optional caption; ``type`` says how it is meant to be shown."""

    type: Literal["image", "audio", "voice", "video", "document", "sticker"]
    media: Media
    caption: str | None = None


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place; ``live`` when it keeps moving."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: str | None = None
    address: str | None = None
    live: bool | None = None
    type: Literal["location"] = "location"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One shared contact."""

    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """Shared contacts."""

    contacts: tuple[Card, ...]
    type: Literal["contacts"] = "contacts"


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """An emoji put on an earlier message; the empty string takes it away."""

    emoji: str
    #: The provider's id of that message.
    target_external_id: str
    type: Literal["reaction"] = "reaction"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The option that a contact picked from our `Choices`."""

    id: str
    title: str
    type: Literal["choice"] = "choice"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of `Choices`."""

    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Text with options to pick from: buttons, a list, or a numbered menu."""

    text: str
    options: tuple[Option, ...]
    type: Literal["choices"] = "choices"


@dataclass(frozen=True, kw_only=True)
class Form:
    """A filled-in form."""

    fields: Mapping[str, str]
    type: Literal["form"] = "form"


@dataclass(frozen=True, kw_only=True)
class Template:
    """A message approved by the provider, with its parameters."""

    name: str
    language: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    type: Literal["template"] = "template"


@dataclass(frozen=True, kw_only=True)
class Correspondent:
    """Somebody whom a letter names beside its writer."""

    address: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Email:
    """A letter."""

    subject: str
    #: Empty where only the HTML says it.
    text: str = ""
    #: What of the text is new, where the rest is quoted or a signature; None when all of it is.
    visible: str | None = None
    html: str | None = None
    attachments: tuple[Media, ...] = ()
    #: To whom it says that it goes; one that we write goes to whom its conversation is with.
    to: tuple[Correspondent, ...] = ()
    #: Who else gets it, for all to see.
    cc: tuple[Correspondent, ...] = ()
    #: And unseen: only of what we write.
    bcc: tuple[Correspondent, ...] = ()
    #: Why its sender may be another than it says, where that was found out; None: nobody said so.
    doubt: str | None = None
    #: How a program shows that it wrote the letter; None: a person did, as far as one can tell.
    automatic: str | None = None
    type: Literal["email"] = "email"

    @property
    def new(self) -> str:
        """What its writer says: what is quoted was said before, by somebody else."""
        return self.text if self.visible is None else self.visible

    @property
    def copies(self) -> tuple[Correspondent, ...]:
        """Who gets it beside whom it is to."""
        return (*self.cc, *self.bcc)


@dataclass(frozen=True, kw_only=True)
class Order:
    """A shop order as the provider described it."""

    items: tuple[str, ...] = ()
    note: str | None = None
    type: Literal["order"] = "order"


@dataclass(frozen=True, kw_only=True)
class System:
    """Something that happened in the conversation without anybody saying it.

    ``event`` is a stable word (``started``, ``joined``, ``left``); ``detail`` what goes with it.
    """

    event: str
    detail: str | None = None
    type: Literal["system"] = "system"


@dataclass(frozen=True, kw_only=True)
class Unsupported:
    """What we do not understand yet; the call that brought it is kept and can be replayed.

    ``hubbub.sdk.UnsupportedContent``; there, `Unsupported` is the error.
    """

    provider_type: str
    type: Literal["unsupported"] = "unsupported"


Content: TypeAlias = (
    Text
    | Attachment
    | Location
    | Contacts
    | Reaction
    | Choice
    | Choices
    | Form
    | Template
    | Email
    | Order
    | System
    | Unsupported
)

#: Every ``content.type``.
CONTENT_TYPES: Final = (
    "text",
    "image",
    "audio",
    "voice",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "choice",
    "choices",
    "form",
    "template",
    "email",
    "order",
    "system",
    "unsupported",
)
#: Those that can be sent, and do not only come in.
OUTBOUND_TYPES: Final = tuple(
    kind
    for kind in CONTENT_TYPES
    if kind not in {"choice", "form", "order", "system", "unsupported"}
)
#: The types that carry one file.
ATTACHMENT_TYPES: Final = frozenset({"image", "audio", "voice", "video", "document", "sticker"})

_ADAPTER: Final[TypeAdapter[Content]] = TypeAdapter(
    Annotated[Content, Discriminator("type")],
    config=ConfigDict(extra="forbid", allow_inf_nan=False),
)


def to_json(content: Content) -> dict[str, Any]:
    """Return the JSON object of ``content``, without the fields that say nothing."""
    return cast(
        "dict[str, Any]",
        _ADAPTER.dump_python(content, mode="json", exclude_none=True),
    )


def from_json(value: Json) -> Content:
    """Return the content that the JSON object ``value`` describes.

    Raises `pydantic.ValidationError` when it describes none.
    """
    return _ADAPTER.validate_python(value)


def files_of(content: Content) -> tuple[Media, ...]:
    """Return the files of ``content``."""
    match content:
        case Attachment(media=media):
            return (media,)
        case Email(attachments=attachments):
            return attachments
    return ()


def with_files(content: Content, change: Callable[[Media], Media]) -> Content:
    """Return ``content`` with each of its files as ``change`` returns it."""
    match content:
        case Attachment(media=media):
            return replace(content, media=change(media))
        case Email(attachments=attachments) if attachments:
            return replace(content, attachments=tuple(map(change, attachments)))
    return content


def preview(content: Content, limit: int = 120) -> str:
    """Return one line that tells a person what ``content`` says, at most ``limit`` characters."""
    line = " ".join(_PREVIEWS.get(type(content), _kind)(content).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _kind(content: Any) -> str:
    return str(content.type).capitalize()


_PREVIEWS: Final[Mapping[type, Callable[[Any], str]]] = {
    Text: lambda content: content.text,
    Choices: lambda content: content.text,
    Attachment: lambda content: content.caption or _kind(content),
    Location: lambda content: content.name or _kind(content),
    Contacts: lambda content: ", ".join(card.name for card in content.contacts) or "Contact",
    Reaction: lambda content: (
        f"Reacted {content.emoji}" if content.emoji else "Took a reaction back"
    ),
    Choice: lambda content: content.title,
    Form: lambda content: " · ".join(filter(None, content.fields.values())) or _kind(content),
    Order: lambda content: (
        ", ".join(filter(None, (*content.items, content.note))) or _kind(content)
    ),
    Template: lambda content: f"Template {content.name}",
    Email: lambda content: " · ".join(
        filter(None, (content.automatic and "Automatic", content.subject, content.new.strip()))
    ),
    System: lambda content: ": ".join(
        filter(None, (content.event.replace("_", " ").capitalize(), content.detail))
    ),
    Unsupported: lambda content: f"Unsupported: {content.provider_type}",
}
