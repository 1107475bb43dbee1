"""Make requests over many kept connections, as fast as they are answered or at a steady rate."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of it."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.seconds


def closed(
    port: int, path: str, headers: dict[str, str], bodies: list[bytes], *, clients: int = 64
) -> Load:
    """Post every body, ``clients`` at a time."""
    return asyncio.run(_closed(port, path, headers, bodies, clients))


def steady(
    port: int,
    path: str,
    headers: dict[str, str],
    bodies: list[bytes],
    *,
    rate: float,
    sent: Callable[[int], None],
) -> Load:
    """Post bodies at ``rate`` a second, whatever the answers take; tell when each is sent."""
    return asyncio.run(_steady(port, path, headers, bodies, rate, sent))


def update(number: int, chats: int) -> bytes:
    """Return a Telegram update of about 1 kB, from one of ``chats`` people."""
    chat = 10_000_000 + number % chats
    person = {"id": chat, "is_bot": False, "first_name": "Bench", "language_code": "en"}
    message = {
        "message_id": number + 1,
        "date": 1767225600,
        "from": person,
        "chat": {"id": chat, "type": "private", "first_name": "Bench"},
        "text": f"{number} " + "x" * 700,
    }
    return json.dumps({"update_id": number, "message": message}).encode()


async def _closed(
    port: int, path: str, headers: dict[str, str], bodies: list[bytes], clients: int
) -> Load:
    todo = iter(bodies)
    load = Load()
    began = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in todo:
            status = await _post(reader, writer, path, headers, body)
            load.statuses[status] = load.statuses.get(status, 0) + 1
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    return load


async def _steady(
    port: int,
    path: str,
    headers: dict[str, str],
    bodies: list[bytes],
    rate: float,
    sent: Callable[[int], None],
) -> Load:
    load = Load()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(64):
        await free.put(await asyncio.open_connection("127.0.0.1", port))
    began = time.perf_counter()

    async def one(number: int, body: bytes) -> None:
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        connection = await free.get()
        sent(number)
        status = await _post(*connection, path, headers, body)
        load.statuses[status] = load.statuses.get(status, 0) + 1
        await free.put(connection)

    await asyncio.gather(*(one(number, body) for number, body in enumerate(bodies)))
    load.seconds = time.perf_counter() - began
    return load


async def _post(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    headers: dict[str, str],
    body: bytes,
) -> int:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    for line in answer.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
            if length:
                await reader.readexactly(length)
    return int(answer[9:12])
