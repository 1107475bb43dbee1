"""Be the colleagues, who write through the API, and the customers' phones, which confirm."""

import json

from tests.chaos import calls
from tests.chaos.book import Written
from tests.chaos.calls import Post
from tests.chaos.person import Person

#: More than one SMS may have, so that it goes out in parts.
LONG = 1700


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
            "channel_id": self.place.channels["sms"],
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

    def __post_init__(self) -> None:
        super().__post_init__()
        self.since = 0

    def act(self, count: int) -> None:
        query = f"provider=twilio&since={self.since}&limit=50"
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
