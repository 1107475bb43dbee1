"""Name the error codes of the Cloud API. Source: WhatsApp Cloud API, "Error codes"."""

from collections.abc import Mapping
from typing import Final

from hubbub.sandbox.meta.guard import Product
from hubbub.sandbox.meta.refusal import GRAPH, Code
from hubbub.sandbox.wsgi import Json

PRODUCT: Final = "whatsapp"

# Those that the sandbox itself has a use for, or a fault may want.
MISSING: Final = 131008
BAD_VALUE: Final = 131009
TO_SELF: Final = 131021
UNDELIVERABLE: Final = 131026
WINDOW_CLOSED: Final = 131047
OPTED_OUT: Final = 131050
BAD_MEDIA: Final = 131053
NOT_BY_USER_ID: Final = 131062
PARAMETER_COUNT: Final = 132000
NO_TEMPLATE: Final = 132001
TOO_LONG: Final = 132005
PARAMETER_FORMAT: Final = 132012
TEMPLATE_PAUSED: Final = 132015
TEMPLATE_DISABLED: Final = 132016
THROUGHPUT: Final = 130429

CODES: Final[Mapping[int, Code]] = {
    **GRAPH,
    0: Code("AuthException", 401),
    3: Code("API Method", 500),
    368: Code("Temporarily blocked for policies violations", 403),
    80007: Code("Rate limit issues"),
    130429: Code("Rate limit hit"),
    130472: Code("User's number is part of an experiment"),
    130497: Code("Business account is restricted from messaging users in this country", 403),
    131000: Code("Something went wrong", 500),
    131005: Code("Access denied", 403),
    131008: Code("Required parameter is missing"),
    131009: Code("Parameter value is not valid"),
    131016: Code("Service unavailable", 500),
    131021: Code("Recipient cannot be sender"),
    131026: Code("Message undeliverable"),
    131030: Code("Recipient phone number not in allowed list"),
    131031: Code("Account has been locked", 403),
    131037: Code("Display name approval required", 403),
    131042: Code("Business eligibility payment issue"),
    131045: Code("Incorrect certificate", 500),
    131047: Code("Re-engagement message"),
    131048: Code("Spam rate limit hit"),
    131049: Code("Meta chose not to deliver"),
    131050: Code("User has stopped receipt of marketing messages from your business"),
    131051: Code("Unsupported message type"),
    131052: Code("Media download error"),
    131053: Code("Media upload error"),
    131056: Code("(Business Account, Consumer Account) pair rate limit hit"),
    131057: Code("Account in maintenance mode", 500),
    131062: Code("Business-scoped user id recipients are not supported for this message"),
    132000: Code("Template param count mismatch"),
    132001: Code("Template does not exist", 404),
    132005: Code("Template hydrated text too long"),
    132007: Code("Template format character policy violated"),
    132012: Code("Template parameter format mismatch"),
    132015: Code("Template is paused"),
    132016: Code("Template is disabled"),
    133010: Code("Phone number not registered"),
    135000: Code("Generic user error"),
}


META: Final = Product(
    provider="whatsapp",
    name=PRODUCT,
    codes=CODES,
    throttled=THROUGHPUT,
    account_limits=frozenset({4, 80007}),
    unknown=131000,
)


def error(code: int, details: str = "") -> Json:
    """Return an error as statuses tell it."""
    title = CODES[code].title if code in CODES else "The sandbox was told to fail"
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or title},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }
