"""Let customers write and colleagues answer while a gremlin kills; then count."""

import json
import random
import threading
import time
import urllib.parse
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import text
from twilio.request_validator import (  # type: ignore[import-untyped]  # has no types
    RequestValidator,
)

from hubbub.settings import Settings
from hubbub.steps import STEPS
from hubbub.store.session import make_engine, reading
from hubbub.store.types import new_id
from tests.chaos.town import ask, status_of

TOKEN = "700000001:CHAOS-token-canary-of-the-chaos-suite-1"
ACCOUNT, AUTH = "AC" + "0" * 31 + "7", "canary0123456789abcdef0123456789"
NUMBER = "+15550100"
BAD_SECRET = "not the secret at all"
ECHO = "We heard you."


@dataclass
class Book:
    """What was acknowledged to us."""

    telegram: dict[str, list[str]] = field(default_factory=dict)
    sms: dict[str, list[str]] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    rejected: int = 0
    malformed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Story:
    """One run on one town. ``size`` is the number of messages that each customer writes."""

    def __init__(self, town, *, seed, customers, size):
        self.town, self.customers, self.size = town, customers, size
        self.dice = random.Random(seed)
        self.book = Book()
        self.tried = threading.Event()
        self.killed: Counter[str] = Counter()
        self.numbers = iter(range(1, 10**9))
        self.number_lock = threading.Lock()

    def prepare(self):
        town = self.town
        self.api = {
            "Authorization": f"Bearer {town.command('token', 'create', '--name', 'x').strip()}"
        }
        self.telegram = self._channel(
            "telegram",
            {"token": TOKEN},
            {"mode": "webhook", "api_base": f"{town.sandbox}/telegram"},
        )
        self.sms = self._channel(
            "sms_twilio",
            {"account_sid": ACCOUNT, "auth_token": AUTH},
            {"from_number": NUMBER, "api_base": f"{town.sandbox}/twilio"},
        )
        routes = {"routes": [], "fallback": {"type": "keyword", "otherwise": ECHO}}
        url = f"{town.url}/api/v1/channels/{self.telegram['id']}/routes"
        assert ask(url, routes, self.api, "PUT") is not None
        ask(f"{town.sandbox}/_sandbox/rules", {"telegram_first_contact": False}, method="PATCH")

    def _channel(self, kind, credentials, settings):
        body = {
            "type": kind,
            "name": kind,
            "credentials": credentials,
            "settings": {**settings, "messages_per_second": 5000},
        }
        made = ask(f"{self.town.url}/api/v1/channels", body, self.api)
        assert made is not None, kind
        assert made["status"] == "connected", made
        return made

    def run(self):
        people = [
            threading.Thread(target=self._telegram_customer, args=(9_000_000 + n,))
            for n in range(self.customers)
        ]
        people += [
            threading.Thread(target=self._sms_customer, args=(f"+1555020{n:04}",))
            for n in range(self.customers)
        ]
        people += [threading.Thread(target=self._colleague, args=(n,)) for n in range(2)]
        for thread in people:
            thread.start()
        # In the main thread: a Valkey ends with the thread that started it.
        self._gremlin(people)

    # --- who writes ---

    def _next(self):
        with self.number_lock:
            return next(self.numbers)

    def _while_it_lasts(self):
        """Count messages: at least ``size``, and on until every step has been tried."""
        number = 0
        while number < self.size or not self.tried.is_set():
            yield number
            number += 1
            time.sleep(0.02)

    def _telegram_customer(self, chat):
        dice = random.Random(chat)
        url = self.telegram["webhook_url"]
        secret = self._secret()
        for number in self._while_it_lasts():
            body = _update(self._next(), chat, number)
            headers = {
                "content-type": "application/json",
                "X-Telegram-Bot-Api-Secret-Token": secret,
            }
            self._until_taken(url, body, headers)
            with self.book.lock:
                self.book.telegram.setdefault(str(chat), []).append(f"{chat}:{number + 1}")
            if dice.random() < 0.1:
                self._until_taken(url, body, headers)
            if dice.random() < 0.05:
                bad = {**headers, "X-Telegram-Bot-Api-Secret-Token": BAD_SECRET}
                if status_of(url, body, bad) == 401:
                    with self.book.lock:
                        self.book.rejected += 1
            if dice.random() < 0.03:
                self._until_taken(url, b"not json at all", headers)
                with self.book.lock:
                    self.book.malformed += 1

    def _sms_customer(self, number):
        dice = random.Random(number)
        url = self.sms["webhook_url"]
        for count in self._while_it_lasts():
            sid = f"SM{self._next():032x}"
            form = {
                "MessageSid": sid,
                "AccountSid": ACCOUNT,
                "From": number,
                "To": NUMBER,
                "Body": f"text {count}",
                "NumMedia": "0",
                "NumSegments": "1",
                "SmsStatus": "received",
                "ApiVersion": "2010-04-01",
            }
            headers = {
                "content-type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": RequestValidator(AUTH).compute_signature(url, form),
            }
            body = urllib.parse.urlencode(form).encode()
            self._until_taken(url, body, headers)
            with self.book.lock:
                self.book.sms.setdefault(number, []).append(sid)
            if dice.random() < 0.1:
                self._until_taken(url, body, headers)

    def _until_taken(self, url, body, headers):
        """Call as providers do: again until it is acknowledged."""
        end = time.monotonic() + 120
        while not 200 <= (status := status_of(url, body, headers)) < 300:
            assert status in {0, 502, 503}, status
            assert time.monotonic() < end, "never acknowledged"
            time.sleep(0.1)

    def _colleague(self, who):
        """Write by SMS through the API, under a key, until each message is taken."""
        for number in self._while_it_lasts():
            words = f"answer {who}-{number}"
            body = {
                "channel_id": self.sms["id"],
                "to": {"address": f"+1555030{(number % 7) + 10 * who:04}"},
                "content": {"type": "text", "text": words},
            }
            headers = {**self.api, "Idempotency-Key": words}
            end = time.monotonic() + 120
            while (made := ask(f"{self.town.url}/api/v1/messages", body, headers)) is None:
                assert time.monotonic() < end, "never taken"
                time.sleep(0.1)
            with self.book.lock:
                self.book.sent[words] = made["id"]

    # --- who kills ---

    def _gremlin(self, people):
        steps = [f"{step}:{self.dice.randint(1, 3)}" for step in STEPS]
        self.dice.shuffle(steps)
        tricks = [self._kill, self._kill, self._kill, self._valkey, self._flush, self._fault]
        while any(thread.is_alive() for thread in people):
            if steps:
                self._die_at(steps.pop())
            else:
                self.tried.set()
            self._tidy()
            self.dice.choice(tricks)()
            time.sleep(0.2)
        ask(f"{self.town.sandbox}/_sandbox/faults", method="DELETE")
        self._tidy()

    def _die_at(self, step):
        kind = "web" if step.startswith("receive") else self.dice.choice(["worker-1", "worker-2"])
        self.town.kill(kind)
        self.town.begin(kind, die_at=step)
        if kind == "web":
            with suppress(TimeoutError):
                self.town.wait_until(lambda: not self.town.dead(kind), 6)
        with suppress(TimeoutError):
            self.town.wait_until(lambda: self.town.dead(kind), 6)
            self.killed[step.partition(":")[0]] += 1
        self.town.kill(kind)
        self.town.begin(kind)

    def _kill(self):
        kind = self.dice.choice(["web", "worker-1", "worker-2", "scheduler-1", "scheduler-2"])
        self.town.kill(kind)
        self.killed[kind.partition("-")[0]] += 1
        time.sleep(self.dice.random() * 0.3)
        self.town.begin(kind)

    def _valkey(self):
        self.town.restart_valkey()
        self.killed["valkey"] += 1

    def _flush(self):
        self.town.empty_valkey()
        self.killed["flushed"] += 1

    def _fault(self):
        provider, operation = self.dice.choice(
            [("telegram", "sendMessage"), ("twilio", "Messages.create")]
        )
        fault = self.dice.choice(
            [
                {"kind": "drop_after_accept", "times": 1},
                {"kind": "status", "status": 503, "times": 2},
                {"kind": "rate_limit", "retry_after": 1, "times": 2},
            ]
        )
        wanted = {"provider": provider, "operation": operation, **fault}
        if ask(f"{self.town.sandbox}/_sandbox/faults", wanted) is not None:
            self.killed[str(fault["kind"])] += 1

    def _tidy(self):
        for kind, process in list(self.town.running.items()):
            if process.poll() is not None:
                self.town.begin(kind)

    # --- who counts ---

    def settle(self, seconds):
        """Wait until nothing is pending and nothing is on its way."""
        engine = make_engine(self.town.environment["HUBBUB_DATABASE_URL"])
        end = time.monotonic() + seconds
        waiting = None
        while time.monotonic() < end:
            with reading(engine) as db:
                waiting = {
                    "pending": db.execute(
                        text("SELECT count(*) FROM calls WHERE state = 'pending'")
                    ).scalar_one(),
                    "on its way": db.execute(
                        text(
                            "SELECT count(*) FROM deliveries WHERE state IN"
                            " ('queued', 'sending', 'retrying')"
                        )
                    ).scalar_one(),
                    "unproven sms": db.execute(
                        text(
                            "SELECT count(*) FROM deliveries WHERE state = 'unknown'"
                            " AND channel_id = :sms"
                        ),
                        {"sms": self.sms["id"]},
                    ).scalar_one(),
                }
            if not any(waiting.values()):
                break
            time.sleep(0.5)
        engine.dispose()
        return waiting

    def verdict(self, waiting):
        """Return what is wrong, as sentences; empty when all is well."""
        engine = make_engine(self.town.environment["HUBBUB_DATABASE_URL"])
        with reading(engine) as db:
            self.inbound = db.execute(
                text(
                    "SELECT c.channel_id, a.address, m.external_id, m.seq FROM messages m"
                    " JOIN conversations c ON c.id = m.conversation_id"
                    " JOIN addresses a ON a.id = c.address_id"
                    " WHERE m.direction = 'inbound' ORDER BY m.seq"
                )
            ).all()
            self.outbound = db.execute(
                text(
                    "SELECT m.id, m.channel_id, m.content, m.status, m.external_id, a.address, m.seq"
                    " FROM messages m JOIN conversations c ON c.id = m.conversation_id"
                    " JOIN addresses a ON a.id = c.address_id"
                    " WHERE m.direction = 'outbound' ORDER BY m.seq"
                )
            ).all()
            states: dict[str, int] = dict(
                db.execute(text("SELECT state, count(*) FROM calls GROUP BY state")).all()
            )
        engine.dispose()
        ledger = json.loads(self.town.command("ledger", "--json"))
        return [
            *(f"{what}: {count} left" for what, count in waiting.items() if count),
            *([] if ledger["balanced"] else [f"The ledger does not balance: {ledger}"]),
            *self._inbound_faults(self.telegram, self.book.telegram),
            *self._inbound_faults(self.sms, self.book.sms),
            *self._outbound_faults(),
            *self._call_faults(states),
            *self._leaks(),
        ]

    def _inbound_faults(self, channel, acknowledged):
        for address, wanted in acknowledged.items():
            got = [
                row.external_id
                for row in self.inbound
                if row.channel_id == channel["id"] and row.address == address
            ]
            if got != wanted:
                missing = [key for key in wanted if key not in got]
                double = [key for key, count in Counter(got).items() if count > 1]
                yield f"{address}: missing {missing}, double {double}, order right: {got == wanted}"

    def _outbound_faults(self):
        journal = ask(f"{self.town.sandbox}/_sandbox/outbound?limit=1000000", timeout=60)["items"]
        seen = Counter(one["external_id"] for one in journal)
        texts = Counter((one["address"], one["text"]) for one in journal)
        self.statuses = Counter(row.status for row in self.outbound)
        for row in self.outbound:
            if row.status in {"sent", "delivered", "read"} and seen[row.external_id] != 1:
                yield f"{row.id} is {row.status}, and was seen {seen[row.external_id]} times"
            if row.status in {"queued", "sending", "failed", "cancelled"}:
                yield f"{row.id} ended as {row.status}"
        for words, message_id in self.book.sent.items():
            times = sum(count for (_, said), count in texts.items() if said == words)
            status = next(row.status for row in self.outbound if row.id == message_id)
            if times > 1 or (times == 0 and status != "unknown"):
                yield f"{words!r} is {status} and was seen {times} times"
        yield from self._echo_faults(texts)
        yield from self._order_faults(journal)

    def _echo_faults(self, texts):
        for address, wrote in self.book.telegram.items():
            unknown = sum(
                1 for row in self.outbound if row.address == address and row.status == "unknown"
            )
            heard = texts[address, ECHO]
            if not len(wrote) - unknown <= heard <= len(wrote):
                yield f"{address} wrote {len(wrote)}, heard {heard}, unknown {unknown}"

    def _order_faults(self, journal):
        at = {one["external_id"]: one["seq"] for one in journal}
        lanes: dict[str, list[int]] = {}
        for row in self.outbound:
            if row.external_id in at and row.status != "unknown":
                lanes.setdefault(row.address, []).append(at[row.external_id])
        for address, order in lanes.items():
            if order != sorted(order):
                yield f"{address} got its messages out of order: {order}"

    def _call_faults(self, states):
        if states.get("quarantined", 0) < self.book.rejected:
            yield f"{self.book.rejected} rejected, {states.get('quarantined', 0)} quarantined"
        # A malformed call has no id: a repeated one is kept again.
        if states.get("dead", 0) < self.book.malformed:
            yield f"{self.book.malformed} malformed, {states.get('dead', 0)} dead"

    def _leaks(self):
        secrets = [TOKEN.partition(":")[2], AUTH, self._secret()]
        for log in self.town.folder.glob("*.log"):
            if log.stem == "sandbox":
                continue
            said = log.read_text(errors="replace")
            yield from (f"A secret is in {log.name}" for secret in secrets if secret in said)

    def _secret(self):
        """Return the secret that the hub gave to Telegram, from the hub's own vault."""
        if not hasattr(self, "_known_secret"):
            from hubbub.hub import Hub

            settings = Settings.read(
                data_dir=self.town.folder,
                database_url=self.town.environment["HUBBUB_DATABASE_URL"],
                redis_url=self.town.environment["HUBBUB_REDIS_URL"],
                secret_key=self.town.environment["HUBBUB_SECRET_KEY"],
                plugins_file=self.town.environment["HUBBUB_PLUGINS_FILE"],
            )
            hub = Hub.make(settings)
            with reading(hub.engine) as db:
                line = hub.directory.usable(db, self.telegram["id"])
            assert line is not None
            self._known_secret = line.connection.webhook_secret
        return self._known_secret


def _update(update_id, chat, number):
    who = {"id": chat, "first_name": "Customer", "is_bot": False}
    message = {
        "message_id": number + 1,
        "date": 1767225600,
        "from": who,
        "chat": {"id": chat, "type": "private", "first_name": "Customer"},
        "text": f"line {number}",
    }
    return json.dumps({"update_id": update_id, "message": message}).encode()


def fresh_name():
    return f"chaos_{new_id()}"
