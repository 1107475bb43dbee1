"""Offer the simulated message centre to the control API and to the customer's page."""

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.providers import (
    ByText,
    ChatView,
    Desk,
    Line,
    Persona,
    Saying,
    Skills,
    british_phone_of,
)
from hubbub.sandbox.smsc import network, wire
from hubbub.sandbox.smsc.centre import Centre
from hubbub.sandbox.smsc.network import STATUSES, Telling, Texting
from hubbub.sandbox.smsc.state import Account, Sms, Smsc
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply


class Registration(BaseModel):
    """An account to make known, as an operator does."""

    model_config = ConfigDict(extra="forbid")

    system_id: str = Field(min_length=1)
    password: str = ""
    numbers: list[str] = []
    decimal_receipts: bool | None = None


class MessageCentre(ByText):
    """The simulated message centre; it listens on a port of its own from the first account on."""

    name = "smsc"
    prefix = "/smsc/"

    def __init__(self, world: World) -> None:
        self._smsc = Smsc(world)
        self._centre = Centre(self._smsc)
        world.at_end(self._centre.close)

    def answer(self, ask: Ask) -> Reply:
        """Say that HTTP is not spoken here."""
        del ask
        return Reply(
            404, b"A message centre speaks SMPP: see POST /_sandbox/centres.", "text/plain"
        )

    def endpoints(self) -> list[Json]:
        """Return the accounts that are known."""
        with self._smsc.world.lock:
            return [self._described(account) for account in self._smsc.accounts.values()]

    def register(self, body: Json) -> Json:
        """Make an account known, or change it."""
        wanted = Registration.model_validate(body)
        with self._smsc.world.lock:
            account = self._smsc.accounts.setdefault(wanted.system_id, Account(wanted.system_id))
            account.password = wanted.password or account.password
            account.numbers += [one for one in wanted.numbers if one not in account.numbers]
            if wanted.decimal_receipts is not None:
                account.decimal_receipts = wanted.decimal_receipts
            return self._described(account)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer or the network would."""
        account = self._smsc.named(endpoint)
        match action:
            case "messages":
                return network.bring(self._smsc, account, Texting.model_validate(body))
            case "receipts":
                return network.tell(self._smsc, account, Telling.model_validate(body))
            case "unbind":
                for bound in list(account.sessions):
                    bound.ask(wire.UNBIND)
                return self._described(account)
            case "hangup":
                self._centre.hang_up()
                return self._described(account)
        raise NoSuchThing(
            f"The centre has no {action!r}; there are messages, receipts, unbind and hangup."
        )

    def desks(self) -> list[Desk]:
        """Return the numbers that a customer can text."""
        with self._smsc.world.lock:
            return [
                Desk(
                    "smsc",
                    f"{account.system_id}:{number}",
                    number,
                    "SMS (SMPP)",
                    account.receiver() is not None,
                )
                for account in self._smsc.accounts.values()
                for number in account.numbers
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        account, number = self._at(desk)
        customer = british_phone_of(persona)
        with self._smsc.world.lock:
            lines = tuple(_line(sms) for sms in account.chat(number, customer))
        return ChatView(
            address=customer,
            lines=lines,
            leave_label="Text STOP",
            return_label="Text START",
            skills=Skills(files=False, receipts=STATUSES),
        )

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Text the number."""
        account, number = self._at(desk)
        texting = {"from": british_phone_of(persona), "to": number, "text": saying.text}
        network.bring(self._smsc, account, Texting.model_validate(texting))

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let the network report what became of a message."""
        del persona  # the account knows its messages
        telling = Telling.model_validate({"id": message, "status": receipt})
        network.tell(self._smsc, self._at(desk)[0], telling)

    def reset(self) -> None:
        """Forget every account."""
        self._smsc.reset()
        self._centre.hang_up()

    def _at(self, desk: str) -> tuple[Account, str]:
        system_id, _, number = desk.partition(":")
        account = self._smsc.named(system_id)
        if number not in account.numbers:
            raise NoSuchThing(f"The account has no number {number}.")
        return account, number

    def _described(self, account: Account) -> Json:
        return {
            "system_id": account.system_id,
            "numbers": account.numbers,
            "address": self._centre.address(),
            "sessions": len(account.sessions),
            "waiting": account.waiting,
        }


def _line(sms: Sms) -> Line:
    return Line(
        id=sms.id, mine=sms.mine, at=sms.at, text=sms.text, status=sms.status, problem=sms.problem
    )
