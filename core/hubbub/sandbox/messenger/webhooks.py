"""Write what Meta tells of a Page. Source: Messenger Platform, "Webhooks reference"."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hubbub.sandbox.client import Answer
from hubbub.sandbox.messenger.state import OBJECT, Cloud, Message, Page, Person
from hubbub.sandbox.meta import webhooks as meta
from hubbub.sandbox.wsgi import Json

#: The field of each thing that may happen; what happens in standby has one of its own.
FIELDS: Final = {
    "message": "messages",
    "echo": "message_echoes",
    "message_edit": "message_edits",
    "reaction": "message_reactions",
    "postback": "messaging_postbacks",
    "referral": "messaging_referrals",
    "optin": "messaging_optins",
    "delivery": "message_deliveries",
    "read": "message_reads",
    "pass_thread_control": "messaging_handovers",
    "policy_enforcement": "messaging_policy_enforcement",
}
STANDBY: Final = "standby"


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing to tell of a person and a Page."""

    #: A key of `FIELDS`.
    what: str
    said: Json
    at: int
    #: For the journal: ``message``, ``status`` or ``update``, and what it is about.
    kind: str
    key: str
    text: str = ""

    def item(self, page: Page, person: Person) -> Json:
        """Return it as an element of ``messaging``."""
        by_page = self.what == "echo"
        sender, recipient = (page.id, person.psid) if by_page else (person.psid, page.id)
        name = "message" if by_page else self.what
        return {
            "sender": {"id": sender},
            "recipient": {"id": recipient},
            "timestamp": self.at,
            name: self.said,
        }


def hears(page: Page, person: Person, what: str) -> bool:
    """Whether the hub is told of such a thing; of another app's chats only in standby."""
    return page.hears(FIELDS[what]) and (not _stands_by(person, what) or page.hears(STANDBY))


def tell(
    cloud: Cloud,
    page: Page,
    person: Person,
    happening: Happening,
    done: Callable[[Answer], None] = lambda _: None,
) -> bool:
    """Tell the hub that something happened; return whether it hears of such things."""
    if not hears(page, person, happening.what):
        return False
    item = happening.item(page, person)
    place = STANDBY if _stands_by(person, happening.what) else "messaging"
    if place == STANDBY and happening.what == "postback":
        # Only who answers is told what a button stands for.
        item["postback"] = {**happening.said}
        item["postback"].pop("payload", None)
    told = meta.Told(
        provider="messenger",
        endpoint=page.id,
        kind=happening.kind,
        key=happening.key,
        address=person.psid,
        text=happening.text,
    )
    # What became of messages does not hold up what people write, nor the other way round.
    lane = ("messenger", happening.kind == "status", page.id, person.psid)
    entry = {"id": page.id, "time": _now(), place: [item]}
    meta.tell(cloud.world, page.app, page.webhook, envelope([entry]), told, lane=lane, done=done)
    return True


def tell_as_is(cloud: Cloud, page: Page, entries: Sequence[Json]) -> bool:
    """Tell the hub several things in one call, in whatever form."""
    if page.webhook:
        told = meta.Told(provider="messenger", endpoint=page.id, kind="update", key="entry")
        lane = ("messenger", False, page.id, "")
        meta.tell(cloud.world, page.app, page.webhook, envelope(entries), told, lane=lane)
    return bool(page.webhook)


def envelope(entries: Sequence[Json]) -> Json:
    """Return one call."""
    return {"object": OBJECT, "entry": list(entries)}


def text_of(message: Message) -> str:
    """Return the words of a message, by which faults and the journal know it."""
    content = message.content
    payload = (content.get("attachment") or {}).get("payload", {})
    return str(content.get("text") or payload.get("text") or "")


def _stands_by(person: Person, what: str) -> bool:
    return bool(person.owner) and what in {"message", "postback", "reaction", "message_edit"}


def _now() -> int:
    return int(time.time() * 1000)
