"""Exchange letters: SMTP to send, IMAP to receive."""

from collections.abc import Iterable
from typing import ClassVar

from hubbub.sdk import (
    Accepted,
    BadAddress,
    Bounds,
    Call,
    Capabilities,
    ChannelType,
    Checked,
    Event,
    Exchange,
    FetchedMedia,
    Part,
    Reject,
    SetupStep,
    Verdict,
)
from hubbub_email import account, inbound, manifest, outbound
from hubbub_email.addresses import sound, without_tag
from hubbub_email.fields import EmailConnection, EmailFields


class EmailChannel(ChannelType[EmailFields]):
    """A mailbox at any provider, or a mail server of one's own."""

    type = "email"
    label = "Email"
    description = "A mailbox at any provider: letters come in over IMAP and go out over SMTP."
    icon = manifest.ICON
    fields = EmailFields
    capabilities: ClassVar[Capabilities] = manifest.CAPABILITIES
    group = "email"
    needs = ("a mailbox with IMAP and SMTP", "its password, or an app password")
    minutes = 5
    setup_steps: ClassVar[tuple[SetupStep, ...]] = manifest.SETUP_STEPS
    components = manifest.COMPONENTS
    bounds: ClassVar[Bounds] = manifest.BOUNDS

    def account(self, connection: EmailConnection) -> str | None:
        """Return the mailbox, of which nobody else may take letters; None where none are taken."""
        settings = connection.fields.settings
        if not settings.receives:
            return None
        username, _ = connection.fields.imap_login
        return sound(username) or f"{username}@{settings.imap.host}"

    def address(self, text: str, connection: EmailConnection) -> str:
        """Return an address in lower case, its domain in ASCII."""
        del connection
        address = sound(text)
        if not address or '"' in address:
            raise BadAddress("A letter goes to an address such as ada@example.org.")
        return address

    def sender(self, connection: EmailConnection) -> str | None:
        """Return our address."""
        return connection.fields.settings.from_address

    def owns(self, address: str, connection: EmailConnection) -> bool:
        """Return whether letters to ``address`` come to us, whatever stands behind a plus in it."""
        settings = connection.fields.settings
        ours = (settings.from_address, settings.reply_to, self.account(connection) or "")
        return without_tag(sound(address)) in {without_tag(one) for one in ours if one}

    def verify(self, call: Call, connection: EmailConnection) -> Verdict:
        """Believe nobody: letters are fetched."""
        del call, connection
        return Reject("Nobody calls for a mailbox: letters are fetched.")

    def parse(self, call: Call, connection: EmailConnection) -> Iterable[Event]:
        """Yield the message, or what a mail server tells of ours."""
        return inbound.events(call, connection)

    def read_media(self, ref: str, call: Call, connection: EmailConnection) -> FetchedMedia:
        """Return a file of the letter in ``call``."""
        del connection
        return inbound.file(ref, call)

    def send(self, part: Part, connection: EmailConnection) -> Exchange[Accepted]:
        """Hand over one letter."""
        return outbound.send(part, connection)

    def check(self, connection: EmailConnection) -> Exchange[Checked]:
        """Look at both servers."""
        return account.check(connection)
