"""Run a pure function within bounds of time and memory, in a process that may be ended.

A thread cannot be ended and shares its memory with everybody. A process can, and to start one
takes a quarter of a second, which is too much for each call: so one that has done its work waits
for more. It knows nothing but what it is given: no secret of the environment, no database.

Run as a program, this module is that process. It ends with the one that started it.
"""

import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable, Iterable
from copy import copy
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final, ParamSpec, TypeVar, cast

from hubbub.sdk.errors import HubError
from hubbub.sdk.types import Bounds, ChannelType
from hubbub.sdk.values import Call, Connection as ChannelConnection, Event, FetchedMedia

P = ParamSpec("P")
T = TypeVar("T")

#: Processes that are kept waiting for more to do; there are more while more is to be done.
_MOST_IDLE: Final = 2
#: How much longer than on the processor it may take by the clock, on a machine that is busy.
_PATIENCE: Final = 10
#: Of the environment, what an interpreter may need to start.
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ")
_TOO_LONG: Final = (-signal.SIGPROF, -signal.SIGALRM)


class OutOfBounds(HubError):
    """It took more time or memory than it may."""

    code = "out_of_bounds"


class Bounded:
    """Runs functions within bounds, each call in one of a few processes. Safe with threads.

    What is run must be importable, and it and all that it takes and returns must be picklable.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._idle: list[_Worker] = []
        # At the latest when this process ends.
        self.close = weakref.finalize(self, _end_all, self._idle)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``function`` returns, or raise what it raises, or `OutOfBounds`."""
        job = pickle.dumps((function, args, kwargs))
        with contextlib.suppress(IndexError):
            used = self._idle.pop()
            try:
                return cast("T", self._done(used, job))
            except _Exhausted:
                pass  # by what it did before, perhaps: only a fresh one tells
        try:
            return cast("T", self._done(_Worker(self._bounds), job))
        except _Exhausted as error:
            raise OutOfBounds(str(error)) from None

    def _done(self, worker: "_Worker", job: bytes) -> object:
        try:
            raised, value = worker.ask(job)
        except BaseException:
            worker.end()
            raise
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(worker)
        else:
            worker.end()
        if raised:
            raise value
        return value


def within_bounds(kind: ChannelType[Any]) -> ChannelType[Any]:
    """Return ``kind``, or where it has bounds the same that reads calls within them.

    Whatever stands around the hook of a type stands around this one as well.
    """
    if kind.bounds is None:
        return kind
    bounded = Bounded(kind.bounds)
    base: Any = type(kind)

    class Within(base):  # type: ignore[misc]  # its base is found out here
        def parse(self, call: Call, connection: ChannelConnection[Any]) -> Iterable[Event]:
            return bounded.run(_parsed, kind, call, connection)

        def read_media(
            self, ref: str, call: Call, connection: ChannelConnection[Any]
        ) -> FetchedMedia:
            return bounded.run(kind.read_media, ref, call, connection)

    # For people who look at it, it is what it was.
    Within.__name__, Within.__qualname__ = base.__name__, base.__qualname__
    within: Any = copy(kind)
    within.__class__ = Within
    return cast("ChannelType[Any]", within)


def _parsed(
    kind: ChannelType[Any], call: Call, connection: ChannelConnection[Any]
) -> tuple[Event, ...]:
    return tuple(kind.parse(call, connection))


class _Exhausted(Exception):
    """The process had not enough memory, or was ended by somebody."""


class _Worker:
    """One process, and the line to it."""

    def __init__(self, bounds: Bounds) -> None:
        self._seconds = bounds.seconds
        self._line, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # this module
                [
                    *(sys.executable, "-BP", "-m", __name__),
                    *(str(theirs.fileno()), str(bounds.seconds), str(bounds.memory)),
                ],
                stdin=subprocess.DEVNULL,
                env=_environment(),
                pass_fds=[theirs.fileno()],
                # Whoever interrupts the hub at a terminal lets it finish.
                start_new_session=True,
            )

    def ask(self, job: bytes) -> tuple[bool, Any]:
        """Return whether the job raised something, and that or what it returned."""
        try:
            self._line.send_bytes(job)
            answer = self._line.recv_bytes()
        except (EOFError, OSError):
            if self._process.wait() in _TOO_LONG:
                raise OutOfBounds(f"It took longer than {self._seconds:g} seconds.") from None
            raise _Exhausted("The process that did it ended.") from None
        if not answer:
            raise _Exhausted("It took more memory than it may.")
        return cast("tuple[bool, Any]", pickle.loads(answer))  # noqa: S301  # by our own code

    def end(self) -> None:
        self._line.close()
        self._process.kill()
        self._process.wait()


def _end_all(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.end()


def _environment() -> dict[str, str]:
    known = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**known, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}


# --- the process ------------------------------------------------------------------------------


def _serve(line: Connection, seconds: float) -> None:
    """Do what is asked, until nobody is there to ask."""
    # Who is killed while they ask leaves a connection that is reset.
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            job = line.recv_bytes()
            _clocks(seconds)
            line.send_bytes(_answer(job))
            _clocks(0)


def _clocks(seconds: float) -> None:
    """Have the kernel end this process after so much time; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * _PATIENCE)


def _answer(job: bytes) -> bytes:
    """Return what to say of ``job``; nothing at all when the memory does not suffice."""
    try:
        function, args, kwargs = pickle.loads(job)  # noqa: S301  # by our own code
        try:
            return pickle.dumps((False, function(*args, **kwargs)))
        except MemoryError:
            raise
        # Whatever it is, it is raised where the function was called.
        except Exception as error:  # noqa: BLE001  # see above
            return _raised(error)
    except MemoryError:
        return b""


def _raised(error: Exception) -> bytes:
    error.add_note(traceback.format_exc())
    try:
        answer = pickle.dumps((True, error))
        pickle.loads(answer)  # noqa: S301  # some can be written and not read
    except Exception:  # noqa: BLE001  # an exception may hold anything
        return pickle.dumps((True, RuntimeError(f"{type(error).__name__}: {error}")))
    return answer


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # not every system can
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _main() -> None:
    descriptor, seconds, memory = sys.argv[1:]
    _limit(int(memory))
    with Connection(int(descriptor)) as line:
        _serve(line, float(seconds))


if __name__ == "__main__":
    _main()
