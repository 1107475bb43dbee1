"""Offer SMS and MMS through Vonage as the channel type ``sms_vonage``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub_sms_vonage.channel import SmsVonage

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[SmsVonage]:
    """Offer the one type of this plugin."""
    return [SmsVonage()]
