"""Offer the simulated WhatsApp to the control API and to the customer's page."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.meta.apps import App
from hubbub.sandbox.providers import ChatView, Desk, Persona, Saying
from hubbub.sandbox.whatsapp import customers, receipts, templates, webhooks
from hubbub.sandbox.whatsapp.api import PREFIX, answer
from hubbub.sandbox.whatsapp.state import OBJECT, Account, Cloud, Number
from hubbub.sandbox.whatsapp.templates import Template
from hubbub.sandbox.whatsapp.views import chat_view
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply

_DIGITS: Final = r"^[0-9]{5,20}$"
_SCOPES: Final = ("whatsapp_business_management", "whatsapp_business_messaging")
_FIELDS: Final = (
    "messages",
    "message_template_status_update",
    "account_update",
    "phone_number_quality_update",
    "user_preferences",
)


class Registration(BaseModel):
    """A number to make known with its account and app, or to change."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str = Field(pattern=_DIGITS)
    business_account_id: str = Field(pattern=_DIGITS)
    app_id: str = Field(pattern=_DIGITS)
    app_secret: str = ""
    #: Another one than before replaces it, and the one before is dead.
    access_token: str = ""
    display_phone_number: str = ""
    verified_name: str = ""
    quality_rating: str = ""
    status: str = ""
    platform_type: str = ""
    throughput: str = ""
    #: Of the token.
    expires_at: int | None = None
    scopes: list[str] | None = None
    #: What the app hears of.
    webhook_fields: list[str] | None = None


class TemplateChange(BaseModel):
    """A template as somebody at Meta decides on it; the hub is told of a new status."""

    model_config = ConfigDict(extra="forbid")

    name: str
    language: str = "en_US"
    category: str | None = None
    status: str | None = None
    parameter_format: str | None = None
    components: list[Json] | None = None
    reason: str = "NONE"


class Change(BaseModel):
    """Anything that a webhook may tell: ``value`` goes in as it is."""

    model_config = ConfigDict(extra="forbid")

    field: str
    value: Json


