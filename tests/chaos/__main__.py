"""Run the chaos suite: ``python -m tests.chaos [--short] [--seed N] [--database KIND]``."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from hubbub.hub import Hub
from hubbub.steps import STEPS
from hubbub.store.session import make_engine, reading
from tests.chaos import calls
from tests.chaos.book import Book
from tests.chaos.calls import ask
from tests.chaos.databases import database
from tests.chaos.facts import collect
from tests.chaos.gremlin import Gremlin
from tests.chaos.judge import Judge, settled
from tests.chaos.leaks import leaks, tracebacks
from tests.chaos.people import WORDS, Bot, People, Place
from tests.chaos.settle import Settling
from tests.chaos.town import KEY, Town

BOT_SECRET = "CHAOS-bot-secret-canary"


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is done, and how long it may take (in seconds)."""

    #: Customers on each channel, and seconds between two messages of one.
    customers: int
    pace: float
    #: Calls that have to be answered, deeds of each kind, and how long that may take.
    calls: int
    rounds: int
    torment: float
    #: How long the hub may need afterwards, and after how long its clocks are turned.
    settle: float
    hurry_after: float


SHORT = Size(customers=6, pace=0.15, calls=1000, rounds=1, torment=60, settle=60, hurry_after=0)
FULL = Size(
    customers=16, pace=0.25, calls=10_000, rounds=6, torment=170, settle=110, hurry_after=75
)


@dataclass
class Report:
    """What one run showed."""

    wrong: list[str]
    lines: list[str] = field(default_factory=list)


def main() -> int:
    asked = argparse.ArgumentParser(prog="make chaos")
    asked.add_argument("--short", action="store_true", help="less than a minute")
    asked.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = asked.parse_args()
    kinds = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    return max([run(kind, options.seed, SHORT if options.short else FULL) for kind in kinds])


def run(kind: str, seed: int, size: Size) -> int:
    """Torment one hub and judge it; returns 1 when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-chaos-"))
    print(f"{kind}, seed {seed}; logs in {folder}", flush=True)
    began = time.monotonic()
    with database(kind, folder) as server:
        town = Town(folder, server)
        try:
            town.start()
            report = _story(town, seed, size)
        finally:
            town.stop()
    for line in [*report.lines, *(f"WRONG: {one}" for one in report.wrong[:40])]:
        print(f"  {line}")
    more = len(report.wrong) - 40
    if more > 0:
        print(f"  and {more} more")
    outcome = f"NOT WELL, see {folder}" if report.wrong else "nothing lost, nothing doubled"
    print(f"  {outcome}; {time.monotonic() - began:.0f} s", flush=True)
    if not report.wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(report.wrong))


def _story(town: Town, seed: int, size: Size) -> Report:
    bot = Bot(seed)
    engine = make_engine(town.database.url)
    try:
        place = _prepare(town, bot)
        book = Book()
        people = People(place=place, book=book, seed=seed, customers=size.customers, pace=size.pace)
        gremlin = Gremlin(town=town, book=book, seed=seed, rounds=size.rounds)
        began = time.monotonic()
        people.start()
        gremlin.torment(people, calls=size.calls, seconds=size.torment)
        town.until(lambda: not people.alive(), seconds=120)
        tormented = time.monotonic()
        settling = Settling(town=town, engine=engine, hurry_after=size.hurry_after)
        left = settling.wait(size.settle)
        times = (tormented - began, time.monotonic() - tormented)
        return _judge(town, engine, place, book, gremlin, left, times)
    finally:
        engine.dispose()
        bot.stop()


def _prepare(town: Town, bot: Bot) -> Place:
    token = town.command("token", "create", "--name", "chaos").strip().splitlines()[-1]
    api = {"Authorization": f"Bearer {token}"}
    telegram = _channel(town, api, "telegram", {"token": calls.TOKEN}, {"mode": "webhook"})
    sms = _channel(
        town,
        api,
        "sms_twilio",
        {"account_sid": calls.ACCOUNT, "auth_token": calls.AUTH},
        {"from_number": calls.NUMBER},
    )
    words = [{"match": f"w{number:03}", "reply": f"answer {number:03}"} for number in range(WORDS)]
    _route(town, api, telegram, {"type": "keyword", "answers": words})
    _route(town, api, sms, {"type": "chatbot", "url": bot.url, "secret": BOT_SECRET})
    # The judge must hear of receipts from those who know what was acknowledged: see `Network`.
    rules = {"telegram_first_contact": False, "twilio_receipts": False}
    assert ask(f"{town.sandbox}/_sandbox/rules", rules, method="PATCH") is not None
    return Place(
        webs=town.webs,
        sandbox=town.sandbox,
        api=api,
        telegram_id=telegram["id"],
        telegram_url=telegram["webhook_url"],
        telegram_secret=_webhook_secret(town, telegram["id"]),
        sms_id=sms["id"],
        sms_url=sms["webhook_url"],
    )


def _channel(
    town: Town,
    api: dict[str, str],
    kind: str,
    credentials: dict[str, str],
    settings: dict[str, Any],
) -> dict[str, Any]:
    base = f"{town.sandbox}/{kind.removeprefix('sms_')}"
    body = {
        "type": kind,
        "name": kind,
        "credentials": credentials,
        "settings": {**settings, "api_base": base, "messages_per_second": 5000},
    }
    made: dict[str, Any] | None = ask(f"{town.webs[0]}/api/v1/channels", body, api)
    assert made is not None, kind
    assert made["status"] == "connected", made
    return made


def _route(town: Town, api: dict[str, str], channel: dict[str, Any], to: dict[str, Any]) -> None:
    body = {"routes": [{"name": "Bot", "when": {}, "to": to}], "fallback": {"type": "inbox"}}
    url = f"{town.webs[0]}/api/v1/channels/{channel['id']}/routes"
    assert ask(url, body, api, "PUT") is not None


def _webhook_secret(town: Town, channel_id: str) -> str:
    """Return the secret that the hub gave to Telegram, from the hub's own vault."""
    hub = Hub.make(town.settings)
    try:
        with reading(hub.engine) as db:
            line = hub.directory.usable(db, channel_id)
    finally:
        hub.engine.dispose()
        hub.redis.close()
    assert line is not None
    return str(line.connection.webhook_secret)


