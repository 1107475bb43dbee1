"""Stand in for Telegram: answer at once, or after a while, and note what arrived when.

``python -m bench.stub --port 9000`` serves ``/bot<token>/<method>``. Under ``/_stub/`` it is told
how long to take (``delay?seconds=0.05``) and to forget (``reset``), and it tells what arrived.
"""

import argparse
import asyncio
import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus

from bench.common import LOCAL, NotInTime, answers, free_port, module, request, running

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
#: In JSON, in a form, and in a multipart form.
_CHAT = re.compile(rb'chat_id(?:"?\s*[:=]\s*"?|"\r\n\r\n)(-?\d+)')
_FORM_TEXT = re.compile(rb"(?:^|&)text=([^&]*)")
_MULTIPART_TEXT = re.compile(rb'name="text"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)


@dataclass(frozen=True)
class Arrival:
    """A message that arrived: when (monotonic seconds), for whom, and what it says."""

    at: float
    chat: int
    text: str


class Stub:
    """The process, from the point of view of who measures."""

    def __init__(self, port: int) -> None:
        self.port = port

    def reset(self, *, delay: float = 0.0) -> None:
        """Forget what arrived; take ``delay`` seconds for each message from now on."""
        request(self.port, f"/_stub/delay?seconds={delay}")
        request(self.port, "/_stub/reset")

    def count(self) -> int:
        """Return how many messages have arrived."""
        return int(request(self.port, "/_stub/count")[1])

    def wait_for(self, count: int, seconds: float = 120.0) -> list[Arrival]:
        """Return what arrived, once it is ``count`` messages, in the order of arrival."""
        end = time.monotonic() + seconds
        while (have := self.count()) < count:
            if time.monotonic() > end:
                raise NotInTime(f"{have} of {count} messages arrived within {seconds:.0f} s.")
            time.sleep(0.05)
        return self.arrivals()

    def arrivals(self) -> list[Arrival]:
        """Return what has arrived, in the order of arrival."""
        return [Arrival(*one) for one in json.loads(request(self.port, "/_stub/arrivals")[1])]

    def secret(self, bot: str) -> str:
        """Return the secret that ``bot`` wants to see in webhooks."""
        return str(json.loads(request(self.port, f"/_stub/secret?{bot}")[1]))


@contextlib.contextmanager
def stub_provider() -> Iterator[Stub]:
    """Run a provider in a process of its own."""
    port = free_port()
    with running(module("stub", "--port", port)):
        while not answers(port, "/_stub/count"):
            time.sleep(0.02)
        yield Stub(port)


class _Book:
    """What the process knows: raw arrivals are read only when somebody asks for them."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.arrived: list[tuple[float, int, bytes]] = []
        self.webhooks: dict[str, dict[str, str]] = {}

    def told(self, path: str) -> object:
        what, _, query = path.removeprefix("/_stub/").partition("?")
        match what:
            case "delay":
                self.delay = float(parse_qs(query)["seconds"][0])
            case "reset":
                self.arrived.clear()
            case "arrivals":
                return [(at, chat, _text(body)) for at, chat, body in self.arrived]
            case "secret":
                return self.webhooks[query]["secret_token"]
        return len(self.arrived)

    def method(self, bot: str, method: str, body: bytes) -> object:
        match method:
            case "getMe":
                number = int(bot.partition(":")[0])
                return {"id": number, "is_bot": True, "first_name": "B", "username": "bench_bot"}
            case "setWebhook":
                self.webhooks[bot] = json.loads(body)
            case "getWebhookInfo":
                url = self.webhooks.get(bot, {}).get("url", "")
                return {"url": url, "has_custom_certificate": False, "pending_update_count": 0}
        return True

    def message(self, body: bytes) -> object:
        found = _CHAT.search(body)
        chat = int(found[1]) if found else 0
        self.arrived.append((time.monotonic(), chat, body))
        there = {"id": chat, "type": "private", "first_name": "Bench"}
        return {"message_id": len(self.arrived), "date": 1767225600, "chat": there}


class _Connection(asyncio.Protocol):
    """One client; requests on one connection are answered one after the other."""

    def __init__(self, book: _Book) -> None:
        self._book = book
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        wanted = int(length[1]) if length else 0
        if found and len(rest) >= wanted:
            self._data = rest[wanted:]
            self._take(head.split(b" ", 2)[1].decode(), rest[:wanted])

    def _take(self, path: str, body: bytes) -> None:
        book = self._book
        if path.startswith("/_stub/"):
            self._answer(book.told(path))
            return
        _, _, rest = path.partition("/bot")
        bot, _, method = rest.partition("/")
        if method.lower() != "sendmessage":
            self._answer({"ok": True, "result": book.method(unquote_plus(bot), method, body)})
            return
        answer = {"ok": True, "result": book.message(body)}
        if book.delay:
            asyncio.get_running_loop().call_later(book.delay, self._answer, answer)
        else:
            self._answer(answer)

    def _answer(self, answer: object) -> None:
        data = json.dumps(answer).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % len(data) + data)  # type: ignore[attr-defined]  # to write to


def _text(body: bytes) -> str:
    if body.startswith(b"{"):
        return str(json.loads(body)["text"])
    if found := _FORM_TEXT.search(body):
        return unquote_plus(found[1].decode())
    found = _MULTIPART_TEXT.search(body)
    return found[1].decode() if found else ""


async def _serve(port: int) -> None:
    book = _Book()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(book), LOCAL, port, backlog=512)
    await server.serve_forever()


def main() -> None:
    """Serve until a signal ends it."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(asked.parse_args().port))


if __name__ == "__main__":
    main()
