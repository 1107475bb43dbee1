"""Speak LINE's Messaging API."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    Accept,
    Accepted,
    BadAddress,
    Call,
    Capabilities,
    ChannelType,
    Checked,
    Event,
    Exchange,
    FetchedMedia,
    Limit,
    Part,
    Reject,
    SetupStep,
    Verdict,
)
from hubbub_line import inbound, outbound
from hubbub_line.fields import LineConnection, LineFields

SIGNATURE: Final = "x-line-signature"
#: A person, a group or a room.
_ADDRESS: Final = re.compile(r"[UCR][0-9a-f]{32}")


class Line(ChannelType[LineFields]):
    """A LINE Official Account."""

    type = "line"
    label = "LINE"
    description = "An Official Account that people write to in LINE."
    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="2"><path d="M4 4h16v11H12l-6 5v-5H4z"/></svg>'
    )
    fields = LineFields
    capabilities = Capabilities(
        inbound=frozenset(
            {"text", "image", "video", "audio", "document", "location", "unsupported"}
        ),
        outbound=frozenset({"text", "location"}),
        # Counted in UTF-16 code units - "Character counting in a text".
        text_limit=5000,
        text_unit="utf16",
        # People must be friends of the account, whose ids come with what they write.
        initiates=False,
        limits=(Limit(scope="channel", count=2000, per=timedelta(seconds=1), burst=200),),
        registers_webhook=True,
    )
    setup_steps = (
        SetupStep(
            title="Copy the secrets",
            text="Channel secret under Basic settings, channel access token under Messaging API.",
            link="https://developers.line.biz/console/",
        ),
        SetupStep(title="Let LINE call", text="Switch Use webhook on under Messaging API."),
    )

    def address(self, text: str, connection: LineConnection) -> str:
        """Return the id of a person, a group or a room."""
        if _ADDRESS.fullmatch(text.strip()):
            return text.strip()
        raise BadAddress("On LINE an address is an id such as U4af4980629... of 33 characters.")

    def sender(self, connection: LineConnection) -> str | None:
        """Return the id by which people find the account, such as ``@216ru...``."""
        return connection.facts.get("basic_id")

    def verify(self, call: Call, connection: LineConnection) -> Verdict:
        """Compare the signature. Source: "Verify webhook signature"."""
        secret = connection.fields.credentials.channel_secret.get_secret_value()
        digest = hmac.new(secret.encode(), call.body, hashlib.sha256).digest()
        given = call.headers.get(SIGNATURE, "").encode("utf-8", "backslashreplace")
        if hmac.compare_digest(given, base64.b64encode(digest)):
            return Accept()
        return Reject("The header x-line-signature does not fit the channel secret.")

    def parse(self, call: Call, connection: LineConnection) -> Iterator[Event]:
        """Yield what the events of ``call`` say."""
        return inbound.events(call)

    def send(self, part: Part, connection: LineConnection) -> Exchange[Accepted]:
        """Push one message."""
        return outbound.push(part, connection)

    def check(self, connection: LineConnection) -> Exchange[Checked]:
        """Ask who we are, and whether LINE calls us."""
        return outbound.check(connection)

    def setup(self, connection: LineConnection) -> Exchange[Checked]:
        """Enter our webhook."""
        return outbound.register(connection)

    def fetch_media(self, ref: str, connection: LineConnection) -> Exchange[FetchedMedia]:
        """Fetch a file that somebody sent."""
        return outbound.fetch(ref, connection)
