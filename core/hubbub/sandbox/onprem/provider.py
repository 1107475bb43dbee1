"""Offer the simulated clients to the control API and to the customer's page."""

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.meta.apps import App
from hubbub.sandbox.onprem.api import PREFIX, answer
from hubbub.sandbox.onprem.state import Client
from hubbub.sandbox.onprem.telling import flat
from hubbub.sandbox.whatsapp.provider import WhatsApp
from hubbub.sandbox.whatsapp.state import Account, Cloud, Number
from hubbub.sandbox.world import World
from hubbub.sandbox.wsgi import Ask, Json, Reply


class Registration(BaseModel):
    """A client to make known, or to change."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1)
    password: str = ""
    #: Of its number, with ``+``.
    display_phone_number: str = ""
    verified_name: str = ""
    namespace: str = ""
    gateway_status: str = ""


class OnPremises(WhatsApp):
    """The people and chats of the simulated WhatsApp, at numbers behind the older API."""

    name = "onprem"
    kind = "WhatsApp (On-Premises)"
    prefix = PREFIX

    def __init__(self, world: World) -> None:
        super().__init__(world, Cloud(world, provider=self.name, rewrite=flat))
        self._clients: dict[str, Client] = {}

    def answer(self, ask: Ask) -> Reply:
        """Answer one request of the hub."""
        return answer(self._cloud, self._clients, ask)

    def endpoints(self) -> list[Json]:
        """Return the clients that are known, with their webhooks."""
        with self._cloud.world.lock:
            return [_described(client) for client in self._clients.values()]

    def register(self, body: Json) -> Json:
        """Make a client known, or change it."""
        wanted = Registration.model_validate(body)
        with self._cloud.world.lock:
            client = self._clients.get(wanted.username) or self._installed(wanted)
            client.password = wanted.password or client.password
            client.namespace = wanted.namespace or client.namespace
            client.gateway_status = wanted.gateway_status or client.gateway_status
            client.number.display = wanted.display_phone_number or client.number.display
            client.number.name = wanted.verified_name or client.number.name
            return _described(client)

    def reset(self) -> None:
        """Forget every client."""
        self._clients.clear()
        super().reset()

    def _installed(self, wanted: Registration) -> Client:
        # Without a secret nothing is signed.
        app = App(wanted.username, fields=frozenset({"messages"}))
        account = Account(wanted.username, app, subscribed=True)
        number = Number(wanted.username, account, "+44 20 7946 0100")
        self._cloud.numbers[number.id] = number
        client = Client(wanted.username, wanted.password, number)
        return self._clients.setdefault(wanted.username, client)


def _described(client: Client) -> Json:
    return {
        "username": client.username,
        "display_phone_number": client.number.display,
        "namespace": client.namespace,
        "gateway_status": client.gateway_status,
        "webhook": client.number.webhook,
        "logins": len(client.tokens),
    }