def _judge(
    town: Town,
    engine: Engine,
    place: Place,
    book: Book,
    gremlin: Gremlin,
    left: dict[str, int],
    times: tuple[float, float],
) -> Report:
    facts = collect(town, engine)
    channels = {"telegram": place.telegram_id, "sms": place.sms_id}
    secrets = {
        "The bot token": calls.TOKEN.partition(":")[2],
        "The auth token": calls.AUTH,
        "The webhook secret": place.telegram_secret,
        "The API token": place.api["Authorization"].removeprefix("Bearer "),
        "The secret key": KEY,
    }
    known = tracebacks(town.folder)
    wrong = [
        *(f"{what}: {count} after the wait" for what, count in left.items() if count),
        *(f"No process died at {step}" for step in gremlin.missed()),
        *Judge(book=book, facts=facts, channels=channels).verdict(),
        *dict.fromkeys(leaks(town.folder, engine, secrets)),
        *(f"A traceback, {count} times, in {what}" for what, count in known.items()),
    ]
    return Report(wrong=wrong, lines=list(_summary(book, facts, times)))


def _summary(book: Book, facts: Any, times: tuple[float, float]) -> Iterator[str]:
    ledger = facts.ledger
    heard = sum(map(len, book.heard.values()))
    yield f"tormented for {times[0]:.0f} s, settled after {times[1]:.0f} s"
    yield f"calls: {book.calls} answered, {book.repeated} without an answer and repeated"
    yield (
        f"in: {heard} messages, {len(book.edits)} edits, {ledger['receipts']} receipts, "
        f"{book.doubled} told twice; {len(book.rejected)} rejected, {len(book.malformed)} malformed"
    )
    states: dict[str, int] = {}
    for row in facts.deliveries:
        states[row.state] = states.get(row.state, 0) + 1
    yield f"out: {len(facts.deliveries)} parts, {states}; the sandbox saw {len(facts.seen)}"
    yield f"outcomes that were unknown: {dict(settled(facts))}"
    died = sum(1 for deed in book.deeds if deed.startswith("died at"))
    others = {key: n for key, n in sorted(book.deeds.items()) if not key.startswith("died at")}
    yield f"died at {died} of {len(STEPS)} steps; {others}"
    yield f"ledger: {ledger}"


if __name__ == "__main__":
    sys.exit(main())
