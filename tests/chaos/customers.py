"""Be the customers: by webhook, by a bot that is polled, and by SMS."""

import base64
import json
from typing import Any

from tests.chaos import calls
from tests.chaos.book import Heard
from tests.chaos.calls import Post
from tests.chaos.person import STAMINA, Person
from tests.chaos.place import WORDS

#: The first ids of messages of customers; smaller ones are the bot's, which the sandbox gives.
CUSTOMERS, FORGED = 1_000_000, 2_000_000


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
        return self.world.numbers.next()


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
        return calls.new_sid(self.world.numbers.next())


class PolledCustomer(Person):
    """Writes to a bot that is polled: several messages at a time, so that one answer brings many.

    The sandbox is Telegram here. What it took, the hub has to fetch, and is told again whenever
    it was killed, or its connection lost, before it said that it has it.
    """

    # Faster ones would soon be far ahead: they have to wait for nothing that the hub does.
    tempo = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        bot = calls.POLLED.partition(":")[0]
        self.url = f"{self.place.sandbox}/_sandbox/telegram/{bot}/messages"
        self.said = 0

    def act(self, count: int) -> None:
        for _ in range(self.dice.randint(1, 3)):
            self._say(self.number + self.said // WORDS, self.said % WORDS)
            self.said += 1

    def _say(self, chat: int, place: int) -> None:
        number, words = CUSTOMERS + place, f"say w{place:03}"
        file = self.dice.randbytes(64) if self.chance(0.1) else None
        content = _document(file, words) if file else {"text": words}
        if self._write(chat, {"message_id": number, **content}) is None:
            return
        external_id = f"{chat}:{number}"
        with self.book.lock:
            heard = Heard(external_id=external_id, answer=f"answer {place:03}")
            self.book.heard["polled", str(chat)].append(heard)
            if file:
                self.book.files[external_id] = file
        if file is None and self.chance(0.06):
            self._edit(chat, number, f"meant w{place:03}")
        if self.chance(0.04):
            self._write_nonsense(chat)

    def _edit(self, chat: int, number: int, text: str) -> None:
        if self._write(chat, {"edits": number, "text": text}) is not None:
            with self.book.lock:
                self.book.edits[f"{chat}:{number}"] = (1, text)

    def _write_nonsense(self, chat: int) -> None:
        nonsense = {"edited_message": {"nonsense": self.world.numbers.next()}}
        answer = self._write(chat, {"update": nonsense})
        if answer is not None:
            body = json.dumps({"update_id": answer["update_id"], **nonsense}, separators=(",", ":"))
            with self.book.lock:
                self.book.malformed.add(body.encode())

    def _write(self, chat: int, writing: dict[str, Any]) -> Any:
        """Return what the sandbox, which nobody torments, says of a message."""
        answer = calls.ask(self.url, {"from": {"id": chat}, **writing}, timeout=STAMINA)
        with self.book.lock:
            self.book.calls += 1
        if answer is None:
            self.book.complain(f"the sandbox did not take {writing}")
        return answer


def _document(file: bytes, caption: str) -> dict[str, Any]:
    upload = {"kind": "document", "data": base64.b64encode(file).decode(), "filename": "file.bin"}
    return {"upload": upload, "caption": caption}
