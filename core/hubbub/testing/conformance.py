"""Join all checks into the one class that an author derives from."""

from typing import Any

from hubbub.testing.about import AboutChecks
from hubbub.testing.addresses import AddressChecks
from hubbub.testing.answers import AnswerChecks
from hubbub.testing.applies import leave_out
from hubbub.testing.authenticity import AuthenticityChecks
from hubbub.testing.files import FileChecks
from hubbub.testing.handshakes import HandshakeChecks
from hubbub.testing.inbound import InboundChecks
from hubbub.testing.live import LiveChecks
from hubbub.testing.outbound import OutboundChecks
from hubbub.testing.purity import PurityChecks
from hubbub.testing.robustness import RobustnessChecks
from hubbub.testing.secrecy import SecrecyChecks
from hubbub.testing.upkeep import UpkeepChecks
from hubbub.testing.wholeness import WholenessChecks


class ChannelConformance(
    AboutChecks,
    AddressChecks,
    AuthenticityChecks,
    HandshakeChecks,
    InboundChecks,
    RobustnessChecks,
    PurityChecks,
    OutboundChecks,
    WholenessChecks,
    AnswerChecks,
    UpkeepChecks,
    FileChecks,
    SecrecyChecks,
    LiveChecks,
):
    """Everything that the hub relies on in a channel type, as tests.

    Derive from it in a test module, fill in what `Given` declares, and pytest finds the checks:
    those that apply to what the channel type can do.
    """

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if hasattr(cls, "channel_type"):
            leave_out(cls, ChannelConformance)
