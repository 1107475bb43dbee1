"""Post Telegram updates over many kept connections: a process of its own.

``python -m bench.load --port 8000 --path /webhooks/... --count 4000`` posts as fast as answers
come, 64 at a time; with ``--rate 100`` at that rate, however long the answers take. It prints one
line of JSON: when it began and ended (monotonic seconds), how many answers had which status, how
long answers took, and when which update was sent.
"""

import argparse
import asyncio
import json
import subprocess
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.common import CLIENTS, LOCAL, ROOT, module

#: The ids of people who write.
FIRST_CHAT = 10_000_000


@dataclass(frozen=True)
class Load:
    """What came of it; times are monotonic seconds, the same in every process."""

    began: float
    ended: float
    statuses: Mapping[str, int]
    answer_ms: Mapping[str, float]
    #: When each update was sent, with the chat that it came from.
    sent: Sequence[tuple[float, int]]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / (self.ended - self.began)


@dataclass(frozen=True, kw_only=True)
class Updates:
    """Which updates to post: ``count`` from ``first`` on, of ``chats`` people in turn."""

    first: int
    count: int
    chats: int = 400

    def chat(self, number: int) -> int:
        """Return who writes the update ``number``."""
        return FIRST_CHAT + number % self.chats

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """Yield each update, about 1 kB of JSON, behind the chat that it comes from."""
        for number in range(self.first, self.first + self.count):
            chat = self.chat(number)
            yield chat, json.dumps(_update(number, chat)).encode()


def post(
    port: int, path: str, headers: Mapping[str, str], updates: Updates, *, rate: float = 0.0
) -> Load:
    """Post updates from a process of its own and return what came of it."""
    return ended(begin(port, path, headers, updates, rate=rate))


def begin(
    port: int, path: str, headers: Mapping[str, str], updates: Updates, *, rate: float = 0.0
) -> subprocess.Popen[str]:
    """Begin to post updates; `ended` waits for the end."""
    words = ["--port", port, "--path", path, "--rate", rate]
    words += ["--first", updates.first, "--count", updates.count, "--chats", updates.chats]
    for name, value in headers.items():
        words += ["--header", f"{name}: {value}"]
    return subprocess.Popen(module("load", *words), cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> Load:
    """Return what came of it, once it is over; every answer must have been a success."""
    said, _ = process.communicate()
    load = Load(**json.loads(said))
    assert set(load.statuses) == {"200"}, load.statuses
    return load


class _Client(asyncio.Protocol):
    """One connection; ``answered`` is done with the status of the answer under way."""

    def __init__(self) -> None:
        self._data = b""
        self.answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to write."""
        self._transport = transport

    def post(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; the future brings the status of its answer."""
        self.answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)  # type: ignore[attr-defined]  # it is a transport to write to
        return self.answered

    def data_received(self, data: bytes) -> None:
        """Take what came, up to a whole answer."""
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head):
            self._data = b""
            self._done(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """Count an answer that will not come."""
        del error
        self._done(0)

    def _done(self, status: int) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(status)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


class _Round:
    """One round of posting, and the record of it."""

    def __init__(self, port: int, head: bytes, updates: Updates) -> None:
        self._port = port
        self._todo = deque((chat, _request(head, body)) for chat, body in updates.bodies())
        self._statuses: Counter[int] = Counter()
        self._sent: list[tuple[float, int]] = []
        self._took: list[float] = []

    async def closed(self, clients: int) -> dict[str, object]:
        """Post everything, ``clients`` at a time."""
        connections = [await self._connect() for _ in range(clients)]
        began = time.monotonic()
        await asyncio.gather(*(self._work(connection) for connection in connections))
        return self._record(began)

    async def steady(self, rate: float) -> dict[str, object]:
        """Post everything at ``rate`` a second, whatever the answers take."""
        free = [await self._connect() for _ in range(CLIENTS)]
        began = time.monotonic()
        under_way = set()
        for number in range(len(self._todo)):
            await asyncio.sleep(began + number / rate - time.monotonic())
            connection = free.pop() if free else await self._connect()
            task = asyncio.create_task(self._one(connection))
            task.add_done_callback(lambda _, connection=connection: free.append(connection))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        return self._record(began)

    async def _connect(self) -> _Client:
        _, client = await asyncio.get_running_loop().create_connection(_Client, LOCAL, self._port)
        return client

    async def _work(self, connection: _Client) -> None:
        while self._todo:
            await self._one(connection)

    async def _one(self, connection: _Client) -> None:
        chat, request = self._todo.popleft()
        sent = time.monotonic()
        self._sent.append((sent, chat))
        self._statuses[await connection.post(request)] += 1
        self._took.append(time.monotonic() - sent)

    def _record(self, began: float) -> dict[str, object]:
        took = sorted(self._took)
        return {
            "began": began,
            "ended": time.monotonic(),
            "statuses": self._statuses,
            "answer_ms": {
                f"p{share}": took[min(len(took) - 1, len(took) * share // 100)] * 1000
                for share in (50, 99)
            },
            "sent": self._sent,
        }


def _request(head: bytes, body: bytes) -> bytes:
    return head % len(body) + body


def _update(number: int, chat: int) -> dict[str, object]:
    person = {"id": chat, "is_bot": False, "first_name": "Bench", "language_code": "en"}
    message = {
        "message_id": number + 1,
        "date": 1767225600,
        "from": person,
        "chat": {"id": chat, "type": "private", "first_name": "Bench"},
        "text": f"{number} " + "x" * 700,
    }
    return {"update_id": number, "message": message}


def main() -> None:
    """Post what the command line says, and print what came of it."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--path", required=True)
    asked.add_argument("--header", action="append", default=[])
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--count", type=int, default=1000)
    asked.add_argument("--chats", type=int, default=400)
    asked.add_argument("--clients", type=int, default=CLIENTS)
    asked.add_argument("--rate", type=float, default=0.0)
    told = asked.parse_args()
    fields = [f"Host: {LOCAL}", "Content-Type: application/json", *told.header]
    head = f"POST {told.path} HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in fields)
    updates = Updates(first=told.first, count=told.count, chats=told.chats)
    turn = _Round(told.port, f"{head}Content-Length: %d\r\n\r\n".encode(), updates)
    work = turn.steady(told.rate) if told.rate else turn.closed(told.clients)
    print(json.dumps(asyncio.run(work)))


if __name__ == "__main__":
    main()
