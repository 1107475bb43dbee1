"""Describe the channel type: what it can do, how it looks, how it is set up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from hubbub.sdk import Capabilities, Component, Limit, SetupStep
from hubbub.sdk.whatsapp import interactive
from hubbub.sdk.whatsapp.files import MEDIA
from hubbub.sdk.whatsapp.writing import CAPTION_LIMIT, TEXT_LIMIT

#: Bytes of one webhook call.
WEBHOOK_LIMIT: Final = 3 << 20

CAPABILITIES: Final = Capabilities(
    inbound=frozenset(
        {
            "text",
            *MEDIA,
            "location",
            "contacts",
            "reaction",
            "choice",
            "form",
            "order",
            "system",
            "unsupported",
        }
    ),
    outbound=frozenset({"text", *MEDIA, "location", "contacts", "reaction", "choices", "template"}),
    text_limit=TEXT_LIMIT,
    caption_limit=CAPTION_LIMIT,
    media=MEDIA,
    options=interactive.OPTIONS,
    receipts=frozenset({"sent", "delivered", "read"}),
    replies=True,
    window=timedelta(hours=24),
    limits=(
        Limit(scope="channel", count=80, per=timedelta(seconds=1), burst=20),
        # Meta lends short bursts and takes them back from the time that follows.
        Limit(scope="address", count=1, per=timedelta(seconds=6), burst=20),
    ),
    webhook_limit=WEBHOOK_LIMIT,
    registers_webhook=True,
    verify_token=True,
    aliases=True,
    templates=True,
)


SETUP_STEPS: Final = (
    SetupStep(
        title="Create an app with WhatsApp",
        text="In Meta's App Dashboard create an app of type Business and add the product WhatsApp. "
        "WhatsApp > API Setup shows Phone number ID and WhatsApp Business Account ID; App settings "
        "> Basic shows App ID and App secret.",
        link="https://developers.facebook.com/apps",
    ),
    SetupStep(
        title="Generate a token that lasts",
        text="Business settings > Users > System users: add one, assign it the app and the "
        "WhatsApp account with full control, and generate a token with "
        "whatsapp_business_messaging and whatsapp_business_management. The token that API Setup "
        "shows is good for a day only.",
        link="https://business.facebook.com/settings/system-users",
    ),
    SetupStep(
        title="Let Meta call the hub",
        at="webhook",
        text="Enter the Callback URL and the Verify token shown here at WhatsApp > "
        "Configuration > Webhook, and subscribe to the field messages there, and to those whose "
        "names begin with message_template, and template_category_update. For further numbers of "
        "the same app nothing is to be entered: the hub registers each of them itself.",
    ),
    SetupStep(
        title="Write to the number",
        at="test",
        text="Write to the number from a phone, and answer. Who did not write in the last 24 "
        "hours gets templates only; create those in WhatsApp Manager.",
        link="https://business.facebook.com/wa/manage/message-templates",
    ),
)
CHANGES: Final = (
    "Meta is told to call this hub about this number; other numbers of the app stay as they are.",
    "The app is subscribed to the WhatsApp account, where its ID is entered.",
)
COMPONENTS: Final[Mapping[str, Component]] = {
    "webhook": "webhook",
    "subscription": "webhook",
    "number_status": "outbound",
    "quality": "outbound",
    "platform": "outbound",
}

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
    '<path fill="#1f9d55" d="M12 1a11 11 0 0 0-9.5 16.5L1 23l5.7-1.5A11 11 0 1 0 12 1z"/>'
    '<path fill="#fff" d="M8.2 6.5c-.5 0-1.8.9-1.8 2.6 0 3.8 5 8.4 8.7 8.4 1.6 0 2.6-1.2 '
    "2.6-1.9 0-.5-2.6-1.8-3-1.8-.5 0-1 1.4-1.5 1.4-.6 0-3.8-2.6-3.8-3.6 0-.4 "
    '1.1-.9 1.1-1.4 0-.4-1.1-3.7-2.3-3.700z"/>'
    "</svg>"
)
