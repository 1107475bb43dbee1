"""Read what Vonage writes: its webhooks, and the JSON of its answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from hubbub.sdk import Call, HttpResponse, MalformedPayload, Transient, Wire

Parameters: TypeAlias = Mapping[str, str]
Json: TypeAlias = dict[str, Any]
_M = TypeVar("_M", bound=BaseModel)

_OBJECT: Final[TypeAdapter[Json]] = TypeAdapter(Json)


# --- webhooks of the Messages API ----------------------------------------------------------


class File(Wire):
    """A file of an MMS."""

    url: str = Field(min_length=1)
    name: str | None = None
    caption: str | None = None


class Item(Wire):
    """One of several files of an MMS."""

    type: str = ""
    url: str = Field(min_length=1)


class Inbound(Wire):
    """A message to us. Source: Messages API, "Inbound message" of SMS and MMS."""

    id: str = Field(alias="message_uuid", min_length=1)
    channel: str
    kind: str = Field("", alias="message_type")
    sender: str = Field(alias="from", pattern=r"\S")
    to: str = ""
    timestamp: str = ""
    text: str = ""
    image: File | None = None
    audio: File | None = None
    video: File | None = None
    vcard: File | None = None
    file: File | None = None
    content: tuple[Item, ...] = ()


class Reason(Wire):
    """Why a message came to nothing."""

    title: str = ""
    detail: str = ""


class Status(Wire):
    """What became of a message of ours. Source: Messages API, "Message status"."""

    id: str = Field(alias="message_uuid", min_length=1)
    status: str
    timestamp: str = ""
    client_ref: str = ""
    error: Reason = Reason()


def payload(call: Call) -> Json:
    """Return the JSON object that ``call`` brings. Raises `MalformedPayload`."""
    try:
        return _object(call.body)
    except ValueError:
        raise MalformedPayload("The body is no JSON object.") from None


def _object(body: bytes) -> Json:
    """Return the JSON object in ``body``. Raises `ValueError`.

    Carriers cut texts at any octet: half a character is no reason to refuse the rest.
    """
    try:
        return _OBJECT.validate_python(json.loads(body))
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None


# --- webhooks of the SMS API ---------------------------------------------------------------


class LegacyInbound(Wire):
    """A message to us. Source: SMS API, "Inbound SMS"."""

    id: str = Field(alias="messageId", min_length=1)
    sender: str = Field(alias="msisdn", pattern=r"\S")
    to: str = ""
    text: str = ""
    type: str = "text"
    timestamp: str = Field("", alias="message-timestamp")
    #: Of a long text, which comes in several calls.
    ref: str = Field("", alias="concat-ref")
    part: str = Field("", alias="concat-part")
    total: str = Field("", alias="concat-total")


class LegacyReceipt(Wire):
    """What became of one segment of ours. Source: SMS API, "Delivery receipt"."""

    id: str = Field(alias="messageId", min_length=1)
    status: str
    error_code: str = Field("", alias="err-code")
    client_ref: str = Field("", alias="client-ref")
    timestamp: str = Field("", alias="message-timestamp")


def parameters(call: Call) -> Parameters:
    """Return what a call of the SMS API says, be it a query, a form or JSON.

    The account decides which it is. Raises `MalformedPayload`.
    """
    try:
        return {**_form(call.query), **_body(call)}
    except ValueError:
        raise MalformedPayload("The call brings neither a form nor a JSON object.") from None


def _body(call: Call) -> Parameters:
    if not call.body.strip():
        return {}
    if call.body.lstrip().startswith(b"{"):
        return {
            name: _word(value) for name, value in _object(call.body).items() if value is not None
        }
    return _form(call.body.decode("utf-8", "surrogatepass"))


def _form(text: str) -> Parameters:
    return dict(parse_qsl(text, keep_blank_values=True, errors="surrogatepass"))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- answers -------------------------------------------------------------------------------


class Problem(Wire):
    """A refusal. Source: "Messages API errors"; the REST API says it in its own words."""

    type: str = ""
    title: str = ""
    detail: str = ""
    label: str = Field(default="", alias="error-code-label")


class Sent(Wire):
    """The answer to a message. Source: Messages API, "Send a message"."""

    id: str = Field(alias="message_uuid", min_length=1)


class Segment(Wire):
    """What became of one segment of a message. Source: SMS API, "Send an SMS"."""

    status: str
    id: str = Field("", alias="message-id")
    error_text: str = Field("", alias="error-text")


class LegacySent(Wire):
    """The answer of the SMS API, which says 200 to refusals too."""

    messages: tuple[Segment, ...] = Field(min_length=1)


class Balance(Wire):
    """What the account still has, in EUR. Source: Account API."""

    value: float


class Webhook(Wire):
    """Where Vonage calls us."""

    address: str = ""
    http_method: str = ""


class Webhooks(Wire):
    """The two webhooks of an application for messages."""

    inbound_url: Webhook = Webhook()
    status_url: Webhook = Webhook()


class MessagesCapability(Wire):
    """What an application does with messages."""

    version: str = ""
    webhooks: Webhooks = Webhooks()


class ApplicationCapabilities(Wire):
    """What an application does."""

    messages: MessagesCapability | None = None


class ApplicationKeys(Wire):
    """What checks the application's tokens."""

    public_key: str = ""


class Application(Wire):
    """Our application. Source: Application API v2."""

    name: str = ""
    capabilities: ApplicationCapabilities = ApplicationCapabilities()
    keys: ApplicationKeys = ApplicationKeys()


class Number(Wire):
    """A number of ours. Source: Numbers API."""

    msisdn: str
    country: str
    features: tuple[str, ...] = ()
    app_id: str = ""
    webhook: str = Field("", alias="moHttpUrl")


class NumberList(Wire):
    """The numbers that a search found; nothing at all where it found none."""

    numbers: tuple[Number, ...] = ()


def readable(model: type[_M], said: Mapping[str, object]) -> _M:
    """Return ``said`` as ``model``. Raises `MalformedPayload` with the names of what is wrong."""
    try:
        return model.model_validate(
            {name: value for name, value in said.items() if value is not None}
        )
    except ValidationError as error:
        names = sorted({str(item["loc"][0]) for item in error.errors()})
        raise MalformedPayload(f"Missing or unusable: {', '.join(names)}.") from None


def read(model: type[_M], response: HttpResponse) -> _M | None:
    """Return the body of ``response`` as ``model``, or None when it is no such thing."""
    try:
        return model.model_validate_json(response.body)
    except ValueError:
        return None


def need(model: type[_M], response: HttpResponse) -> _M:
    """Return the body of ``response`` as ``model``. Raises `Transient` when it is no such thing."""
    found = read(model, response)
    if found is None:
        raise Transient(
            f"Vonage's answer ({response.status}) is no {model.__name__}: something on the way, "
            "such as a proxy, may have answered in its place. Look at the API base URL.",
            code="unreadable_answer",
        )
    return found


def moment(text: str) -> datetime | None:
    """Return the time that ``text`` tells, in UTC where it names no zone; None if it tells none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read