class WhatsApp:
    """The simulated WhatsApp."""

    name = "whatsapp"
    #: For people.
    kind = "WhatsApp"
    prefix = PREFIX

    def __init__(self, world: World, cloud: Cloud | None = None) -> None:
        self._cloud = cloud or Cloud(world)

    def answer(self, ask: Ask) -> Reply:
        """Answer one request of the hub."""
        return answer(self._cloud, ask)

    def endpoints(self) -> list[Json]:
        """Return the numbers that are known, with their webhooks."""
        with self._cloud.world.lock:
            return [_described(number) for number in self._cloud.numbers.values()]

    def register(self, body: Json) -> Json:
        """Make a number known, or change it."""
        wanted = Registration.model_validate(body)
        with self._cloud.world.lock:
            account = self._account(wanted)
            number = self._cloud.numbers.setdefault(
                wanted.phone_number_id,
                Number(wanted.phone_number_id, account, _display(wanted.phone_number_id)),
            )
            number.account = account
            number.display = wanted.display_phone_number or number.display
            number.name = wanted.verified_name or number.name
            for name in ("quality_rating", "status", "platform_type", "throughput"):
                setattr(number, name, getattr(wanted, name) or getattr(number, name))
            return _described(number)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer would, or as somebody at Meta."""
        number = self._cloud.named(endpoint)
        match action:
            case "messages":
                writing = customers.Writing.model_validate(body)
                return self._seat(number, writing).write(writing)
            case "presses":
                pressing = customers.Pressing.model_validate(body)
                return self._seat(number, pressing).press(pressing)
            case "reactions":
                reacting = customers.Reacting.model_validate(body)
                return self._seat(number, reacting).react(reacting)
            case "openings":
                return self._seat(number, customers.Opening.model_validate(body)).open()
            case "blocks":
                blocking = customers.Blocking.model_validate(body)
                return self._seat(number, blocking).block(blocked=blocking.blocked)
            case "moves":
                moving = customers.Moving.model_validate(body)
                return self._seat(number, moving).move(moving)
            case "people":
                change = customers.PersonChange.model_validate(body)
                return customers.change_person(self._cloud, change)
        return self._as_meta(number, action, body)

    def desks(self) -> list[Desk]:
        """Return the numbers that a customer can write to."""
        with self._cloud.world.lock:
            return [
                Desk(
                    self.name,
                    number.id,
                    f"{number.name} {number.display}",
                    self.kind,
                    webhooks.hears(number, "messages"),
                )
                for number in self._cloud.numbers.values()
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        at = self._sits(desk, persona)
        return chat_view(self._cloud, at.number, at.person)

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Write to the number; each file is a message of its own, the first one with the words."""
        at = self._sits(desk, persona)
        about = {"from": at.person.wa_id, "quotes": saying.quotes}
        for piece in _pieces(at, saying):
            at.write(customers.Writing.model_validate(about | piece))

    def press(self, desk: str, persona: Persona, message: str, data: str) -> None:
        """Press a button, or pick a row of a list."""
        at = self._sits(desk, persona)
        body = {"from": at.person.wa_id, "message_id": message, "data": data}
        at.press(customers.Pressing.model_validate(body))

    def react(self, desk: str, persona: Persona, message: str, emoji: str) -> None:
        """Put an emoji on a message."""
        at = self._sits(desk, persona)
        body = {"from": at.person.wa_id, "message_id": message, "emoji": emoji}
        at.react(customers.Reacting.model_validate(body))

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let Meta tell what became of a message."""
        del persona  # the number knows its messages
        telling = receipts.Telling.model_validate({"id": message, "status": receipt})
        receipts.tell(self._cloud, self._cloud.named(desk), telling)

    def leave(self, desk: str, persona: Persona, *, left: bool) -> None:
        """Block the business, or let it write again."""
        self._sits(desk, persona).block(blocked=left)

    def opened(self, desk: str, persona: Persona) -> None:
        """Let what was delivered be read."""
        self._sits(desk, persona).open()

    def reset(self) -> None:
        """Forget every number."""
        self._cloud.reset()

    def _account(self, wanted: Registration) -> Account:
        app = self._cloud.apps.made(wanted.app_id)
        app.secret = wanted.app_secret or app.secret
        app.fields = app.fields or frozenset(_FIELDS)
        self._grant(app, wanted)
        if wanted.webhook_fields is not None:
            app.fields = frozenset(wanted.webhook_fields)
        known, account_id = self._cloud.accounts, wanted.business_account_id
        account = known.setdefault(account_id, Account(account_id, app))
        account.app = app
        return account

    def _grant(self, app: App, wanted: Registration) -> None:
        grant = self._cloud.granted(app)
        grant.replace_token(wanted.access_token or grant.token)
        grant.scopes = grant.scopes or _SCOPES
        if wanted.expires_at is not None:
            grant.expires_at = wanted.expires_at
        if wanted.scopes is not None:
            grant.scopes = tuple(wanted.scopes)

    def _as_meta(self, number: Number, action: str, body: Json) -> Json:
        match action:
            case "receipts":
                telling = receipts.Telling.model_validate(body)
                return receipts.tell(self._cloud, number, telling)
            case "batches":
                wanted = customers.Batch.model_validate(body)
                return customers.batch(self._cloud, number, wanted)
            case "changes":
                change = Change.model_validate(body)
                told = webhooks.tell_changes(self._cloud, number, [(change.field, change.value)])
                return {"queued": told}
            case "templates":
                return self._change_template(number, TemplateChange.model_validate(body))
            case "revoke":
                self._cloud.granted(number.account.app).replace_token("")
                return _described(number)
        raise NoSuchThing(
            f"WhatsApp has no {action!r} here; there are messages, presses, reactions, openings, "
            "blocks, moves, people, receipts, batches, changes, templates and revoke."
        )

    def _change_template(self, number: Number, change: TemplateChange) -> Json:
        known = {(one.name, one.language): one for one in number.account.templates}
        before = known.get((change.name, change.language))
        given = change.model_dump(exclude_none=True, exclude={"reason"})
        about = before.as_json() if before else {}
        kept = {name: about[name] for name in Template.__dataclass_fields__ if name in about}
        after = templates.put(number.account.templates, Template(**(kept | given)))
        if before is None or before.status != after.status:
            value = {
                "event": after.status,
                "message_template_id": int(after.id),
                "message_template_name": after.name,
                "message_template_language": after.language,
                "reason": change.reason,
                "message_template_category": after.category,
            }
            webhooks.tell_changes(self._cloud, number, [("message_template_status_update", value)])
        return after.as_json()

    def _seat(self, number: Number, sender: customers.Sender) -> customers.Seat:
        return customers.seat(self._cloud, number, sender)

    def _sits(self, desk: str, persona: Persona) -> customers.Seat:
        who = customers.Opening.model_validate(
            {"from": phone_of(persona), "name": persona.name.strip()}
        )
        return self._seat(self._cloud.named(desk), who)


def phone_of(persona: Persona) -> str:
    """Return the made-up phone number of a persona: one that belongs to nobody."""
    return f"447700900{persona.number % 1000:03d}"


def _pieces(at: customers.Seat, saying: Saying) -> Iterator[Json]:
    if saying.edits:
        yield {"edits": saying.edits, "text": saying.text}
        return
    if saying.place:
        latitude, longitude = saying.place
        place: Json = {"latitude": latitude, "longitude": longitude}
        place |= {"name": saying.place_name} if saying.place_name else {}
        yield {"message": {"type": "location", "location": place}}
    if saying.card:
        name, phone = saying.card
        card = {
            "name": {"formatted_name": name, "first_name": name.split()[0]},
            "phones": [{"phone": phone, "type": "CELL"}],
        }
        yield {"message": {"type": "contacts", "contacts": [card]}}
    words = saying.text
    for file in saying.files:
        caption = words if customers.takes_caption(saying.kind, file) else ""
        yield {"message": customers.attach(at.cloud, at.number, file, saying.kind, caption)}
        words = "" if caption else words
    if words:
        yield {"text": words}


def _display(number_id: str) -> str:
    # London numbers that belong to nobody.
    return f"+44 20 7946 0{number_id[-3:]}"


def _described(number: Number) -> Json:
    account = number.account
    return {
        "phone_number_id": number.id,
        "display_phone_number": number.display,
        "verified_name": number.name,
        "business_account_id": account.id,
        "app_id": account.app.id,
        "subscribed": account.subscribed,
        "webhook": number.webhook,
        "overrides": {"number": number.callback, "account": account.callback},
        "app_callback": account.app.callbacks.get(OBJECT, ""),
        "templates": [
            {"name": one.name, "language": one.language, "status": one.status}
            for one in account.templates
        ],
    }
