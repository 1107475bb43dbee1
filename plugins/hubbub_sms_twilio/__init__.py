"""Offer SMS and MMS through Twilio Programmable Messaging as the channel type ``sms_twilio``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, Source, hookimpl
from hubbub_sms_twilio.channel import SmsTwilio
from hubbub_sms_twilio.source import TwilioLog

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[SmsTwilio]:
    """Offer the one type of this plugin."""
    return [SmsTwilio()]


@hookimpl
def register_sources() -> Iterable[Source]:
    """Offer the reading of Twilio's log."""
    return [TwilioLog()]
