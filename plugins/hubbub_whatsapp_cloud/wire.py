"""Name what we use of the webhooks. Source: WhatsApp Cloud API, "Webhooks reference"."""

from typing import Any

from pydantic import Field

from hubbub.sdk.graph import Said
from hubbub.sdk.whatsapp.wire import Context, Error, Spoken, SystemNote

# --- the envelope --------------------------------------------------------------------------


class Envelope(Said):
    """One call: entries, read one by one so that a bad one harms no other."""

    entry: tuple[Any, ...]


class Entry(Said):
    """What happened to one WhatsApp Business Account."""

    id: str = ""
    changes: tuple[Any, ...]


class Change(Said):
    """One thing that happened; what ``value`` holds depends on ``field``."""

    field: str
    value: dict[str, Any]


class Metadata(Said):
    """Which of our numbers is meant."""

    phone_number_id: str = ""


class Value(Said):
    """What happened to one number of ours."""

    metadata: Metadata = Metadata()
    contacts: tuple[Any, ...] = ()
    messages: tuple[Any, ...] = ()
    statuses: tuple[Any, ...] = ()
    message_echoes: tuple[Any, ...] = ()
    errors: tuple[Any, ...] = ()
    user_preferences: tuple[Any, ...] = ()


class Preference(Said):
    """What somebody chose about a kind of messages. Source: "user_preferences"."""

    wa_id: str = ""
    user_id: str = ""
    category: str = ""
    value: str = ""
    timestamp: str = ""


# --- messages ------------------------------------------------------------------------------


class Edit(Said):
    """A new version of an earlier message."""

    original_message_id: str = Field(min_length=1)
    message: Spoken


class Revoke(Said):
    """An earlier message, taken back."""

    original_message_id: str = Field(min_length=1)


class Message(Spoken):
    """One message to us."""

    id: str = Field(min_length=1)
    sender: str = Field("", alias="from")
    sender_user_id: str = Field("", alias="from_user_id")
    timestamp: str = ""
    group_id: str = ""
    context: Context = Context()
    edit: Edit | None = None
    revoke: Revoke | None = None
    system: SystemNote | None = None


class Echo(Spoken):
    """One message of ours that was written in the WhatsApp Business app."""

    id: str = Field(min_length=1)
    to: str = ""
    to_user_id: str = ""
    timestamp: str = ""


class Status(Said):
    """What became of a message of ours."""

    id: str = Field(min_length=1)
    status: str
    timestamp: str = ""
    recipient_type: str = ""
    biz_opaque_callback_data: str = ""
    errors: tuple[Error, ...] = ()
