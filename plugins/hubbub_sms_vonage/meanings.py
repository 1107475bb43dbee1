"""Say what Vonage's error codes mean for us. Sources: "Messages API errors", "SMS API errors"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar

from hubbub.sdk import AuthFailed, Permanent, RateLimited, RecipientGone, SendError, Transient

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


_K = TypeVar("_K", int, str)
_Rows: TypeAlias = Mapping[tuple[_K, ...], Meaning]


def permanent(code: str, advice: str) -> Meaning:
    """Return the meaning of what no repetition mends."""
    return Meaning(kind=Permanent, code=code, advice=advice)


def _transient(code: str, advice: str) -> Meaning:
    return Meaning(kind=Transient, code=code, advice=advice)


def _stop(code: str, advice: str) -> Meaning:
    return Meaning(kind=AuthFailed, code=code, advice=advice)


def _gone(code: str, advice: str) -> Meaning:
    return Meaning(kind=RecipientGone, code=code, advice=advice)


def _by_code(rows: _Rows[_K]) -> dict[_K, Meaning]:
    return {code: meaning for codes, meaning in rows.items() for code in codes}


# --- meanings that several tables share ----------------------------------------------------

# Nothing is sent until somebody acts.
AUTH_FAILED: Final = _stop("auth_failed", "Enter the API key, API secret and private key anew.")
UNPROVISIONED: Final = _stop(
    "not_enabled", "The account may not use this API: ask Vonage to enable it."
)
ACCOUNT_INACTIVE: Final = _stop(
    "account_inactive", "The account or application is suspended: ask Vonage's support."
)
NO_CREDIT: Final = _stop("no_credit", "The account has no credit left: top it up.")
WRONG_ADDRESS: Final = _stop(
    "wrong_address", "Nothing is found there: look at the API base URL, which may be of a region."
)
# It goes on by itself.
THROTTLED: Final = Meaning(
    kind=RateLimited, code="rate_limited", advice="Too many requests at once: they are spaced."
)
PROVIDER_DOWN: Final = _transient("provider_down", "Vonage has trouble: it is tried again.")
_CARRIER_DOWN: Final = _transient("carrier_down", "The carrier has trouble: send it again later.")
_UNREACHABLE: Final = _transient(
    "unreachable", "The handset is off or has no signal: send it again later."
)
UNDELIVERED: Final = _transient("undelivered", "No reason was given: send it once more.")
# The recipient, not the message, is the reason.
_BAD_ADDRESS: Final = _gone("bad_address", "The recipient's number cannot receive SMS: correct it.")
_GONE: Final = _gone("recipient_gone", "The number does not exist any more, or takes no SMS.")
_OPTED_OUT: Final = Meaning(
    kind=RecipientGone,
    code="opted_out",
    advice="The recipient does not want messages; only their START allows them again.",
    opted_out=True,
)
_REFUSED: Final = permanent("blocked", "The recipient's carrier does not let it through.")
_NO_ROUTE: Final = permanent("no_route", "This sender cannot reach this recipient: use another.")
# The operator has to set something right at Vonage.
_SENDER: Final = permanent(
    "sender_unusable", "The sender may not send there: choose or register another one."
)
_TRIAL: Final = permanent(
    "trial_account",
    "A trial account reaches only the numbers on its list of test numbers: add this one, or "
    "upgrade.",
)
_FRAUD: Final = permanent(
    "fraud_defender", "Fraud Defender stopped it: look at its rules in the Vonage dashboard."
)
_REGISTER: Final = permanent(
    "registration_required",
    "The country wants sender and text registered: enter Entity ID and Content ID.",
)
# What was said cannot be carried.
_TOO_LONG: Final = permanent("too_long", "A text has at most 3200 characters: split it.")
_FILTERED: Final = permanent(
    "filtered", "It was taken for spam or is not allowed there: reword it."
)
_BAD_REQUEST: Final = permanent(
    "bad_request", "Vonage takes the request for wrong: please report this as a bug."
)
_EXPIRED: Final = permanent("expired", "It could not be delivered in time.")


# --- the Messages API ----------------------------------------------------------------------

#: A repeat of what Vonage has already: not a failure at all.
ALREADY_SENT: Final = 1320
#: Receipts of some segments never came: nothing is known.
RECEIPTS_MISSING: Final = 1490

MESSAGES: Final[Mapping[int, Meaning]] = _by_code(
    {
        (1000, 1241, 1472): THROTTLED,
        (1010, 1020, 1021, 1022, 1130, 1150, 1400, 1410, 1440, 1450, 1451): _BAD_REQUEST,
        (1090,): _TOO_LONG,
        (1030, 1100, 1220): PROVIDER_DOWN,
        (1180,): _UNREACHABLE,
        (1230, 1331): _CARRIER_DOWN,
        (1040, 1170, 1430, 1431): _BAD_ADDRESS,
        (1050, 1190, 1200, 1260, 1300, 1310): _GONE,
        (1060,): ACCOUNT_INACTIVE,
        (1080, 1140): UNPROVISIONED,
        (1070,): NO_CREDIT,
        (1120, 1242, 1420, 1476): _SENDER,
        (1160,): _TRIAL,
        (1210, 1270, 2001): _FILTERED,
        (1280, 1282, 1290): _REFUSED,
        (1240,): _OPTED_OUT,
        (1250, 1251): _NO_ROUTE,
        (1330,): permanent("undelivered", "It was not delivered, and no reason was given."),
        (1340, 1350, 1370, 1461): permanent("policy", "It is against the policy of that channel."),
        (1360,): _EXPIRED,
        (1380, 1381, 1382): permanent(
            MEDIA_REFUSED, "The file cannot travel as MMS here: send a link to it."
        ),
        # The share of one carrier: messages to the others go on meanwhile.
        (1460,): Meaning(
            kind=RateLimited,
            code="daily_cap",
            advice="The sender's daily share at this carrier is used up until tomorrow.",
            wait=timedelta(hours=6),
            whole_channel=False,
        ),
        (1470, 1473, 1474, 1475): _FRAUD,
        tuple(range(1480, 1485)): _REGISTER,
    }
)


# --- the SMS API ---------------------------------------------------------------------------

#: ``status`` in the answer to a send.
LEGACY_SENT: Final[Mapping[str, Meaning]] = _by_code(
    {
        ("1", "10"): THROTTLED,
        ("2", "3", "22", "23"): _BAD_REQUEST,
        ("4", "14", "32"): AUTH_FAILED,
        ("5",): PROVIDER_DOWN,
        ("6", "33"): _BAD_ADDRESS,
        ("7",): _OPTED_OUT,
        ("8",): ACCOUNT_INACTIVE,
        ("9",): NO_CREDIT,
        ("11",): UNPROVISIONED,
        ("12",): _TOO_LONG,
        ("15",): _SENDER,
        ("17",): _REFUSED,
        ("29",): _TRIAL,
    }
)

#: ``err-code`` of a delivery receipt.
LEGACY_RECEIPT: Final[Mapping[str, Meaning]] = _by_code(
    {
        ("1", "5", "99"): UNDELIVERED,
        ("8",): _CARRIER_DOWN,
        ("2", "7"): _UNREACHABLE,
        ("3", "12"): _GONE,
        ("4", "9"): _OPTED_OUT,
        ("6", "10", "13"): _FILTERED,
        ("14", "15"): _REFUSED,
        ("11",): _transient("no_route", "There is no route just now: send it again later."),
        ("16",): NO_CREDIT,
        ("50", "51", "52", "53", "54"): _REGISTER,
    }
)
