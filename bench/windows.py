"""Measure what open chat windows cost while nothing is said, and how soon an answer is in one."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Final

from sqlalchemy import insert

from bench.common import (
    LOCAL,
    answers,
    cpu_seconds,
    free_port,
    named,
    pss_megabytes,
    running,
    wait_until,
)
from bench.hub import Hub, hubbub_up
from bench.report import Figure
from bench.world import Scale, World, alone
from hubbub.connect.work import create_channel
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import submit
from hubbub.hub import Hub as Inside
from hubbub.sdk.content import Text
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Address, Contact, Conversation, table
from hubbub.store.threads import Addressee, begun, row_of, rows_of
from hubbub.store.types import new_id
from hubbub.widget.stream import HEARTBEAT
from hubbub.widget.visitors import Visitor, write_token

#: How a page load of windows comes: so many at once.
_AT_ONCE = 64
#: Seconds until a server has settled, and until an answer has to be in its window.
_SETTLED, _PATIENCE = 3.0, 30.0
_GUNICORN = [sys.executable, "-m", "gunicorn"]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A way to serve windows: ``words`` start it, where that is not the hub's own."""

    name: str
    words: Sequence[str] = ()
    needs: str = "granian"
    #: Windows, as a multiple of those that a server with a thread for each holds.
    times: float = 1
    #: kB for each window: a quarter above what was measured, and what the prototype needed, which
    #: had no accounts, routes and limits around it.
    must: float
    aim: float


_SERVERS: Final = (
    Server(name="granian", must=190, aim=107),
    Server(name="gthread", words=[*_GUNICORN], needs="gunicorn", must=80, aim=33),
    Server(
        name="gevent",
        words=[*_GUNICORN, "-k", "gevent", "--worker-connections", "10000"],
        needs="gevent",
        times=2.5,
        must=42,
        aim=18,
    ),
)


def measure(world: World) -> Sequence[Figure]:
    """Hold thousands of windows open, on each server that is installed in turn."""
    return [
        figure
        for server in _SERVERS
        if find_spec(server.needs)
        for figure in _measure(world, server)
    ]


