"""Offer WhatsApp Business API clients as the channel type ``whatsapp_onpremise``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub_whatsapp_onprem.channel import WhatsAppOnPremise

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[WhatsAppOnPremise]:
    """Offer the one type of this plugin."""
    return [WhatsAppOnPremise()]
