"""List the kinds of channels. A new one is a module here, and a line in the table below."""

from typing import Final

from tests.chaos.kinds.email import EMAIL
from tests.chaos.kinds.kannel import KANNEL
from tests.chaos.kinds.kind import Kind
from tests.chaos.kinds.messenger import MESSENGER
from tests.chaos.kinds.onprem import ONPREM
from tests.chaos.kinds.smpp import SMPP
from tests.chaos.kinds.telegram import POLLED, TELEGRAM
from tests.chaos.kinds.twilio import TWILIO
from tests.chaos.kinds.vonage import VONAGE
from tests.chaos.kinds.webchat import WEBCHAT
from tests.chaos.kinds.whatsapp import WHATSAPP

KINDS: Final[tuple[Kind, ...]] = (
    TELEGRAM,
    POLLED,
    TWILIO,
    VONAGE,
    KANNEL,
    SMPP,
    WHATSAPP,
    ONPREM,
    MESSENGER,
    EMAIL,
    WEBCHAT,
)
