"""A sound channel type passes every check, and each applies to it."""

import inspect
import re
from pathlib import Path

from hubbub.loading import load
from hubbub.testing import ChannelConformance
from tests.core.testing.suite import CarrierConformance

ROOT = Path(__file__).parents[3]


class TestCarrier(CarrierConformance):
    pass


def test_there_are_a_hundred_checks():
    checks = [name for name, _ in inspect.getmembers(ChannelConformance) if name[:5] == "test_"]
    assert len(checks) >= 100


def test_every_built_in_channel_type_goes_through_them():
    suites = [path.read_text() for path in ROOT.glob("tests/plugins/*/test_conformance.py")]
    checked = set(re.findall(r"^    channel_type = (\w+)$", "\n".join(suites), re.MULTILINE))
    types = load(ROOT / "plugins.toml").channels.values()
    assert {type(one).__name__ for one in types} <= checked
