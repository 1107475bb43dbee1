"""Offer mailboxes as the channel type ``email``: SMTP to send, IMAP to receive."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub.sdk.mailbox import MailboxType
from hubbub_email.channel import EmailChannel
from hubbub_email.servers import Mailboxes

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[EmailChannel]:
    """Offer the one type of this plugin."""
    return [EmailChannel()]


@hookimpl
def register_mailboxes() -> Iterable[MailboxType]:
    """Say which mailbox belongs to a channel."""
    return [Mailboxes()]
