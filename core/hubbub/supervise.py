"""Keep child processes running: start them, watch them, start them again, end them in order."""

import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, Final

import structlog

from hubbub.cli import run
from hubbub.sdk.errors import HubError
from hubbub.system import die_with_parent, name_process

#: Seconds until everything must be ready, and in which everything must have stopped.
START_LIMIT: Final = 60.0
STOP_LIMIT: Final = 30.0
#: The status of a process that said in a sentence why it ended.
EXPLAINED: Final = 1
#: Seconds before a child that died is started again: doubled each time, up to the second figure,
#: and forgotten once it has run for the third.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY: Final = 60.0
#: Seconds after which a second signal is a wish of its own.
_TWICE: Final = 1.0
#: Seconds between looks at the children.
_BEAT: Final = 0.25
#: A fork shares the memory of what the parent has loaded, and starts at once. Elsewhere the
#: systems' own libraries do not survive one.
_FORKS: Final = sys.platform == "linux"
_CONTEXT: Final[Any] = multiprocessing.get_context("fork" if _FORKS else "spawn")
log = structlog.get_logger(__name__)


class NotStarted(HubError):
    """The hub did not come up."""

    code = "not_started"


@dataclass
class Child:
    """One process to keep running: ``hubbub`` with ``arguments``."""

    name: str
    arguments: Sequence[str]
    process: BaseProcess | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    #: When to start it again, once it has died.
    due: float | None = None

    def start(self) -> None:
        """Start it."""
        self.started, self.due = time.monotonic(), None
        self.process = _CONTEXT.Process(
            target=_be, args=(self.name, self.arguments), name=self.name
        )
        self.process.start()

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.is_alive()

    @property
    def status(self) -> int | None:
        """With which status it ended."""
        return self.process.exitcode if self.process else None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal; a kill goes to all that it started."""
        if self.process is None or self.process.pid is None or not self.running:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid, number)

    def revive(self, now: float) -> None:
        """Start it again if it died and has paused for long enough."""
        if self.running:
            return
        if self.due is None:
            if now - self.started > _STEADY:
                self.pause = _FIRST_PAUSE
            log.error("process ended", child=self.name, status=self.status, again_in=self.pause)
            self.due, self.pause = now + self.pause, min(self.pause * 2, _LONGEST_PAUSE)
        elif now >= self.due:
            self.start()
            log.info("process started again", child=self.name)


class Supervisor:
    """Keeps children running until it is told to stop. Use it from the main thread."""

    def __init__(self, stages: Sequence[Sequence[Child]]) -> None:
        """Take the children in the stages in which they are to stop."""
        self._stages = stages
        self._children = [child for stage in stages for child in stage]
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._told_at = 0.0

    def start(self) -> None:
        """Start every child, those that stop last first.

        From now on SIGINT and SIGTERM are the wish to stop, and a second one is haste.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told)
        for child in reversed(self._children):
            child.start()

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Return whether ``ready`` came true before somebody wanted us to stop.

        Raises `NotStarted` when a child ends before that, with an empty text where the child has
        said why, or when it takes too long.
        """
        end = time.monotonic() + START_LIMIT
        while not self._stop.is_set():
            if ready():
                return True
            self._require_all()
            if time.monotonic() > end:
                raise NotStarted(f"The hub was not ready within {START_LIMIT:.0f} s.")
            self._stop.wait(0.05)
        return False

    def watch(self, beside: Callable[[], object]) -> None:
        """Start again whatever ends, until somebody wants us to stop.

        ``beside`` is called at each look; it revives what is no child of ours.
        """
        while not self._stop.wait(_BEAT):
            beside()
            now = time.monotonic()
            for child in self._children:
                child.revive(now)

    def stop(self) -> None:
        """Let each stage end what it is at, within `STOP_LIMIT` for all, and kill what remains."""
        end = time.monotonic() + STOP_LIMIT
        for stage in self._stages:
            for child in stage:
                child.tell(signal.SIGTERM)
            while any(child.running for child in stage) and time.monotonic() < end:
                if self._hurry.wait(0.02):
                    break
        for child in self._children:
            if child.running:
                log.warning("process killed", child=child.name)
                child.tell(signal.SIGKILL)

    def _require_all(self) -> None:
        for child in self._children:
            if not child.running:
                text = f"The {child.name} ended before the hub was ready."
                raise NotStarted("" if child.status == EXPLAINED else text)

    def _told(self, *_: object) -> None:
        now = time.monotonic()
        if not self._stop.is_set():
            self._told_at = now
            self._stop.set()
        # One wish may come twice: to the process and to its group.
        elif now - self._told_at > _TWICE:
            self._hurry.set()


def load(modules: Iterable[str]) -> None:
    """Load what several children need, once for all of them. Call it before they start."""
    if _FORKS:
        for name in modules:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()  # so that the collector leaves the shared memory as it is


def _be(name: str, arguments: Sequence[str]) -> None:
    """Become one of the children."""
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    name_process(f"hubbub {name}")
    sys.exit(run(arguments))
