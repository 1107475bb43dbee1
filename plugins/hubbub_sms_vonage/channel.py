"""Speak Vonage: SMS everywhere, MMS in North America, by the Messages API or the older SMS API."""

from collections.abc import Iterable
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from hubbub.sdk import (
    Accept,
    Accepted,
    Answer,
    BadAddress,
    Call,
    Capabilities,
    Challenge,
    ChannelType,
    Checked,
    Event,
    Exchange,
    FetchedMedia,
    Limit,
    MalformedPayload,
    MediaRule,
    Part,
    Reject,
    SetupStep,
    Verdict,
)
from hubbub.sdk.sms import address_kind, to_e164
from hubbub_sms_vonage import account, inbound, legacy, media, outbound, signature, wire
from hubbub_sms_vonage.fields import VonageConnection, VonageFields

#: Bytes: what carriers take; Vonage names no limit of its own.
_FILE: Final = 600_000

_SOUND: Final = MediaRule(max_size=_FILE)
_MEDIA: Final = {
    "image": MediaRule(
        max_size=_FILE, mime_types=frozenset({"image/jpeg", "image/png", "image/gif"})
    ),
    "audio": _SOUND,
    "voice": _SOUND,
    "video": MediaRule(max_size=_FILE),
    "document": MediaRule(max_size=_FILE),
}


class SmsVonage(ChannelType[VonageFields]):
    """SMS and MMS through one sender of a Vonage account."""

    type = "sms_vonage"
    label = "SMS (Vonage)"
    description = "Text messages, and pictures where MMS exists, through a Vonage account."
    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        '<path d="M4 4h16v12H10l-5 4v-4H4z"/><path d="m9 8 3 5 3-5"/></svg>'
    )
    fields = VonageFields
    capabilities = Capabilities(
        inbound=frozenset({"text", "image", "audio", "video", "document", "unsupported"}),
        outbound=frozenset({"text", *_MEDIA}),
        text_limit=outbound.TEXT_LIMIT,
        segments=True,
        caption_limit=outbound.CAPTION_LIMIT,
        media=_MEDIA,
        receipts=frozenset({"sent", "delivered"}),
        # Vonage allows an API key 30 requests a second and queues little, so we stay below.
        limits=(Limit(scope="channel", count=25, per=timedelta(seconds=1), burst=25),),
        registers_webhook=True,
    )
    group = "sms"
    needs = ("a Vonage account", "a phone number there that carries SMS")
    minutes = 10
    changes = (
        "At Vonage, the webhooks of the application are set to this hub.",
        "The number is linked to the application.",
    )
    components = MappingProxyType(
        {
            "webhook": "webhook",
            "callback": "webhook",
            "unsigned": "webhook",
            "link": "inbound",
            "one_way": "inbound",
            "sms": "outbound",
            "credit": "outbound",
        }
    )
    setup_steps = (
        SetupStep(
            title="Copy the credentials",
            text="In the Vonage dashboard, API settings shows API key, API secret and Signature "
            "secret.",
            link="https://dashboard.nexmo.com/settings",
        ),
        SetupStep(
            title="Create an application",
            text="Applications > Create a new application: give it a name, press Generate public "
            "and private key, which downloads private.key, and enable the capability Messages.",
            link="https://dashboard.nexmo.com/applications",
        ),
        SetupStep(
            title="Choose the sender",
            text="A number under Numbers > Your numbers. The hub links it to the application and "
            "enters its webhook there itself.",
            link="https://dashboard.nexmo.com/your-numbers",
        ),
    )

    def address(self, text: str, connection: VonageConnection) -> str:
        """Return a number with ``+`` and country; Vonage sends to nothing else."""
        del connection
        number = to_e164(text)
        if number is None or address_kind(number) != "number":
            raise BadAddress("An SMS goes to a number with + and country, such as +447700900001.")
        return number

    def sender(self, connection: VonageConnection) -> str | None:
        """Return our number or name."""
        return connection.fields.settings.from_number

    def verify(self, call: Call, connection: VonageConnection) -> Verdict:
        """Check the signature; let Vonage try whether somebody answers."""
        if connection.fields.legacy:
            return _verify_legacy(call, connection.fields)
        objection = signature.objection(call, connection.fields.credentials)
        return Reject(objection) if objection else Accept()

    def parse(self, call: Call, connection: VonageConnection) -> Iterable[Event]:
        """Yield the message and its files, or the receipt."""
        if connection.fields.legacy:
            return legacy.events(call, connection)
        return inbound.events(call)

    def send(self, part: Part, connection: VonageConnection) -> Exchange[Accepted]:
        """Send one message."""
        return outbound.send(part, connection)

    def check(self, connection: VonageConnection) -> Exchange[Checked]:
        """Look at the account, the application and the sender."""
        return account.inspect(connection, register=False)

    def setup(self, connection: VonageConnection) -> Exchange[Checked]:
        """Enter our webhook at the application, and link the number to it."""
        return account.inspect(connection, register=True)

    def teardown(self, connection: VonageConnection) -> Exchange[None]:
        """Remove our webhook there, if it is still ours."""
        return account.withdraw(connection)

    def fetch_media(self, ref: str, connection: VonageConnection) -> Exchange[FetchedMedia]:
        """Fetch a file of an MMS."""
        return media.fetch(ref, connection)


def _verify_legacy(call: Call, fields: VonageFields) -> Verdict:
    try:
        said = wire.parameters(call)
    except MalformedPayload as error:
        return Reject(error.detail)
    if legacy.is_probe(said):
        return Challenge(Answer())
    objection = signature.legacy_objection(said, fields, received_at=call.received_at)
    return Reject(objection) if objection else Accept()
