"""Be the customers: those whose provider calls the hub, and those whom the hub polls for."""

import base64
import json
import time
from dataclasses import dataclass, replace
from typing import Any

from tests.chaos.book import Heard, Talk, Texted
from tests.chaos.calls import Post
from tests.chaos.kinds import telegram
from tests.chaos.kinds.kind import Line, Said, Told
from tests.chaos.person import Person
from tests.chaos.words import PREAMBLES, answer_to, saying


@dataclass(kw_only=True)
class Customer(Person):
    """Writes to a channel; after so much somebody else goes on, so that answers stay unique."""

    line: Line

    def said(self, count: int) -> Said:
        """Return what is said the time number ``count``."""
        turn, place = divmod(count, self.line.kind.stamina)
        address = self.line.kind.address(self.number + turn)
        return Said(address=address, number=self.world.numbers.next(), text=saying(place))

    def hear(self, said: Said, external_id: str, thread: str = "") -> None:
        """Write down that the hub has it."""
        talk = Talk(self.line.kind.name, said.address, thread)
        heard = Heard(external_id=external_id, answer=answer_to(said.text))
        with self.book.lock:
            self.book.heard[talk].append(heard)

    def edited(self, external_id: str, text: str) -> None:
        """Write down that the hub knows of other words."""
        with self.book.lock:
            self.book.edits[external_id] = (1, text)


@dataclass(kw_only=True)
class CallingCustomer(Customer):
    """Writes, edits, and is now and then told of twice, late, wrongly signed or malformed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.line.kind.webhook is not None
        self.webhook = self.line.kind.webhook
        self.earlier: list[Post] = []

    def act(self, count: int) -> None:
        said = self.said(count)
        post = self.webhook.message(self.line, said)
        if self.until(post, 200, 204) is None:
            return
        self.hear(said, self.webhook.external_id(said))
        self.earlier.append(post)
        self._mishaps(said, post)

    def _mishaps(self, said: Said, post: Post) -> None:
        number = self.world.numbers.next()
        if self.chance(0.1):
            self.again(post)
        if self.chance(0.05):
            self.again(self.dice.choice(self.earlier))
        if self.chance(0.06):
            self._edit(said, number)
        if self.chance(0.05) and self.webhook.signed:
            forged = replace(said, number=number, text="forged")
            self.rejected(self.webhook.message(self.line.forger, forged))
        if self.chance(0.04):
            self.malformed(self.webhook.malformed(self.line, number))
        if self.chance(0.05):
            nothing, now = f"nothing-{number}", time.time()
            told = Told(id=nothing, address=said.address, state="delivered", up_to=now)
            self.confirm(self.line, told)
        if self.chance(0.01):
            self.until(Post(path=f"/webhooks/{'x' * 32}", body=b"{}", headers={}), 404)

    def _edit(self, said: Said, number: int) -> None:
        if self.webhook.edit is None:
            return
        meant = replace(said, text=said.text.replace("say", "meant"))
        post = self.webhook.edit(self.line, meant, number)
        if self.until(post, 200, 204) is None:
            return
        self.edited(self.webhook.external_id(said), meant.text)
        if self.chance(0.3):
            self.again(post)


class PolledCustomer(Customer):
    """Writes to a bot that is polled: several messages at a time, so that one answer brings many.

    The sandbox is Telegram here. What it took, the hub has to fetch, and is told again whenever
    it was killed, or its connection lost, before it said that it has it.
    """

    # Faster ones would soon be far ahead: they have to wait for nothing that the hub does.
    tempo = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.times = 0

    def act(self, count: int) -> None:
        for _ in range(self.dice.randint(1, 3)):
            self._say(self.said(self.times))
            self.times += 1

    def _say(self, said: Said) -> None:
        number, external_id = telegram.message_id(said), telegram.external_id(said)
        file = self.dice.randbytes(64) if self.chance(0.1) else None
        content = _document(file, said.text) if file else {"text": said.text}
        if self._write(said.address, {"message_id": number, **content}) is None:
            return
        self.hear(said, external_id)
        if file:
            with self.book.lock:
                self.book.files[external_id] = file
        elif self.chance(0.06):
            meant = said.text.replace("say", "meant")
            if self._write(said.address, {"edits": number, "text": meant}) is not None:
                self.edited(external_id, meant)
        if self.chance(0.04):
            self._write_nonsense(said.address)

    def _write_nonsense(self, chat: str) -> None:
        nonsense = {"edited_message": {"nonsense": self.world.numbers.next()}}
        answer = self._write(chat, {"update": nonsense})
        if answer is not None:
            body = json.dumps({"update_id": answer["update_id"], **nonsense}, separators=(",", ":"))
            with self.book.lock:
                self.book.malformed.add(body.encode())

    def _write(self, chat: str, writing: dict[str, Any]) -> Any:
        where = f"telegram/{telegram.POLLING_BOT}/messages"
        return self.tell(where, {"from": {"id": int(chat)}, **writing})


@dataclass(kw_only=True)
class TextingCustomer(Customer):
    """Writes to a message centre, which brings it to the hub: also long texts, and some twice."""

    # As the sandbox is no slower than this, the hub decides how fast they are heard.
    tempo = 2.0

    def act(self, count: int) -> None:
        said = self.said(count)
        if self.chance(0.15):
            said = replace(said, text=self.dice.choice(PREAMBLES) + said.text)
        self._text(said)
        if self.chance(0.06):
            # Nothing tells it from what the centre repeats, but how often that says it did.
            self._text(said)

    def _text(self, said: Said) -> None:
        assert self.line.kind.centre is not None
        taken = self.tell(*self.line.kind.centre.text(said))
        if taken is not None:
            with self.book.lock:
                told = Texted(id=taken["id"], text=said.text)
                self.book.texted[Talk(self.line.kind.name, said.address)].append(told)


def _document(file: bytes, caption: str) -> dict[str, Any]:
    upload = {"kind": "document", "data": base64.b64encode(file).decode(), "filename": "file.bin"}
    return {"upload": upload, "caption": caption}
