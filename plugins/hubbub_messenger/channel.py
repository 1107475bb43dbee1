"""Speak Meta's Messenger Platform: one channel is one Facebook Page."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

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
    FetchedMedia,
    Part,
    Reject,
    SetupStep,
    Verdict,
    graph,
)
from hubbub_messenger import account, inbound, manifest, media, outbound, people
from hubbub_messenger.fields import MessengerConnection, MessengerFields


class Messenger(ChannelType[MessengerFields]):
    """A Facebook Page on Messenger."""

    type = "messenger"
    label = "Facebook Messenger"
    description = "Messages to a Facebook Page."
    icon = manifest.ICON
    fields = MessengerFields
    capabilities: ClassVar[Capabilities] = manifest.CAPABILITIES
    group = "messaging"
    needs = (
        "a Facebook Page that you administer",
        "a Meta developer account",
        "an https address of this hub that Meta can reach",
    )
    minutes = 15
    setup_steps: ClassVar[tuple[SetupStep, ...]] = manifest.SETUP_STEPS
    changes = manifest.CHANGES
    components = manifest.COMPONENTS

    def account(self, connection: MessengerConnection) -> str:
        """Return the Page's id."""
        return connection.fields.settings.page_id

    def family(self, connection: MessengerConnection) -> str:
        """Return what the Pages of an app share: all of them are told of at one address."""
        secret = connection.fields.credentials.app_secret
        return hashlib.sha256(f"family {secret}".encode()).hexdigest()

    def address(self, text: str, connection: MessengerConnection) -> str:
        """Return a page-scoped id as it is."""
        del connection
        typed = text.strip()
        if not (typed.isascii() and typed.isdigit()):
            raise BadAddress(
                "On Messenger an address is the number by which the Page knows a person; only "
                "who wrote to the Page has one."
            )
        return typed

    def sender(self, connection: MessengerConnection) -> str:
        """Return the Page's id."""
        return connection.fields.settings.page_id

    def window(self, connection: MessengerConnection, by_person: bool) -> timedelta:  # noqa: FBT001  # a hook is given its arguments in order
        """Return a day; a week for people, where the app may tag what they write."""
        longer = by_person and connection.fields.settings.human_agent_enabled
        return manifest.PEOPLES_WINDOW if longer else manifest.WINDOW

    def verify(self, call: Call, connection: MessengerConnection) -> Verdict:
        """Shake hands by GET; check the signature of anything else."""
        if call.method.upper() == "GET":
            return graph.handshake(call, connection.verify_token)
        objection = graph.objection(call, connection.fields.credentials.app_secret)
        return Reject(objection) if objection else Accept()

    def parse(self, call: Call, connection: MessengerConnection) -> Iterable[Event]:
        """Yield everything that concerns our Page."""
        return inbound.events(call, connection)

    def render(self, draft: Draft, part: Part, connection: MessengerConnection) -> tuple[Part, ...]:
        """Return ``draft`` as parts that are one message each."""
        parts: list[Part] = []
        for content in outbound.sayable(draft.content):
            quoted = None if parts else draft.reply_to_external_id
            piece = Draft(content=content, reply_to_external_id=quoted)
            parts += super().render(piece, part, connection)
        return tuple(parts)

    def send(self, part: Part, connection: MessengerConnection) -> Exchange[Accepted]:
        """Send one message, its file first."""
        return outbound.send(part, connection)

    def check(self, connection: MessengerConnection) -> Exchange[Checked]:
        """Look at Page, webhook, subscription and token."""
        return account.check(connection)

    def setup(self, connection: MessengerConnection) -> Exchange[Checked]:
        """Let Meta call us about the app, and subscribe the app to the Page."""
        return account.setup(connection)

    def teardown(self, connection: MessengerConnection) -> Exchange[None]:
        """Let the Page no longer tell the app."""
        return account.teardown(connection)

    def fetch_media(self, ref: str, connection: MessengerConnection) -> Exchange[FetchedMedia]:
        """Fetch the file at this address of Meta's."""
        return media.fetch(ref, connection)

    def mark_read(
        self, address: str, external_id: str, connection: MessengerConnection
    ) -> Exchange[None]:
        """Show that all was seen."""
        del external_id
        return outbound.act(address, "mark_seen", connection)

    def typing(
        self, address: str, external_id: str, connection: MessengerConnection
    ) -> Exchange[None]:
        """Show three dots, for 20 seconds at the most."""
        del external_id
        return outbound.act(address, "typing_on", connection)

    def profile(self, address: str, connection: MessengerConnection) -> Exchange[str | None]:
        """Ask what somebody is called."""
        return people.name(address, connection)
