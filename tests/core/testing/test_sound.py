"""A sound channel type passes every check, and each applies to it."""

import inspect

from hubbub.testing import ChannelConformance
from tests.core.testing.suite import CarrierConformance


class TestCarrier(CarrierConformance):
    pass


def test_there_are_a_hundred_checks():
    checks = [name for name, _ in inspect.getmembers(ChannelConformance) if name[:5] == "test_"]
    assert len(checks) >= 100
