"""Measure the console's pages beside 100,000 conversations and a million messages."""

import contextlib
import http.client
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, literal, text

from bench.common import LOCAL, wait_until
from bench.databases import POSTGRESQL
from bench.hub import Hub, command
from bench.report import Figure
from bench.screen import measure_screen
from bench.seed import NUMBER, People, Seeder
from bench.world import World, alone, target
from hubbub.store.session import reading, transaction

_EMAIL, _PASSWORD = "bench@example.com", "a password of the benchmarks"
#: Messages of each conversation.
_EACH: Final = 10
#: Searches, by how often what they look for is found.
_SEARCHES: Final = {
    "rare": "rare{}",
    "now and then": "some{}",
    "often": "often{}",
    "always": "hello",
}


def measure(world: World) -> Sequence[Figure]:
    """Fill a hub, and ask for its pages again and again."""
    with world.fresh_hub(POSTGRESQL) as hub:
        _say_something(world, hub)
        people = _fill(hub, world.scale.conversations)
        _wait_for_sums(hub, world.scale.conversations * _EACH)
        pages = _pages(people)
        command(
            hub.environment,
            "user",
            "add",
            _EMAIL,
            "--role",
            "admin",
            "--password-stdin",
            said=_PASSWORD,
        )
        cookie = _log_in(hub)
        with _scans(hub) as scans:
            figures = [
                _figure(hub, cookie, what, asked, world.scale.pages)
                for what, asked in pages.items()
            ]
        return [*figures, scans, measure_screen(world, hub, cookie)]


@contextlib.contextmanager
def _scans(hub: Hub) -> Iterator[Figure]:
    """Count the rows of large tables that are read without an index meanwhile, by whomever."""
    figure = Figure(what="rows read without an index", unit="", must=0, aim=0, better="less")
    inside = hub.inside()

    def read() -> Mapping[str, int]:
        time.sleep(_TOLD)
        with reading(inside.engine) as db:
            return dict(db.execute(text(_READ)).all())

    before = read()
    yield figure
    rows = {name: count - before[name] for name, count in read().items()}
    inside.engine.dispose()
    figure.hub.append(sum(rows.values()))


def _say_something(world: World, hub: Hub) -> None:
    world.stub.reset()
    target(hub).post(world.updates(1))
    world.stub.wait_for(1)


def _fill(hub: Hub, conversations: int) -> People:
    seeder = Seeder(hub)
    people = seeder.people(conversations, last_seq=_EACH)
    seeder.history(people, _EACH, _content())
    with transaction(seeder.inside.engine) as db:
        db.execute(text(_SPREAD), {"like": f"{people.prefix}%"})
        db.execute(text(_NAMES), {"like": f"{people.prefix}%"})
    with seeder.inside.engine.connect() as db:
        db.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    seeder.close()
    return people


def _wait_for_sums(hub: Hub, messages: int) -> None:
    """Wait until the scheduler has added up what went through the channels."""
    inside = hub.inside()

    def added_up() -> bool:
        with reading(inside.engine) as db:
            return (db.execute(text(_SUMS)).scalar() or 0) >= messages

    wait_until(added_up, 180, "adding up the traffic", every=1)
    inside.engine.dispose()


#: Seconds after which PostgreSQL has told what a connection at rest did.
_TOLD: Final = 12
_READ: Final = """
SELECT relname, coalesce(seq_tup_read, 0) FROM pg_stat_user_tables
WHERE relid IN (SELECT oid FROM pg_class WHERE reltuples >= 10000)
"""
_SUMS: Final = "SELECT sum(received + sent) FROM traffic_hours"
#: One conversation a minute; a fifth of them open.
_SPREAD: Final = """
UPDATE conversations SET
    last_message_at = now() - substr(id, 18)::int % 100000000 * interval '1 minute',
    status = CASE WHEN substr(id, 18)::int % 5 = 0 THEN 'open' ELSE 'resolved' END,
    unread = substr(id, 18)::int % 3
WHERE id LIKE :like
"""
_NAMES: Final = """
UPDATE contacts SET name =
    'First' || substr(id, 18)::int % 499 || ' Last' || substr(id, 18)::int % 9973
WHERE id LIKE :like
"""


def _content() -> ColumnElement[object]:
    """Return what people say: words that are found everywhere, often, now and then, and rarely."""
    parts = ("hello often", NUMBER % 97, " some", NUMBER % 4999, " rare", NUMBER % 499_979)
    words = func.concat(*(literal(part) if isinstance(part, str) else part for part in parts))
    return func.jsonb_build_object("type", "text", "text", words)


def _pages(people: People) -> Mapping[str, Sequence[str]]:
    """Return what is asked for, by what it is called."""
    spread = range(0, people.count, max(1, people.count // 40))
    searches = {
        f"search, found {how}": [f"/inbox?view=all&q={word.format(n % 97)}" for n in spread]
        for how, word in _SEARCHES.items()
    }
    return {
        "inbox": [f"/inbox?view={view}" for view in ("open", "mine", "unassigned", "failed")],
        "conversation": [f"/inbox/{people.conversation_id(n)}" for n in spread],
        **searches,
        "search by name": [f"/inbox?q=First{n % 499}+Last{n % 9973}" for n in spread],
        "search in vain": [f"/inbox?q=nowhere{n}" for n in spread],
        "channels": ["/channels"],
    }


def _figure(hub: Hub, cookie: str, what: str, asked: Sequence[str], count: int) -> Figure:
    took = [_took(hub, cookie, asked[n % len(asked)]) for n in range(-len(asked), count)]
    p95 = statistics.quantiles(took[len(asked) :], n=20)[-1]
    return Figure(what=f"{what}, p95", unit="ms", must=150, aim=50, better="less", hub=[p95])


def _took(hub: Hub, cookie: str, path: str) -> float:
    began = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection(LOCAL, hub.port, timeout=60)) as asked:
        asked.request("GET", path, headers={"Cookie": cookie})
        answer = asked.getresponse()
        page = answer.read()
    assert answer.status == http.client.OK, (path, answer.status, page)
    return (time.monotonic() - began) * 1000


def _log_in(hub: Hub) -> str:
    form = urlencode({"email": _EMAIL, "password": _PASSWORD})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with contextlib.closing(http.client.HTTPConnection(LOCAL, hub.port, timeout=60)) as asked:
        asked.request("POST", "/login", form, headers)
        answer = asked.getresponse()
        answer.read()
        return answer.headers["Set-Cookie"].partition(";")[0]


if __name__ == "__main__":
    alone(measure)
