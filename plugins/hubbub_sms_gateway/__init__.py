"""Offer SMS through a gateway of one's own as the channel type ``sms_gateway``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub_sms_gateway.channel import SmsGateway

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[SmsGateway]:
    """Offer the one type of this plugin."""
    return [SmsGateway()]
