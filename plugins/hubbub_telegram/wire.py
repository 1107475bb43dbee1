"""Name what we use of the updates that Telegram sends. Source: Bot API, "Update"."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, FiniteFloat

from hubbub.sdk import Wire

#: An id; Telegram's have up to 52 bits - Bot API, "User", "Chat".
Id = Annotated[int, Field(gt=-(2**63), lt=2**63)]
#: A size, a length or a number on a die.
Count = Annotated[int, Field(ge=0, lt=2**53)]
#: Seconds since 1970, within what a datetime can say.
Seconds = Annotated[int, Field(ge=0, lt=2**35)]
#: A count of UTF-16 code units, as all offsets and lengths are.
Units = Annotated[int, Field(ge=0)]


def moment(seconds: int | None) -> datetime | None:
    """Return the time that Telegram names; 0 and None name none."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


class User(Wire):
    """A person or a bot."""

    id: Id
    is_bot: bool = False
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None

    @property
    def name(self) -> str | None:
        """What people call them."""
        return f"{self.first_name} {self.last_name or ''}".strip() or self.username


class Chat(Wire):
    """Where something was said: ``private``, ``group``, ``supergroup`` or ``channel``."""

    id: Id
    type: str
    title: str | None = None
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None

    @property
    def name(self) -> str | None:
        """The title of a group, or the name of a person."""
        person = f"{self.first_name} {self.last_name or ''}".strip()
        return self.title or person or self.username


class Entity(Wire):
    """A stretch of a text that means something."""

    type: str
    offset: Units
    length: Units


class PhotoSize(Wire):
    """A picture in one of several sizes."""

    file_id: str
    width: Count = 0
    height: Count = 0
    file_size: Count | None = None


class FileLike(Wire):
    """Any file but a photo; each kind fills in what it has."""

    file_id: str
    file_size: Count | None = None
    file_name: str | None = None
    mime_type: str | None = None
    width: Count | None = None
    height: Count | None = None
    #: Seconds.
    duration: Count | None = None


class VideoNote(FileLike):
    """A round video, whose diameter is called ``length``."""

    length: Count | None = None


class LivePhoto(FileLike):
    """A short video with its still picture."""

    photo: tuple[PhotoSize, ...] = ()


class Sticker(FileLike):
    """A sticker: WEBP, WEBM when ``is_video``, gzipped Lottie when ``is_animated``."""

    is_animated: bool = False
    is_video: bool = False
    emoji: str | None = None
    thumbnail: PhotoSize | None = None


class Location(Wire):
    """A point on the map; ``live_period`` while it keeps moving."""

    latitude: FiniteFloat
    longitude: FiniteFloat
    live_period: Count | None = None


class Venue(Wire):
    """A place with a name."""

    location: Location
    title: str
    address: str = ""


class SharedContact(Wire):
    """A contact card."""

    phone_number: str
    first_name: str = ""
    last_name: str | None = None


class PollOption(Wire):
    """One answer that a poll offers."""

    text: str


class Poll(Wire):
    """A poll."""

    question: str
    options: tuple[PollOption, ...] = ()


class Dice(Wire):
    """A throw of dice, or of what else the emoji shows."""

    emoji: str
    value: Count


class RichMessage(Wire):
    """A structured text; its blocks are many and nested, so they are read as they come."""

    blocks: tuple[Any, ...]


class SharedUser(Wire):
    """A user that somebody picked."""

    user_id: Id


class UsersShared(Wire):
    """The answer to a button that asks for users."""

    users: tuple[SharedUser, ...] = ()


class ChatShared(Wire):
    """The answer to a button that asks for a chat."""

    chat_id: Id


class WebAppData(Wire):
    """What a web app opened from a button sent."""

    data: str


class Replied(Wire):
    """The message that another one answers."""

    message_id: Id


class Message(Wire):
    """Something said. What is not named here stays in ``model_extra``, for its key tells a kind."""

    model_config = ConfigDict(extra="allow")

    message_id: Id
    date: Seconds = 0
    edit_date: Seconds | None = None
    chat: Chat
    sender: User | None = Field(None, alias="from")
    #: Set when a channel or an anonymous administrator writes.
    sender_chat: Chat | None = None
    via_bot: User | None = None
    #: Set where somebody wrote to a business account that the bot answers for.
    business_connection_id: str | None = None
    sender_business_bot: User | None = None
    message_thread_id: Id | None = None
    is_topic_message: bool = False
    reply_to_message: Replied | None = None

    caption: str | None = None
    text: str | None = None
    entities: tuple[Entity, ...] = ()
    animation: FileLike | None = None
    live_photo: LivePhoto | None = None
    photo: tuple[PhotoSize, ...] | None = Field(None, min_length=1)
    voice: FileLike | None = None
    audio: FileLike | None = None
    video: FileLike | None = None
    video_note: VideoNote | None = None
    document: FileLike | None = None
    sticker: Sticker | None = None
    location: Location | None = None
    venue: Venue | None = None
    contact: SharedContact | None = None
    poll: Poll | None = None
    dice: Dice | None = None
    rich_message: RichMessage | None = None
    users_shared: UsersShared | None = None
    chat_shared: ChatShared | None = None
    web_app_data: WebAppData | None = None
    new_chat_members: tuple[User, ...] | None = None
    left_chat_member: User | None = None
    migrate_to_chat_id: Id | None = None
    migrate_from_chat_id: Id | None = None


class Button(Wire):
    """A button under a message."""

    text: str
    callback_data: str | None = None


class Keyboard(Wire):
    """The buttons under a message, row by row."""

    inline_keyboard: tuple[tuple[Button, ...], ...] = ()


class ButtonMessage(Wire):
    """The message whose button was pressed; only chat and id are certain."""

    message_id: Id
    chat: Chat
    message_thread_id: Id | None = None
    is_topic_message: bool = False
    business_connection_id: str | None = None
    reply_markup: Keyboard | None = None


class CallbackQuery(Wire):
    """A button was pressed."""

    id: str
    sender: User = Field(alias="from")
    message: ButtonMessage | None = None
    data: str | None = None


class ReactionType(Wire):
    """One reaction: ``emoji``, ``custom_emoji`` or ``paid``."""

    type: str
    emoji: str | None = None


class MessageReaction(Wire):
    """All reactions of one person to one message, before and after."""

    chat: Chat
    message_id: Id
    date: Seconds = 0
    user: User | None = None
    actor_chat: Chat | None = None
    old_reaction: tuple[ReactionType, ...] = ()
    new_reaction: tuple[ReactionType, ...] = ()


class Membership(Wire):
    """How somebody belongs to a chat."""

    status: str
    #: Only in ``restricted``: whether they still belong to it.
    is_member: bool = True


class MyChatMember(Wire):
    """The bot's own membership changed."""

    chat: Chat
    new_chat_member: Membership


class BusinessConnection(Wire):
    """A business account let the bot answer for it, or does so no longer."""

    user: User
    is_enabled: bool = False


class DeletedMessages(Wire):
    """Messages of a business chat that were taken back."""

    business_connection_id: str
    chat: Chat
    message_ids: tuple[Id, ...] = ()


class Update(Wire):
    """One webhook call carries one update; kinds not named here stay in ``model_extra``."""

    model_config = ConfigDict(extra="allow")

    update_id: Id
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    message_reaction: MessageReaction | None = None
    my_chat_member: MyChatMember | None = None
    business_connection: BusinessConnection | None = None
    business_message: Message | None = None
    edited_business_message: Message | None = None
    deleted_business_messages: DeletedMessages | None = None
