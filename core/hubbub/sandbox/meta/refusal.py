"""Say no as the Graph API does. Source: Graph API, "Handling errors"."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hubbub.sandbox.wsgi import Json, Reply, json_reply

_BAD_REQUEST: Final = 400


@dataclass(frozen=True, slots=True)
class Code:
    """What an error code comes with: its words, and an HTTP status."""

    title: str
    status: int = _BAD_REQUEST


#: The codes that every product has.
GRAPH: Final[Mapping[int, Code]] = {
    1: Code("API Unknown"),
    2: Code("API Service", 503),
    4: Code("API Too Many Calls"),
    10: Code("Permission Denied", 403),
    100: Code("Invalid parameter"),
    190: Code("Invalid OAuth access token", 401),
    200: Code("API Permission", 403),
    613: Code("Calls to this API have exceeded the rate limit"),
    2200: Code("Callback verification failed"),
    2635: Code("You are calling a deprecated version of the API"),
}
#: An object that is not there, or that the token may not see.
NO_SUCH_OBJECT: Final = 33


class Refused(Exception):  # not an error of the sandbox: the answer it gives
    """A request that Meta would refuse."""

    def __init__(
        self,
        code: int,
        details: str = "",
        *,
        subcode: int | None = None,
        kind: str = "OAuthException",
    ) -> None:
        super().__init__(f"({code}) {details}")
        self.code = code
        self.details = details
        self.subcode = subcode
        #: What Meta calls the type of the error.
        self.kind = kind


def no_such_object(node: str) -> Refused:
    """Return the refusal of an object that does not exist for whoever asks."""
    details = f"Object with ID '{node}' does not exist, or cannot be loaded."
    return Refused(100, details, subcode=NO_SUCH_OBJECT)


def refusal(
    refused: Refused,
    codes: Mapping[int, Code],
    *,
    product: str = "",
    status: int | None = None,
    headers: Mapping[str, str] = {},
) -> Reply:
    """Return the error document; ``product`` is named beside the details, where one is."""
    known = codes.get(refused.code) or Code("The sandbox was told to refuse")
    error: Json = {
        "message": f"(#{refused.code}) {known.title}",
        "type": refused.kind,
        "code": refused.code,
        "fbtrace_id": secrets.token_urlsafe(12),
    }
    if refused.subcode is not None:
        error["error_subcode"] = refused.subcode
    if product and refused.details:
        error["error_data"] = {"messaging_product": product, "details": refused.details}
    elif refused.details:
        error["message"] = f"(#{refused.code}) {refused.details}"
    return json_reply({"error": error}, status=status or known.status, headers=headers)
