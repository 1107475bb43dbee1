"""Say no as the client does. Source: On-Premises API, "Error codes"."""

from collections.abc import Mapping
from typing import Final

from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.whatsapp import codes
from hubbub.sandbox.wsgi import Json, Reply, json_reply

META: Final = {"meta": {"api_status": "stable", "version": "v2.49.3"}}
WINDOW_CLOSED: Final = 470
GENERIC: Final = 1000
DENIED: Final = 1005
NOT_FOUND: Final = 1006
MISSING: Final = 1008
BAD_VALUE: Final = 1009
NOT_READY: Final = 1011
TOO_FAST: Final = 1015
TEMPLATE_MISSING: Final = 2001

_CODES: Final[Mapping[int, tuple[str, int]]] = {
    WINDOW_CLOSED: ("Re-engagement message", 400),
    471: ("Spam rate limit hit", 400),
    GENERIC: ("Generic error", 500),
    DENIED: ("Access denied", 401),
    NOT_FOUND: ("Resource not found", 404),
    MISSING: ("Required parameter is missing", 400),
    BAD_VALUE: ("Parameter value is not valid", 400),
    NOT_READY: ("Service not ready", 503),
    1014: ("Internal error", 500),
    TOO_FAST: ("Too many requests", 429),
    1016: ("System overloaded", 503),
    1021: ("Bad user", 400),
    1026: ("Receiver incapable", 400),
    2000: ("Template parameter count mismatch", 400),
    TEMPLATE_MISSING: ("Template missing", 404),
}
#: What the Cloud API, whose rules are the same, would say instead.
_CLOUD: Final[Mapping[int, int]] = {
    190: DENIED,
    100: BAD_VALUE,
    codes.MISSING: MISSING,
    codes.BAD_VALUE: BAD_VALUE,
    codes.TO_SELF: 1021,
    codes.UNDELIVERABLE: 1026,
    codes.WINDOW_CLOSED: WINDOW_CLOSED,
    codes.BAD_MEDIA: 1014,
    codes.PARAMETER_COUNT: 2000,
    codes.NO_TEMPLATE: TEMPLATE_MISSING,
    codes.THROUGHPUT: TOO_FAST,
}


def refused(why: Refused, *, status: int | None = None) -> Reply:
    """Return the answer that says no; ``why`` may name a code of either API."""
    code = translated(why.code)
    usual = _CODES.get(code, ("", 400))[1]
    said = {"errors": [error(code, why.details)]}
    return json_reply(said | META, status=status or usual)


def error(code: int, details: str = "") -> Json:
    """Return an error as answers and statuses tell it."""
    title = _CODES.get(code, ("The sandbox was told to fail", 400))[0]
    return {"code": code, "title": title} | ({"details": details} if details else {})


def translated(code: int) -> int:
    """Return a code of the Cloud API as the client's; its own stay."""
    return _CLOUD.get(code, code)
