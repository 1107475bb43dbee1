"""Act as the people who write to a bot: every update they cause."""

import base64
import binascii
import secrets
import time
from typing import Final, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.media import admit, describe
from hubbub.sandbox.telegram.state import ALL_UPDATES, Bot, Chat, ChatState
from hubbub.sandbox.telegram.text import find_entities
from hubbub.sandbox.telegram.updates import publish
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json, Upload

UploadKind = Literal[
    "photo", "voice", "audio", "video", "video_note", "animation", "document", "sticker"
]
KINDS: Final[tuple[UploadKind, ...]] = get_args(UploadKind)
#: What a file looks like that nobody said the kind of.
_LOOKS: Final[dict[str, UploadKind]] = {
    "image/gif": "animation",
    "audio/ogg": "voice",
    "image": "photo",
    "audio": "audio",
    "video": "video",
}


class File(BaseModel):
    """A file that a customer sends."""

    model_config = ConfigDict(extra="forbid")

    kind: UploadKind = "photo"
    #: Base64.
    data: str
    filename: str = "file"
    mime_type: str = "application/octet-stream"


class Person(BaseModel):
    """Who writes: a User of the Bot API."""

    model_config = ConfigDict(extra="allow")

    id: int
    first_name: str = "Customer"
    is_bot: bool = False

    def about(self) -> Json:
        """Return the person as updates name them."""
        return self.model_dump()


class Writing(BaseModel):
    """A message to inject: anything beside the named fields goes into the message as it is."""

    model_config = ConfigDict(extra="allow")

    sender: Person | None = Field(None, alias="from")
    chat: Json | None = None
    #: A whole update in place of the rest.
    update: Json | None = None
    upload: File | None = None
    #: The id of an earlier message that this one quotes, or whose new wording this is.
    reply_to: int | None = None
    edits: int | None = None


class Pressing(BaseModel):
    """A press on a button below a message."""

    model_config = ConfigDict(extra="forbid")

    sender: Person = Field(alias="from")
    message_id: int
    data: str
    chat_id: int | None = None


class Reacting(BaseModel):
    """A reaction to a message; an empty emoji takes away the one before."""

    model_config = ConfigDict(extra="forbid")

    sender: Person = Field(alias="from")
    message_id: int
    emoji: str = ""
    chat_id: int | None = None


class Blocking(BaseModel):
    """A person who blocks the bot, or lets it write again."""

    model_config = ConfigDict(extra="forbid")

    sender: Person = Field(alias="from")
    blocked: bool = True


class ChatChange(BaseModel):
    """A chat put into a state that a bot meets only when it writes."""

    model_config = ConfigDict(extra="forbid")

    id: int
    state: ChatState = "open"
    migrated_to: int | None = None


def write(cloud: Cloud, bot: Bot, writing: Writing) -> Json:
    """Send a message to a bot and return what ids it got."""
    if writing.update is not None:
        return _raw(cloud, bot, writing.update)
    if writing.sender is None:
        raise ValueError('A message needs "from" (at least {"id": ...}), or a whole "update".')
    with cloud.world.lock:
        chat = _chat(cloud, bot, writing.sender, writing.chat)
        if chat.state == "blocked":
            unblock(cloud, bot, writing.sender)
    content = dict(writing.model_extra or {})
    if writing.upload is not None:
        # A message with a file has no text: what is said with it is its caption.
        if text := content.pop("text", ""):
            content.setdefault("caption", text)
        content |= _uploaded(cloud, bot, writing.upload)
    return _written(cloud, bot, chat, writing, content)


def attach(cloud: Cloud, bot: Bot, upload: Upload, kind: str = "") -> Json:
    """Return the content of a message with a file that somebody picked.

    ``kind`` is one of `KINDS`; empty: what it looks like.
    """
    if kind and kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of file; there are {', '.join(KINDS)}.")
    kind = kind or _look(upload.mime_type)
    return describe(kind, admit(cloud.world, bot, kind, upload))


