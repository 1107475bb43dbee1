"""Act as the people who write to a number."""

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.client import Answer
from hubbub.sandbox.whatsapp import media, webhooks
from hubbub.sandbox.whatsapp.receipts import Telling, mark_read, note, sent_message
from hubbub.sandbox.whatsapp.state import Cloud, Message, Number, Person, new_wamid
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import NO_SECONDS, Json, Upload

#: As what a file can be sent.
KINDS: Final = ("image", "video", "voice", "audio", "document", "sticker")
_CAPTIONED: Final = frozenset({"image", "video", "document"})
_WAITING: Final = "waiting for the hub"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class File(_Body):
    """A file that a customer sends."""

    kind: Literal["image", "video", "voice", "audio", "document", "sticker"]
    #: Base64.
    data: str
    filename: str = "file"
    mime_type: str = ""

    def upload(self) -> Upload:
        """Return the file itself."""
        try:
            data = base64.b64decode(self.data, validate=True)
        except binascii.Error:
            raise ValueError('"upload.data" is not base64.') from None
        return Upload(self.filename, self.mime_type or "application/octet-stream", data)


class Sender(_Body):
    """Who acts: by number; their user id and names are made up where they are left out."""

    sender: str = Field(alias="from")
    name: str = ""


class Writing(Sender):
    """A message to bring: a text, a file, or ``message``, whose fields go in as they are."""

    text: str = ""
    upload: File | None = None
    message: Json = {}
    #: The message that it quotes, or whose new wording it is.
    quotes: str = ""
    edits: str = ""
    id: str = ""
    #: Seconds since 1970; another time than now opens the window then.
    timestamp: int | None = Field(None, lt=NO_SECONDS)


class Pressing(Sender):
    """A press on a button, a row of a list, or a template's quick reply."""

    message_id: str
    #: The id of button or row; the index of a template's button.
    data: str


class Reacting(Sender):
    """An emoji on a message; an empty one takes it back."""

    message_id: str
    emoji: str


class Opening(Sender):
    """Somebody opens the chat, and sees what came."""


class Blocking(Sender):
    """Somebody blocks the business, or lets it write again."""

    blocked: bool = True


class PersonChange(_Body):
    """What is to be known of somebody."""

    sender: str = Field(alias="from")
    user_id: str | None = None
    name: str | None = None
    username: str | None = None
    dialled: list[str] | None = None
    hides_number: bool | None = None
    on_whatsapp: bool | None = None
    no_marketing: bool | None = None


class Moving(Sender):
    """Somebody gets another number, and with it another user id."""

    to: str
    user_id: str


class Batch(_Body):
    """Messages and statuses that are told in one call."""

    messages: list[Writing] = []
    receipts: list[Telling] = []


