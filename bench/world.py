"""Hold what is measured: the stub, hubs and floors, each started when it is first needed."""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.aiogram_bot import HEADERS as BOT_HEADERS, PATH as BOT_PATH, aiogram_bot
from bench.databases import SQLITE, Server, postgresql
from bench.floor import HEADERS as FLOOR_HEADERS, PATH as FLOOR_PATH, floor
from bench.floor_accept import bare_flask
from bench.hub import Hub, connect, hubbub_up, hubbub_web
from bench.load import Load, Updates, post
from bench.report import Figure, table
from bench.stub import Stub, stub_provider


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    runs: int = 5
    accepted: int = 4000
    carried: int = 4000
    #: Seconds of a round at 20 and at 100 messages a second.
    steady: tuple[float, float] = (8.0, 6.0)
    bulk: int = 2000
    #: Messages in each of the ten hot conversations.
    hot: int = 60
    grown: int = 1000
    #: Messages stored while their cost is measured; the first is what the others compare to.
    stored: tuple[int, ...] = (1_000, 100_000)
    delayed: int = 100_000
    idle: float = 8.0
    #: Open chat windows where each has a thread, and answers that come into one.
    windows: int = 2000
    answered: int = 200
    #: Conversations beside which the console's pages are asked for, and how often each.
    conversations: int = 100_000
    pages: int = 200
    #: Messages that are looked for on the screen.
    seen: int = 60


QUICK = Scale(
    runs=2,
    accepted=1500,
    carried=1000,
    steady=(4.0, 4.0),
    bulk=600,
    hot=20,
    grown=400,
    stored=(1_000, 20_000),
    delayed=20_000,
    idle=4.0,
    windows=400,
    answered=50,
    conversations=5_000,
    pages=40,
    seen=20,
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Something that takes webhooks and answers them at the stub."""

    port: int
    path: str
    headers: dict[str, str]

    def post(self, updates: Updates, *, rate: float = 0.0) -> Load:
        """Post updates to it."""
        return post(self.port, self.path, self.headers, updates, rate=rate)


class World:
    """Everything that runs beside the measurements of one session."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._stack = contextlib.ExitStack()
        self._made: dict[str, object] = {}
        self._number = 100_000
        self._update = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def stub(self) -> Stub:
        """The provider."""
        return self._once("stub", stub_provider)

    def server(self) -> Server:
        """Return the PostgreSQL of this session."""
        return self._once("postgresql", postgresql)

    def updates(self, count: int, *, chats: int = 400) -> Updates:
        """Return updates that nobody has seen yet."""
        first, self._update = self._update + 1, self._update + count
        return Updates(first=first, count=count, chats=chats)

    @contextlib.contextmanager
    def database(self, kind: str) -> Iterator[str]:
        """Give an empty database of a kind; the empty address is an SQLite file of the hub's."""
        if kind == SQLITE:
            yield ""
        else:
            with self.server().database() as url:
                yield url

    @contextlib.contextmanager
    def fresh_hub(self, kind: str) -> Iterator[Hub]:
        """Run a hub of its own on an empty database, connected to the stub."""
        with self.database(kind) as url, hubbub_up(url) as hub:
            self._connect(hub)
            yield hub

    def hub(self, kind: str) -> Hub:
        """Return the hub on a database of this kind."""
        return self._once(f"hub {kind}", lambda: self.fresh_hub(kind))

    def web(self, kind: str) -> Hub:
        """Return a hub of which only the web runs."""
        return self._once(f"web {kind}", lambda: self._web(kind))

    def flask(self) -> Target:
        """Return the bare Flask."""
        return Target(port=self._once("flask", bare_flask), path="/ok", headers={})

    def floor(self, kind: str) -> Target:
        """Return the leanest durable pipeline on a database of this kind."""
        port = self._once(f"floor {kind}", lambda: self._floor(kind))
        return Target(port=port, path=FLOOR_PATH, headers=FLOOR_HEADERS)

    def aiogram(self) -> Target:
        """Return the aiogram bot."""
        port = self._once("aiogram", lambda: aiogram_bot(self.stub.port))
        return Target(port=port, path=BOT_PATH, headers=BOT_HEADERS)

    def _once(self, name: str, make: Callable[[], contextlib.AbstractContextManager[object]]):  # noqa: ANN202  # whatever it makes
        if name not in self._made:
            self._made[name] = self._stack.enter_context(make())
        return self._made[name]

    def _connect(self, hub: Hub) -> None:
        self._number += 1
        connect(hub, self.stub, self._number)

    @contextlib.contextmanager
    def _web(self, kind: str) -> Iterator[Hub]:
        with self.database(kind) as url, hubbub_web(url) as hub:
            self._connect(hub)
            yield hub

    @contextlib.contextmanager
    def _floor(self, kind: str) -> Iterator[int]:
        with (
            tempfile.TemporaryDirectory(prefix="hubbub-bench-") as folder,
            self.database(kind) as url,
        ):
            where = url or f"sqlite:///{folder}/floor.db"
            with floor(Path(folder), where, self.stub.port) as port:
                yield port


def target(hub: Hub) -> Target:
    """Return where ``hub`` takes webhooks."""
    return Target(port=hub.port, path=hub.path, headers=hub.headers)


def alone(measure: Callable[[World], Sequence[Figure]]) -> None:
    """Run one measurement by itself and print its figures: what each script does."""
    asked = argparse.ArgumentParser(description=(sys.modules["__main__"].__doc__ or "").strip())
    asked.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    with World(QUICK if asked.parse_args().quick else Scale()) as world:
        print(table(measure(world)))
