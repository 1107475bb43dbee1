"""Be the customers, the colleagues, the customers' phones, and a bot of one's own."""

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.chaos import calls
from tests.chaos.book import Book, Heard, Written
from tests.chaos.calls import Caller, Numbers, Post

#: Telegram's customers are answered by the keyword bot: word by word.
WORDS = 200
#: The first ids of messages of theirs; smaller ones are the bot's, which the sandbox gives.
CUSTOMERS, FORGED = 1_000_000, 2_000_000
#: How long anybody goes on making the same call.
STAMINA = 90.0
#: More than one SMS may have, so that it goes out in parts.
LONG = 1700


@dataclass(frozen=True, kw_only=True)
class Place:
    """The hub, as those outside know it."""

    webs: list[str]
    sandbox: str
    api: dict[str, str]
    telegram_id: str
    telegram_url: str
    telegram_secret: str
    sms_id: str
    sms_url: str


@dataclass(kw_only=True)
class People:
    """Everybody, each in a thread. ``pace`` is the seconds between two messages of one of them."""

    place: Place
    book: Book
    seed: int
    customers: int
    pace: float
    numbers: Numbers = field(default_factory=Numbers)
    #: Set when nobody needs to write any more.
    enough: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let them begin."""
        many = range(self.customers)
        tasks = [
            *((TelegramCustomer, 9_000_000 + 1000 * number) for number in many),
            *((SmsCustomer, number) for number in many),
            *((Colleague, number) for number in range(max(2, self.customers // 4))),
            *((Network, number) for number in range(3)),
        ]
        for kind, number in tasks:
            person = kind(people=self, number=number)
            thread = threading.Thread(target=person.live, name=f"{kind.__name__}-{number}")
            self._threads.append(thread)
            thread.start()

    def alive(self) -> bool:
        """Whether anybody still has something to say."""
        return any(thread.is_alive() for thread in self._threads)


@dataclass(kw_only=True)
class Person:
    """One thread's worth of somebody."""

    people: People
    number: int

    def __post_init__(self) -> None:
        self.place, self.book = self.people.place, self.people.book
        self.dice = random.Random(f"{self.people.seed} {type(self).__name__} {self.number}")
        self.caller = Caller(self.dice.sample(self.place.webs, len(self.place.webs)))

    def live(self) -> None:
        """Do what one does, until it is enough."""
        for count in self.days():
            self.act(count)

    def act(self, count: int) -> None:
        raise NotImplementedError

    def days(self) -> Iterator[int]:
        count = 0
        while not self.people.enough.is_set():
            yield count
            count += 1
            self.people.enough.wait(self.people.pace * (0.5 + self.dice.random()))

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def until(self, post: Post, *wanted: int) -> bytes | None:
        """Make a call as providers do: again until it is answered with ``wanted``."""
        end = time.monotonic() + STAMINA
        while time.monotonic() < end:
            status, body = self.caller.post(post)
            with self.book.lock:
                self.book.calls += status > 0
                self.book.repeated += status in {0, 503}
            if status in wanted:
                return body
            if status not in {0, 503}:
                self.book.complain(f"{post.path} {post.body[:200]!r}: {status} {body[:300]!r}")
                return None
            time.sleep(0.1)
        self.book.complain(f"{post.path} {post.body[:200]!r}: never answered with {wanted}")
        return None

    def again(self, post: Post) -> None:
        """Tell the same once more, as providers do after a lost answer."""
        if self.until(post, 200, 204) is not None:
            with self.book.lock:
                self.book.doubled += 1

    def rejected(self, post: Post) -> None:
        if self.until(post, 401) is not None:
            with self.book.lock:
                self.book.rejected.add(post.body)

    def malformed(self, post: Post) -> None:
        if self.until(post, 200, 204) is not None:
            with self.book.lock:
                self.book.malformed.add(post.body)


class TelegramCustomer(Person):
    """Writes, edits, and is now and then told of twice, late, wrongly signed or malformed."""

    def act(self, count: int) -> None:
        # After all words are used somebody else goes on, so that every answer stays unique.
        chat, place = self.number + count // WORDS, count % WORDS
        if place == 0:
            self.earlier: list[Post] = []
        number = CUSTOMERS + place
        post = self._call(calls.update(self._next(), chat, number, f"say w{place:03}"))
        if self.until(post, 200, 204) is None:
            return
        heard = Heard(external_id=f"{chat}:{number}", answer=f"answer {place:03}")
        with self.book.lock:
            self.book.heard["telegram", str(chat)].append(heard)
        self.earlier.append(post)
        self._more(chat, place, post)

    def _more(self, chat: int, place: int, post: Post) -> None:
        if self.chance(0.1):
            self.again(post)
        if self.chance(0.05):
            self.again(self.dice.choice(self.earlier))
        if self.chance(0.06):
            self._edit(chat, place)
        if self.chance(0.05):
            body = calls.update(self._next(), chat, FORGED + place, "forged")
            self.rejected(calls.telegram(self.place.telegram_url, "not the secret at all", body))
        if self.chance(0.04):
            self.malformed(self._call(f"not JSON {self._next()}".encode()))
        if self.chance(0.01):
            self.until(calls.telegram(f"/webhooks/{'x' * 32}", "", b"{}"), 404)

    def _edit(self, chat: int, place: int) -> None:
        text = f"meant w{place:03}"
        post = self._call(calls.update(self._next(), chat, CUSTOMERS + place, text, edits=1))
        if self.until(post, 200, 204) is None:
            return
        with self.book.lock:
            self.book.edits[f"{chat}:{CUSTOMERS + place}"] = (1, text)
        if self.chance(0.3):
            self.again(post)

    def _call(self, body: bytes | dict[str, object]) -> Post:
        return calls.telegram(self.place.telegram_url, self.place.telegram_secret, body)

    def _next(self) -> int:
        return self.people.numbers.next()