@dataclass(frozen=True)
class Seat:
    """Somebody in front of their chat with a number."""

    cloud: Cloud
    number: Number
    person: Person

    def write(self, writing: Writing) -> Json:
        """Bring a message to the hub."""
        message, said = self.compose(writing)
        return self._bring(message, said)

    def compose(self, writing: Writing) -> tuple[Message, Json]:
        """Return a message, and what its webhook says."""
        if writing.edits:
            return self._edited(writing)
        content = writing.message or self._content(writing)
        kind = str(content.get("type", "text"))
        shown = content.get(kind)
        files = () if not isinstance(shown, dict) else self._files(str(shown.get("id", "")))
        return self._said(writing, content, kind, shown, files)

    def press(self, pressing: Pressing) -> Json:
        """Press a button of a message."""
        message = sent_message(self.number, pressing.message_id)
        content = _pressed(message, pressing.data)
        writing = Writing.model_validate(
            {"from": pressing.sender, "message": content, "quotes": message.id}
        )
        return self.write(writing)

    def react(self, reacting: Reacting) -> Json:
        """Put an emoji on a message."""
        target = self.number.messages.get(reacting.message_id)
        if target is None:
            raise NoSuchThing(f"There is no message {reacting.message_id}.")
        target.reactions[True] = reacting.emoji
        emoji = {"emoji": reacting.emoji} if reacting.emoji else {}
        content: Json = {"type": "reaction", "reaction": {"message_id": target.id} | emoji}
        writing = Writing.model_validate({"from": reacting.sender, "message": content})
        message, said = self.compose(writing)
        return self._bring(message, said, shown=False)

    def open(self) -> Json:
        """Look at the chat: what was delivered is read."""
        mark_read(self.cloud, self.number, self.person)
        return {"address": self.person.address}

    def block(self, *, blocked: bool) -> Json:
        """Block the business, or let it write again."""
        self.number.chat(self.person).blocked = blocked
        return {"address": self.person.address, "blocked": blocked}

    def move(self, moving: Moving) -> Json:
        """Get another number: the same person under other ids."""
        old = self.person
        change = {
            "type": "user_changed_number",
            "body": f"User {old.name} changed their number",
            "user_id": moving.user_id,
            "previous_user_id": old.user_id,
        }
        if not old.hides_number:
            change["wa_id"] = _digits(moving.to)
        content = {"type": "system", "system": change}
        writing = Writing.model_validate({"from": moving.sender, "message": content})
        message, said = self.compose(writing)
        # Webhooks about a move introduce nobody.
        answer = self._bring(message, said, shown=False, introduced=False)
        old.wa_id, old.user_id = _digits(moving.to), moving.user_id
        return answer

    def _said(
        self, writing: Writing, content: Json, kind: str, shown: object, files: tuple[str, ...]
    ) -> tuple[Message, Json]:
        at = time.time() if writing.timestamp is None else writing.timestamp
        message = Message(
            person=self.person,
            mine=True,
            kind=kind,
            content=shown,
            status=_WAITING,
            id=writing.id or new_wamid(),
            at=at,
            quoted=writing.quotes,
            files=files,
        )
        said: Json = {} if self.person.hides_number else {"from": self.person.wa_id}
        said |= {
            "from_user_id": self.person.user_id,
            "id": message.id,
            "timestamp": str(int(at)),
        }
        if writing.quotes:
            ours = self.number.messages.get(writing.quotes)
            sender = self.person.wa_id if ours and ours.mine else self.number.digits
            said["context"] = {"from": sender, "id": writing.quotes}
        return message, said | content

    def _content(self, writing: Writing) -> Json:
        if writing.upload:
            return attach(
                self.cloud, self.number, writing.upload.upload(), writing.upload.kind, writing.text
            )
        return {"type": "text", "text": {"body": writing.text}}

    def _edited(self, writing: Writing) -> tuple[Message, Json]:
        target = self.number.messages.get(writing.edits)
        if target is None or not target.mine or target.kind != "text":
            raise NoSuchThing(f"The customer wrote no text {writing.edits}.")
        target.content, target.edited = {"body": writing.text}, True
        new = {"type": "text", "text": {"body": writing.text}}
        edit = {"original_message_id": target.id, "message": new}
        return self._said(writing, {"type": "edit", "edit": edit}, "edit", None, ())

    def _files(self, media_id: str) -> tuple[str, ...]:
        known = self.cloud.media.get(media_id)
        return (known.file_id,) if known else ()

    def _bring(
        self, message: Message, said: Json, *, shown: bool = True, introduced: bool = True
    ) -> Json:
        number = self.number
        with self.cloud.world.lock:
            number.chat(self.person).wrote_at = message.at
            if shown and message.kind != "edit":
                number.keep(message)
        value = told([said], number, [self.person] if introduced else [])
        hears = webhooks.hears(number, "messages")
        if hears:
            webhooks.tell_message(self.cloud, number, message, value, _answered(message))
        else:
            message.status = "no webhook is set"
        return {"id": message.id, "user_id": self.person.user_id, "queued": hears}


def told(messages: Sequence[Json], number: Number, people: Sequence[Person]) -> Json:
    """Return what a webhook says of messages."""
    said = webhooks.value(number) | {"messages": list(messages)}
    contacts = [webhooks.contact(person) for person in people]
    return said | ({"contacts": contacts} if contacts else {})


