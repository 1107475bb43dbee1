"""Measure, print, and write docs/performance.md."""

import argparse
import contextlib
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.load import closed, steady, update
from bench.stub import Stub
from tests.chaos.town import ask, free_port

ROOT = Path(__file__).parent.parent
FLOOR = """
from flask import Flask, request
app = Flask("floor")
@app.post("/ok")
def ok():
    request.get_data()
    return "ok"
"""


@dataclass
class Figure:
    """One thing that was measured: the hub's runs, and the floor's where there is one."""

    what: str
    unit: str
    must: str
    hub: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def row(self) -> str:
        """Return the figure as a line of a table."""
        floor = _spread(self.floor) if self.floor else ""
        ratio = ""
        if self.floor:
            ratio = f"{statistics.median(self.hub) / statistics.median(self.floor):.2f}"
        return (
            f"| {self.what} | {floor} | {_spread(self.hub)} {self.unit} | {ratio} | {self.must} |"
        )


class Hub:
    """``hubbub up`` with one channel whose messages are all answered by the keyword bot."""

    def __init__(self, stub: Stub, database_url: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hubbub-bench-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "HUBBUB_DATA_DIR": str(self.folder),
            "HUBBUB_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
            "HUBBUB_PORT": str(self.port),
            "HUBBUB_LOG_FORMAT": "json",
            "HUBBUB_PLUGINS_FILE": str(ROOT / "plugins.toml"),
            **({"HUBBUB_DATABASE_URL": database_url} if database_url else {}),
        }
        with (self.folder / "log").open("wb") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hubbub", "up"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while ask(f"{self.url}/readyz") is None:
            time.sleep(0.02)
        self.ready = time.perf_counter() - self.began
        self._prepare(stub)

    def _prepare(self, stub: Stub) -> None:
        token = subprocess.run(
            [sys.executable, "-m", "hubbub", "token", "create", "--name", "bench"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        self.api = {"Authorization": f"Bearer {token}"}
        body = {
            "type": "telegram",
            "name": "bench",
            "credentials": {"token": "123456:" + "A" * 35},
            "settings": {
                "mode": "webhook",
                "api_base": f"http://127.0.0.1:{stub.port}",
                "messages_per_second": 100_000,
            },
        }
        self.channel = ask(f"{self.url}/api/v1/channels", body, self.api)
        assert self.channel is not None
        self.headers = {
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": stub.secret,
        }
        self.path = self.channel["webhook_url"].removeprefix(self.url)

    def answer_all(self, text: str = "We heard you.") -> None:
        """Let every message be answered."""
        routes = {"routes": [], "fallback": {"type": "keyword", "otherwise": text}}
        url = f"{self.url}/api/v1/channels/{self.channel['id']}/routes"
        assert ask(url, routes, self.api, "PUT") is not None

    def stop(self) -> None:
        """Stop it and forget it."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def floor_server() -> Iterator[int]:
    """Serve a bare Flask "ok" on granian, with the threads that the hub has."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-bench-"))
    (folder / "floor.py").write_text(FLOOR)
    port = free_port()
    words = ["--interface", "wsgi", "--blocking-threads", "128", "--no-ws", "--port", str(port)]
    process = subprocess.Popen(
        [Path(sys.executable).parent / "granian", *words, "floor:app"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not _answers(port):
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def accept(hub: Hub, floor: int, runs: int, size: int) -> Figure:
    """Take webhooks durably, beside a bare Flask, in turn."""
    figure = Figure("durable accept, 64 clients", "/s", "0.50")
    for run in range(runs):
        bodies = [update(run * size + number + 1, 400) for number in range(size)]
        headers = {"Content-Type": "application/json"}
        figure.floor.append(closed(floor, "/ok", headers, bodies).rate)
        load = closed(hub.port, hub.path, hub.headers, bodies)
        assert set(load.statuses) == {200}, load.statuses
        figure.hub.append(load.rate)
        _quiet(hub)
    return figure


def whole_way(hub: Hub, stub: Stub, runs: int, size: int) -> Figure:
    """From a webhook to the answer's arrival at the provider, as fast as it goes."""
    figure = Figure("whole way: webhook, bot, provider", "/s", "")
    for run in range(runs):
        first = 10_000_000 + run * size
        bodies = [update(first + number, 400) for number in range(size)]
        stub.arrived.clear()
        began = time.perf_counter()
        closed(hub.port, hub.path, hub.headers, bodies)
        figure.hub.append(size / (stub.wait_for(size, 120) - began))
    return figure


def latency(hub: Hub, stub: Stub, rate: float, seconds: float) -> list[Figure]:
    """From a webhook to the answer's arrival, at a steady rate."""
    size = int(rate * seconds)
    first = 50_000_000 + int(rate) * 100_000
    bodies = [update(first + number, 10_000_000) for number in range(size)]
    sent: dict[int, float] = {}
    stub.arrived.clear()

    def note(number: int) -> None:
        sent[10_000_000 + (first + number) % 10_000_000] = time.perf_counter()

    steady(hub.port, hub.path, hub.headers, bodies, rate=rate, sent=note)
    stub.wait_for(size, 60)
    took = sorted((at - sent[int(str(asked["chat_id"]))]) * 1000 for at, asked in stub.arrived)
    must = {20: ("40", "120"), 100: ("", "250")}[int(rate)]
    what = f"end to end at {rate:.0f}/s"
    return [
        Figure(f"{what}, p50", "ms", must[0], [took[len(took) // 2]]),
        Figure(f"{what}, p99", "ms", must[1], [took[int(len(took) * 0.99)]]),
    ]


def idle(hub: Hub, seconds: float) -> list[Figure]:
    """What all processes use while nothing happens."""
    before = _cpu(hub.process.pid)
    time.sleep(seconds)
    used = (_cpu(hub.process.pid) - before) / seconds * 100
    return [
        Figure("idle, CPU of one core", "%", "6", [used]),
        Figure("idle, memory (PSS)", "MB", "450", [_pss(hub.process.pid)]),
        Figure("start to ready", "s", "6", [hub.ready]),
    ]


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="make bench")
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = asked.parse_args()
    runs, size = (3, 2000) if options.quick else (5, 5000)
    stub = Stub()
    hub = Hub(stub)
    try:
        figures = idle(hub, 5 if options.quick else 15)
        with floor_server() as floor:
            figures.append(accept(hub, floor, runs, size))
        hub.answer_all()
        figures.append(whole_way(hub, stub, runs, size))
        for rate in (20, 100):
            figures += latency(hub, stub, rate, 10 if options.quick else 30)
    finally:
        hub.stop()
    lines = [figure.row() for figure in figures]
    head = "| what | floor | hub | ratio | must |\n|---|---|---|---|---|"
    table = "\n".join([head, *lines])
    print(table)
    if options.write:
        _write(table, runs, size)


def _write(table: str, runs: int, size: int) -> None:
    page = ROOT / "docs/performance.md"
    before = page.read_text().partition("<!-- figures -->")[0]
    when = datetime.now(UTC).strftime("%-d %B %Y")
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    said = f"SQLite, embedded Valkey; {machine}; {when}; medians (minimum to maximum) of {runs}"
    page.write_text(f"{before}<!-- figures -->\n\n{said} runs of {size} requests.\n\n{table}\n")


def _spread(values: list[float]) -> str:
    middle = statistics.median(values)
    shown = f"{middle:,.0f}" if middle >= 20 else f"{middle:.1f}"
    return shown if len(values) == 1 else f"{shown} ({min(values):,.0f} to {max(values):,.0f})"


def _quiet(hub: Hub) -> None:
    """Wait until everything that came in was read."""
    while True:
        listed = ask(f"{hub.url}/api/v1/events?state=pending&limit=1", headers=hub.api)
        if listed is not None and not listed["items"]:
            return
        time.sleep(0.2)


def _answers(port: int) -> bool:
    try:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/ok", b"x")
        with urllib.request.urlopen(request, timeout=1):
            return True
    except OSError:
        return False


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _cpu(pid: int) -> float:
    ticks = 0
    for one in _family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> float:
    kilobytes = 0
    for one in _family(pid):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        kilobytes += int(rollup.partition("Pss:")[2].split()[0])
    return kilobytes / 1024


if __name__ == "__main__":
    main()
