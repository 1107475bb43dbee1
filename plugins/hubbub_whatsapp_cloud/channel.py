"""Speak the WhatsApp Cloud API of Meta: one channel is one number."""

from collections.abc import Iterable
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
    MessageTemplate,
    Part,
    Reject,
    SetupStep,
    Verdict,
    graph,
)
from hubbub.sdk.whatsapp import identity, writing
from hubbub_whatsapp_cloud import (
    account,
    inbound,
    manifest,
    media,
    outbound,
    template_list,
)
from hubbub_whatsapp_cloud.fields import WhatsAppConnection, WhatsAppFields


class WhatsAppCloud(ChannelType[WhatsAppFields]):
    """A number on the WhatsApp Cloud API."""

    type = "whatsapp_cloud"
    label = "WhatsApp (Cloud API)"
    description = "A WhatsApp number that Meta hosts."
    icon = manifest.ICON
    fields = WhatsAppFields
    capabilities: ClassVar[Capabilities] = manifest.CAPABILITIES
    group = "messaging"
    needs = (
        "a Meta business account",
        "a phone number that WhatsApp does not use yet",
        "an https address of this hub that Meta can reach",
    )
    minutes = 20
    setup_steps: ClassVar[tuple[SetupStep, ...]] = manifest.SETUP_STEPS
    changes = manifest.CHANGES
    components = manifest.COMPONENTS

    def account(self, connection: WhatsAppConnection) -> str:
        """Return the number's id: Meta tells what is written to it once."""
        return connection.fields.settings.phone_number_id

    def address(self, text: str, connection: WhatsAppConnection) -> str:
        """Return a number with ``+`` and country, or a business-scoped user id."""
        del connection
        return identity.given_address(text)

    def sender(self, connection: WhatsAppConnection) -> str | None:
        """Return our number, once a check has learnt it from its id."""
        shown = connection.facts.get("display_phone_number", "")
        digits = "".join(character for character in shown if character in "0123456789")
        return f"+{digits}" if digits else None

    def verify(self, call: Call, connection: WhatsAppConnection) -> Verdict:
        """Shake hands by GET; check the signature of anything else."""
        if call.method.upper() == "GET":
            return graph.handshake(call, connection.verify_token)
        objection = graph.objection(call, connection.fields.credentials.app_secret)
        return Reject(objection) if objection else Accept()

    def parse(self, call: Call, connection: WhatsAppConnection) -> Iterable[Event]:
        """Yield every message and status that is for our number."""
        return inbound.events(call, connection)

    def render(self, draft: Draft, part: Part, connection: WhatsAppConnection) -> tuple[Part, ...]:
        """Return ``draft`` as parts that are one message each."""
        parts: list[Part] = []
        for content in writing.sayable(draft.content):
            quoted = None if parts else draft.reply_to_external_id
            piece = Draft(content=content, reply_to_external_id=quoted)
            parts += super().render(piece, part, connection)
        return tuple(parts)

    def send(self, part: Part, connection: WhatsAppConnection) -> Exchange[Accepted]:
        """Send one message, its file first."""
        return outbound.send(part, connection)

    def check(self, connection: WhatsAppConnection) -> Exchange[Checked]:
        """Look at number, account and token."""
        return account.check(connection)

    def setup(self, connection: WhatsAppConnection) -> Exchange[Checked]:
        """Subscribe to the account, and let Meta call us about the number."""
        return account.setup(connection)

    def teardown(self, connection: WhatsAppConnection) -> Exchange[None]:
        """Let Meta no longer call us about the number."""
        return account.teardown(connection)

    def templates(self, connection: WhatsAppConnection) -> Exchange[tuple[MessageTemplate, ...]]:
        """Return the templates of the account, which all its numbers share."""
        return template_list.templates(connection)

    def fetch_media(self, ref: str, connection: WhatsAppConnection) -> Exchange[FetchedMedia]:
        """Fetch the file with this media id."""
        return media.fetch(ref, connection)

    def mark_read(
        self, address: str, external_id: str, connection: WhatsAppConnection
    ) -> Exchange[None]:
        """Show that the message and all before it were read."""
        del address
        return outbound.mark_read(external_id, connection)

    def typing(
        self, address: str, external_id: str, connection: WhatsAppConnection
    ) -> Exchange[None]:
        """Show for up to 25 seconds that somebody is writing, who thus has read all."""
        del address
        return outbound.mark_read(external_id, connection, typing=True)
