"""Be the customers who write letters: in several threads, and in answer to those of the hub."""

import base64
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import calls
from tests.chaos.customers import Customer
from tests.chaos.kinds.kind import Mailbox, Said


@dataclass(kw_only=True)
class Thread:
    """Letters of one customer and the hub that answer each other."""

    #: The Message-ID of the first one.
    first: str
    #: The last one of the customer, and of the hub, by the sandbox's ids.
    own: str
    answer: str = ""
    #: How many letters the customer wrote.
    letters: int = 1


@dataclass(kw_only=True)
class WritingCustomer(Customer):
    """Writes letters, which the hub fetches: begins threads, goes on in them, attaches files."""

    # As the sandbox is no slower than this, the hub decides how fast they are heard.
    tempo = 2.0
    _threads: list[Thread] = field(default_factory=list)
    #: How far the sandbox's record of what the hub sent was read.
    _since: int = 0

    @property
    def mailbox(self) -> Mailbox:
        """Where the letters go."""
        assert self.line.kind.mailbox is not None
        return self.line.kind.mailbox

    def act(self, count: int) -> None:
        said = self.said(count)
        if count % self.line.kind.stamina == 0:
            self._threads = []  # somebody else goes on
        self._look_for_answers(said.address)
        file = self.dice.randbytes(64) if self.chance(0.1) else None
        thread = self._chosen()
        written = self.tell(self.mailbox.letters, self._letter(said, thread, file))
        if written is None:
            return
        if thread is None:
            self._threads.append(Thread(first=written["message_id"], own=written["id"]))
        else:
            thread.own = written["id"]
            thread.letters += 1
        first = thread.first if thread else written["message_id"]
        self.hear(said, written["message_id"], first)
        if file:
            with self.book.lock:
                self.book.files[written["message_id"]] = file

    def _look_for_answers(self, address: str) -> None:
        where = f"{self.place.sandbox}/_sandbox/outbound"
        found = calls.ask(f"{where}?provider=email&address={address}&since={self._since}")
        for sent in found["items"] if found else ():
            self._since = sent["seq"]
            for thread in self._threads:
                if thread.first in sent["params"]["references"]:
                    thread.answer = sent["params"]["id"]

    def _chosen(self) -> Thread | None:
        """Return the thread in which to go on; None where another one begins."""
        going = [one for one in self._threads if one.letters < self.mailbox.stamina]
        return None if not going or self.chance(0.2) else self.dice.choice(going)

    def _letter(self, said: Said, thread: Thread | None, file: bytes | None) -> dict[str, Any]:
        letter = {"from": said.address, "text": said.text, "html": self.chance(0.3)}
        if thread is None:
            # In other words: a keyword bot reads it too, and so do those who answer.
            letter["subject"] = f"Matter {said.number}"
        else:
            # One who cannot wait goes on after a letter of their own.
            answers = thread.answer if self.chance(0.7) else ""
            letter["answers"] = answers or thread.own
        if file:
            data = base64.b64encode(file).decode()
            letter["files"] = [{"filename": "file.bin", "data": data}]
        return letter
