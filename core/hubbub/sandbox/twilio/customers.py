"""Act as the people who text a number: messages, STOP and START."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.client import Answer
from hubbub.sandbox.journal import Sent
from hubbub.sandbox.twilio.cloud import Cloud
from hubbub.sandbox.twilio.messages import clean_number, is_number
from hubbub.sandbox.twilio.segments import segments
from hubbub.sandbox.twilio.state import API_VERSION, Account, Media, Number, Service, Sms, new_sid
from hubbub.sandbox.twilio.webhooks import parcel
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json, Upload

_STOP: Final = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
_START: Final = frozenset({"start", "yes", "unstop"})
_STOPPED: Final = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
_STARTED: Final = (
    "You have successfully been re-subscribed to messages from this number. "
    "Reply HELP for help. Reply STOP to unsubscribe."
)
#: What the debugger says of an answer to a message: bad TwiML, wrong type, no answer.
_BAD_XML, _BAD_TYPE, _UNREACHABLE, _EMPTY = 12100, 12300, 11200, 11770


class File(BaseModel):
    """A file that a customer sends."""

    model_config = ConfigDict(extra="forbid")

    #: Base64.
    data: str
    content_type: str = "image/jpeg"
    filename: str = "media"

    def upload(self) -> Upload:
        """Return the file itself."""
        try:
            data = base64.b64decode(self.data, validate=True)
        except binascii.Error:
            raise ValueError('"media.data" is not base64.') from None
        return Upload(self.filename, self.content_type, data)


class Texting(BaseModel):
    """A message to inject; ``parameters`` go into the webhook as they are."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from")
    to: str
    body: str = ""
    media: list[File] = []
    sid: str = ""
    parameters: dict[str, str] = {}


@dataclass(frozen=True)
class Door:
    """Where a message comes in: a number of an account."""

    cloud: Cloud
    account: Account
    number: Number

    @property
    def service(self) -> Service | None:
        """The Messaging Service that holds the number."""
        return self.account.service_of(self.number.phone_number)

    @property
    def webhook(self) -> str:
        """Where the hub wants to be told."""
        service = self.service
        if service is not None and not service.use_inbound_webhook_on_number:
            return service.inbound_request_url or self.number.sms_url
        return self.number.sms_url


def door(cloud: Cloud, account: Account, phone_number: str) -> Door:
    """Return the door of a number; `NoSuchThing` if the account has no such number."""
    number = account.numbers.get(clean_number(phone_number))
    if number is None:
        raise NoSuchThing(
            f"The account has no number {phone_number}. Give it one by POST /_sandbox/accounts "
            "or POST /_sandbox/twilio/<account>/webhook."
        )
    return Door(cloud, account, number)


def text(at: Door, texting: Texting) -> Json:
    """Send a message to a number of the account; the hub is told if it has a webhook."""
    if not is_number(clean_number(texting.sender)):
        raise ValueError('"from" must be a phone number such as +12025550101.')
    return text_with(at, texting, [file.upload() for file in texting.media])


def text_with(at: Door, texting: Texting, uploads: Sequence[Upload]) -> Json:
    """Send a message whose files somebody picked."""
    with at.cloud.world.lock:
        sms = _received(at, texting, uploads)
        told = _tell(at, sms, texting.parameters)
        _keywords(at, sms)
    return {"sid": sms.sid, "status": sms.status, "queued": told}


def _received(at: Door, texting: Texting, uploads: Sequence[Upload]) -> Sms:
    now = datetime.now(UTC)
    files = at.cloud.world.files
    stored = [
        files.put(name=file.name, mime_type=file.mime_type, data=file.data) for file in uploads
    ]
    media = [Media(new_sid("ME"), file.id, file.mime_type, now) for file in stored]
    service = at.service
    return at.account.keep(
        Sms(
            sid=texting.sid or new_sid("MM" if media else "SM"),
            account_sid=at.account.sid,
            sender=clean_number(texting.sender),
            recipient=at.number.phone_number,
            body=texting.body,
            direction="inbound",
            status="received",
            num_segments=segments(texting.body),
            created=now,
            sent=now,
            service_sid=service.sid if service else None,
            media=media,
        )
    )


