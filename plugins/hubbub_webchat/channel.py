"""Turn what visitors of a site do into events, and take what is said to them.

The provider is the hub itself: what is stored is sent, and the window shows it from there.
"""

import hmac
import re
from collections.abc import Iterable
from typing import ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import ValidationError

from hubbub.sdk import (
    Accept,
    Accepted,
    Answer,
    BadAddress,
    Call,
    ChannelType,
    Checked,
    Connection,
    Event,
    Exchange,
    FetchedMedia,
    Fields,
    Finding,
    Part,
    Reject,
    SetupStep,
    Unreadable,
    Verdict,
)
from hubbub.sdk.widget import WidgetCredentials, WidgetSettings
from hubbub.sdk.widget_calls import ADDRESS, PROOF, proof, read_call, upload
from hubbub_webchat.inbound import events_of
from hubbub_webchat.manifest import CAPABILITIES, COMPONENTS, ICON, SETUP_STEPS


class WebchatFields(Fields):
    """The form of a channel."""

    credentials: WidgetCredentials = WidgetCredentials()
    settings: WidgetSettings = WidgetSettings()


#: Where browsers ask for no encryption.
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

WebchatConnection: TypeAlias = Connection[WebchatFields]


class Webchat(ChannelType[WebchatFields]):
    """A chat window on people's own sites."""

    type = "webchat"
    label = "Webchat"
    description = "A chat window on your own site: one line of HTML."
    icon = ICON
    fields = WebchatFields
    capabilities = CAPABILITIES
    group = "web"
    needs = ("a site whose pages you can change",)
    minutes = 3
    setup_steps: ClassVar[tuple[SetupStep, ...]] = SETUP_STEPS
    components = COMPONENTS

    def address(self, text: str, connection: WebchatConnection) -> str:
        """Take addresses as they are: there is no other way to write them."""
        del connection
        if re.fullmatch(ADDRESS, text) is None:
            raise BadAddress("A visitor's address is v: and 26 characters, or u: and a user's id.")
        return text

    def verify(self, call: Call, connection: WebchatConnection) -> Verdict:
        """Believe the window alone, which knows the secret of the webhook."""
        given = call.headers.get(PROOF, "")
        wanted = proof(call.body, connection.webhook_secret)
        if hmac.compare_digest(given.encode(errors="replace"), wanted.encode()):
            return Accept(Answer(status=204))
        return Reject("Only the hub's own chat window calls here, and this call is not proven.")

    def parse(self, call: Call, connection: WebchatConnection) -> Iterable[Event]:
        """Yield what a visitor did."""
        try:
            said = read_call(call.body)
        except ValidationError:
            yield Unreadable(reason="The chat window said something that is not known here.")
            return
        yield from events_of(said, call.received_at, connection.fields.settings.greetings)

    def send(self, part: Part, connection: WebchatConnection) -> Exchange[Accepted]:
        """Accept it: the window shows what the hub has stored as sent."""
        del connection
        return Accepted(external_id=part.reference)
        yield  # a generator that asks nobody

    def check(self, connection: WebchatConnection) -> Exchange[Checked]:
        """Say what a stranger could do with the settings."""
        return Checked(findings=_findings(connection))
        yield  # a generator that asks nobody

    def setup(self, connection: WebchatConnection) -> Exchange[Checked]:
        """Find that there is nothing to register."""
        return Checked(findings=_findings(connection))
        yield  # a generator that asks nobody

    def fetch_media(self, ref: str, connection: WebchatConnection) -> Exchange[FetchedMedia]:
        """Fetch what the visitor uploaded to the hub."""
        del connection
        response = yield upload(ref)
        return FetchedMedia(body=response.body)


def _findings(connection: WebchatConnection) -> tuple[Finding, ...]:
    origins = connection.fields.settings.allowed_origins
    public = urlsplit(connection.webhook_url)
    secure = public.scheme == "https" or public.hostname in _LOOPBACK
    return (
        Finding.good("origins", f"The window opens on {', '.join(origins)}.")
        if origins
        else Finding.warning(
            "origins",
            "The window opens on every site.",
            "Name your sites under Allowed sites, so that nobody else can show it as theirs.",
        ),
        Finding.good("public_url", "Visitors reach the hub.")
        if secure
        else Finding.bad(
            "public_url",
            "Browsers of visitors reach the hub without encryption.",
            "Set HUBBUB_PUBLIC_URL to an https address.",
        ),
    )