def place(latitude: float, longitude: float, name: str) -> Json:
    """Return the content of a message with a place; one with a name is a venue."""
    point = {"location": {"latitude": latitude, "longitude": longitude}}
    return {"venue": {**point, "title": name, "address": name}, **point} if name else point


def card(name: str, phone: str) -> Json:
    """Return the content of a message with somebody's number."""
    return {"contact": {"phone_number": phone, "first_name": name}}


def press(cloud: Cloud, bot: Bot, pressing: Pressing) -> Json:
    """Press a button: the bot gets a callback query."""
    person = pressing.sender
    with cloud.world.lock:
        chat = _chat(cloud, bot, person, _chat_about(bot, person, pressing.chat_id))
        message = chat.messages.get(pressing.message_id) or {
            "message_id": pressing.message_id,
            "chat": chat.about,
            "date": 0,  # forgotten: an inaccessible message
        }
        query = secrets.token_hex(9)
        bot.queries[query] = time.time()
    body = {
        "id": query,
        "from": person.about(),
        "message": message,
        "chat_instance": str(-person.id),
        "data": pressing.data,
    }
    number = publish(cloud, bot, "callback_query", body, text=pressing.data)
    return {"update_id": number, "callback_query_id": query}


def react(cloud: Cloud, bot: Bot, reacting: Reacting) -> Json:
    """Put an emoji on a message: the bot is told what was there and what is there now."""
    person, number = reacting.sender, reacting.message_id
    with cloud.world.lock:
        chat = _chat(cloud, bot, person, _chat_about(bot, person, reacting.chat_id))
        if number not in chat.messages:
            raise NoSuchThing(f"There is no message {number} to react to in this chat.")
        before = chat.customer_reactions.get((number, person.id), "")
        chat.customer_reactions[number, person.id] = reacting.emoji
    body = {
        "chat": chat.about,
        "message_id": number,
        "user": person.about(),
        "date": int(time.time()),
        "old_reaction": _reactions(before),
        "new_reaction": _reactions(reacting.emoji),
    }
    return {"update_id": publish(cloud, bot, "message_reaction", body, text=reacting.emoji)}


def block(cloud: Cloud, bot: Bot, person: Person) -> Json:
    """Block the bot: it hears so, and its messages are refused."""
    return _member(cloud, bot, person, state="blocked", old="member", new="kicked")


def unblock(cloud: Cloud, bot: Bot, person: Person) -> Json:
    """Let the bot write again."""
    return _member(cloud, bot, person, state="open", old="kicked", new="member")


def change_chat(bot: Bot, change: ChatChange) -> Json:
    """Put a chat into a state; `NoSuchThing` where nobody ever wrote."""
    chat = bot.chats.get(change.id)
    if chat is None:
        raise NoSuchThing(f"The bot has no chat {change.id}: somebody must write there first.")
    chat.state = change.state
    chat.migrated_to = change.migrated_to
    if change.migrated_to is not None:
        about = {**chat.about, "id": change.migrated_to, "type": "supergroup"}
        bot.chats.setdefault(change.migrated_to, Chat(about))
    return {"id": chat.id, "state": chat.state, "migrated_to": chat.migrated_to}


def _written(cloud: Cloud, bot: Bot, chat: Chat, writing: Writing, content: Json) -> Json:
    sender = cast("Person", writing.sender)
    with cloud.world.lock:
        if writing.edits is None:
            kind, base = "message", {"message_id": content.pop("message_id", None) or chat.new_id()}
        else:
            kind, base = "edited_message", _edited(chat, writing.edits)
        message = {
            "from": sender.about(),
            "chat": chat.about,
            "date": int(time.time()),
            **base,
            **_quoted(chat, writing.reply_to),
            **_with_entities(content),
        }
        chat.keep(message)
        text = str(message.get("text") or message.get("caption", ""))
        number = publish(cloud, bot, kind, message, text=text)
    return {"update_id": number, "message_id": message["message_id"], "chat_id": chat.id}


