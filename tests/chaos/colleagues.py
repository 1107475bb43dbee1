"""Be the colleagues, who write through the API, and the customers' phones, which confirm."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from tests.chaos import calls
from tests.chaos.book import Written
from tests.chaos.calls import Post
from tests.chaos.kinds.kind import Line, State, Told
from tests.chaos.person import Person

#: More than one SMS may have, so that it goes out in parts.
LONG = 3400
#: The numbers of those to whom colleagues write, after the first one of their kind.
STRANGERS = 900_000


class Colleague(Person):
    """Writes through the API, under a key, and asks again after any failure."""

    def act(self, count: int) -> None:
        words = f"colleague {self.number} says {count}"
        if self.chance(0.08):
            # With numbers, so that no two parts say the same.
            words = " ".join(f"{words}.{number}" for number in range(LONG // len(words)))
        line = self.dice.choice([one for one in self.place.lines if one.kind.writes_first])
        stranger = line.kind.first + STRANGERS + count % 5 + 10 * self.number
        address = line.kind.address(stranger)
        post = self._order(words, line, address)
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

    def _order(self, words: str, line: Line, address: str) -> Post:
        body = {
            "channel_id": line.id,
            "to": {"address": address},
            "content": {"type": "text", "text": words},
        }
        headers = {"content-type": calls.JSON, **self.place.api, "Idempotency-Key": words[:200]}
        return Post(path="/api/v1/messages", body=json.dumps(body).encode(), headers=headers)


#: What the phones of the customers say, in the order in which it comes to us, and how often.
ORDERS: Final[Mapping[tuple[State, ...], int]] = {
    ("sent", "delivered"): 6,
    ("delivered", "sent"): 4,
    ("delivered", "delivered", "sent"): 2,
    ("sent", "sent"): 2,
    ("failed", "sent"): 1,
    ("failed", "delivered"): 1,
    (): 4,
}


class Network(Person):
    """Tells what became of a third of all messages: early, late, twice, in any order, or never."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.since = 0
        telling = [line for line in self.place.lines if line.kind.tells]
        self.lines = {line.kind.provider: line for line in telling}

    def act(self, count: int) -> None:
        query = f"since={self.since}&limit=50"
        found = calls.ask(f"{self.place.sandbox}/_sandbox/outbound?{query}")
        for sent in found["items"] if found else ():
            self.since = sent["seq"]
            if sent["seq"] % 3 == self.number:
                self._tell(self.lines.get(sent["provider"]), sent)

    def _tell(self, line: Line | None, sent: Mapping[str, Any]) -> None:
        if line is None:
            return
        for state in self.dice.choices([*ORDERS], [*ORDERS.values()])[0]:
            if state in line.kind.tells:
                told = Told(
                    id=line.kind.known_as(sent),
                    address=sent["address"],
                    state=state,
                    up_to=time.time(),
                    taken_at=sent["at"],
                    params=sent["params"],
                )
                self.confirm(line, told)
