"""Offer the simulated gateway to the control API and to the customer's page."""

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.gateway import network
from hubbub.sandbox.gateway.api import PREFIX, answer
from hubbub.sandbox.gateway.network import STATUSES, Telling, Texting
from hubbub.sandbox.gateway.state import Gateway, Sms, User
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
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply


class Registration(BaseModel):
    """A user to make known, as Kannel's configuration does."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1)
    password: str = ""
    numbers: list[str] = []
    #: Where inbound messages go, with Kannel's escapes.
    get_url: str = ""


class Kannel(ByText):
    """The simulated gateway."""

    name = "gateway"
    prefix = PREFIX

    def __init__(self, world: World) -> None:
        self._gateway = Gateway(world)

    def answer(self, ask: Ask) -> Reply:
        """Answer one request of the hub."""
        return answer(self._gateway, ask)

    def endpoints(self) -> list[Json]:
        """Return the users that are known."""
        with self._gateway.world.lock:
            return [_described(user) for user in self._gateway.users.values()]

    def register(self, body: Json) -> Json:
        """Make a user known, or change it."""
        wanted = Registration.model_validate(body)
        with self._gateway.world.lock:
            user = self._gateway.users.setdefault(wanted.username, User(wanted.username))
            user.password = wanted.password or user.password
            user.get_url = wanted.get_url or user.get_url
            user.numbers += [one for one in wanted.numbers if one not in user.numbers]
            return _described(user)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer or the network would."""
        user = self._gateway.named(endpoint)
        match action:
            case "messages":
                return network.bring(self._gateway, user, Texting.model_validate(body))
            case "receipts":
                return network.tell(self._gateway, user, Telling.model_validate(body))
        raise NoSuchThing(f"The gateway has no {action!r}; there are messages and receipts.")

    def desks(self) -> list[Desk]:
        """Return the numbers that a customer can text."""
        with self._gateway.world.lock:
            return [
                Desk("gateway", f"{user.name}:{number}", number, "SMS gateway", bool(user.get_url))
                for user in self._gateway.users.values()
                for number in user.numbers
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        user, number = self._at(desk)
        customer = british_phone_of(persona)
        with self._gateway.world.lock:
            lines = tuple(_line(sms) for sms in user.chat(number, customer))
        return ChatView(
            address=customer,
            lines=lines,
            leave_label="Text STOP",
            return_label="Text START",
            skills=Skills(files=False, receipts=STATUSES),
        )

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Text the number."""
        user, number = self._at(desk)
        texting = Texting.model_validate(
            {"from": british_phone_of(persona), "to": number, "text": saying.text}
        )
        network.bring(self._gateway, user, texting)

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let the network report what became of a message."""
        del persona  # the user knows its messages
        telling = Telling.model_validate({"id": message, "status": receipt})
        network.tell(self._gateway, self._at(desk)[0], telling)

    def reset(self) -> None:
        """Forget every user."""
        self._gateway.reset()

    def _at(self, desk: str) -> tuple[User, str]:
        name, _, number = desk.partition(":")
        user = self._gateway.named(name)
        if number not in user.numbers:
            raise NoSuchThing(f"The gateway's user has no number {number}.")
        return user, number


def _line(sms: Sms) -> Line:
    return Line(
        id=sms.id,
        mine=sms.mine,
        at=sms.at,
        text=sms.text,
        status=sms.status,
        problem=sms.problem,
    )


def _described(user: User) -> Json:
    return {"username": user.name, "numbers": user.numbers, "get_url": user.get_url}
