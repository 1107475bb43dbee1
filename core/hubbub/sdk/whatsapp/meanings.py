"""Say what error codes of WhatsApp's mean for us. Source: WhatsApp Cloud API, "Error codes"."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    AuthFailed,
    Fault,
    MarketingRefused,
    Permanent,
    RateLimited,
    RecipientGone,
    SendError,
    TemplateRefused,
    Transient,
    WindowClosed,
)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an error code means: the class of the failure, our word for it, what to do."""

    kind: type[SendError]
    code: str
    advice: str
    #: For `RateLimited`.
    wait: timedelta = timedelta()
    whole_channel: bool = True
    bulk_only: bool = False


def permanent(code: str, advice: str) -> Meaning:
    """Return the meaning of what no repetition mends."""
    return Meaning(kind=Permanent, code=code, advice=advice)


def template(code: str, advice: str) -> Meaning:
    """Return the meaning of what does not fit the template, as WhatsApp knows it by now."""
    return Meaning(kind=TemplateRefused, code=code, advice=advice)


def transient(code: str, advice: str) -> Meaning:
    """Return the meaning of what goes by itself."""
    return Meaning(kind=Transient, code=code, advice=advice)


def stop(code: str, advice: str) -> Meaning:
    """Return the meaning of what somebody has to mend before anything is sent."""
    return Meaning(kind=AuthFailed, code=code, advice=advice)


def slow(code: str, advice: str, *, whole_channel: bool = True, **wait: float) -> Meaning:
    """Return the meaning of what was too fast."""
    return Meaning(
        kind=RateLimited,
        code=code,
        advice=advice,
        wait=timedelta(**wait),
        whole_channel=whole_channel,
    )


def slow_bulk(code: str, advice: str, **wait: float) -> Meaning:
    """Return the meaning of what was too much that nobody asked for: replies go on."""
    return replace(slow(code, advice, whole_channel=False, **wait), bulk_only=True)


def error(meaning: Meaning, said: str, *, provider_code: str, wait: timedelta | None) -> SendError:
    """Return the error of this ``meaning``; ``said`` is what WhatsApp says of it."""
    detail = _sentence(meaning, said)
    if issubclass(meaning.kind, RateLimited):
        return meaning.kind(
            detail,
            retry_after=wait or meaning.wait,
            whole_channel=meaning.whole_channel,
            bulk_only=meaning.bulk_only,
            code=meaning.code,
            provider_code=provider_code,
        )
    return meaning.kind(detail, code=meaning.code, provider_code=provider_code)


def fault(meaning: Meaning, said: str, provider_code: str | None) -> Fault:
    """Return why a message of ours came to nothing, as its status told."""
    return Fault(
        code=meaning.code,
        detail=_sentence(meaning, said),
        provider_code=provider_code,
        retryable=meaning.kind.retryable,
        recipient=_RECIPIENT.get(meaning.kind),
        template=issubclass(meaning.kind, TemplateRefused),
    )


#: What an error says of the address.
_RECIPIENT: Final[Mapping[type[SendError], str]] = {
    RecipientGone: "blocked",
    MarketingRefused: "no_marketing",
}


def _sentence(meaning: Meaning, said: str) -> str:
    words = said[:300].rstrip(". ")
    return f"WhatsApp: {words}. {meaning.advice}" if words else meaning.advice


# --- the codes of the Cloud API. Gateways with the older API may use them too -----------------

# Nothing is sent until somebody acts.
AUTH_FAILED: Final = stop(
    "auth_failed", "Generate a new token for the system user and enter it here."
)
NO_PERMISSION: Final = stop(
    "no_permission",
    "Give the system user the app and the WhatsApp account as assets, and the token "
    "whatsapp_business_messaging and whatsapp_business_management.",
)
NOT_FOUND: Final = stop(
    "unknown_number",
    "Meta knows no such Phone number ID, or the token may not use it: compare both, and assign "
    "the WhatsApp account to the system user.",
)
_OLD_VERSION: Final = stop("old_version", "The Graph API version has ended: choose a newer one.")
# It goes on by itself.
THROTTLED: Final = slow("rate_limited", "Too many requests: they are spaced.", minutes=2)
PROVIDER_DOWN: Final = transient("provider_down", "Meta has trouble: it is tried again.")
# Others.
UNDELIVERED: Final = permanent("undelivered", "It was not delivered, and no reason was given.")
_BAD_REQUEST: Final = permanent(
    "bad_request", "WhatsApp does not take this content: compare it with its rules."
)
_TEMPLATE: Final = template(
    "bad_template", "Compare name, language and parameters with the template in WhatsApp Manager."
)