def _tell(at: Door, sms: Sms, extra: dict[str, str]) -> bool:
    url = at.webhook
    if not url:
        sms.told = "no webhook is set"
        return False
    sms.told = "waiting for the hub"
    base = at.cloud.world.config.base_url or at.account.reached_at or at.cloud.world.base_url
    parameters = {**dict(_parameters(base, sms)), **extra}

    def done(answer: Answer) -> None:
        fallback = at.number.sms_fallback_url
        if answer.accepted or not fallback:
            _answered(at, sms, answer)
            return
        again = {**parameters, "ErrorCode": str(_UNREACHABLE), "ErrorUrl": url}
        _post(at, sms, fallback, again, lambda last: _answered(at, sms, last))

    _post(at, sms, url, parameters, done)
    return True


def _post(
    at: Door, sms: Sms, url: str, parameters: dict[str, str], done: Callable[[Answer], None]
) -> None:
    told = parcel(
        at.account, url, parameters, kind="message", key=sms.sid, address=sms.sender, done=done
    )
    at.cloud.world.tell(("twilio-inbound", at.account.sid, sms.recipient, sms.sender), told)


def _parameters(base: str, sms: Sms) -> Iterator[tuple[str, str]]:
    yield "ToCountry", "US"
    for name in ("MessageSid", "SmsSid", "SmsMessageSid"):
        yield name, sms.sid
    yield "AccountSid", sms.account_sid
    if sms.service_sid:
        yield "MessagingServiceSid", sms.service_sid
    yield "From", sms.sender
    yield "To", sms.recipient
    yield "Body", sms.body
    yield "FromCity", ""
    yield "FromCountry", "US"
    yield "NumMedia", str(len(sms.media))
    yield "NumSegments", str(sms.num_segments)
    yield "SmsStatus", "received"
    yield "ApiVersion", API_VERSION
    for index, media in enumerate(sms.media):
        yield f"MediaUrl{index}", f"{base}/twilio{sms.path}/Media/{media.sid}"
        yield f"MediaContentType{index}", media.content_type


def _answered(at: Door, sms: Sms, answer: Answer) -> None:
    if not answer.accepted:
        sms.told = f"the hub did not take it (error {_UNREACHABLE})"
        return
    replies, error = read_twiml(answer)
    sms.told = f"the hub has it, with warning {error}" if error else "the hub has it"
    for body in replies:
        with at.cloud.world.lock:
            reply = at.account.keep(_automatic(sms, body))
        at.cloud.world.sent.add(
            Sent(
                provider="twilio",
                endpoint=at.account.sid,
                operation="TwiML",
                kind="message",
                address=sms.sender,
                external_id=reply.sid,
                text=body,
            )
        )


def read_twiml(answer: Answer) -> tuple[list[str], int | None]:
    """Return the messages that an answer asks to send, and the debugger's error code."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = answer.body.decode("utf-8", "replace").strip()
    if not body:
        return [], _EMPTY
    if kind == "text/plain":
        return [body], None
    if kind not in {"text/xml", "application/xml"}:
        return [], _BAD_TYPE
    try:
        # The document comes from the hub under test, on the same desk.
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError:
        return [], _BAD_XML
    return ["".join(item.itertext()).strip() for item in root.iter("Message")], None


def _keywords(at: Door, sms: Sms) -> None:
    word = re.sub(r"[\s.!\"']", "", sms.body).casefold()
    pair, stopped = (at.number.phone_number, sms.sender), at.account.stopped
    if word in _STOP and pair not in stopped:
        stopped.add(pair)
        at.account.keep(_automatic(sms, _STOPPED))
    elif word in _START and pair in stopped:
        stopped.discard(pair)
        at.account.keep(_automatic(sms, _STARTED))


def _automatic(sms: Sms, body: str) -> Sms:
    now = datetime.now(UTC)
    return Sms(
        sid=new_sid("SM"),
        account_sid=sms.account_sid,
        sender=sms.recipient,
        recipient=sms.sender,
        body=body,
        direction="outbound-reply",
        status="delivered",
        num_segments=segments(body),
        created=now,
        sent=now,
    )
