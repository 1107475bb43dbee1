"""Act as the people who write to a Page, and as those who answer for it at Facebook."""

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.client import Answer
from hubbub.sandbox.messenger import media, receipts, webhooks
from hubbub.sandbox.messenger.state import PAGE_INBOX, Cloud, Message, Page, Person, new_mid
from hubbub.sandbox.messenger.webhooks import Happening
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import NO_SECONDS, Json, Upload

#: As what a file can be sent.
KINDS: Final = ("image", "video", "audio", "file", "sticker")
#: What Meta calls the emoji that have a name.
_REACTIONS: Final = {
    "😆": "smile",
    "😠": "angry",
    "😢": "sad",
    "😮": "wow",
    "❤️": "love",
    "👍": "like",
    "👎": "dislike",
}
_MOST_EDITS: Final = 5
_A_STICKER: Final = 369239263222999
_WAITING: Final = "waiting for the hub"

Psid = Annotated[str, Field(pattern=r"^[0-9]{5,20}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class File(_Body):
    """A file that a customer sends."""

    kind: Literal["image", "video", "audio", "file", "sticker"]
    #: Base64.
    data: str
    filename: str = "file"
    mime_type: str = "application/octet-stream"

    def upload(self) -> Upload:
        """Return the file itself."""
        try:
            data = base64.b64decode(self.data, validate=True)
        except binascii.Error:
            raise ValueError('"uploads.data" is not base64.') from None
        return Upload(self.filename, self.mime_type, data)


class Sender(_Body):
    """Who acts, by page-scoped id; a name makes them known under it."""

    sender: Psid = Field(alias="from")
    name: str = ""


class Writing(Sender):
    """A message to bring: a text, files, or ``message``, whose fields go in as they are."""

    text: str = ""
    uploads: list[File] = []
    message: Json = {}
    quotes: str = ""
    mid: str = ""
    #: Seconds since 1970; another time than now opens the window then.
    timestamp: float | None = Field(None, lt=NO_SECONDS)


class Naming(Sender):
    """Something done to an earlier message."""

    message_id: str


class Editing(Naming):
    """A new wording of an earlier message."""

    text: str


class Pressing(Naming):
    """A tap on a button or a quick reply, by its payload."""

    data: str


class Reacting(Naming):
    """An emoji on a message; an empty one takes it back."""

    emoji: str


class Tapping(Sender):
    """A button that is below no message, such as *Get started*."""

    title: str
    payload: str
    referral: Json | None = None


class Coming(Sender):
    """A link or an ad by which somebody comes back to the chat."""

    ref: str = ""
    source: str = "SHORTLINK"
    ad_id: str = ""


class Agreeing(Sender):
    """An opt-in, whose fields go in as they are."""

    optin: Json


class Blocking(Sender):
    """Somebody blocks the Page, or lets it write again."""

    blocked: bool = True


class PersonChange(Sender):
    """What is to be known of somebody."""

    hides_profile: bool


class Handing(Sender):
    """The chat goes to another app, or comes back to ours where none is named."""

    app_id: str = ""


class Answering(_Body):
    """What somebody else writes for the Page: in its inbox, or by another app."""

    to: Psid
    text: str
    app_id: str = PAGE_INBOX


@dataclass(frozen=True)
class Seat:
    """Somebody in front of their chat with a Page."""

    cloud: Cloud
    page: Page
    person: Person

    def write(self, writing: Writing) -> Json:
        """Bring a message to the hub."""
        files = [(file.kind, file.upload()) for file in writing.uploads]
        return self.say(writing, self.attach(files))

    def say(self, writing: Writing, attached: Sequence[tuple[str, Json]] = ()) -> Json:
        """Bring a message with files that are attached already."""
        content: Json = {"text": writing.text} if writing.text else {}
        if attached:
            content["attachments"] = [said for _, said in attached]
        if writing.quotes:
            content["reply_to"] = {"mid": writing.quotes}
        message = Message(
            person=self.person,
            mine=True,
            content=content | writing.message,
            status=_WAITING,
            id=writing.mid or new_mid(),
            at=time.time() if writing.timestamp is None else writing.timestamp,
            quoted=writing.quotes,
            files=tuple(file_id for file_id, _ in attached),
        )
        with self.cloud.world.lock:
            self.person.acted_at = message.at
            self.page.keep(message)
        said = {"mid": message.id, **message.content}
        return self._bring(message, "message", said, key=message.id, at=message.milliseconds)

    def attach(self, files: Sequence[tuple[str, Upload]]) -> list[tuple[str, Json]]:
        """Return the ids of files, and how a webhook tells of each."""
        return [self._attached(kind, file) for kind, file in files]

    def press(self, pressing: Pressing) -> Json:
        """Tap a button of a message, or one of its quick replies."""
        message = self.page.sent(pressing.message_id)
        for reply in message.content.get("quick_replies", []):
            if reply.get("payload") == pressing.data:
                said = {"quick_reply": {"payload": pressing.data}}
                about = {"from": self.person.psid, "text": reply["title"], "message": said}
                return self.say(Writing.model_validate(about))
        for button in buttons(message):
            if button.get("payload") == pressing.data:
                return self.tap(button["title"], pressing.data)
        raise NoSuchThing(f"The message has no button {pressing.data!r}.")

    def tap(self, title: str, payload: str, referral: Json | None = None) -> Json:
        """Tell what a button says: it stands in the chat as if the customer had written it."""
        message = Message(
            person=self.person, mine=True, content={"text": title}, status=_WAITING, id=new_mid()
        )
        with self.cloud.world.lock:
            self.person.acted_at = message.at
            self.page.keep(message)
        said: Json = {"mid": message.id, "title": title, "payload": payload}
        said |= {"referral": referral} if referral else {}
        return self._bring(message, "postback", said, key=message.id, at=message.milliseconds)

    def react(self, reacting: Reacting) -> Json:
        """Put an emoji on a message, or take it away."""
        message = self._known(reacting.message_id)
        message.reaction = reacting.emoji
        said: Json = {"mid": message.id, "action": "unreact"}
        if reacting.emoji:
            name = _REACTIONS.get(reacting.emoji, "other")
            said |= {"action": "react", "reaction": name, "emoji": reacting.emoji}
        self.person.acted_at = time.time()
        return self._happens("reaction", said, key=message.id)

    def edit(self, editing: Editing) -> Json:
        """Word a message of one's own anew."""
        message = self._own(editing.message_id)
        if message.edits >= _MOST_EDITS:
            raise ValueError(f"A message can be edited {_MOST_EDITS} times.")
        message.content, message.edits = {"text": editing.text}, message.edits + 1
        said = {"mid": message.id, "text": editing.text, "num_edit": message.edits}
        return self._happens("message_edit", said, key=f"{message.id}:{message.edits}")

    def unsend(self, naming: Naming) -> Json:
        """Take a message of one's own back."""
        message = self._own(naming.message_id)
        message.unsent = True
        said = {"mid": message.id, "is_deleted": True}
        return self._happens("message", said, key=f"{message.id}:deleted")

    def come(self, coming: Coming) -> Json:
        """Open the chat by a link or an ad, and write nothing."""
        self.person.acted_at = time.time()
        said = {"ref": coming.ref, "source": coming.source, "type": "OPEN_THREAD"}
        said |= {"ad_id": coming.ad_id} if coming.ad_id else {}
        return self._happens("referral", said, key=coming.ref)

    def agree(self, agreeing: Agreeing) -> Json:
        """Agree to something."""
        return self._happens("optin", agreeing.optin, key="optin")

    def open(self) -> Json:
        """Look at the chat: what was delivered is read."""
        return {"queued": receipts.mark_read(self.cloud, self.page, self.person)}

    def block(self, *, blocked: bool) -> Json:
        """Block the Page, or let it write again."""
        self.person.blocked = blocked
        return {"blocked": blocked}

    def change(self, change: PersonChange) -> Json:
        """Let Meta tell the Page of this person, or no longer."""
        self.person.hides_profile = change.hides_profile
        return {"psid": self.person.psid}

    def hand_over(self, app_id: str) -> Json:
        """Let another app answer the chat, or ours again."""
        before = self.person.owner or self.page.app.id
        self.person.owner = app_id
        new = app_id or self.page.app.id
        said = {"previous_owner_app_id": before, "new_owner_app_id": new}
        return self._happens("pass_thread_control", said, key=new)

    def answer(self, text: str, app_id: str = PAGE_INBOX) -> Json:
        """Answer for the Page otherwise than through the hub, which hears of it."""
        message = Message(
            person=self.person,
            mine=False,
            content={"text": text},
            status="sent",
            id=new_mid(),
            app_id=app_id,
        )
        with self.cloud.world.lock:
            self.page.keep(message)
        return {"mid": message.id, "queued": receipts.echo(self.cloud, self.page, message)}

    def _attached(self, kind: str, file: Upload) -> tuple[str, Json]:
        kind = kind or _looks_like(file.mime_type)
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of file; there are {', '.join(KINDS)}.")
        files = self.cloud.world.files
        stored = files.put(name=file.name, mime_type=file.mime_type, data=file.data)
        said = media.described(self.cloud, self.page, stored.id, kind)
        if kind == "sticker":
            said["payload"]["sticker_id"] = _A_STICKER
        return stored.id, said

    def _known(self, mid: str) -> Message:
        message = self.page.messages.get(mid)
        if message is None or message.person is not self.person:
            raise NoSuchThing(f"There is no message {mid} in this chat.")
        return message

    def _own(self, mid: str) -> Message:
        message = self._known(mid)
        if not message.mine or message.unsent:
            raise NoSuchThing(f"The customer wrote no message {mid}.")
        return message

    def _bring(self, message: Message, what: str, said: Json, *, key: str, at: int) -> Json:
        happening = Happening(
            what=what, said=said, at=at, kind="message", key=key, text=webhooks.text_of(message)
        )
        done = _answered(message)
        queued = webhooks.tell(self.cloud, self.page, self.person, happening, done)
        if not queued:
            message.status = "no webhook is set"
        return {"mid": message.id, "queued": queued}

    def _happens(self, what: str, said: Json, *, key: str) -> Json:
        at = int(time.time() * 1000)
        happening = Happening(what=what, said=said, at=at, kind="message", key=key)
        return {"queued": webhooks.tell(self.cloud, self.page, self.person, happening)}


def seat(cloud: Cloud, page: Page, sender: Sender) -> Seat:
    """Return who acts, made known if they are new."""
    person = page.person(sender.sender)
    if sender.name:
        person.first_name, _, person.last_name = sender.name.partition(" ")
    return Seat(cloud, page, person)


def buttons(message: Message) -> list[Json]:
    """Return the buttons of a template, those of its cards one after the other."""
    payload = (message.content.get("attachment") or {}).get("payload", {})
    cards = payload.get("elements", [payload])
    return [button for card in cards for button in card.get("buttons", [])]


def _looks_like(mime_type: str) -> str:
    kind = mime_type.partition("/")[0]
    return kind if kind in {"image", "video", "audio"} else "file"


def _answered(message: Message) -> Callable[[Answer], None]:
    def done(answer: Answer) -> None:
        # The hub may have seen it before its answer is here.
        if message.status == _WAITING:
            message.status = "the hub has it" if answer.accepted else "the hub did not take it"

    return done
