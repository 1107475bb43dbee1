"""Offer numbers of the WhatsApp Cloud API as the channel type ``whatsapp_cloud``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub_whatsapp_cloud.channel import WhatsAppCloud

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[WhatsAppCloud]:
    """Offer the one type of this plugin."""
    return [WhatsAppCloud()]