_ROWS: Final[Mapping[tuple[int, ...], Meaning]] = {
    (0, 102, 190): AUTH_FAILED,
    (3, 10, *range(200, 300), 131005): NO_PERMISSION,
    (2635,): _OLD_VERSION,
    (368, 131031): stop(
        "account_restricted", "Meta restricted the account: see WhatsApp Manager for what to do."
    ),
    (131042, 131044): stop(
        "billing", "There is a problem with the payment method of the WhatsApp account: mend it."
    ),
    (131045, 133010): stop("not_registered", "Register the number for the Cloud API."),
    (131037,): stop(
        "display_name", "The display name of the number is not approved: see WhatsApp Manager."
    ),
    (1, 2, 131000, 131016, 133004): PROVIDER_DOWN,
    (131053,): transient("media_upload", "WhatsApp could not take the file: it is tried again."),
    (4, 17, 613, 80007): THROTTLED,
    (130429,): slow("throughput", "The number sends too fast: it is spaced.", seconds=3),
    # Only what goes to the same recipient waits.
    (131056,): slow(
        "pair_rate_limit",
        "Too many messages to the same recipient: they are spaced.",
        whole_channel=False,
        seconds=6,
    ),
    (131048, 131064): slow(
        "spam_rate_limit",
        "Meta slowed the number down for its quality: see WhatsApp Manager.",
        hours=1,
    ),
    (131057,): slow("maintenance", "The number is being upgraded.", minutes=2),
    (133016,): slow("register_limit", "The number was registered too often.", hours=24),
    (132069,): slow("flow_limit", "The flow is throttled.", whole_channel=False, hours=1),
    (131026,): Meaning(
        kind=RecipientGone,
        code="undeliverable",
        advice="The number is not on WhatsApp, blocked us, or has too old an app.",
    ),
    (131047,): Meaning(
        kind=WindowClosed,
        code="window_closed",
        advice="The contact wrote more than 24 hours ago: send a template.",
    ),
    (131030,): permanent(
        "not_on_test_list", "A test number reaches only the recipients on its list: add this one."
    ),
    (131049,): permanent(
        "withheld", "Meta withheld this marketing message: try again in a day at the earliest."
    ),
    (131050,): Meaning(
        kind=MarketingRefused,
        code="marketing_opt_out",
        advice="The contact does not want marketing from us any more.",
    ),
    (130472,): permanent("experiment", "The contact is part of an experiment of Meta's."),
    (130497,): permanent("country", "The account may not write to this country."),
    (131062, 131063): permanent(
        "not_by_user_id", "This kind of message needs a phone number, or another product of Meta."
    ),
    (100, 131008, 131009, 131051, 135000): _BAD_REQUEST,
    (131021,): permanent("to_self", "A number cannot write to itself."),
    (131052,): permanent("media_lost", "The file cannot be fetched any more."),
    (132000, 132001, 132005, 132007, 132008, 132012): _TEMPLATE,
    (132015, 132016): template(
        "template_paused", "The template is paused or disabled: see WhatsApp Manager."
    ),
    (132068,): permanent("flow_blocked", "The flow is blocked: see WhatsApp Manager."),
    (137000,): permanent("identity_changed", "The contact's identity key is another one now."),
}
BY_CODE: Final[Mapping[int, Meaning]] = {
    code: meaning for codes, meaning in _ROWS.items() for code in codes
}
#: Where there is no answer of the Graph API.
BY_STATUS: Final[Mapping[int, Meaning]] = {
    401: AUTH_FAILED,
    403: NO_PERMISSION,
    404: NOT_FOUND,
    413: permanent("too_large", "The file is too large."),
    429: THROTTLED,
}
