"""Offer SMS over SMPP 3.4 as the channel type ``sms_smpp``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, SessionType, hookimpl
from hubbub_sms_smpp.channel import SmsSmpp
from hubbub_sms_smpp.session import SmppSessions

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[SmsSmpp]:
    """Offer the one type of this plugin."""
    return [SmsSmpp()]


@hookimpl
def register_sessions() -> Iterable[SessionType]:
    """Offer the binds of its channels."""
    return [SmppSessions()]
