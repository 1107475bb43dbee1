"""Name what we use of the webhooks. Source: Messenger Platform, "Webhooks reference"."""

from typing import Any, Final

from pydantic import ConfigDict, Field, FiniteFloat

from hubbub.sdk.graph import Said

#: Beside these an item holds the one thing that happened.
_ABOUT: Final = frozenset({"sender", "recipient", "timestamp"})


class Envelope(Said):
    """One call: entries, read one by one so that a bad one harms no other."""

    object: str = ""
    entry: tuple[Any, ...]


class Entry(Said):
    """What happened to one Page; in ``standby`` where another app answers."""

    id: str = ""
    messaging: tuple[Any, ...] = ()
    standby: tuple[Any, ...] = ()


class Party(Said):
    """The Page, or a person by their page-scoped id."""

    id: str = ""


# --- messages ------------------------------------------------------------------------------


class Coordinates(Said):
    """A place."""

    lat: FiniteFloat = Field(ge=-90, le=90)
    long: FiniteFloat = Field(ge=-180, le=180)


class Payload(Said):
    """What an attachment holds."""

    url: str = ""
    title: str = ""
    text: str = ""
    sticker_id: str = ""
    coordinates: Coordinates | None = None


class Attached(Said):
    """A file, a link, a place."""

    type: str = ""
    payload: Payload = Payload()


class QuickReply(Said):
    """The quick reply that somebody tapped."""

    payload: str


class Quoted(Said):
    """Which message is quoted."""

    mid: str = ""


class Referral(Said):
    """By which link or ad somebody came."""

    ref: str = ""
    source: str = ""
    type: str = ""
    ad_id: str = ""


class Message(Said):
    """A message to the Page, or one of the Page's."""

    mid: str = Field(min_length=1)
    text: str = ""
    attachments: tuple[Attached, ...] = ()
    quick_reply: QuickReply | None = None
    reply_to: Quoted = Quoted()
    referral: Referral | None = None
    is_deleted: bool = False
    is_echo: bool = False
    app_id: str = ""
    metadata: str = ""


class Edit(Said):
    """A new text of an earlier message."""

    mid: str = Field(min_length=1)
    text: str
    num_edit: int = 0


class Reaction(Said):
    """An emoji on a message, or its taking back."""

    mid: str = Field(min_length=1)
    action: str = ""
    reaction: str = ""
    emoji: str = ""


class Postback(Said):
    """A tap on a button; in standby without its payload."""

    mid: str = ""
    title: str = ""
    payload: str = ""
    referral: Referral | None = None


# --- what else happens -----------------------------------------------------------------------


class Optin(Said):
    """Somebody agreed to something."""

    type: str = ""
    title: str = ""
    payload: str = ""
    ref: str = ""


class Delivered(Said):
    """How far messages of ours have come."""

    mids: tuple[str, ...] = ()
    watermark: str = ""


class Read(Said):
    """How far somebody has read."""

    watermark: str = ""


class Control(Said):
    """A thread goes, or is to go, from one app to another."""

    previous_owner_app_id: str = ""
    new_owner_app_id: str = ""
    requested_owner_app_id: str = ""


class Policy(Said):
    """What Meta did to the Page for its policies."""

    action: str = ""
    reason: str = ""


class Item(Said):
    """One thing that happened, under the name of its kind."""

    model_config = ConfigDict(extra="allow")

    sender: Party = Party()
    recipient: Party = Party()
    timestamp: str = ""
    message: Message | None = None
    message_edit: Edit | None = None
    reaction: Reaction | None = None
    postback: Postback | None = None
    referral: Referral | None = None
    optin: Optin | None = None
    delivery: Delivered | None = None
    read: Read | None = None
    pass_thread_control: Control | None = None
    take_thread_control: Control | None = None
    request_thread_control: Control | None = None
    policy_enforcement: Policy | None = None

    @property
    def strange(self) -> str:
        """The names in it that we do not know."""
        return ", ".join(sorted(set(self.model_extra or {}) - _ABOUT))[:100]
