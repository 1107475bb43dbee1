"""What is run within bounds ends, whatever it does, and harms nobody."""

import operator
import os
import pickle
import signal
import threading

import pytest

from hubbub.bounded import Bounded, OutOfBounds, _Worker
from hubbub.sdk import Bounds


@pytest.fixture
def bounded():
    made = Bounded(Bounds(seconds=0.3, memory=512 << 20))
    yield made
    made.close()


def worker(bounded):
    """Return the process id of the one that waits."""
    return bounded.run(os.getpid)


def test_what_is_returned_comes_back(bounded):
    assert bounded.run(operator.add, "a", "b") == "ab"


def test_one_process_does_one_thing_after_the_other(bounded):
    assert worker(bounded) == worker(bounded) != os.getpid()


def test_what_is_raised_is_raised_here_and_tells_where(bounded):
    before = worker(bounded)
    with pytest.raises(ZeroDivisionError) as raised:
        bounded.run(operator.truediv, 1, 0)
    assert "truediv" not in str(raised.value)
    assert "Traceback" in raised.value.__notes__[0]
    assert worker(bounded) == before


def test_what_takes_too_long_is_ended_and_the_next_goes_on(bounded):
    with pytest.raises(OutOfBounds, match=r"longer than 0\.3 seconds"):
        bounded.run(sum, range(10**12))
    assert bounded.run(operator.add, 1, 2) == 3


def test_what_takes_too_much_memory_is_ended_and_the_next_goes_on(bounded):
    with pytest.raises(OutOfBounds, match="more memory"):
        bounded.run(bytearray, 1 << 30)
    assert bounded.run(operator.add, 1, 2) == 3


def test_what_ends_its_process_does_no_harm(bounded):
    with pytest.raises(OutOfBounds, match="ended"):
        bounded.run(os._exit, 0)
    assert bounded.run(operator.add, 1, 2) == 3


def test_a_process_that_was_killed_while_it_waited_is_replaced(bounded):
    os.kill(worker(bounded), signal.SIGKILL)
    assert bounded.run(operator.add, 1, 2) == 3


def test_a_process_ends_in_peace_when_who_asked_is_gone():
    left = _Worker(Bounds(seconds=5, memory=512 << 20))
    left._line.send_bytes(pickle.dumps((operator.add, (1, 2), {})))
    left._line.close()
    assert left._process.wait() == 0


def test_it_knows_no_secret_of_the_environment(bounded, monkeypatch):
    monkeypatch.setenv("HUBBUB_SECRET_KEY", "canary")
    assert bounded.run(os.getenv, "HUBBUB_SECRET_KEY") is None


def test_no_process_is_left_behind():
    made = Bounded(Bounds(seconds=1, memory=512 << 20))
    pid = worker(made)
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_several_threads_use_several_processes(bounded):
    found: list[int] = []
    together = threading.Barrier(3)

    def work():
        together.wait()
        found.extend(bounded.run(operator.add, number, 1) for number in range(20))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([*range(1, 21)] * 3)
