"""Stand in for a provider: answer at once, or after a while, and note when what arrived."""

import asyncio
import json
import re
import threading
import time

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Stub:
    """A Bot API on a port of its own, in a thread of this process."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.arrived: list[tuple[float, dict[str, object]]] = []
        self.port = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()

    def wait_for(self, count: int, seconds: float) -> float:
        """Return when the ``count``-th message arrived."""
        end = time.perf_counter() + seconds
        while len(self.arrived) < count:
            if time.perf_counter() > end:
                raise TimeoutError(f"{len(self.arrived)} of {count} arrived")
            time.sleep(0.01)
        return self.arrived[count - 1][0]

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1])) if found else b""
                answer = await self._answer(head.split(b" ", 2)[1].decode(), body)
                data = json.dumps({"ok": True, "result": answer}).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                    + str(len(data)).encode()
                    + b"\r\n\r\n"
                    + data
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: str, body: bytes) -> object:
        method = path.rpartition("/")[2]
        if method == "getMe":
            return {"id": 123456, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
        if method == "getWebhookInfo":
            return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": 0}
        asked = json.loads(body or b"{}")
        if method == "setWebhook":
            self.webhook = asked["url"]
            self.secret = asked["secret_token"]
            return True
        if method.startswith("send"):
            if self.delay:
                await asyncio.sleep(self.delay)
            self.arrived.append((time.perf_counter(), asked))
            chat = asked["chat_id"]
            return {
                "message_id": len(self.arrived),
                "date": 1767225600,
                "chat": {"id": chat, "type": "private"},
            }
        return True

    webhook = ""
    secret = ""
