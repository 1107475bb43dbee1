"""Offer the simulated Vonage to the control API and to the customer's page."""

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.providers import (
    ByText,
    ChatView,
    Desk,
    Line,
    Persona,
    Picture,
    Saying,
    Skills,
    british_phone_of,
)
from hubbub.sandbox.vonage import customers
from hubbub.sandbox.vonage.api import PREFIX, answer
from hubbub.sandbox.vonage.receipts import STATUSES, Telling, has_failed, tell
from hubbub.sandbox.vonage.state import Application, Cloud, Number, Sms, is_number
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply


class Registration(BaseModel):
    """An application to make known, or to change."""

    model_config = ConfigDict(extra="forbid")

    application_id: str = Field(min_length=1)
    api_key: str = Field(min_length=1)
    api_secret: str = ""
    signature_secret: str = ""
    public_key: str = ""
    name: str = ""
    balance: float | None = None
    #: Without ``+``.
    numbers: list[str] = []


class Vonage(ByText):
    """The simulated Vonage."""

    name = "vonage"
    prefix = PREFIX

    def __init__(self, world: World) -> None:
        self._cloud = Cloud(world)

    def answer(self, ask: Ask) -> Reply:
        """Answer one request of the hub."""
        return answer(self._cloud, ask)

    def endpoints(self) -> list[Json]:
        """Return the applications that are known, with their webhooks."""
        with self._cloud.world.lock:
            return [_described(application) for application in self._cloud.applications.values()]

    def register(self, body: Json) -> Json:
        """Make an application known, or change it."""
        wanted = Registration.model_validate(body)
        for number in wanted.numbers:
            if not is_number(number):
                raise ValueError(f"{number!r} is no number such as 447700900000.")
        known = self._cloud.applications
        with self._cloud.world.lock:
            application = known.setdefault(
                wanted.application_id, Application(wanted.application_id, wanted.api_key)
            )
            for name in ("api_key", "api_secret", "signature_secret", "public_key", "name"):
                setattr(application, name, getattr(wanted, name) or getattr(application, name))
            if wanted.balance is not None:
                application.balance = wanted.balance
            for number in wanted.numbers:
                application.numbers.setdefault(number, Number(number))
            return _described(application)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer or the network would."""
        application = self._cloud.named(endpoint)
        match action:
            case "messages":
                texting = customers.Texting.model_validate(body)
                return customers.text(self._cloud, application, texting)
            case "receipts":
                return tell(self._cloud, application, Telling.model_validate(body))
        raise NoSuchThing(f"Vonage has no {action!r} here; there are messages and receipts.")

    def desks(self) -> list[Desk]:
        """Return the numbers that a customer can text."""
        with self._cloud.world.lock:
            return [
                Desk(
                    "vonage",
                    f"{application.id}:{number.msisdn}",
                    f"+{number.msisdn}",
                    "SMS (Vonage)",
                    _leads_to_the_hub(number, application),
                )
                for application in self._cloud.applications.values()
                for number in application.numbers.values()
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        application, number = self._at(desk)
        customer = british_phone_of(persona)
        with self._cloud.world.lock:
            lines = tuple(
                self._line(sms)
                for sms in application.chats.get((number, customer.removeprefix("+")), [])
            )
        return ChatView(
            address=customer,
            lines=lines,
            leave_label="Text STOP",
            return_label="Text START",
            skills=Skills(receipts=STATUSES),
        )

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Text the number."""
        application, number = self._at(desk)
        texting = customers.Texting.model_validate(
            {"from": british_phone_of(persona), "to": number, "text": saying.text}
        )
        customers.text(self._cloud, application, texting, saying.files)

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let the carrier tell what became of a message."""
        del persona  # the application knows its messages
        telling = Telling.model_validate({"message_uuid": message, "status": receipt})
        tell(self._cloud, self._at(desk)[0], telling)

    def reset(self) -> None:
        """Forget every application."""
        self._cloud.reset()

    def _at(self, desk: str) -> tuple[Application, str]:
        application_id, _, number = desk.partition(":")
        application = self._cloud.named(application_id)
        if number not in application.numbers:
            raise NoSuchThing(f"The application's account has no number {number}.")
        return application, number

    def _line(self, sms: Sms) -> Line:
        files = [self._cloud.world.files.get(file_id) for file_id in sms.files]
        status = f"{sms.status} (error {sms.error})" if sms.error else sms.status
        return Line(
            id=sms.id,
            mine=sms.mine,
            at=sms.at,
            text=sms.text,
            pictures=tuple(Picture(file.id, file.name, file.is_image) for file in files if file),
            status=status,
            problem=has_failed(sms) or "not take" in sms.status,
        )


def _leads_to_the_hub(number: Number, application: Application) -> bool:
    if number.app_id:
        return number.app_id == application.id and bool(application.webhook("inbound_url"))
    return bool(number.mo_url)


def _described(application: Application) -> Json:
    return {
        "application_id": application.id,
        "api_key": application.api_key,
        "name": application.name,
        "balance": application.balance,
        "inbound_url": application.webhook("inbound_url"),
        "status_url": application.webhook("status_url"),
        "numbers": [
            {"msisdn": number.msisdn, "app_id": number.app_id}
            for number in application.numbers.values()
        ],
    }
