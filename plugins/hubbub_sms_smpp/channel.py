"""Speak SMPP 3.4 to a message centre, without a gateway in between."""

from collections.abc import Iterable
from typing import Final

from hubbub.sdk import (
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
from hubbub_sms_smpp import account, inbound, outbound
from hubbub_sms_smpp.fields import SmppConnection, SmppFields

#: Ten segments in the alphabet of SMS; `SmsSmpp.render` counts segments.
_TEXT_LIMIT: Final = 1520


class SmsSmpp(ChannelType[SmppFields]):
    """SMS through the message centre of an operator or an aggregator."""

    type = "sms_smpp"
    label = "SMS (SMPP)"
    description = "Text messages straight through an operator's message centre, by SMPP 3.4."
    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        '<rect x="3" y="4" width="7" height="16" rx="1"/><path d="M5 8h3M5 12h3"/>'
        '<path d="M10 9h8l-3-3M21 15h-8l3 3"/></svg>'
    )
    fields = SmppFields
    capabilities = Capabilities(
        inbound=frozenset({"text"}),
        outbound=frozenset({"text"}),
        text_limit=_TEXT_LIMIT,
        segments=True,
        receipts=frozenset({"sent", "delivered"}),
        # What most accounts are given; a channel's own setting goes first.
        limits=(Limit.per_second(10),),
    )
    group = "sms"
    needs = ("an account at an SMS centre or aggregator that speaks SMPP",)
    minutes = 10
    setup_steps = (
        SetupStep(
            title="Ask for an SMPP account",
            text="Operator or aggregator give you an address, a system id and a password, and want "
            "to know from which address of yours you connect.",
        ),
        SetupStep(
            title="Let the hub reach it",
            text="A centre in a private network, such as behind a tunnel, is reached only once "
            "HUBBUB_ALLOW_PRIVATE_NETWORKS names its network.",
        ),
        SetupStep(
            title="Keep one listener running",
            text="It holds the session. `hubbub up` has one; else run `hubbub listener`.",
        ),
    )

    def account(self, connection: SmppConnection) -> str:
        """Return whose session it is: two would take each other's messages."""
        settings = connection.fields.settings
        endpoint = settings.endpoint
        return f"{settings.system_id}@{endpoint.host}:{endpoint.port}"

    def address(self, text: str, connection: SmppConnection) -> str:
        """Return a number in E.164, or a short code."""
        number = to_e164(text, connection.fields.settings.default_region or None)
        if number is None or address_kind(number) == "alphanumeric":
            raise BadAddress("An SMS goes to a number with + and country, such as +15005550006.")
        return number

    def sender(self, connection: SmppConnection) -> str | None:
        """Return our number."""
        return connection.fields.settings.from_number

    def verify(self, call: Call, connection: SmppConnection) -> Verdict:
        """Believe nobody: a centre tells us what it has over our own session."""
        del call, connection
        return Reject("A message centre makes no calls: what comes in comes over the session.")

    def parse(self, call: Call, connection: SmppConnection) -> Iterable[Event]:
        """Yield the message or the receipt."""
        return inbound.events(call, connection)

    def render(self, draft: Draft, part: Part, connection: SmppConnection) -> tuple[Part, ...]:
        """Split by segments."""
        return outbound.parts(draft, part, connection, self.capabilities)

    def send(self, part: Part, connection: SmppConnection) -> Exchange[Accepted]:
        """Submit one part."""
        return outbound.send(part, connection)

    def check(self, connection: SmppConnection) -> Exchange[Checked]:
        """See whether the centre lets us in."""
        return account.inspect(connection)
