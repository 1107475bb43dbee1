"""Say what error codes mean for us. Source: Messenger Platform, "Error codes"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    AuthFailed,
    Permanent,
    RateLimited,
    RecipientGone,
    SendError,
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


def permanent(code: str, advice: str) -> Meaning:
    """Return the meaning of what no repetition mends."""
    return Meaning(kind=Permanent, code=code, advice=advice)


def _transient(code: str, advice: str) -> Meaning:
    return Meaning(kind=Transient, code=code, advice=advice)


def _stop(code: str, advice: str) -> Meaning:
    return Meaning(kind=AuthFailed, code=code, advice=advice)


# Nothing is sent until somebody acts.
AUTH_FAILED: Final = _stop("auth_failed", "Generate a new token for the Page and enter it here.")
NO_PERMISSION: Final = _stop(
    "no_permission",
    "Generate a new token, by somebody who may manage the Page, with pages_messaging and "
    "pages_manage_metadata.",
)
NOT_FOUND: Final = _stop(
    "unknown_page", "Meta knows no such Page, or the token may not use it: compare the Page ID."
)
WRONG_SECRET: Final = _stop(
    "wrong_secret",
    "The App secret is not that of the token's app: copy it from App settings > Basic.",
)
# It goes on by itself.
THROTTLED: Final = Meaning(
    kind=RateLimited,
    code="rate_limited",
    advice="Too many requests: they are spaced.",
    wait=timedelta(minutes=2),
)
PROVIDER_DOWN: Final = _transient("provider_down", "Meta has trouble: it is tried again.")
# Others.
BAD_REQUEST: Final = permanent(
    "bad_request", "Messenger does not take this content: compare it with its rules."
)
_GONE: Final = Meaning(
    kind=RecipientGone,
    code="unavailable",
    advice="The person is not available, blocked the Page, or left Facebook.",
)
_FREQUENCY: Final = permanent("frequency", "The person got enough of these for now.")

#: By subcode, which says more than the code.
BY_SUBCODE: Final[Mapping[int, Meaning]] = {
    33: NOT_FOUND,
    2018278: (
        _closed := Meaning(
            kind=WindowClosed,
            code="window_closed",
            advice="The contact wrote too long ago: wait until they write again.",
        )
    ),
    2018065: _closed,
    2018108: Meaning(
        kind=RecipientGone,
        code="not_receiving",
        advice="The person receives no messages from the Page.",
    ),
    1893063: _stop("restricted", "Meta restricted the Page for a time: see its Page quality."),
    2018028: (
        _no_access := _stop(
            "no_access",
            "The app is not live, or lacks Advanced Access to pages_messaging: until App Review it "
            "reaches people with a role in the app only.",
        )
    ),
    2018027: _no_access,
    1545041: _GONE,
    2018001: permanent("unknown_person", "The Page knows nobody with this id."),
    1893061: permanent("retired_tag", "Meta takes this message tag no longer."),
    2018109: permanent("too_large", "Messenger takes files of up to 25 MB: send a link."),
    2018008: (_file := _transient("media_upload", "Meta could not fetch the file.")),
    2018047: _file,
    2018074: _file,
    2018300: permanent("other_app", "Another app answers this chat, such as the Page inbox."),
    2018022: THROTTLED,
    2018354: _FREQUENCY,
    2018352: _FREQUENCY,
    99: BAD_REQUEST,
    1357046: BAD_REQUEST,
}
_ROWS: Final[Mapping[tuple[int, ...], Meaning]] = {
    (0, 102, 190): AUTH_FAILED,
    (3, 10, *range(200, 300)): NO_PERMISSION,
    (2635,): _stop("old_version", "The Graph API version has ended: choose a newer one."),
    (368,): _stop("account_restricted", "Meta blocked the Page or app for its policies."),
    (1, 2, 1200): PROVIDER_DOWN,
    (4, 17, 32, 613, 80006): THROTTLED,
    (9,): _FREQUENCY,
    (100,): BAD_REQUEST,
    (551,): _GONE,
}
BY_CODE: Final[Mapping[int, Meaning]] = {
    code: meaning for codes, meaning in _ROWS.items() for code in codes
}
#: Where there is no answer of the Graph API.
BY_STATUS: Final[Mapping[int, Meaning]] = {
    401: AUTH_FAILED,
    403: NO_PERMISSION,
    404: NOT_FOUND,
    413: BY_SUBCODE[2018109],
    429: THROTTLED,
}