class SmsCustomer(Person):
    """Writes by SMS, with the same mishaps, and with receipts for what nobody ever sent."""

    def act(self, count: int) -> None:
        sender = f"+1555020{self.number:04}"
        sid = self._sid()
        post = self._call(calls.sms(sid, sender, f"text {sid}"))
        if self.until(post, 200, 204) is None:
            return
        with self.book.lock:
            heard = Heard(external_id=sid, answer=f"echo {sid}")
            self.book.heard["sms", sender].append(heard)
        if self.chance(0.1):
            self.again(post)
        if self.chance(0.05):
            forged = calls.sms(self._sid(), sender, "forged")
            self.rejected(calls.twilio(self.place.sms_url, forged, auth="0" * 32))
        if self.chance(0.04):
            self.malformed(self._call(calls.receipt(self._sid(), "melted", sender)))
        if self.chance(0.05):
            self._receipt_of_nothing(sender)

    def _receipt_of_nothing(self, sender: str) -> None:
        sid = self._sid()
        if self.until(self._call(calls.receipt(sid, "delivered", sender)), 200, 204) is not None:
            with self.book.lock:
                self.book.receipts[sid].add("delivered")

    def _call(self, form: dict[str, str]) -> Post:
        return calls.twilio(self.place.sms_url, form)

    def _sid(self) -> str:
        return calls.new_sid(self.people.numbers.next())


class Colleague(Person):
    """Writes by SMS through the API, under a key, and asks again after any failure."""

    def act(self, count: int) -> None:
        words = f"colleague {self.number} says {count}"
        if self.chance(0.08):
            words = " ".join([words] * (LONG // len(words)))
        address = f"+1555030{count % 5 + 10 * self.number:04}"
        post = self._order(words, address)
        made = self.until(post, 202)
        if made is None:
            return
        message_id = json.loads(made)["id"]
        with self.book.lock:
            self.book.written[f"{self.number}-{count}"] = Written(
                message_id=message_id, address=address, text=words
            )
        if self.chance(0.15):
            self._ask_again(post, message_id)

    def _ask_again(self, post: Post, message_id: str) -> None:
        again = self.until(post, 202)
        if again is not None and json.loads(again)["id"] != message_id:
            self.book.complain(f"{message_id} became {json.loads(again)['id']} under the same key")
        with self.book.lock:
            self.book.doubled += 1

    def _order(self, words: str, address: str) -> Post:
        body = {
            "channel_id": self.place.sms_id,
            "to": {"address": address},
            "content": {"type": "text", "text": words},
        }
        headers = {"content-type": calls.JSON, **self.place.api, "Idempotency-Key": words[:200]}
        return Post(path="/api/v1/messages", body=json.dumps(body).encode(), headers=headers)


#: What the phones of the customers say, in the order in which it comes to us.
ORDERS = (
    ("sent", "delivered"),
    ("delivered", "sent"),
    ("delivered", "delivered", "sent"),
    ("sent", "sent"),
    ("undelivered", "sent"),
    ("undelivered", "delivered"),
    (),
)


class Network(Person):
    """Tells what became of a third of all SMS: early, late, twice, in any order, or not at all."""

    def act(self, count: int) -> None:
        query = f"provider=twilio&since={getattr(self, 'since', 0)}&limit=50"
        found = calls.ask(f"{self.place.sandbox}/_sandbox/outbound?{query}")
        for sent in found["items"] if found else ():
            self.since = sent["seq"]
            if sent["seq"] % 3 == self.number:
                self._tell(sent)

    def _tell(self, sent: dict[str, object]) -> None:
        sid, params = str(sent["external_id"]), sent["params"]
        assert isinstance(params, dict)
        weights = (6, 4, 2, 2, 1, 1, 4)
        for status in self.dice.choices(ORDERS, weights)[0]:
            form = calls.receipt(sid, status, str(sent["address"]))
            if self.until(calls.twilio(params["StatusCallback"], form), 200, 204) is not None:
                with self.book.lock:
                    self.book.doubled += status in self.book.receipts[sid]
                    self.book.receipts[sid].add(status)


class Bot:
    """Answers each SMS with an echo; now and then it is busy or hangs up."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    mood = dice.random()
                if mood < 0.01:
                    self.close_connection = True
                    return
                text = asked["message"]["content"]["text"].replace("text", "echo", 1)
                answer = json.dumps({"actions": [{"type": "reply", "text": text}]}).encode()
                self.send_response(503 if mood < 0.02 else 200)
                self.send_header("content-type", calls.JSON)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of workers that were killed while they asked."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/messages"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
