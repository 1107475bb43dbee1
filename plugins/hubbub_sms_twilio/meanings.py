"""Say what Twilio's error codes mean for us. Source: "Error and warning dictionary"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from hubbub.sdk import (
    AuthFailed,
    Permanent,
    RateLimited,
    RecipientGone,
    SendError,
    Transient,
    WindowClosed,
)

#: The code word of a file that cannot travel; its text and link still can.
MEDIA_REFUSED: Final = "media_refused"


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an error code means: the class of the failure, our word for it, what to do."""

    kind: type[SendError]
    code: str
    advice: str
    #: For `RecipientGone`.
    opted_out: bool = False
    #: For `RateLimited`.
    wait: timedelta = timedelta(seconds=2)
    whole_channel: bool = True


_Rows: TypeAlias = Mapping[tuple[int, ...], Meaning]


def permanent(code: str, advice: str) -> Meaning:
    """Return the meaning of what no repetition mends."""
    return Meaning(kind=Permanent, code=code, advice=advice)


#: Nothing is sent until somebody acts.
_ACCOUNT: Final[_Rows] = {
    (20003, *range(20101, 20108), 20151, 20156, 20403): Meaning(
        kind=AuthFailed,
        code="auth_failed",
        advice="Enter the Account SID and the Auth Token anew.",
    ),
    (20005, 20010, 21470, 21471, 21472, 30002): Meaning(
        kind=AuthFailed,
        code="account_inactive",
        advice="The account is suspended or closed: reactivate it in the Twilio console.",
    ),
    (20404,): Meaning(
        kind=AuthFailed,
        code="wrong_account",
        advice="Nothing is found there: compare the Account SID and the API base URL.",
    ),
}
#: It goes on by itself.
_LATER: Final[_Rows] = {
    (20429,): Meaning(
        kind=RateLimited, code="rate_limited", advice="Too many requests at once: they are spaced."
    ),
    (20500,): Meaning(
        kind=Transient, code="provider_down", advice="Twilio has trouble: it is tried again."
    ),
    (21611, 30001): Meaning(
        kind=RateLimited,
        code="queue_full",
        advice="Twilio's queue for this sender is full: sending pauses.",
        wait=timedelta(seconds=60),
    ),
    (30017, 30022, 30410, 63018): Meaning(
        kind=RateLimited,
        code="congested",
        advice="The carrier takes no more for the moment: sending pauses.",
        wait=timedelta(seconds=60),
        whole_channel=False,
    ),
    # The daily caps of single carriers: messages to the others go on meanwhile.
    (30023, 30025, 30026, 30027): Meaning(
        kind=RateLimited,
        code="daily_cap",
        advice="The sender's daily share at this carrier is used up until tomorrow.",
        wait=timedelta(hours=6),
        whole_channel=False,
    ),
    (30003,): Meaning(
        kind=Transient,
        code="unreachable",
        advice="The handset is off or has no signal: send it again later.",
    ),
    (30008,): Meaning(
        kind=Transient,
        code="undelivered",
        advice="The carrier gave no reason: send it once more.",
    ),
    (30036,): Meaning(
        kind=Transient,
        code="expired",
        advice="It waited too long in Twilio's queue: send it again.",
    ),
}
#: The recipient, not the message, is the reason.
_RECIPIENT: Final[_Rows] = {
    (21211, 21217, 21401, 21421, 21614): Meaning(
        kind=RecipientGone,
        code="bad_address",
        advice="The recipient's number cannot receive SMS: correct it.",
    ),
    (30005, 30006): Meaning(
        kind=RecipientGone,
        code="recipient_gone",
        advice="The number does not exist any more, or is a landline.",
    ),
    (21610,): Meaning(
        kind=RecipientGone,
        code="opted_out",
        advice="The recipient sent STOP; only their START allows messages again.",
        opted_out=True,
    ),
    (30004, 63033): permanent(
        "blocked", "The recipient or their carrier blocks messages of this sender."
    ),
    (21612,): permanent("no_route", "This sender cannot reach this recipient: use another sender."),
    (63003, 63024): permanent("no_such_recipient", "The recipient is not on that channel."),
    # Only senders of WhatsApp and RCS have a window.
    (63016,): Meaning(
        kind=WindowClosed,
        code="window_closed",
        advice="The recipient last wrote more than 24 hours ago: only templates are allowed.",
    ),
}
#: The operator has to set something right at Twilio.
_SENDER: Final[_Rows] = {
    (14108, 21212, 21407, 21601, 21603, 21606, 21616): permanent(
        "sender_unusable",
        "The Phone number is not of this account or cannot send SMS: choose another sender.",
    ),
    (21408,): permanent(
        "country_not_enabled",
        "Allow the country in the Twilio console: Messaging > Settings > Geo permissions.",
    ),
    (21219, 21607, 21608): permanent(
        "trial_account",
        "A trial account reaches only verified numbers: verify this one, or upgrade.",
    ),
    (*range(21701, 21706), 21709): permanent(
        "service_unusable",
        "The Messaging Service is missing or has no usable sender: mend it in the Twilio console.",
    ),
    (30018, 30024, 30032, 30034): permanent(
        "registration_required",
        "Register or verify the sender for this country in the Twilio console.",
    ),
    (30010,): permanent("too_expensive", "It costs more than the price limit of the message."),
    (63038,): permanent("daily_limit", "The sender reached its limit of the day."),
}
#: What was said cannot be carried.
_CONTENT: Final[_Rows] = {
    (21617,): permanent("too_long", "A text has at most 1600 characters: split it."),
    (21618,): permanent("content_refused", "Twilio cannot send this text: change it."),
    (11751, 12300, 21620, 21621, 21622, 21623, 30011, 30019): permanent(
        MEDIA_REFUSED, "The file cannot travel as MMS here: send a link to it."
    ),
    (30007,): permanent(
        "filtered", "A carrier took it for spam: reword it, and register the sender."
    ),
    (63032,): permanent("policy", "The message is against the policy of that channel."),
    (20001, 20422, 21602, 21604, 21609, 21619, 21624, 21626, 21627): permanent(
        "bad_request", "Twilio takes the request for wrong: please report this as a bug."
    ),
}

MEANINGS: Final[Mapping[int, Meaning]] = {
    code: meaning
    for rows in (_ACCOUNT, _LATER, _RECIPIENT, _SENDER, _CONTENT)
    for codes, meaning in rows.items()
    for code in codes
}
