"""Speak to a gateway of one's own: a daemon, a telephone, or any HTTP interface by template."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from hubbub.sdk import (
    Accept,
    Accepted,
    BadAddress,
    Call,
    Capabilities,
    ChannelType,
    Checked,
    Draft,
    Event,
    Exchange,
    Limit,
    Part,
    Reject,
    SetupStep,
    Verdict,
)
from hubbub.sdk.sms import address_kind, to_e164
from hubbub_sms_gateway import account, inbound, outbound, proof
from hubbub_sms_gateway.fields import GatewayConnection, GatewayFields

#: Ten segments in the alphabet of SMS; `SmsGateway.render` counts segments.
_TEXT_LIMIT: Final = 1530


class SmsGateway(ChannelType[GatewayFields]):
    """SMS through Kannel, Jasmin, playSMS, a telephone, or whatever takes an HTTP request."""

    type = "sms_gateway"
    label = "SMS (own gateway)"
    description = "Text messages through Kannel, another gateway of your own, or a telephone."
    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        '<path d="M12 13v8M8 21h8"/><circle cx="12" cy="11" r="1.5"/>'
        '<path d="M8.5 14.5a5 5 0 0 1 0-7M15.5 7.5a5 5 0 0 1 0 7M5.7 17.3a9 9 0 0 1 '
        '0-12.6M18.3 4.7a9 9 0 0 1 0 12.6"/></svg>'
    )
    fields = GatewayFields
    capabilities = Capabilities(
        inbound=frozenset({"text"}),
        outbound=frozenset({"text"}),
        text_limit=_TEXT_LIMIT,
        segments=True,
        receipts=frozenset({"sent", "delivered"}),
        # A channel has the pace of its preset; this is that of a gateway nobody knows.
        limits=(Limit.per_second(1),),
        finds=True,
    )
    group = "sms"
    needs = ("an SMS gateway that takes HTTP requests, such as Kannel",)
    minutes = 15
    components = MappingProxyType({"request": "outbound", "unproven": "outbound"})
    setup_steps = (
        SetupStep(
            title="Choose the gateway",
            text="Kannel and the others come complete: they need an address and credentials. "
            "Anything else that takes an HTTP request is described in the advanced fields.",
        ),
        SetupStep(
            title="Let the hub reach it",
            text="A gateway in your own network is called only once HUBBUB_ALLOW_PRIVATE_NETWORKS "
            "names its network.",
        ),
        SetupStep(
            title="Let the gateway call the hub",
            text="Enter the channel's webhook address at the gateway, with the inbound token. "
            "docs/channels/sms_gateway.md has the configuration for each.",
        ),
    )

    def address(self, text: str, connection: GatewayConnection) -> str:
        """Return a number in E.164, or a short code."""
        settings = connection.fields.settings
        number = to_e164(text, settings.default_region or None)
        if number is None or address_kind(number) == "alphanumeric":
            raise BadAddress("An SMS goes to a number with + and country, such as +15005550006.")
        return number

    def sender(self, connection: GatewayConnection) -> str | None:
        """Return our number, where it is known."""
        return connection.fields.settings.from_number or None

    def verify(self, call: Call, connection: GatewayConnection) -> Verdict:
        """Check the call's proof; answer as the gateway expects."""
        objection = proof.objection(call, connection)
        if objection:
            return Reject(objection)
        return Accept(inbound.answer(call, connection))

    def parse(self, call: Call, connection: GatewayConnection) -> Iterable[Event]:
        """Yield the message or the receipt."""
        return inbound.events(call, connection)

    def render(self, draft: Draft, part: Part, connection: GatewayConnection) -> tuple[Part, ...]:
        """Split by segments: gateways drop what exceeds their limit of them."""
        return outbound.parts(draft, part, connection, self.capabilities)

    def send(self, part: Part, connection: GatewayConnection) -> Exchange[Accepted]:
        """Hand over one part."""
        return outbound.send(part, connection)

    def find(self, part: Part, connection: GatewayConnection) -> Exchange[Accepted | None]:
        """Say whether sending again is safe."""
        yield from ()
        return outbound.find(part, connection)

    def check(self, connection: GatewayConnection) -> Exchange[Checked]:
        """Look at the gateway."""
        return account.inspect(connection)