def _look(mime_type: str) -> UploadKind:
    return _LOOKS.get(mime_type) or _LOOKS.get(mime_type.partition("/")[0], "document")


def _reactions(emoji: str) -> list[Json]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []


def _raw(cloud: Cloud, bot: Bot, update: Json) -> Json:
    kinds = [key for key in update if key != "update_id"]
    if len(kinds) != 1 or not isinstance(update[kinds[0]], dict):
        raise ValueError('An "update" holds exactly one object beside its "update_id".')
    body = update[kinds[0]]
    with cloud.world.lock:
        person, about = body.get("from"), body.get("chat")
        if isinstance(about, dict) and "id" in about:
            chat = bot.chats.setdefault(int(about["id"]), Chat(about))
            if kinds[0] == "message" and "message_id" in body:
                chat.keep(body)
                chat.next_message = max(chat.next_message, int(body["message_id"]) + 1)
        if isinstance(person, dict) and "id" in person:
            cloud.people.add(int(person["id"]))
        if kinds[0] == "callback_query":
            bot.queries[str(body.get("id"))] = time.time()
        # A kind that the sandbox does not know is sent: hubs must bear what is new.
        bot.allowed |= {kinds[0]} - ALL_UPDATES
        number = publish(cloud, bot, kinds[0], body, update_id=update.get("update_id"))
    return {"update_id": number}


def _chat(cloud: Cloud, bot: Bot, person: Person, about: Json | None) -> Chat:
    cloud.people.add(person.id)
    if about is None:
        names = ("first_name", "last_name", "username")
        known = {key: value for key, value in person.about().items() if key in names}
        about = {"id": person.id, "type": "private", **known}
    chat = bot.chats.setdefault(int(about["id"]), Chat(about))
    chat.about = {**chat.about, **about}
    return chat


def _chat_about(bot: Bot, person: Person, chat_id: int | None) -> Json | None:
    if chat_id is None or chat_id == person.id:
        return None
    if chat_id not in bot.chats:
        raise NoSuchThing(f"The bot has no chat {chat_id}: somebody must write there first.")
    return bot.chats[chat_id].about


def _edited(chat: Chat, message_id: int) -> Json:
    message = chat.messages.get(message_id)
    if message is None:
        raise NoSuchThing(f"There is no message {message_id} to edit in this chat.")
    return {"message_id": message_id, "date": message["date"], "edit_date": int(time.time())}


def _quoted(chat: Chat, message_id: int | None) -> Json:
    if message_id is None:
        return {}
    target = chat.messages.get(message_id)
    if target is None:
        raise NoSuchThing(f"There is no message {message_id} to quote in this chat.")
    return {"reply_to_message": {k: v for k, v in target.items() if k != "reply_to_message"}}


def _with_entities(content: Json) -> Json:
    if isinstance(content.get("text"), str) and "entities" not in content:
        entities = find_entities(content["text"])
        return {**content, "entities": entities} if entities else content
    return content


def _uploaded(cloud: Cloud, bot: Bot, file: File) -> Json:
    try:
        data = base64.b64decode(file.data, validate=True)
    except binascii.Error:
        raise ValueError('"upload.data" is not base64.') from None
    upload = Upload(file.filename, file.mime_type, data)
    return describe(file.kind, admit(cloud.world, bot, file.kind, upload))


def _member(
    cloud: Cloud, bot: Bot, person: Person, *, state: ChatState, old: str, new: str
) -> Json:
    with cloud.world.lock:
        chat = _chat(cloud, bot, person, None)
        chat.state = state
        me = bot.me()
        left = {"until_date": 0} if new == "kicked" else {}
        body = {
            "chat": chat.about,
            "from": person.about(),
            "date": int(time.time()),
            "old_chat_member": {
                "status": old,
                "user": me,
                **({} if left else {"until_date": 0}),
            },
            "new_chat_member": {"status": new, "user": me, **left},
        }
        return {"update_id": publish(cloud, bot, "my_chat_member", body), "chat_id": chat.id}
