"""Say what the client's error codes mean for us. Source: On-Premises API, "Error codes"."""

from collections.abc import Mapping
from typing import Final

from hubbub.sdk import RecipientGone, WindowClosed
from hubbub.sdk.whatsapp.meanings import Meaning, permanent, slow, slow_bulk, stop, transient

AUTH_FAILED: Final = stop(
    "auth_failed",
    "Compare Username and Password. A client whose version has expired refuses everything so.",
)
NOT_FOUND: Final = permanent("not_found", "WhatsApp knows no such contact or file.")
UNKNOWN_CONTACT: Final = Meaning(
    kind=RecipientGone, code="not_on_whatsapp", advice="The number is not on WhatsApp."
)
THROTTLED: Final = slow("rate_limited", "Too many requests: they are spaced.", seconds=2)
CLIENT_DOWN: Final = transient("provider_down", "The client has trouble: it is tried again.")
UNDELIVERED: Final = permanent("undelivered", "It was not delivered, and no reason was given.")
_BAD_REQUEST: Final = permanent(
    "bad_request", "WhatsApp does not take this content: compare it with its rules."
)
_TEMPLATE: Final = permanent(
    "bad_template",
    "Compare namespace, name, language and parameters with the template in WhatsApp Manager.",
)

_ROWS: Final[Mapping[tuple[int, ...], Meaning]] = {
    (1005,): AUTH_FAILED,
    (1024,): stop(
        "password_change", "The factory's password is still in use: change it at the client."
    ),
    # The channel is set up again soon, which enters the webhook.
    (1022,): stop("no_webhook", "The client knows no webhook: check the channel."),
    (430, 432, 433): stop("certificate", "The number's certificate is bad: register it again."),
    (402,): stop(
        "billing", "There is a problem with the payment method of the WhatsApp account: mend it."
    ),
    (1031,): stop("account_restricted", "Meta restricted the account: see WhatsApp Manager."),
    (500, 1000, 1014, 1023): CLIENT_DOWN,
    (1011, 1017, 1018): transient("not_ready", "The client is starting or connecting."),
    (429,): slow("too_many_messages", "The number sends too much: it is spaced.", seconds=5),
    (471,): slow_bulk(
        "spam_rate_limit",
        "Meta slowed the number down for its quality: see WhatsApp Manager.",
        hours=24,
    ),
    (1015,): THROTTLED,
    (1016,): slow(
        "overloaded",
        "The client is full of calls that the hub did not take: see that it reaches the webhook.",
        seconds=45,
    ),
    (470,): Meaning(
        kind=WindowClosed,
        code="window_closed",
        advice="The contact wrote more than 24 hours ago: send a template.",
    ),
    (1007, 1013): UNKNOWN_CONTACT,
    (400,): permanent("media_lost", "The file cannot be fetched any more."),
    (408, 410): permanent("expired", "It was not delivered in time: send it again."),
    (472,): permanent("experiment", "The contact is part of an experiment of Meta's."),
    (480,): permanent("identity_changed", "The contact's identity key is another one now."),
    (1001,): permanent("too_long", "The text is too long."),
    (501, 1002, 1004, 1008, 1009, 1010, 1025): _BAD_REQUEST,
    (1006,): NOT_FOUND,
    (1021,): permanent("to_self", "A number cannot write to itself."),
    (1026,): permanent(
        "incapable",
        "The contact's app is too old for this, or they blocked the number.",
    ),
    (*range(2000, 2014), 2015, 2016): _TEMPLATE,
}
BY_CODE: Final[Mapping[int, Meaning]] = {
    code: meaning for codes, meaning in _ROWS.items() for code in codes
}
#: Where the answer is none of the client's.
BY_STATUS: Final[Mapping[int, Meaning]] = {
    401: AUTH_FAILED,
    403: stop("no_permission", "The user may not do this: use admin, or another user's rights."),
    404: permanent("not_found", "There is nothing at this address: look at the client's URL."),
    413: permanent("too_large", "The file is too large."),
    429: THROTTLED,
}