def seat(cloud: Cloud, number: Number, sender: Sender) -> Seat:
    """Return who acts, made known if they are new."""
    person = cloud.person(_digits(sender.sender))
    person.name = sender.name or person.name or "Somebody"
    return Seat(cloud, number, person)


def change_person(cloud: Cloud, change: PersonChange) -> Json:
    """Change what is known of somebody."""
    person = cloud.person(_digits(change.sender))
    given = change.model_dump(exclude_none=True, exclude={"sender"})
    for name, value in given.items():
        setattr(person, name, frozenset(value) if isinstance(value, list) else value)
    return {"wa_id": person.wa_id, "user_id": person.user_id, "address": person.address}


def batch(cloud: Cloud, number: Number, wanted: Batch) -> Json:
    """Tell messages and statuses in one call, each a change of its own."""
    values: list[Json] = []
    for writing in wanted.messages:
        at = seat(cloud, number, writing)
        message, said = at.compose(writing)
        message.status = "told in a batch"
        number.chat(at.person).wrote_at = message.at
        number.keep(message)
        values.append(told([said], number, [at.person]))
    for telling in wanted.receipts:
        message = sent_message(number, telling.id)
        values.append(note(number, message, telling.status, telling.code))
    queued = webhooks.tell_changes(cloud, number, [("messages", value) for value in values])
    return {"queued": queued}


def attach(cloud: Cloud, number: Number, file: Upload, kind: str, caption: str = "") -> Json:
    """Return the content of a message with a file; no ``kind``: as what it looks like."""
    kind = kind or _looks_like(file.mime_type)
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of file; there are {', '.join(KINDS)}.")
    mime_type = "audio/ogg; codecs=opus" if kind == "voice" else file.mime_type
    known = media.admit(cloud, number, file, mime_type, ours=False)
    about = media.described(known, file.data)
    if kind in {"voice", "audio"}:
        return {"type": "audio", "audio": about | {"voice": kind == "voice"}}
    if kind == "document":
        about["filename"] = file.name
    if kind == "sticker":
        about["animated"] = False
    if caption and kind in _CAPTIONED:
        about["caption"] = caption
    return {"type": kind, kind: about}


def takes_caption(kind: str, file: Upload) -> bool:
    """Whether words may stand below a file."""
    return (kind or _looks_like(file.mime_type)) in _CAPTIONED


def _looks_like(mime_type: str) -> str:
    if mime_type == "image/webp":
        return "sticker"
    if mime_type == "audio/ogg":
        return "voice"
    kind = mime_type.partition("/")[0]
    return kind if kind in {"image", "video", "audio"} else "document"


def _digits(number: str) -> str:
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{number!r} is no number such as +447700900001.")
    return digits


def _pressed(message: Message, data: str) -> Json:
    if message.filled:
        for index, button in enumerate(message.filled.buttons):
            if str(index) == data and button["type"] == "quick_reply":
                pressed = {"text": button["text"], "payload": button["payload"]}
                return {"type": "button", "button": pressed}
    for kind, option in options(message):
        if option["id"] == data:
            return {"type": "interactive", "interactive": {"type": kind, kind: option}}
    raise NoSuchThing(f"The message has no button {data!r}.")


def options(message: Message) -> list[tuple[str, Json]]:
    """Return what can be picked below a message, and as what a webhook tells it."""
    content = message.content if isinstance(message.content, dict) else {}
    action = content.get("action", {}) if message.kind == "interactive" else {}
    buttons = [("button_reply", button["reply"]) for button in action.get("buttons", [])]
    rows = [row for section in action.get("sections", []) for row in section["rows"]]
    return [*buttons, *(("list_reply", row) for row in rows)]


def _answered(message: Message) -> Callable[[Answer], None]:
    def done(answer: Answer) -> None:
        # The hub may have read it before its answer is here.
        if message.status == _WAITING:
            message.status = "the hub has it" if answer.accepted else "the hub did not take it"

    return done
