"""The floor of the whole way: the leanest durable pipeline on the hub's own lines.

Webhooks are committed in groups, one coalesced poke tells the worker, and it claims what is due
set-wise: echo, send, write down. Raw drivers, two tables, no retries, lanes, routes or trace.

``python -m bench.floor web PORT`` and ``python -m bench.floor worker STUB_PORT`` are its processes;
`FLOOR_DATABASE` and `FLOOR_REDIS` tell both where to keep things.
"""

import contextlib
import hmac
import http.client
import json
import os
import queue
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg
from redis import Redis

from bench.common import LOCAL, answers, free_port, module, running, wait_until
from bench.databases import dsn, is_sqlite
from bench.floor_accept import serve
from hubbub.embedded import EmbeddedValkey

SECRET = "a-secret-of-the-benchmarks"  # noqa: S105  # made up for the stub
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
PATH = "/webhook"
_GROUP = 256
_BATCH = 200
_SENDERS = 16
_POKE, _QUEUE = "floor:poke", "floor:queue"
_TABLES = (
    """CREATE TABLE IF NOT EXISTS calls
    (id INTEGER PRIMARY KEY {identity}, body {bytes} NOT NULL, state INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS calls_pending ON calls (id) WHERE state = 0",
    """CREATE TABLE IF NOT EXISTS conversations
    (chat BIGINT PRIMARY KEY, last TEXT NOT NULL, messages INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS messages
    (call_id INTEGER NOT NULL, direction INTEGER NOT NULL, chat BIGINT NOT NULL,
    text TEXT NOT NULL, state INTEGER NOT NULL, PRIMARY KEY (call_id, direction))""",
)
_KEEP = "INSERT INTO calls (body, state) VALUES (?, 0)"
_PENDING = "SELECT id, body FROM calls WHERE state = 0 ORDER BY id LIMIT ?"
_TAKEN = "UPDATE calls SET state = 1 WHERE id = ?"
_CONVERSATION = (
    "INSERT INTO conversations (chat, last, messages) VALUES (?, ?, 2) ON CONFLICT (chat)"
    " DO UPDATE SET last = excluded.last, messages = conversations.messages + 2"
)
_MESSAGE = "INSERT INTO messages VALUES (?, ?, ?, ?, ?)"
_SENT = "UPDATE messages SET state = 2 WHERE call_id = ? AND direction = 1"


class Database(Protocol):
    """One connection: statements between commits."""

    def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run ``statement`` for each of ``rows``."""

    def all(self, statement: str, values: Sequence[object]) -> list[Any]:
        """Return what ``statement`` finds."""

    def commit(self) -> None:
        """Commit what was done since the last time."""


class Sqlite:
    """SQLite as the hub sets it up: a commit is on the disk."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        self._raw = sqlite3.connect(path, timeout=30, check_same_thread=False)
        self._raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16000"):
            self._raw.execute(f"PRAGMA {pragma}")

    def create(self) -> None:
        """Create the tables."""
        for statement in _TABLES:
            self._raw.execute(statement.format(identity="", bytes="BLOB"))

    def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run ``statement`` for each of ``rows``."""
        self._begin()
        self._raw.executemany(statement, rows)

    def all(self, statement: str, values: Sequence[object]) -> list[Any]:
        """Return what ``statement`` finds."""
        self._begin()
        return self._raw.execute(statement, values).fetchall()

    def commit(self) -> None:
        """Commit what was done since the last time."""
        if self._raw.in_transaction:
            self._raw.execute("COMMIT")

    def _begin(self) -> None:
        if not self._raw.in_transaction:
            self._raw.execute("BEGIN IMMEDIATE")


class Postgres:
    """PostgreSQL through psycopg."""

    def __init__(self, url: str) -> None:
        self._raw = psycopg.connect(dsn(url), prepare_threshold=3)

    def create(self) -> None:
        """Create the tables."""
        for statement in _TABLES:
            identity = "GENERATED ALWAYS AS IDENTITY"
            self._raw.execute(statement.format(identity=identity, bytes="BYTEA"))
        self._raw.commit()

    def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run ``statement`` for each of ``rows``."""
        with self._raw.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), rows)

    def all(self, statement: str, values: Sequence[object]) -> list[Any]:
        """Return what ``statement`` finds; rows that it finds are ours until the commit."""
        claiming = f"{statement.replace('?', '%s')} FOR UPDATE SKIP LOCKED"
        return self._raw.execute(claiming, values).fetchall()

    def commit(self) -> None:
        """Commit what was done since the last time."""
        self._raw.commit()


def open_database(url: str) -> Sqlite | Postgres:
    """Return a connection to ``url``."""
    return Sqlite(url) if is_sqlite(url) else Postgres(url)


class Web:
    """A WSGI application that keeps each call before it answers."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self._database = open_database(database_url)
        self._redis = Redis.from_url(redis_url)
        self._waiting: queue.SimpleQueue[tuple[bytes, threading.Lock]] = queue.SimpleQueue()
        threading.Thread(target=self._commit_groups, daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a webhook once it is committed."""
        if environ["PATH_INFO"] == PATH:
            said = environ.get("HTTP_X_TELEGRAM_BOT_API_SECRET_TOKEN", "")
            if not hmac.compare_digest(said, SECRET):
                start_response("401 Unauthorized", [("Content-Length", "0")])
                return []
            done = threading.Lock()
            done.acquire()
            self._waiting.put((environ["wsgi.input"].read(), done))
            done.acquire()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    def _commit_groups(self) -> None:
        while True:
            group = [self._waiting.get()]
            with contextlib.suppress(queue.Empty):
                while len(group) < _GROUP:
                    group.append(self._waiting.get_nowait())
            self._database.many(_KEEP, [(body,) for body, _ in group])
            self._database.commit()
            for _, done in group:
                done.release()
            if self._redis.set(_POKE, 1, nx=True, px=5000):
                self._redis.lpush(_QUEUE, 1)


class Worker:
    """Claims what is pending, answers it, and writes down what was sent, all set-wise."""

    def __init__(self, database_url: str, redis_url: str, stub_port: int) -> None:
        self._database = open_database(database_url)
        self._redis = Redis.from_url(redis_url)
        self._sent: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._under_way = 0
        self._out: list[queue.SimpleQueue[tuple[int, int, str]]] = []
        for _ in range(_SENDERS):
            out: queue.SimpleQueue[tuple[int, int, str]] = queue.SimpleQueue()
            self._out.append(out)
            threading.Thread(target=self._send, args=(out, stub_port), daemon=True).start()

    def run(self) -> None:
        """Work for ever."""
        while True:
            self._redis.brpop(_QUEUE, timeout=1)
            self._redis.delete(_POKE)
            while self._turn():
                pass

    def _turn(self) -> bool:
        """Write what was sent and claim what is next, in one transaction."""
        sent = self._ended()
        if sent:
            self._database.many(_SENT, [(call_id,) for call_id in sent])
        calls = self._database.all(_PENDING, [_BATCH])
        said = [(call_id, *_read(body)) for call_id, body in calls]
        if said:
            self._store(said)
        self._database.commit()
        for call_id, chat, text in said:
            # One sender for each chat: its messages stay in order.
            self._out[chat % _SENDERS].put((call_id, chat, text))
        self._under_way += len(said) - len(sent)
        return bool(said or self._under_way)

    def _store(self, said: Sequence[tuple[int, int, str]]) -> None:
        self._database.many(_TAKEN, [(call_id,) for call_id, _, _ in said])
        self._database.many(_CONVERSATION, sorted((chat, text[:80]) for _, chat, text in said))
        inbound = [(call_id, 0, chat, text, 0) for call_id, chat, text in said]
        outbound = [(call_id, 1, chat, text, 1) for call_id, chat, text in said]
        self._database.many(_MESSAGE, inbound + outbound)

    def _ended(self) -> list[int]:
        """Return what was sent; wait for something while there is much under way."""
        sent: list[int] = []
        with contextlib.suppress(queue.Empty):
            if self._under_way:
                sent.append(self._sent.get(timeout=1))
            while True:
                sent.append(self._sent.get_nowait())
        return sent

    def _send(self, out: "queue.SimpleQueue[tuple[int, int, str]]", port: int) -> None:
        connection = http.client.HTTPConnection(LOCAL, port)
        while True:
            call_id, chat, text = out.get()
            body = json.dumps({"chat_id": chat, "text": text}).encode()
            connection.request(
                "POST", "/bot7:floor/sendMessage", body, {"Content-Type": "application/json"}
            )
            assert json.loads(connection.getresponse().read())["ok"]
            self._sent.put(call_id)


def make_app() -> Callable[..., Iterable[bytes]]:
    """Return the web application; granian's worker calls it."""
    return Web(os.environ["FLOOR_DATABASE"], os.environ["FLOOR_REDIS"])


@contextlib.contextmanager
def floor(folder: Path, database_url: str, stub_port: int) -> Iterator[int]:
    """Run the pipeline on an empty database; gives the port of its web."""
    folder.mkdir(parents=True, exist_ok=True)
    open_database(database_url).create()
    valkey = EmbeddedValkey(folder)
    redis_url = valkey.start()
    port = free_port()
    environment = {"FLOOR_DATABASE": database_url, "FLOOR_REDIS": redis_url}
    log = folder / "log"
    try:
        with (
            running(module("floor", "web", port), environment=environment, log=log),
            running(module("floor", "worker", stub_port), environment=environment, log=log),
        ):
            wait_until(lambda: answers(port), 30, "the floor")
            yield port
    finally:
        valkey.stop()


def _read(body: bytes) -> tuple[int, str]:
    message = json.loads(body)["message"]
    return message["chat"]["id"], message["text"]


def main() -> None:
    """Run one of the two processes."""
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "web":
        serve("bench.floor:make_app", port)
    else:
        Worker(os.environ["FLOOR_DATABASE"], os.environ["FLOOR_REDIS"], port).run()


if __name__ == "__main__":
    main()
