"""Offer the simulated Twilio to the control API and to the customer's page."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from hubbub.sandbox.providers import ByText, ChatView, Desk, Line, Persona, Picture, Saying, Skills
from hubbub.sandbox.twilio import customers
from hubbub.sandbox.twilio.api import PREFIX, answer
from hubbub.sandbox.twilio.cloud import Cloud
from hubbub.sandbox.twilio.messages import clean_number, is_number
from hubbub.sandbox.twilio.receipts import STATUSES, Telling, mark_read, tell
from hubbub.sandbox.twilio.state import Account, Service, Sms
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply

#: Area codes for personas; with 555-01xx behind them the numbers belong to nobody.
_AREAS: Final = (202, 206, 212, 213, 214, 303, 305, 312, 404, 412, 415, 503, 512, 602, 617, 702)


class NumberSetting(BaseModel):
    """A number to give to an account."""

    model_config = ConfigDict(extra="forbid")

    phone_number: str
    sms_url: str = ""
    mms: bool = True
    rcs: bool = True


class ServiceSetting(BaseModel):
    """A Messaging Service to give to an account."""

    model_config = ConfigDict(extra="forbid")

    sid: str
    numbers: list[str] = []
    inbound_request_url: str = ""
    status_callback: str = ""


class Registration(BaseModel):
    """An account to make known; one with ``numbers`` has no others."""

    model_config = ConfigDict(extra="forbid")

    sid: str
    auth_token: str = ""
    friendly_name: str = ""
    status: str = ""
    type: str = ""
    numbers: list[NumberSetting | str] = []
    services: list[ServiceSetting] = []
    api_keys: dict[str, str] = {}


class WebhookChange(BaseModel):
    """Where a number sends what comes in, set by hand."""

    model_config = ConfigDict(extra="forbid")

    number: str
    url: str
    fallback_url: str = ""


class Twilio(ByText):
    """The simulated Twilio."""

    name = "twilio"
    prefix = PREFIX

    def __init__(self, world: World) -> None:
        self._cloud = Cloud(world)

    def answer(self, ask: Ask) -> Reply:
        """Answer one call of the REST API."""
        return answer(self._cloud, ask)

    def endpoints(self) -> list[Json]:
        """Return the accounts that are known, with the webhooks of their numbers."""
        with self._cloud.world.lock:
            return [_described(account) for account in self._cloud.accounts.values()]

    def register(self, body: Json) -> Json:
        """Make an account known, or change it."""
        wanted = Registration.model_validate(body)
        account = self._cloud.account(wanted.sid)
        with self._cloud.world.lock:
            account.auth_token = wanted.auth_token or account.auth_token
            account.friendly_name = wanted.friendly_name or account.friendly_name
            account.status = wanted.status or account.status
            account.type = wanted.type or account.type
            account.api_keys |= wanted.api_keys
            for number in wanted.numbers:
                _give_number(account, number)
            for service in wanted.services:
                account.services[service.sid] = Service(
                    service.sid,
                    inbound_request_url=service.inbound_request_url,
                    status_callback=service.status_callback,
                    numbers=[clean_number(number) for number in service.numbers],
                )
            return _described(account)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer would, or as somebody at Twilio's console."""
        account = self._cloud.named(endpoint)
        match action:
            case "messages":
                texting = customers.Texting.model_validate(body)
                at = customers.door(self._cloud, account, texting.to)
                return customers.text(at, texting)
            case "webhook":
                change = WebhookChange.model_validate(body)
                number = account.adopt(_checked(change.number))
                if number is None:
                    number = customers.door(self._cloud, account, change.number).number
                number.sms_url, number.sms_fallback_url = change.url, change.fallback_url
                return _described(account)
            case "receipts":
                return tell(self._cloud, account, Telling.model_validate(body))
            case _:
                raise NoSuchThing(
                    f"Twilio has no {action!r} here; there are messages, receipts and webhook."
                )

    def desks(self) -> list[Desk]:
        """Return the numbers that a customer can text."""
        with self._cloud.world.lock:
            return [
                Desk(
                    "twilio",
                    f"{account.sid}:{number.phone_number}",
                    number.phone_number,
                    "SMS",
                    bool(customers.Door(self._cloud, account, number).webhook),
                )
                for account in self._cloud.accounts.values()
                for number in account.numbers.values()
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        account, number = self._at(desk)
        customer = phone_of(persona)
        with self._cloud.world.lock:
            return ChatView(
                address=customer,
                lines=tuple(self._line(sms) for sms in account.chats.get((number, customer), [])),
                left=(number, customer) in account.stopped,
                leave_label="Text STOP",
                return_label="Text START",
                skills=Skills(receipts=STATUSES),
            )

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Text the number."""
        account, number = self._at(desk)
        texting = customers.Texting.model_validate(
            {"from": phone_of(persona), "to": number, "body": saying.text}
        )
        customers.text_with(customers.door(self._cloud, account, number), texting, saying.files)

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let the carrier tell what became of a message."""
        del persona  # the account knows its messages
        telling = Telling.model_validate({"sid": message, "status": receipt})
        tell(self._cloud, self._at(desk)[0], telling)

    def opened(self, desk: str, persona: Persona) -> None:
        """Let the messages be read, as RCS tells."""
        account, number = self._at(desk)
        mark_read(self._cloud, account, number, phone_of(persona))

    def reset(self) -> None:
        """Forget every account."""
        self._cloud.reset()

    def _at(self, desk: str) -> tuple[Account, str]:
        sid, _, number = desk.partition(":")
        account = self._cloud.named(sid)
        return account, customers.door(self._cloud, account, number).number.phone_number

    def _line(self, sms: Sms) -> Line:
        files = [self._cloud.world.files.get(media.file_id) for media in sms.media]
        failed = sms.status in {"failed", "undelivered"}
        status = f"{sms.status} (error {sms.error_code})" if failed else sms.status
        return Line(
            id=sms.sid,
            mine=sms.inbound,
            at=sms.created.timestamp(),
            text=sms.body,
            pictures=tuple(Picture(file.id, file.name, file.is_image) for file in files if file),
            status=sms.told if sms.inbound else status,
            problem=failed or "not take" in sms.told,
        )


def phone_of(persona: Persona) -> str:
    """Return the made-up phone number of a persona."""
    area, last = divmod(persona.number % (len(_AREAS) * 100), 100)
    return f"+1{_AREAS[area]}55501{last:02d}"


def _give_number(account: Account, wanted: NumberSetting | str) -> None:
    setting = NumberSetting(phone_number=wanted) if isinstance(wanted, str) else wanted
    account.adopts_numbers = True
    number = account.adopt(_checked(setting.phone_number))
    account.adopts_numbers = False
    if number is not None:
        number.sms_url = setting.sms_url or number.sms_url
        number.mms, number.rcs = setting.mms, setting.rcs


def _checked(phone_number: str) -> str:
    number = clean_number(phone_number)
    if not is_number(number):
        raise ValueError(f"{phone_number!r} is no phone number such as +12025550101.")
    return number


def _described(account: Account) -> Json:
    return {
        "sid": account.sid,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "type": account.type,
        "numbers": [
            {"phone_number": number.phone_number, "sid": number.sid, "sms_url": number.sms_url}
            for number in account.numbers.values()
        ],
        "services": [
            {
                "sid": service.sid,
                "numbers": service.numbers,
                "inbound_request_url": service.inbound_request_url,
                "status_callback": service.status_callback,
            }
            for service in account.services.values()
        ],
    }
