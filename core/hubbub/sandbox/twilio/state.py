"""Hold what Twilio knows: accounts, numbers, services and messages."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from hubbub.sandbox.wsgi import Json

API_VERSION: Final = "2010-04-01"

#: How far each status is; a lower one never follows a higher one.
RANKS: Final = {
    "accepted": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "delivered": 4,
    "undelivered": 4,
    "failed": 4,
    "read": 5,
}
#: Messages of one chat that the customer's page shows.
_SHOWN: Final = 300
#: Messages of one account that can still be asked for.
_REMEMBERED: Final = 100_000


def new_sid(prefix: str) -> str:
    """Return a new SID."""
    return prefix + secrets.token_hex(16)


def rfc2822(moment: datetime | None) -> str | None:
    """Return a time as Twilio writes it."""
    return None if moment is None else format_datetime(moment)


@dataclass
class Media:
    """One file of a message."""

    sid: str
    file_id: str
    content_type: str
    created: datetime

    def as_json(self, message: "Sms") -> Json:
        """Return the media resource."""
        return {
            "sid": self.sid,
            "account_sid": message.account_sid,
            "parent_sid": message.sid,
            "content_type": self.content_type,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "uri": f"{message.path}/Media/{self.sid}.json",
        }


@dataclass
class Sms:
    """One message."""

    sid: str
    account_sid: str
    sender: str
    recipient: str
    body: str
    direction: str
    status: str
    num_segments: int
    created: datetime
    service_sid: str | None = None
    sent: datetime | None = None
    error_code: int | None = None
    status_callback: str = ""
    media: list[Media] = field(default_factory=list)
    #: Addresses of media that Twilio has still to fetch.
    media_urls: tuple[str, ...] = ()
    #: What became of telling the hub, for an inbound message.
    told: str = ""

    @property
    def path(self) -> str:
        """The path of the resource, without ``.json``."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"

    @property
    def inbound(self) -> bool:
        """Whether the customer wrote it."""
        return self.direction == "inbound"

    def as_json(self) -> Json:
        """Return the message resource."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "messaging_service_sid": self.service_sid,
            "from": self.sender or None,
            "to": self.recipient,
            "body": self.body,
            "status": self.status,
            "direction": self.direction,
            "num_segments": str(self.num_segments),
            "num_media": str(max(len(self.media), len(self.media_urls))),
            "error_code": self.error_code,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.sent or self.created),
            "date_sent": rfc2822(self.sent),
            "uri": f"{self.path}.json",
            "subresource_uris": {"media": f"{self.path}/Media.json"},
        }


@dataclass
class Number:
    """A phone number of an account."""

    phone_number: str
    sid: str
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    mms: bool = True
    #: Whether its customers can tell that they read a message.
    rcs: bool = True

    def as_json(self, account_sid: str) -> Json:
        """Return the number resource."""
        base = f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "phone_number": self.phone_number,
            "friendly_name": self.phone_number,
            "capabilities": {"voice": True, "sms": True, "mms": self.mms, "fax": False},
            "sms_url": self.sms_url or None,
            "sms_method": self.sms_method,
            "sms_fallback_url": self.sms_fallback_url or None,
            "sms_fallback_method": "POST",
            "sms_application_sid": "",
            "status_callback": "",
            "status_callback_method": "POST",
            "api_version": API_VERSION,
            "uri": f"{base}.json",
        }


@dataclass
class Service:
    """A Messaging Service: a pool of numbers."""

    sid: str
    friendly_name: str = "Sandbox service"
    inbound_request_url: str = ""
    status_callback: str = ""
    use_inbound_webhook_on_number: bool = False
    smart_encoding: bool = True
    sticky_sender: bool = True
    numbers: list[str] = field(default_factory=list)

    def as_json(self, account_sid: str) -> Json:
        """Return the service resource."""
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "friendly_name": self.friendly_name,
            "inbound_request_url": self.inbound_request_url or None,
            "inbound_method": "POST",
            "fallback_url": None,
            "status_callback": self.status_callback or None,
            "use_inbound_webhook_on_number": self.use_inbound_webhook_on_number,
            "smart_encoding": self.smart_encoding,
            "sticky_sender": self.sticky_sender,
            "url": f"https://messaging.twilio.com/v1/Services/{self.sid}",
        }


@dataclass(eq=False)
class Account:
    """One account. Guarded by the world's lock."""

    sid: str
    auth_token: str = field(default="", repr=False)
    api_keys: dict[str, str] = field(default_factory=dict, repr=False)
    friendly_name: str = "Sandbox account"
    status: str = "active"
    type: str = "Full"
    balance: str = "42.00"
    #: The address under which the hub last reached the API: files are named by it too.
    reached_at: str = ""
    #: Whether a number becomes the account's own as soon as somebody uses it.
    adopts_numbers: bool = True
    numbers: dict[str, Number] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    messages: OrderedDict[str, Sms] = field(default_factory=OrderedDict)
    #: The newest messages between a number of ours and a customer.
    chats: dict[tuple[str, str], list[Sms]] = field(default_factory=dict)
    #: Customers who said STOP, with the number they said it to.
    stopped: set[tuple[str, str]] = field(default_factory=set)

    def adopt(self, phone_number: str) -> Number | None:
        """Return a number of the account, made its own if that is allowed."""
        number = self.numbers.get(phone_number)
        if number is None and self.adopts_numbers:
            number = self.numbers[phone_number] = Number(phone_number, new_sid("PN"))
        return number

    def service_of(self, phone_number: str) -> Service | None:
        """Return the service whose pool holds a number."""
        for service in self.services.values():
            if phone_number in service.numbers:
                return service
        return None

    def keep(self, sms: Sms) -> Sms:
        """Remember a message and return it."""
        self.messages[sms.sid] = sms
        while len(self.messages) > _REMEMBERED:
            self.messages.popitem(last=False)
        pair = (sms.recipient, sms.sender) if sms.inbound else (sms.sender, sms.recipient)
        chat = self.chats.setdefault(pair, [])
        chat.append(sms)
        del chat[:-_SHOWN]
        return sms

    def as_json(self) -> Json:
        """Return the account resource."""
        return {
            "sid": self.sid,
            "friendly_name": self.friendly_name,
            "status": self.status,
            "type": self.type,
            "auth_token": None,
            "owner_account_sid": self.sid,
            "date_created": rfc2822(datetime(2026, 1, 1, tzinfo=UTC)),
            "date_updated": rfc2822(datetime(2026, 1, 1, tzinfo=UTC)),
            "uri": f"/{API_VERSION}/Accounts/{self.sid}.json",
            "subresource_uris": {},
        }
