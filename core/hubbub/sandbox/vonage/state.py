"""Hold what Vonage knows: applications with their account, numbers and messages."""

import hmac
import re
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from hubbub.sandbox.vonage.refusal import Refused
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Json

#: How far each status is; a lower one never follows a higher one.
RANKS: Final = {"sending": 0, "submitted": 1, "delivered": 2, "rejected": 2, "undeliverable": 2}
#: Messages of one chat that the customer's page shows.
_SHOWN: Final = 300
_NUMBER: Final = re.compile(r"[1-9][0-9]{6,14}")


def is_number(text: str) -> bool:
    """Whether it is a number as Vonage writes it: without ``+`` or ``00``."""
    return bool(_NUMBER.fullmatch(text))


@dataclass
class Sms:
    """One message."""

    sender: str
    recipient: str
    text: str
    #: Whether the customer wrote it.
    mine: bool
    status: str
    id: str = field(default_factory=lambda: str(uuid4()))
    at: float = field(default_factory=time.time)
    channel: str = "sms"
    client_ref: str = ""
    webhook_url: str = ""
    error: int | None = None
    #: The ids of its files.
    files: tuple[str, ...] = ()


@dataclass
class Number:
    """A phone number of an account."""

    msisdn: str
    features: tuple[str, ...] = ("VOICE", "SMS", "MMS")
    app_id: str = ""
    #: Where its messages go by the older SMS API, unless it is linked to an application.
    mo_url: str = ""

    def as_json(self) -> Json:
        """Return the number as the Numbers API shows it."""
        shown: Json = {
            "country": "US" if self.msisdn.startswith("1") else "GB",
            "msisdn": self.msisdn,
            "type": "mobile-lvn",
            "features": list(self.features),
        }
        more = {"app_id": self.app_id, "moHttpUrl": self.mo_url}
        return shown | {name: value for name, value in more.items() if value}


@dataclass(eq=False)
class Application:
    """One application and the account that it belongs to. Guarded by the world's lock."""

    id: str
    api_key: str
    api_secret: str = field(default="", repr=False)
    signature_secret: str = field(default="", repr=False)
    public_key: str = ""
    name: str = "Sandbox application"
    balance: float = 42.0
    capabilities: Json = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    messages: dict[str, Sms] = field(default_factory=dict)
    chats: dict[tuple[str, str], list[Sms]] = field(default_factory=dict)
    #: The address under which the hub last reached the API: files are named by it.
    reached_at: str = ""

    def webhook(self, name: str) -> str:
        """Return the address of ``inbound_url`` or ``status_url``; empty where there is none."""
        webhooks = self.capabilities.get("messages", {}).get("webhooks", {})
        return str(webhooks.get(name, {}).get("address", ""))

    def keep(self, sms: Sms) -> Sms:
        """Remember a message and return it."""
        self.messages[sms.id] = sms
        pair = (sms.recipient, sms.sender) if sms.mine else (sms.sender, sms.recipient)
        chat = self.chats.setdefault(pair, [])
        chat.append(sms)
        del chat[:-_SHOWN]
        return sms

    def as_json(self) -> Json:
        """Return the application as the Application API shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "keys": {"public_key": self.public_key},
            "capabilities": self.capabilities,
            "_links": {"self": {"href": f"/v2/applications/{self.id}"}},
        }


@dataclass
class Cloud:
    """Everything Vonage knows."""

    world: World
    applications: dict[str, Application] = field(default_factory=dict)

    def named(self, application_id: str) -> Application:
        """Return a known application; `NoSuchThing` if there is none."""
        application = self.applications.get(application_id)
        if application is None:
            raise NoSuchThing(
                "The sandbox knows no such application. It is made known by POST "
                "/_sandbox/applications."
            )
        return application

    def of_account(self, api_key: str, api_secret: str) -> list[Application]:
        """Return the applications of an account whose key and secret are right.

        The first secret that is ever used is taken as the right one.
        """
        found = [one for one in self.applications.values() if one.api_key == api_key]
        for application in found:
            application.api_secret = application.api_secret or api_secret
        right = [
            one
            for one in found
            if hmac.compare_digest(one.api_secret.encode(), api_secret.encode())
        ]
        if not api_secret or not right:
            raise Refused(401)
        return right

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.applications.clear()
