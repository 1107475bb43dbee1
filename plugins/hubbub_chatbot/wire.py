"""Write what a bot is asked, and read what it answers: the JSON of ``docs/bots.md``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, ValidationError, model_validator

from hubbub.sdk import (
    Action,
    Content,
    HandOver,
    Inquiry,
    MalformedPayload,
    Reply,
    Tag,
    Text,
    from_json,
    to_json,
)

#: What only contacts or providers say.
_INBOUND_ONLY: Final = frozenset({"choice", "form", "order", "system", "unsupported"})


def question(inquiry: Inquiry, wait_seconds: float) -> dict[str, Any]:
    """Return the JSON that tells a bot of one message."""
    return {
        "type": "message.received",
        "timestamp": _time(inquiry.now),
        "message": {
            "id": inquiry.message_id,
            "content": _content(inquiry.content),
            "received_at": _time(inquiry.received_at),
            "first": inquiry.first,
        },
        "contact": {
            "id": inquiry.contact_id,
            "address": inquiry.address,
            "name": inquiry.name,
        },
        "conversation": {"id": inquiry.conversation_id},
        "channel": {
            "id": inquiry.channel_id,
            "type": inquiry.channel_type,
            "name": inquiry.channel_name,
        },
        "callback": {
            "url": inquiry.callback_url,
            "token": inquiry.callback_token,
            "seconds": wait_seconds,
        },
    }


def read_actions(answer: object) -> tuple[Action, ...]:
    """Return the actions that the JSON ``answer`` asks for. Raises `MalformedPayload`."""
    try:
        actions = _Answer.model_validate(answer).actions
    except ValidationError as error:
        raise _malformed(error, kind_at=2) from None
    return tuple(action.read(f"actions.{number}") for number, action in enumerate(actions))


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _content(content: Content) -> dict[str, Any]:
    """Return the content without the providers' handles of its files, which nobody may see."""
    return {name: _shown(value) for name, value in to_json(content).items()}


def _shown(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: one for name, one in value.items() if name != "ref"}
    return [_shown(one) for one in value] if isinstance(value, list) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Reply(_Strict):
    type: Literal["reply"]
    text: str | None = Field(None, min_length=1, max_length=100_000)
    content: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.text is None) == (self.content is None):
            raise ValueError("Give either 'text' or 'content'.")
        return self

    def read(self, where: str) -> Action:
        if self.content is None:
            return Reply(content=Text(text=self.text or ""))
        try:
            content = from_json(self.content)
        except ValidationError as error:
            raise _malformed(error, f"{where}.content", kind_at=0) from None
        if content.type in _INBOUND_ONLY:
            field = f"{where}.content"
            complaint = f"{field}: {content.type!r} cannot be sent to a contact."
            raise MalformedPayload(complaint, field=field)
        return Reply(content=content)


class _HandOver(_Strict):
    type: Literal["hand_over"]
    to: Literal["queue"] = "queue"
    reason: str = Field("", max_length=500)

    def read(self, where: str) -> Action:
        del where
        return HandOver(to=self.to, reason=self.reason)


class _Tag(_Strict):
    type: Literal["tag"]
    tag: str = Field(min_length=1, max_length=50)

    def read(self, where: str) -> Action:
        del where
        return Tag(tag=self.tag)


_Action: TypeAlias = Annotated[_Reply | _HandOver | _Tag, Discriminator("type")]


class _Answer(_Strict):
    actions: tuple[_Action, ...] = Field(max_length=20)


def _malformed(error: ValidationError, *where: str, kind_at: int) -> MalformedPayload:
    """Return the first problem, with its field; it quotes nothing of the answer's values.

    Pydantic puts the member of a union, which is no field, at the place ``kind_at``.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = [str(name) for place, name in enumerate(first["loc"]) if place != kind_at]
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    field = ".".join((*where, *path)) or "the answer"
    return MalformedPayload(f"{field}: {message}.", field=field)
