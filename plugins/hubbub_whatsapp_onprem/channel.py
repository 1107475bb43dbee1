"""Speak as WhatsApp's On-Premises API did: one channel is one client, and so one number."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import ClassVar

from hubbub.sdk import (
    Accept,
    Accepted,
    Call,
    Capabilities,
    ChannelType,
    Checked,
    Draft,
    Event,
    Exchange,
    FetchedMedia,
    Part,
    Reject,
    SetupStep,
    Verdict,
)
from hubbub.sdk.whatsapp import identity, writing
from hubbub_whatsapp_onprem import account, inbound, manifest, media, outbound
from hubbub_whatsapp_onprem.fields import OnPremiseConnection, OnPremiseFields


class WhatsAppOnPremise(ChannelType[OnPremiseFields]):
    """A number on a WhatsApp Business API client, or on a gateway that speaks as one."""

    type = "whatsapp_onpremise"
    label = "WhatsApp (On-Premises API)"
    description = "A WhatsApp number on a Business API client of one's own, or a gateway like it."
    legacy = manifest.LEGACY
    icon = manifest.ICON
    fields = OnPremiseFields
    capabilities: ClassVar[Capabilities] = manifest.CAPABILITIES
    group = "messaging"
    needs = ("a WhatsApp Business API client of your own, or a gateway that acts as one",)
    minutes = 10
    setup_steps: ClassVar[tuple[SetupStep, ...]] = manifest.SETUP_STEPS
    changes = ("The client is told to call this hub.",)
    components = MappingProxyType({"webhook": "webhook", "health": "outbound"})

    def account(self, connection: OnPremiseConnection) -> str | None:
        """Return where the client is, and as whom: it calls one webhook.

        The numbers of a gateway share its address, and differ in a token that must stay secret.
        """
        fields = connection.fields
        where = f"{fields.settings.api_base} {fields.credentials.username}"
        return where if fields.logs_in else None

    def address(self, text: str, connection: OnPremiseConnection) -> str:
        """Return a number with ``+`` and country, or a user id of a gateway's."""
        del connection
        return identity.given_address(text)

    def sender(self, connection: OnPremiseConnection) -> str | None:
        """Return our number, once a check has learnt it."""
        return identity.address(connection.facts.get("wa_id", "")) or None

    def verify(self, call: Call, connection: OnPremiseConnection) -> Verdict:
        """Believe who knows the webhook's address: the client signs nothing."""
        del connection
        if call.method.upper() != "POST":
            return Reject("The client calls by POST only.")
        return Accept()

    def parse(self, call: Call, connection: OnPremiseConnection) -> Iterable[Event]:
        """Yield every message and status."""
        del connection
        return inbound.events(call)

    def render(self, draft: Draft, part: Part, connection: OnPremiseConnection) -> tuple[Part, ...]:
        """Return ``draft`` as parts that are one message each."""
        parts: list[Part] = []
        for content in writing.sayable(draft.content):
            quoted = None if parts else draft.reply_to_external_id
            piece = Draft(content=content, reply_to_external_id=quoted)
            parts += super().render(piece, part, connection)
        return tuple(parts)

    def send(self, part: Part, connection: OnPremiseConnection) -> Exchange[Accepted]:
        """Send one message, its file first."""
        return outbound.send(part, connection)

    def check(self, connection: OnPremiseConnection) -> Exchange[Checked]:
        """Look at the client."""
        return account.check(connection)

    def setup(self, connection: OnPremiseConnection) -> Exchange[Checked]:
        """Let the client call us."""
        return account.setup(connection)

    def teardown(self, connection: OnPremiseConnection) -> Exchange[None]:
        """Let the client no longer call us, and log out."""
        return account.teardown(connection)

    def fetch_media(self, ref: str, connection: OnPremiseConnection) -> Exchange[FetchedMedia]:
        """Fetch the file with this media id."""
        return media.fetch(ref, connection)

    def mark_read(
        self, address: str, external_id: str, connection: OnPremiseConnection
    ) -> Exchange[None]:
        """Show that the message and all before it were read."""
        del address
        return outbound.mark_read(external_id, connection)
