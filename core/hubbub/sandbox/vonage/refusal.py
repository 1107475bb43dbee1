"""Say no as Vonage does."""

from typing import Final

from hubbub.sandbox.wsgi import Reply, json_reply

_TYPES: Final = "https://developer.vonage.com/api-errors"
_UNPROCESSABLE: Final = 422
_LOWEST_CODE: Final = 1000
#: Fragment and words of the refusals that have an HTTP status of their own.
_BY_STATUS: Final = {
    401: ("#unauthorized", "You did not provide correct credentials."),
    402: ("#low-balance", "This request could not be performed due to your account balance."),
    403: ("#forbidden", "Your account does not have permission to perform this action."),
    404: ("#not-found", "The resource cannot be found."),
    429: ("#throttled", "Please wait, then retry your request."),
}
#: What the codes of 422 say.
_BY_CODE: Final = {
    1090: "Message too long",
    1120: "Illegal Sender Address",
    1130: "Invalid TTL",
    1400: "Unsupported channel",
    1420: "Invalid sender",
    1430: "Invalid recipient",
    1440: "Invalid message type",
    1450: "Invalid client reference",
}


class Refused(Exception):  # not an error of the sandbox: the answer it gives
    """A request that Vonage would refuse: an HTTP status, or a code, which makes it 422."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def refusal(code: int, *, status: int | None = None, retry_after: int | None = None) -> Reply:
    """Return an error as a problem document."""
    status = status or (code if code < _LOWEST_CODE else _UNPROCESSABLE)
    kind, detail = _BY_STATUS.get(code, ("", "The sandbox was told to refuse."))
    if code >= _LOWEST_CODE:
        kind, detail = f"/messages#{code}", _BY_CODE.get(code, detail)
    body = {
        "type": f"{_TYPES}{kind}",
        "title": str(code),
        "detail": detail,
        "instance": "bf0c0000000000000000000000000000",
    }
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return json_reply(body, status=status, headers=headers)
