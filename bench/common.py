"""Start processes, talk to them, and read what they use."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCAL = "127.0.0.1"
#: What is measured is the checkout that the benchmarks stand in.
PATH = os.pathsep.join(str(ROOT / folder) for folder in (".", "core", "plugins"))
#: As many as `hubbub web` has: granian wants as many as there are requests at once.
BLOCKING_THREADS = 128
CLIENTS = 64
#: What follows the number in a bot's token.
TOKEN = ":" + "A" * 35
_TICKS = os.sysconf("SC_CLK_TCK")


class NotInTime(Exception):
    """Something that was waited for did not come."""


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float, what: str, every: float = 0.02) -> None:
    """Return once ``true()``; raise `NotInTime` after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise NotInTime(f"{what} took more than {seconds:.0f} s.")
        time.sleep(every)


def request(
    port: int,
    path: str,
    body: object = None,
    *,
    method: str = "",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Make one request to a process on this machine; return status and body."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    with contextlib.closing(http.client.HTTPConnection(LOCAL, port, timeout=60)) as connection:
        connection.request(method or ("GET" if data is None else "POST"), path, data, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()


def answers(port: int, path: str = "/") -> bool:
    """Whether a process answers there with success."""
    try:
        return request(port, path)[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


@contextlib.contextmanager
def running(
    words: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a session of its own; it is gone afterwards, with all it started."""
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": PATH, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def module(name: str, *words: object) -> list[str]:
    """Return the command that runs a module of the benchmarks."""
    return [sys.executable, "-m", f"bench.{name}", *map(str, words)]


def family(pid: int) -> list[int]:
    """Return ``pid`` and all its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def named(pid: int, name: str) -> int | None:
    """Return the descendant of ``pid`` that calls itself ``name``, or None."""
    for one in family(pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{one}/comm").read_text().strip() == name:
                return one
    return None


def cpu_seconds(pid: int) -> float:
    """Return the processor time that ``pid`` and its descendants have used."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def pss_megabytes(pid: int) -> float:
    """Return the memory of ``pid`` and its descendants, what they share counted once."""
    kilobytes = 0
    for one in family(pid):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        kilobytes += int(rollup.partition("Pss:")[2].split()[0])
    return kilobytes / 1024
