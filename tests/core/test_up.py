"""``hubbub up`` starts everything, keeps it running and ends it in order."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from hubbub import supervise, up
from hubbub.beside import as_started
from hubbub.settings import Settings
from hubbub.supervise import Child, NotStarted, Supervisor
from hubbub.system import PortTaken, free_port, require_free


class Process:
    """What a child is made of, without a process."""

    pid = None

    def __init__(self, *, alive=True, exitcode=None):
        self.alive, self.exitcode = alive, exitcode

    def is_alive(self):
        return self.alive


@pytest.fixture
def child(monkeypatch):
    """A child that starts without starting anything."""

    def start(self):
        self.due = None
        self.process = Process()

    monkeypatch.setattr(Child, "start", start)
    return Child("worker", ["worker"])


@pytest.fixture
def supervisor(child):
    made = Supervisor([[child]])
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_child_that_dies_is_started_again_after_longer_and_longer_pauses(child):
    now, pauses = 0.0, []
    child.start()
    for _ in range(9):
        child.process = Process(alive=False, exitcode=1)
        child.revive(now)
        pauses.append(child.due - now)
        child.revive(now + pauses[-1] - 0.01)
        assert not child.running
        now += pauses[-1]
        child.revive(now)
        assert child.running
        child.started = now
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_child_that_ran_steadily_is_started_again_at_once(child):
    child.start()
    child.pause = 30.0
    child.process = Process(alive=False)
    child.revive(child.started + 61)
    assert child.due == child.started + 61.5


def test_the_hub_is_ready_once_it_answers(supervisor):
    answers = iter([False, False, True])
    supervisor.start()
    assert supervisor.wait_until(lambda: next(answers))


@pytest.mark.parametrize(
    ("status", "said"), [(1, ""), (-9, "The worker ended before the hub was ready.")]
)
def test_a_child_that_ends_at_the_start_ends_the_hub_and_its_reason_is_told_once(
    supervisor, child, status, said
):
    supervisor.start()
    child.process = Process(alive=False, exitcode=status)
    with pytest.raises(NotStarted) as caught:
        supervisor.wait_until(lambda: False)
    assert caught.value.detail == said


def test_a_hub_that_never_answers_is_given_up(supervisor, monkeypatch):
    monkeypatch.setattr(supervise, "START_LIMIT", 0.0)
    supervisor.start()
    with pytest.raises(NotStarted, match="was not ready within 0 s"):
        supervisor.wait_until(lambda: False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_watch(supervisor, number):
    supervisor.start()
    signal.raise_signal(number)
    supervisor.watch(lambda: None)
    assert not supervisor.wait_until(lambda: True)


def test_only_a_second_signal_that_comes_later_is_haste(supervisor, monkeypatch):
    clock = iter([10.0, 10.2, 11.5])
    monkeypatch.setattr("hubbub.supervise.time.monotonic", lambda: next(clock))
    hasty = []
    for _ in range(3):
        supervisor._told()
        hasty.append(supervisor._hurry.is_set())
    assert hasty == [False, False, True]


def test_a_port_that_somebody_listens_on_is_told_with_advice():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            require_free("127.0.0.1", port, fix="Choose another.")
        assert free_port("127.0.0.1", wanted=port) != port
    assert caught.value.detail == (
        f"Port {port} on 127.0.0.1 cannot be used: address already in use. Choose another."
    )
    require_free("127.0.0.1", port, fix="")
    assert free_port("127.0.0.1", wanted=port) == port
    assert free_port("127.0.0.1", wanted=65536) <= 65535


def test_a_host_that_is_not_ours_is_told():
    with pytest.raises(PortTaken, match="cannot assign requested address"):
        require_free("192.0.2.1", 8000, fix="")


def test_a_sandbox_that_is_started_anew_is_filled_again_and_only_then(child, monkeypatch):
    answers: list[bool] = []
    monkeypatch.setattr(up._Sandbox, "answers", lambda _: answers.pop())
    sandbox = up._Sandbox(8001, "http://127.0.0.1:8000")
    sandbox.child.start()
    sandbox._fill()
    filled = sandbox._seed.process
    sandbox.fill_again()
    assert sandbox._seed.process is filled
    sandbox.child.start()
    answers.append(False)
    sandbox.fill_again()
    assert sandbox._seed.process is filled, "not yet: it does not answer"
    answers.append(True)
    sandbox.fill_again()
    assert sandbox._seed.process is not filled


@pytest.fixture
def running(tmp_path):
    """Run the whole hub; give its port, its process and the lines that it logs."""

    @contextmanager
    def run():
        port = free_port("127.0.0.1", wanted=0)
        (tmp_path / "plugins.toml").write_text("[plugins.inbox]\n")
        process = subprocess.Popen(
            [sys.executable, "-m", "hubbub", "up", "--port", str(port)],
            env={
                **os.environ,
                "PYTHONPATH": ":".join(sys.path),
                "HUBBUB_DATA_DIR": str(tmp_path / "var"),
                "HUBBUB_PLUGINS_FILE": str(tmp_path / "plugins.toml"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        guard = threading.Timer(60, process.kill)
        guard.start()
        try:
            yield port, process, _lines(process.stderr)
        finally:
            guard.cancel()
            process.kill()
            process.communicate()

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
def test_the_whole_hub_starts_survives_the_death_of_a_part_and_ends_in_order(running, tmp_path):
    with running() as (port, process, lines):
        said = process.stdout.readline()
        assert re.match(r"Hubbub is ready after \d+\.\d s\.", said)
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            assert json.load(answer)["status"] == "ok"
        children = _children(process.pid)
        assert {"hubbub web", "hubbub worker", "hubbub backgrou"} <= children.keys()

        os.kill(children["hubbub worker"], signal.SIGKILL)
        _until(lines, "process started again")
        _until(lines, "worker ready")
        assert _children(process.pid)["hubbub worker"] != children["hubbub worker"]

        ends = _ends(_children(process.pid).values())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert all(_ended(end) for end in ends)
    assert (tmp_path / "var/hubbub.db").exists()
    beside = as_started(Settings.read(data_dir=tmp_path / "var"))
    assert beside.base_url == f"http://127.0.0.1:{port}"


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere nobody tells the children.")
def test_no_part_outlives_a_hub_that_is_killed(running):
    with running() as (_, process, _):
        process.stdout.readline()
        children = _children(process.pid)
        assert "hubbub web" in children
        ends = _ends(children.values())
        process.kill()
        assert all(_ended(end) for end in ends)


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere nobody tells the child.")
def test_a_sandbox_that_is_killed_leaves_nobody_on_its_port():
    port = free_port("127.0.0.1", wanted=0)
    command = [sys.executable, "-m", "hubbub", "sandbox", "--port", str(port)]
    env = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(port)
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        ends = _ends(int(child) for child in listed)
        assert ends
    finally:
        process.kill()
        process.wait()
    assert all(_ended(end) for end in ends)
    require_free("127.0.0.1", port, fix="")


def _until_it_listens(port):
    for _ in range(600):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        select.select([], [], [], 0.05)
    raise AssertionError("The sandbox did not start.")


def _children(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {Path(f"/proc/{child}/comm").read_text().strip(): int(child) for child in listed.split()}


def _ends(pids):
    """Return what becomes readable when each process ends, whoever its parent is."""
    return [os.pidfd_open(pid) for pid in pids]


def _ended(end):
    watch = select.poll()
    watch.register(end, select.POLLIN)
    ended = watch.poll(15_000)
    os.close(end)
    return bool(ended)


def _lines(stream):
    for line in stream:
        yield json.loads(line)


def _until(lines, event):
    return next(line for line in lines if line["event"] == event)
