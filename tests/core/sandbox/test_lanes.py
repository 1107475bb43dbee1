import threading

import pytest

from hubbub.sandbox.lanes import Lanes

PATIENCE = 10


@pytest.fixture
def lanes():
    made = Lanes(threads=4)
    yield made
    made.close()


class Gate:
    """Work that lasts until somebody opens it."""

    def __init__(self):
        self.begun = threading.Event()
        self.open = threading.Event()

    def job(self):
        self.begun.set()
        self.open.wait(PATIENCE)


def note(done, what, *, last=None):
    def job():
        done.append(what)
        if last is not None:
            last.set()

    return job


def test_one_lane_works_in_order(lanes):
    done: list[object] = []
    last = threading.Event()
    for number in range(50):
        lanes.put("a", note(done, number, last=last if number == 49 else None))
    assert last.wait(PATIENCE)
    assert done == list(range(50))


def test_lanes_do_not_wait_for_each_other(lanes):
    gate, last = Gate(), threading.Event()
    lanes.put("a", gate.job)
    assert gate.begun.wait(PATIENCE)
    lanes.put("b", note([], 1, last=last))
    assert last.wait(PATIENCE)
    gate.open.set()


def test_a_lane_waits_for_its_first_piece(lanes):
    done: list[object] = []
    gate, last = Gate(), threading.Event()
    lanes.put("a", gate.job)
    lanes.put("a", note(done, "second", last=last))
    assert gate.begun.wait(PATIENCE)
    assert done == []
    gate.open.set()
    assert last.wait(PATIENCE)


def test_work_that_asks_for_it_runs_again_before_the_next(lanes):
    done: list[object] = []
    last = threading.Event()
    answers = iter([0.0, 0.001, None])

    def stubborn():
        done.append("try")
        return next(answers)

    lanes.put("a", stubborn)
    lanes.put("a", note(done, "next", last=last))
    assert last.wait(PATIENCE)
    assert done == ["try", "try", "try", "next"]


def test_work_that_fails_does_not_stop_its_lane(lanes, caplog):
    last = threading.Event()

    def broken():
        raise ValueError("no")

    lanes.put("a", broken)
    lanes.put("a", note([], 1, last=last))
    assert last.wait(PATIENCE)
    assert "A piece of the sandbox's work failed" in caplog.text


def test_later_work_does_not_hold_up_earlier_work_of_other_lanes(lanes):
    last = threading.Event()
    lanes.put("a", note([], 1), delay=3600)
    lanes.put("b", note([], 2, last=last), delay=0.01)
    assert last.wait(PATIENCE)


def test_what_is_due_next_is_watched_while_other_threads_are_busy(lanes):
    gates = [Gate() for _ in range(3)]
    for number, gate in enumerate(gates):
        lanes.put(number, gate.job, delay=0.001 * number)
    last = threading.Event()
    lanes.put("late", note([], 1, last=last), delay=0.02)
    assert all(gate.begun.wait(PATIENCE) for gate in gates)
    assert last.wait(PATIENCE)
    for gate in gates:
        gate.open.set()


def test_forgotten_work_never_runs(lanes):
    done: list[object] = []
    gate, last = Gate(), threading.Event()
    lanes.put("a", gate.job)
    assert gate.begun.wait(PATIENCE)
    lanes.put("a", note(done, "forgotten"))
    lanes.clear()
    gate.open.set()
    lanes.put("a", note(done, "new", last=last))
    assert last.wait(PATIENCE)
    assert done == ["new"]
