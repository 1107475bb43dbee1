"""A channel type whose calls are letters: each is one message, known by its Message-ID."""

from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

from pydantic import Field

from hubbub.sdk import (
    Capabilities,
    ChannelSettings,
    ChannelType,
    Checked,
    Fields,
    MessageReceived,
    Sender,
    Text,
    hookimpl,
)


class Credentials(Fields):
    secret: str = Field(default="", json_schema_extra={"writeOnly": True})


class PostboxFields(Fields):
    credentials: Credentials = Credentials()
    settings: ChannelSettings = ChannelSettings()


class Postbox(ChannelType[PostboxFields]):
    type = "postbox"
    label = "Postbox"
    fields = PostboxFields
    capabilities = Capabilities(
        inbound=frozenset({"text"}), outbound=frozenset({"text"}), text_limit=1000
    )

    def parse(self, call, connection):
        letter = message_from_bytes(call.body)
        yield MessageReceived(
            key=letter["message-id"],
            external_id=letter["message-id"],
            sender=Sender(address=parseaddr(letter["from"])[1]),
            content=Text(text=letter["subject"]),
        )

    def check(self, connection):
        return Checked(findings=())
        yield

    setup = check


class Mailboxes:
    """The mailbox of every postbox, as a test says."""

    type = "postbox"
    now: Any = None

    def mailbox(self, connection):
        return Mailboxes.now

    def renew(self, connection):
        return None
        yield


@hookimpl
def register_channel_types():
    return [Postbox()]


@hookimpl
def register_mailboxes():
    return [Mailboxes()]
