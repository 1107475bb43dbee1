"""Read what Twilio writes: the form fields of its webhooks and the JSON of its answers."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, Field, ValidationError, field_validator

from hubbub.sdk import Call, HttpResponse, MalformedPayload, Transient, Wire

Pairs: TypeAlias = list[tuple[bytes, bytes]]
Parameters: TypeAlias = Mapping[str, str]
_M = TypeVar("_M", bound=BaseModel)


# --- webhooks ------------------------------------------------------------------------------


class Inbound(Wire):
    """A message to us. Source: Messaging webhooks, "Incoming message"."""

    sid: str = Field(alias="MessageSid", min_length=1)
    sender: str = Field(alias="From")
    to: str = Field("", alias="To")
    body: str = Field("", alias="Body")
    media: int = Field(0, alias="NumMedia")
    opt_out: str = Field("", alias="OptOutType")
    profile_name: str = Field("", alias="ProfileName")
    #: Only where the message was found in the log: a webhook tells no time.
    sent_at: str = Field("", alias="DateSent")

    @field_validator("media", mode="before")
    @classmethod
    def _count(cls, value: str) -> int:
        # The files themselves tell as much: a strange count must not cost the message.
        return int(value[:3]) if value.isascii() and value.isdigit() else 0


class Status(Wire):
    """What became of a message of ours. Source: Messaging webhooks, "Status callback"."""

    sid: str = Field(alias="MessageSid", min_length=1)
    status: str = Field(alias="MessageStatus")
    error_code: str = Field("", alias="ErrorCode")


def is_json(call: Call) -> bool:
    """Whether the body of ``call`` is JSON; otherwise it is a form."""
    return call.headers.get("content-type", "").strip().lower().startswith("application/json")


def pairs(raw: bytes) -> Pairs:
    """Return the names and values of a form, in octets: signatures cover them before decoding."""
    return list(_pairs(raw))


def call_pairs(call: Call) -> Pairs:
    """Return what ``call`` says: its form, or the query where it is a GET."""
    if call.method == "GET":
        return pairs(call.query.encode("utf-8", "surrogateescape"))
    return [] if is_json(call) else pairs(call.body)


def parameters(call: Call) -> Parameters:
    """Return the decoded form of ``call``. Raises `MalformedPayload`."""
    if call.method != "GET" and is_json(call):
        raise MalformedPayload("The call brings JSON, but Twilio sends messages as forms.")
    try:
        return {name.decode(): value.decode() for name, value in call_pairs(call)}
    except UnicodeDecodeError:
        raise MalformedPayload("The form is not valid UTF-8.") from None


def is_status(form: Parameters) -> bool:
    """Whether ``form`` is a status callback; messages come to the same address."""
    status = form.get("MessageStatus")
    return bool(status) and form.get("SmsStatus", status) not in {"received", "receiving"}


def readable(model: type[_M], form: Parameters) -> _M:
    """Return ``form`` as ``model``. Raises `MalformedPayload` with the names of what is wrong."""
    try:
        return model.model_validate(form)
    except ValidationError as error:
        names = sorted({str(item["loc"][0]) for item in error.errors()})
        raise MalformedPayload(f"Missing or unusable: {', '.join(names)}.") from None


def _pairs(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    for field in raw.split(b"&"):
        if field:
            name, _, value = field.replace(b"+", b" ").partition(b"=")
            yield unquote_to_bytes(name), unquote_to_bytes(value)


# --- answers -------------------------------------------------------------------------------


class Problem(Wire):
    """A refusal. Source: REST API, "Twilio's response"."""

    code: int | None = None
    message: str = ""


class SentMessage(Wire):
    """A message as the API shows it. Source: REST API, "Message resource"."""

    sid: str = Field(min_length=1)
    status: str = ""
    direction: str = ""
    to: str | None = None
    sender: str | None = Field(None, alias="from")
    body: str | None = None
    num_segments: str | int | None = None
    num_media: str | int | None = None
    messaging_service_sid: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    date_created: str | None = None
    date_sent: str | None = None

    @property
    def created_at(self) -> datetime | None:
        """When Twilio took it."""
        return moment(self.date_created or "")

    @property
    def sent_at(self) -> datetime | None:
        """When Twilio sent or received it."""
        return moment(self.date_sent or "")


class MessageList(Wire):
    """A page of messages, newest first."""

    messages: list[SentMessage]


class LogPage(Wire):
    """A page of messages, each still to be read: one that is odd must not hold up the rest."""

    messages: list[Any]
    next_page_uri: str | None = None


class File(Wire):
    """A file of a message. Source: REST API, "Media subresource"."""

    uri: str
    content_type: str = ""


class FileList(Wire):
    """The files of a message."""

    media_list: list[File]


class Account(Wire):
    """Our account. Source: REST API, "Account resource"."""

    status: str
    type: str = ""
    friendly_name: str = ""


class NumberCapabilities(Wire):
    """What a number can carry."""

    sms: bool = False
    mms: bool = False


class Number(Wire):
    """A number of ours. Source: REST API, "IncomingPhoneNumber resource"."""

    sid: str
    phone_number: str | None = None
    capabilities: NumberCapabilities = NumberCapabilities()
    sms_url: str | None = None
    sms_method: str | None = None
    sms_application_sid: str | None = None


class NumberList(Wire):
    """The numbers that a search found."""

    incoming_phone_numbers: list[Number]


class Service(Wire):
    """A Messaging Service. Source: Messaging API, "Service resource"."""

    friendly_name: str = ""
    inbound_request_url: str | None = None
    use_inbound_webhook_on_number: bool = False


def read(model: type[_M], response: HttpResponse) -> _M | None:
    """Return the body of ``response`` as ``model``, or None when it is no such thing."""
    try:
        return model.model_validate(_json(response))
    except ValueError:
        return None


def need(model: type[_M], response: HttpResponse) -> _M:
    """Return the body of ``response`` as ``model``. Raises `Transient` when it is no such thing."""
    found = read(model, response)
    if found is None:
        raise Transient(
            f"Twilio's answer ({response.status}) is no {model.__name__}: something on the way, "
            "such as a proxy, may have answered in its place. Look at the API base URL.",
            code="unreadable_answer",
        )
    return found


def value(model: type[_M], item: object) -> _M | None:
    """Return ``item`` of an answer as ``model``, or None when it is no such thing."""
    try:
        return model.model_validate(item)
    except ValidationError:
        return None


def moment(text: str) -> datetime | None:
    """Return the time that ``text`` tells as RFC 2822 has it, or None."""
    try:
        read = parsedate_to_datetime(text)
    except ValueError:
        return None
    return None if read.tzinfo is None else read


def count(number: str | int | None) -> int:
    """Return a number that Twilio writes as text; 0 for what is none."""
    text = str(number or 0)
    return int(text[:9]) if text.isascii() and text.isdigit() else 0


def _json(response: HttpResponse) -> Any:
    try:
        return response.json()
    except RecursionError:
        raise ValueError("nested too deeply") from None
