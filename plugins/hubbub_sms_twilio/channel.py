"""Speak Twilio's Programmable Messaging: SMS everywhere, MMS where networks carry it."""

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
from hubbub_sms_twilio import account, inbound, media, outbound, signature, wire
from hubbub_sms_twilio.fields import TwilioConnection, TwilioFields

#: An empty reply. Anything else would be sent to the customer, or logged there as an error.
SILENCE: Final = Answer(
    body=b'<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml"
)
NO_CONTENT: Final = Answer(status=204)

#: Bytes: pictures are resized for the carrier, other files are not.
_PICTURE: Final = 5_000_000
_FILE: Final = 500_000

_SOUND: Final = MediaRule(
    max_size=_FILE,
    mime_types=frozenset({"audio/mp4", "audio/mpeg", "audio/ogg", "audio/amr", "audio/3gpp"}),
)
_MEDIA: Final = {
    "image": MediaRule(
        max_size=_PICTURE, mime_types=frozenset({"image/jpeg", "image/png", "image/gif"})
    ),
    "audio": _SOUND,
    "voice": _SOUND,
    "video": MediaRule(
        max_size=_FILE,
        mime_types=frozenset({"video/mp4", "video/3gpp", "video/quicktime", "video/webm"}),
    ),
    "document": MediaRule(
        max_size=_FILE,
        mime_types=frozenset(
            {"application/pdf", "text/vcard", "text/x-vcard", "text/calendar", "text/plain"}
        ),
    ),
}


class SmsTwilio(ChannelType[TwilioFields]):
    """SMS and MMS through one number or one Messaging Service of a Twilio account."""

    type = "sms_twilio"
    label = "SMS (Twilio)"
    description = "Text messages, and pictures where MMS exists, through a Twilio account."
    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="2" stroke-linejoin="round">'
        '<path d="M4 4h16v12H10l-5 4v-4H4z"/><path d="M8 10h.01M12 10h.01M16 10h.01"/></svg>'
    )
    fields = TwilioFields
    capabilities = Capabilities(
        inbound=frozenset({"text", "image", "audio", "video", "document", "location"}),
        outbound=frozenset({"text", *_MEDIA}),
        text_limit=outbound.TEXT_LIMIT,
        segments=True,
        caption_limit=outbound.TEXT_LIMIT,
        media=_MEDIA,
        receipts=frozenset({"sent", "delivered"}),
        # Twilio queues for hours at the pace of each sender, so only its limit on parallel
        # requests counts: at 50 a second, with answers within 0.2 s, ten are under way.
        limits=(Limit(scope="channel", count=50, per=timedelta(seconds=1), burst=50),),
        registers_webhook=True,
        finds=True,
    )
    group = "sms"
    needs = ("a Twilio account", "a phone number there that carries SMS")
    minutes = 5
    changes = ("At Twilio, the webhook of the number or Messaging Service is set to this hub.",)
    components = MappingProxyType(
        {
            "webhook": "webhook",
            "callback_host": "webhook",
            "one_way": "inbound",
            "sms": "outbound",
            "trial": "outbound",
        }
    )
    setup_steps = (
        SetupStep(
            title="Copy the credentials",
            text="In the Twilio console, Account Info shows the Account SID and the Auth Token.",
            link="https://console.twilio.com",
        ),
        SetupStep(
            title="Choose the sender",
            text="A number under Phone Numbers > Manage > Active numbers, or the SID of a service "
            "under Messaging > Services. The hub enters its webhook there itself.",
        ),
        SetupStep(
            title="Allow the countries",
            text="Messaging > Settings > Geo permissions lists the countries you may write to.",
        ),
    )

    def address(self, text: str, connection: TwilioConnection) -> str:
        """Return a number as Twilio writes it, or a short code."""
        del connection
        number = to_e164(text)
        if number is None or address_kind(number) == "alphanumeric":
            raise BadAddress("An SMS goes to a number with + and country, such as +15005550006.")
        return number

    def sender(self, connection: TwilioConnection) -> str | None:
        """Return our number; a service chooses among its own."""
        return connection.fields.settings.from_number

    def verify(self, call: Call, connection: TwilioConnection) -> Verdict:
        """Check the signature; answer in the way that Twilio expects for this kind of call."""
        objection = signature.objection(call, connection.fields.credentials)
        if objection:
            return Reject(objection)
        return Accept(_answer(call))

    def parse(self, call: Call, connection: TwilioConnection) -> Iterable[Event]:
        """Yield the message and its files, or the receipt."""
        del connection
        return inbound.events(call)

    def send(self, part: Part, connection: TwilioConnection) -> Exchange[Accepted]:
        """Create one message."""
        return outbound.send(part, connection)

    def find(self, part: Part, connection: TwilioConnection) -> Exchange[Accepted | None]:
        """Look for the part among the newest messages to its recipient."""
        return outbound.find(part, connection)

    def check(self, connection: TwilioConnection) -> Exchange[Checked]:
        """Look at the account and the sender."""
        return account.inspect(connection, register=False)

    def setup(self, connection: TwilioConnection) -> Exchange[Checked]:
        """Enter our webhook at the number or the Messaging Service."""
        return account.inspect(connection, register=True)

    def teardown(self, connection: TwilioConnection) -> Exchange[None]:
        """Remove our webhook there, if it is still ours."""
        return account.withdraw(connection)

    def fetch_media(self, ref: str, connection: TwilioConnection) -> Exchange[FetchedMedia]:
        """Fetch a file of an MMS."""
        return media.fetch(ref, connection)


def _answer(call: Call) -> Answer:
    try:
        return NO_CONTENT if wire.is_status(wire.parameters(call)) else SILENCE
    except MalformedPayload:
        return SILENCE