def _measure(world: World, server: Server) -> Sequence[Figure]:
    count = int(world.scale.windows * server.times)
    where = f"{count:,} windows on {server.name}"
    memory, speed, cpu, p50, p99 = figures = (
        Figure(what=f"{where}, each", unit="kB", must=server.must, aim=server.aim, better="less"),
        Figure(what=f"{where}, opened", unit="/s", must=100, aim=300),
        Figure(what=f"{where}, idle, CPU of one core", unit="%", must=25, aim=5, better="less"),
        Figure(what=f"{where}, answer to bubble, p50", unit="ms", must=100, aim=25, better="less"),
        Figure(what=f"{where}, answer to bubble, p99", unit="ms", must=500, aim=100, better="less"),
    )
    with _serving(server, count) as (hub, port, pid):
        windows = Windows(hub, port, count)
        answers(port, "/login")
        time.sleep(_SETTLED)
        before = pss_megabytes(pid)
        found = asyncio.run(_held(windows, world.scale, pid))
    memory.hub.append((found.megabytes - before) * 1024 / count)
    speed.hub.append(count / found.opened_in)
    cpu.hub.append(found.cpu)
    p50.hub.append(found.took[len(found.took) // 2])
    p99.hub.append(found.took[len(found.took) * 99 // 100])
    return figures


@contextlib.contextmanager
def _serving(server: Server, count: int) -> Iterator[tuple[Hub, int, int]]:
    """Run a hub with room for so many; give it, and the port and process that serve windows."""
    with hubbub_up(HUBBUB_STREAMS=str(count + 100), HUBBUB_TRUSTED_PROXIES=LOCAL) as hub:
        if not server.words:
            pid = named(hub.pid, "hubbub web")
            assert pid is not None
            yield hub, hub.port, pid
            return
        port = free_port()
        words = [*server.words, "--bind", f"{LOCAL}:{port}", "web:app"]
        with running(words, environment=hub.environment) as process:
            wait_until(lambda: answers(port, "/readyz"), 60, server.name)
            yield hub, port, process.pid


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found while the windows were open."""

    megabytes: float
    opened_in: float
    cpu: float
    #: Milliseconds that each answer took, in order.
    took: Sequence[float]


async def _held(windows: "Windows", scale: Scale, pid: int) -> Found:
    opened_in = await windows.open()
    await asyncio.sleep(_SETTLED)
    megabytes, used = pss_megabytes(pid), cpu_seconds(pid)
    # Each window is looked after once in that time.
    beat = HEARTBEAT.total_seconds()
    await asyncio.sleep(beat)
    cpu = (cpu_seconds(pid) - used) / beat * 100
    took = [await windows.answered(number) for number in range(scale.answered)]
    windows.close()
    return Found(megabytes=megabytes, opened_in=opened_in, cpu=cpu, took=sorted(took))


class Windows:
    """Open windows, each of a visitor who wrote before."""

    def __init__(self, hub: Hub, port: int, count: int) -> None:
        self._inside, self._port = hub.inside(), port
        self._key, self._visitors = _visitors(self._inside, count)
        self._streams: list[_Stream] = []

    async def open(self) -> float:
        """Open all; return the seconds that it took."""
        began, free = time.monotonic(), asyncio.Semaphore(_AT_ONCE)

        async def opened(number: int, token: str) -> _Stream:
            async with free:
                request = _request(self._key, token, number)
                return await _Stream.opened(self._port, request)

        tokens = enumerate(self._visitors.values())
        self._streams = await asyncio.gather(*(opened(*one) for one in tokens))
        return time.monotonic() - began

    async def answered(self, number: int) -> float:
        """Answer one visitor; return the milliseconds until the window has it."""
        at = number * 997 % len(self._streams)
        conversation_id, stream = list(self._visitors)[at], self._streams[at]
        stream.heard.clear()
        began = time.monotonic()
        await asyncio.to_thread(self._say, conversation_id)
        await asyncio.wait_for(stream.heard.wait(), _PATIENCE)
        return (stream.heard_at - began) * 1000

    def close(self) -> None:
        """Close all."""
        for stream in self._streams:
            stream.transport.close()
        self._inside.engine.dispose()

    def _say(self, conversation_id: str) -> None:
        with transaction(self._inside.engine) as db:
            submit(
                self._inside,
                db,
                conversation_id=conversation_id,
                content=Text(text="We are open until six."),
                author="api:bench",
            )
        nudge_deliver(self._inside)


class _Stream(asyncio.Protocol):
    """One stream of events; ``heard`` is set when a message came."""

    transport: asyncio.Transport
    heard_at = 0.0

    def __init__(self) -> None:
        self.heard, self.ready = asyncio.Event(), asyncio.Event()

    @classmethod
    async def opened(cls, port: int, request: bytes) -> "_Stream":
        """Return a stream once it has told how things stand."""
        loop = asyncio.get_running_loop()
        transport, stream = await loop.create_connection(cls, LOCAL, port)
        stream.transport = transport
        transport.write(request)
        await asyncio.wait_for(stream.ready.wait(), _PATIENCE)
        return stream

    def data_received(self, data: bytes) -> None:
        """Note what came: events are small, and come whole."""
        if b"event: state" in data:
            self.ready.set()
        if b"event: message" in data:
            self.heard_at = time.monotonic()
            self.heard.set()


def _request(key: str, token: str, number: int) -> bytes:
    # Few windows of one place may be open at once: so each is somewhere else.
    lines = (
        f"GET /widget/{key}/stream HTTP/1.1",
        f"Host: {LOCAL}",
        f"X-Forwarded-For: 10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        f"Authorization: Bearer {token}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _visitors(inside: Inside, count: int) -> tuple[str, Mapping[str, str]]:
    """Make a channel and visitors; return its key, and their tokens by conversation."""
    channel_id = create_channel(
        inside, type="webchat", name="bench", credentials={}, settings={}, actor="cli"
    )
    now = inside.now()
    tokens, contacts, addresses, conversations = {}, [], [], []
    for _ in range(count):
        visitor = Visitor(channel_id=channel_id, issued_at=now, expires_at=now + timedelta(1))
        addressee = Addressee(
            id=new_id(), channel_id=channel_id, contact_id=new_id(), address=visitor.address
        )
        thread = begun(addressee, now, threads=False)
        thread.last_inbound_at = now
        tokens[thread.conversation_id] = write_token(inside.vault, visitor)
        contact, address = rows_of(addressee, now)
        contacts.append(contact)
        addresses.append(address)
        conversations.append(row_of(thread, now))
    with transaction(inside.engine) as db:
        for rows, made in (
            (Contact, contacts),
            (Address, addresses),
            (Conversation, conversations),
        ):
            db.execute(insert(table(rows)), made)
    with reading(inside.engine) as db:
        line = inside.directory.usable(db, channel_id)
    assert line is not None
    return line.webhook_key, tokens


if __name__ == "__main__":
    alone(measure)
