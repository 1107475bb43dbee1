"""Offer the simulated Messenger to the control API and to the customer's page."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.messenger import customers, receipts, webhooks
from hubbub.sandbox.messenger.api import PREFIX, answer
from hubbub.sandbox.messenger.state import Cloud, Page
from hubbub.sandbox.messenger.views import chat_view
from hubbub.sandbox.providers import ChatView, Desk, Persona, Saying
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply

_DIGITS: Final = r"^[0-9]{5,20}$"
_SCOPES: Final = ("pages_messaging", "pages_manage_metadata", "pages_show_list")
#: Page-scoped ids are as long as this.
_FIRST_PSID: Final = 7 * 10**15


class Registration(BaseModel):
    """A Page to make known with its app, or to change."""

    model_config = ConfigDict(extra="forbid")

    page_id: str = Field(pattern=_DIGITS)
    app_id: str = Field(pattern=_DIGITS)
    app_secret: str = ""
    #: Another one than before replaces it, and the one before is dead.
    page_access_token: str = ""
    name: str = ""
    human_agent: bool | None = None
    requires_proof: bool | None = None
    #: Of the token.
    expires_at: int | None = None
    scopes: list[str] | None = None


class Calling(BaseModel):
    """One call of the webhook, whose entries go in as they are."""

    model_config = ConfigDict(extra="forbid")

    entry: list[Json]


class Messenger:
    """The simulated Messenger."""

    name = "messenger"
    prefix = PREFIX

    def __init__(self, world: World) -> None:
        self._cloud = Cloud(world)

    def answer(self, ask: Ask) -> Reply:
        """Answer one request of the hub."""
        return answer(self._cloud, ask)

    def endpoints(self) -> list[Json]:
        """Return the Pages that are known, with their webhooks."""
        with self._cloud.world.lock:
            return [_described(page) for page in self._cloud.pages.values()]

    def register(self, body: Json) -> Json:
        """Make a Page known, or change it."""
        wanted = Registration.model_validate(body)
        with self._cloud.world.lock:
            page = self._page(wanted)
            page.name = wanted.name or page.name
            if wanted.human_agent is not None:
                page.human_agent = wanted.human_agent
            return _described(page)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer would, as somebody at the Page, or as Meta."""
        page = self._cloud.named(endpoint)
        if action in _ACTS:
            model, act = _ACTS[action]
            acting = model.model_validate(body)
            return act(customers.seat(self._cloud, page, acting), acting)
        return self._as_page(page, action, body)

    def desks(self) -> list[Desk]:
        """Return the Pages that a customer can write to."""
        with self._cloud.world.lock:
            return [
                Desk("messenger", page.id, page.name, "Messenger", page.hears("messages"))
                for page in self._cloud.pages.values()
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        at = self._sits(desk, persona)
        return chat_view(self._cloud, at.page, at.person)

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Write to the Page: words and files are one message. Or answer for the Page."""
        at = self._sits(desk, persona)
        about = {"from": at.person.psid}
        if saying.by_colleague:
            at.answer(saying.text)
        elif saying.edits:
            edit = about | {"message_id": saying.edits, "text": saying.text}
            at.edit(customers.Editing.model_validate(edit))
        elif saying.unsends:
            naming = about | {"message_id": saying.unsends}
            at.unsend(customers.Naming.model_validate(naming))
        else:
            said = about | {"text": saying.text, "quotes": saying.quotes, "message": _place(saying)}
            files = at.attach([(saying.kind, file) for file in saying.files])
            at.say(customers.Writing.model_validate(said), files)

    def press(self, desk: str, persona: Persona, message: str, data: str) -> None:
        """Tap a button or a quick reply."""
        at = self._sits(desk, persona)
        body = {"from": at.person.psid, "message_id": message, "data": data}
        at.press(customers.Pressing.model_validate(body))

    def react(self, desk: str, persona: Persona, message: str, emoji: str) -> None:
        """Put an emoji on a message."""
        at = self._sits(desk, persona)
        body = {"from": at.person.psid, "message_id": message, "emoji": emoji}
        at.react(customers.Reacting.model_validate(body))

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let Meta tell how far a message has come."""
        del persona  # the Page knows its messages
        telling = receipts.Telling.model_validate({"id": message, "status": receipt})
        receipts.tell(self._cloud, self._cloud.named(desk), telling)

    def leave(self, desk: str, persona: Persona, *, left: bool) -> None:
        """Block the Page, or let it write again."""
        self._sits(desk, persona).block(blocked=left)

    def opened(self, desk: str, persona: Persona) -> None:
        """Let what was delivered be read."""
        self._sits(desk, persona).open()

    def reset(self) -> None:
        """Forget every Page."""
        self._cloud.reset()

    def _page(self, wanted: Registration) -> Page:
        app = self._cloud.apps.made(wanted.app_id)
        app.secret = wanted.app_secret or app.secret
        if wanted.requires_proof is not None:
            app.requires_proof = wanted.requires_proof
        grant = self._cloud.apps.granted(app, "PAGE", by=wanted.page_id)
        grant.replace_token(wanted.page_access_token or grant.token)
        grant.scopes = grant.scopes or _SCOPES
        if wanted.expires_at is not None:
            grant.expires_at = wanted.expires_at
        if wanted.scopes is not None:
            grant.scopes = tuple(wanted.scopes)
        new = Page(wanted.page_id, app, grant)
        page = self._cloud.pages.setdefault(wanted.page_id, new)
        page.app = app
        return page

    def _as_page(self, page: Page, action: str, body: Json) -> Json:
        match action:
            case "answers":
                answering = customers.Answering.model_validate(body)
                at = customers.Seat(self._cloud, page, page.person(answering.to))
                return at.answer(answering.text, answering.app_id)
            case "receipts":
                return receipts.tell(self._cloud, page, receipts.Telling.model_validate(body))
            case "events":
                calling = Calling.model_validate(body)
                return {"queued": webhooks.tell_as_is(self._cloud, page, calling.entry)}
            case "revoke":
                page.grant.replace_token("")
                return _described(page)
        known = ", ".join(sorted({*_ACTS, "answers", "receipts", "events", "revoke"}))
        raise NoSuchThing(f"Messenger has no {action!r} here; there are {known}.")

    def _sits(self, desk: str, persona: Persona) -> customers.Seat:
        page = self._cloud.named(desk)
        who = {"from": psid_of(page.id, persona), "name": persona.name.strip()}
        return customers.seat(self._cloud, page, customers.Sender.model_validate(who))


#: What customers do: what the body holds, and who carries it out.
_ACTS: Final[Mapping[str, tuple[type[customers.Sender], Callable[[customers.Seat, Any], Json]]]] = {
    "messages": (customers.Writing, customers.Seat.write),
    "edits": (customers.Editing, customers.Seat.edit),
    "deletions": (customers.Naming, customers.Seat.unsend),
    "presses": (customers.Pressing, customers.Seat.press),
    "reactions": (customers.Reacting, customers.Seat.react),
    "taps": (
        customers.Tapping,
        lambda at, tapping: at.tap(tapping.title, tapping.payload, tapping.referral),
    ),
    "referrals": (customers.Coming, customers.Seat.come),
    "optins": (customers.Agreeing, customers.Seat.agree),
    "openings": (customers.Sender, lambda at, _: at.open()),
    "blocks": (customers.Blocking, lambda at, blocking: at.block(blocked=blocking.blocked)),
    "owners": (customers.Handing, lambda at, handing: at.hand_over(handing.app_id)),
    "people": (customers.PersonChange, customers.Seat.change),
}


def psid_of(page_id: str, persona: Persona) -> str:
    """Return the made-up id of a persona, which is another one for each Page."""
    return str(_FIRST_PSID + (int(page_id) * 31 + persona.number) % 10**15)


def _place(saying: Saying) -> Json:
    if not saying.place:
        return {}
    latitude, longitude = saying.place
    payload: Json = {"coordinates": {"lat": latitude, "long": longitude}}
    payload |= {"title": saying.place_name} if saying.place_name else {}
    return {"attachments": [{"type": "location", "payload": payload}]}


def _described(page: Page) -> Json:
    return {
        "page_id": page.id,
        "name": page.name,
        "app_id": page.app.id,
        "webhook": page.webhook,
        "app_callback": page.app.callbacks.get("page", ""),
        "subscribed_fields": sorted(page.subscribed),
        "human_agent": page.human_agent,
    }
