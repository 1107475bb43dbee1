"""Know what each refusal of the Bot API means for us.

Matched on the number, then on a piece of the description in any case, for the wording drifts.
Texts in capitals come unchanged from Telegram's core.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hubbub.sdk import AuthFailed, Permanent, RecipientGone, SendError, Transient

#: Longer descriptions are cut: they may repeat what we sent.
_LONGEST: Final = 300


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What Telegram said instead of doing it."""

    status: int
    description: str

    def says(self, *words: str) -> bool:
        """Whether the description holds one of ``words``, in any case."""
        text = self.description.lower()
        return any(word.lower() in text for word in words)


@dataclass(frozen=True)
class _Rule:
    """The error that a status, or a status with one of ``words``, stands for."""

    status: int
    words: tuple[str, ...]
    error: type[SendError]
    code: str
    meaning: str

    def covers(self, refusal: Refusal) -> bool:
        return refusal.status == self.status and (not self.words or refusal.says(*self.words))


_RIGHTS: Final = (
    "not enough rights",
    "have no rights",
    "CHAT_WRITE_FORBIDDEN",
    "TOPIC_CLOSED",
    "message thread not found",
)

#: The first that covers a refusal counts.
_RULES: Final = (
    _Rule(
        400,
        ("chat not found",),
        RecipientGone,
        "chat_not_found",
        "This bot knows no such chat: the person must write to the bot first.",
    ),
    _Rule(400, _RIGHTS, Permanent, "no_rights", "The bot may not write this in that chat."),
    _Rule(
        400,
        ("PEER_ID_INVALID", "user not found", "chat_id is empty"),
        Permanent,
        "bad_address",
        "The address is none that Telegram knows.",
    ),
    _Rule(
        400,
        ("BUSINESS_",),
        Permanent,
        "business_refused",
        "The business account does not let the bot write in this chat (any more).",
    ),
    _Rule(
        400,
        ("message is too long", "caption is too long", "text is too long"),
        Permanent,
        "too_long",
        "The text is too long for one message.",
    ),
    _Rule(400, ("text is empty",), Permanent, "empty", "A message needs some text."),
    _Rule(
        400,
        ("BUTTON_DATA_INVALID", "reply markup is too long"),
        Permanent,
        "bad_buttons",
        "Telegram does not take these options as buttons.",
    ),
    _Rule(
        400,
        ("REACTION_INVALID", "REACTION_EMPTY"),
        Permanent,
        "bad_reaction",
        "Telegram does not offer this emoji as a reaction.",
    ),
    _Rule(
        400,
        (
            "failed to get HTTP URL content",
            "wrong type of the web page content",
            "wrong HTTP URL specified",
            "wrong file identifier/HTTP URL specified",
        ),
        Permanent,
        "bad_media_url",
        "Telegram could not fetch the file from its address: upload it to the hub instead.",
    ),
    _Rule(400, ("file is too big",), Permanent, "too_large", "The file is too large for a bot."),
    # Says the same of an id that is wrong for good; the file's attempts are counted.
    _Rule(
        400,
        ("temporarily unavailable",),
        Transient,
        "file_unavailable",
        "Telegram does not have the file at hand just now.",
    ),
    _Rule(400, (), Permanent, "rejected", "Telegram refused the request."),
    _Rule(
        401,
        (),
        AuthFailed,
        "auth_failed",
        "Telegram no longer accepts the token: copy the present one from @BotFather.",
    ),
    _Rule(403, ("bot was blocked",), RecipientGone, "blocked", "The person blocked the bot."),
    _Rule(
        403,
        ("user is deactivated",),
        RecipientGone,
        "deactivated",
        "The person deleted their Telegram account.",
    ),
    _Rule(
        403,
        ("can't initiate conversation",),
        RecipientGone,
        "not_started",
        "The person never wrote to the bot, and a bot cannot write first.",
    ),
    _Rule(
        403,
        ("was kicked", "is not a member", "was deleted"),
        RecipientGone,
        "removed_from_chat",
        "The bot is no longer part of that chat.",
    ),
    _Rule(403, (), RecipientGone, "forbidden", "The bot cannot write to this address."),
    _Rule(
        404,
        ("method not found",),
        Permanent,
        "unknown_method",
        "The Bot API server is too old for this.",
    ),
    _Rule(
        404,
        (),
        AuthFailed,
        "auth_failed",
        "Telegram knows no bot with this token: copy it again from @BotFather.",
    ),
    _Rule(
        409,
        ("webhook",),
        Permanent,
        "conflict",
        "A webhook is set for this bot, so it cannot be polled: set the channel up again.",
    ),
    _Rule(
        409,
        (),
        Permanent,
        "conflict",
        "Another program uses the same bot: stop it, or give it a bot of its own.",
    ),
    _Rule(413, (), Permanent, "too_large", "The file is too large."),
    _Rule(421, (), AuthFailed, "auth_failed", "This Bot API server does not serve the bot."),
)


def refused(refusal: Refusal) -> SendError:
    """Return the error that ``refusal`` stands for."""
    rule = next((rule for rule in _RULES if rule.covers(refusal)), None)
    make: Callable[..., SendError] = rule.error if rule else _by_status(refusal.status)
    meaning = rule.meaning if rule else "Telegram could not carry out the request."
    said = refusal.description[:_LONGEST]
    return make(
        f"{meaning} Telegram said: {said}" if said else meaning,
        code=rule.code if rule else None,
        provider_code=str(refusal.status),
    )


def _by_status(status: int) -> type[SendError]:
    return Permanent if 400 <= status < 500 else Transient  # noqa: PLR2004  # HTTP's own numbers
