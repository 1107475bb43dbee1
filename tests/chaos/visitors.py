"""Be the visitors of a site, whose windows are cut off again and again."""

import base64
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hubbub.store.types import AnyRow
from tests.chaos.book import Book
from tests.chaos.customers import Customer
from tests.chaos.facts import Seen
from tests.services.window import Window


@dataclass(kw_only=True)
class VisitingCustomer(Customer):
    """Writes in a window, whose stream goes on after the last message that it brought."""

    # No more than ten messages in ten seconds.
    tempo = 7.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.window: Window | None = None
        self.address = ""

    def act(self, count: int) -> None:
        said = self.said(count)
        try:
            if count % self.line.kind.stamina == 0:
                self._begin(count)
            assert self.window is not None
            client_id = self.window.write(said.text)
            if self.chance(0.3):
                self.window.until("POST", "ack", {"seq": self.window.seq})
        except (AssertionError, TimeoutError) as error:
            self.book.complain(f"{self.address} in the window: {error}")
            return
        with self.book.lock:
            self.book.calls += 1
        self.hear(replace(said, address=self.address), client_id)

    def _begin(self, count: int) -> None:
        network = f"198.51.{self.number // 1000 % 250}.{count // self.line.kind.stamina + 1}"
        dice = random.Random(f"{self.world.seed} {network}")
        made = Window(self.place.webs, self.line.widget, dice, address=network)
        self.window = made.begin()
        self.address = _address(self.window)
        with self.book.lock:
            self.book.windows[self.address] = self.window
        self.window.watch()


def _address(window: Window) -> str:
    """Return the address by which the hub knows whoever is in front of a window."""
    payload = window.headers["authorization"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"v:{claims['v']}"


def seen_in_windows(book: Book, deliveries: Sequence[AnyRow]) -> list[Seen]:
    """Return what visitors were shown of what was sent, after all of it had come."""
    ids = {row.message_id: str(row.external_id or row.id) for row in deliveries}
    return [
        Seen(
            seq=message["seq"],
            at=message["heard_at"],
            address=address,
            text=message["content"]["text"],
            external_id=ids.get(message["id"], message["id"]),
        )
        for address, window in book.windows.items()
        for message in window.shown
        if not message["own"]
    ]


def windows_verdict(book: Book) -> Iterator[str]:
    """Each window showed all that there was, once and in order, and its visitor's own words."""
    for address, window in book.windows.items():
        numbers = [message["seq"] for message in window.shown]
        if numbers != [*range(1, len(numbers) + 1)]:
            yield f"{address} was shown {numbers}"
        own = [_text(message) for message in window.shown if message["own"]]
        if own != window.said:
            yield f"{address} said {window.said}, and was shown {own}"


def _text(message: Mapping[str, Any]) -> Any:
    return message["content"].get("text")
