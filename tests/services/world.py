"""A hub for tests of the core: a real database, a Redis in memory, and a provider that obeys."""

import io
import json
import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sqlalchemy import text

from hubbub import process
from hubbub.connect import work as connect
from hubbub.hub import Hub
from hubbub.limiter import Limiter
from hubbub.live import Live
from hubbub.loading import load
from hubbub.media import MediaStore
from hubbub.receive.views import Webhooks
from hubbub.receive.work import Keeper
from hubbub.sdk import Headers, HttpResponse
from hubbub.store.session import reading, transaction
from hubbub.vault import Vault
from hubbub.worker import equip

PARROT = EntryPoint("parrot", "tests.services.parrot", "hubbub.plugins")
#: Looked up once: it takes as long as many a test.
INSTALLED = entry_points(group="hubbub.plugins")
PLUGINS = """
[plugins.parrot]
[plugins.inbox]
[plugins.chatbot]
[plugins.keyword]
"""


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self):
        return self.now

    def timestamp(self):
        return self.now.timestamp()

    def forward(self, **passed):
        self.now += timedelta(**passed)


class Provider:
    """Answers requests as the test said; without a word it accepts everything."""

    def __init__(self):
        self.requests = []
        self.answers: deque[Any] = deque()
        self.count = 0

    def perform(self, request, *, files):
        self.requests.append(request)
        answer = self.answers.popleft() if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer = answer(request)
        if answer is None:
            self.count += request.url.endswith("/send")
            answer = (200, {"id": f"out-{self.count}"})
        status, body = answer
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return HttpResponse(status=status, headers=Headers({}), body=data)

    def will(self, *answers):
        self.answers.extend(answers)

    @property
    def said(self):
        return [json.loads(r.body).get("text") for r in self.requests if r.url.endswith("/send")]


class Queue:
    """Collects nudges instead of enqueueing them; `World.work` runs them."""

    def __init__(self):
        self.waiting: deque[Any] = deque()

    def nudge(self, actor, *args, lane, hold=None):
        if (actor, args) not in self.waiting:
            self.waiting.append((actor, args))
        return True

    def taken(self, lane):
        pass


class PromptKeeper(Keeper):
    """Returns once what it kept is handed on; it answers a provider a moment before."""

    def __init__(self, hub):
        super().__init__(hub)
        self._busy = threading.RLock()

    def _commit(self, group):
        with self._busy:
            super()._commit(group)

    def keep(self, row, version):
        kept = super().keep(row, version)
        with self._busy:
            return kept


class World:
    """The hub, its provider, its clock, and short words for what tests do."""

    def __init__(self, hub, provider, clock):
        self.hub, self.provider, self.clock = hub, provider, clock
        self.webhooks = Webhooks(hub, lambda environ, start: [b"rest"])
        self.webhooks._keeper = PromptKeeper(hub)

    def channel(self, name="Perch", secret="polly wants a cracker", **settings):
        channel_id = connect.create_channel(
            self.hub,
            type="parrot",
            name=name,
            credentials={"secret": secret},
            settings=settings,
            actor="cli",
        )
        self.provider.requests.clear()
        return self.line(channel_id)

    def line(self, channel_id):
        with reading(self.hub.engine) as db:
            return self.hub.directory.usable(db, channel_id)

    def call(self, line, body, *, secret=None, method="POST", path=None, length=None, **environ):
        """Post to the channel's webhook; returns status and body of the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path or f"/webhooks/{line.webhook_key}",
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(data) if length is None else length),
            "HTTP_X_PARROT_SIGNATURE": "polly wants a cracker" if secret is None else secret,
            "wsgi.input": io.BytesIO(data),
            **environ,
        }
        answered = []
        body = self.webhooks(environ, lambda status, headers: answered.append(status))
        return int(answered[0].split()[0]), b"".join(body)

    def hear(self, line, *items, **more):
        """Let the provider tell ``items`` in one call, and do all the work that follows."""
        answer = self.call(line, {"items": list(items)}, **more)
        self.work()
        return answer

    def work(self):
        while self.hub.nudges.waiting:
            actor, args = self.hub.nudges.waiting.popleft()
            actor.fn(*args)

    def pass_time(self, **passed):
        """Let time pass, with the scheduler awake."""
        from hubbub.scheduler import nudge_what_waits
        from hubbub.track import sweep

        self.clock.forward(**passed)
        sweep.recover(self.hub)
        nudge_what_waits(self.hub)
        self.work()

    def rows(self, sql, **given):
        with reading(self.hub.engine) as db:
            return [row._asdict() for row in db.execute(text(sql), given)]

    def one(self, sql, **given):
        (row,) = self.rows(sql, **given)
        return row

    def write(self, sql, **given):
        with transaction(self.hub.engine) as db:
            db.execute(text(sql), given)


def make_world(settings, engine, redis, folder, *, guests=(), sections=""):
    """Return a world on ``engine``; ``folder`` holds its plugins.toml.

    ``guests`` are the entry points of further plugins, ``sections`` what plugins.toml says of them.
    """
    plugins_file = folder / "plugins.toml"
    plugins_file.write_text(PLUGINS + sections)
    points = [PARROT, *guests, *INSTALLED]
    clock, provider = Clock(), Provider()
    hub = Hub(
        settings=settings,
        engine=engine,
        plugins=load(plugins_file, points),
        vault=Vault(settings.keys),
        http=provider,
        media=MediaStore("memory://"),
        nudges=Queue(),  # type: ignore[arg-type]  # stands in for them
        limiter=Limiter(redis, clock=clock.timestamp),
        live=Live(redis),
        redis=redis,
        now=clock,
    )
    process._process.carriers.clear()
    equip(hub)
    return World(hub, provider, clock)
