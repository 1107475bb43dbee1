"""Describe the channel type: what it can do, how it looks, how it is set up."""

from datetime import timedelta
from typing import Final

from hubbub.sdk import Capabilities, Limit, SetupStep
from hubbub.sdk.whatsapp import interactive
from hubbub.sdk.whatsapp.files import MEDIA
from hubbub.sdk.whatsapp.writing import CAPTION_LIMIT, TEXT_LIMIT

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
    limits=(Limit(scope="channel", count=20, per=timedelta(seconds=1), burst=20),),
    registers_webhook=True,
)

LEGACY: Final = (
    "Meta retired the On-Premises API on 23 October 2025. Use WhatsApp (Cloud API): a number moves "
    "there and keeps its name."
)

SETUP_STEPS: Final = (
    SetupStep(
        title="Think of the Cloud API first",
        text="Meta retired the On-Premises API on 23 October 2025: numbers on a client of Meta's "
        "neither send nor receive. This channel is for gateways that speak as the client did, and "
        "for installations that are being moved.",
        link="https://developers.facebook.com/documentation/business-messaging/whatsapp",
    ),
    SetupStep(
        title="Let the hub reach the client",
        text="A client in your own network is called only once HUBBUB_ALLOW_PRIVATE_NETWORKS names "
        "its network. Its certificate must be one that the hub trusts: give the web container a "
        "public one, or enter its CA certificate.",
    ),
    SetupStep(
        title="Save",
        text="As admin the hub enters its webhook at the client by itself. With another user, or "
        "at a gateway, enter the channel's webhook address there. Nobody else may know it: it is "
        "all that proves a call.",
    ),
)

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#5f6b66" '
    'stroke-width="2" stroke-linejoin="round"><path d="M12 2a9 9 0 0 0-7.7 13.6L3 21l5.400-1.200A9 '
    '9 0 1 0 12 2z"/><path d="M8 8h8v3H8zM8 11h8v3H8z"/></svg>'
)
