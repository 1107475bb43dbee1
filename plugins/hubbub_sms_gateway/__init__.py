"""Offer SMS through a gateway of one's own as the channel type ``sms_gateway``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, Source, hookimpl
from hubbub_sms_gateway.channel import SmsGateway
from hubbub_sms_gateway.source import PlaySmsLog

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[SmsGateway]:
    """Offer the one type of this plugin."""
    return [SmsGateway()]


@hookimpl
def register_sources() -> Iterable[Source]:
    """Offer the asking of a gateway that calls nobody."""
    return [PlaySmsLog()]
