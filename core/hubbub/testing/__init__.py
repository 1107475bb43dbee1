"""Check a channel type: derive from `ChannelConformance` in your tests and fill in what it asks.

For authors of plugins; needs the extra ``hubbub[testing]``. See ``docs/adding-a-channel.md``.
"""

from hubbub.testing.conformance import ChannelConformance
from hubbub.testing.exchanges import Scripted, carried
from hubbub.testing.given import REFERENCE
from hubbub.testing.recorded import Recorded, Refused, answer, said

__all__ = [
    "REFERENCE",
    "ChannelConformance",
    "Recorded",
    "Refused",
    "Scripted",
    "answer",
    "carried",
    "said",
]
