"""Say no as Twilio's REST API does."""

from typing import Final

from hubbub.sandbox.wsgi import Reply, json_reply

#: HTTP status and words of each error code that the sandbox gives.
MESSAGES: Final[dict[int, tuple[int, str]]] = {
    20001: (400, "Unknown parameters"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number: {detail}"),
    21212: (400, "Invalid 'From' Number: {detail}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number {detail} is not a message-capable Twilio number of this account",
    ),
    21608: (
        400,
        "The number {detail} is unverified. Trial accounts send to verified numbers only",
    ),
    21609: (400, "The StatusCallback URL {detail} is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s): {detail}"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21624: (400, "The ValidityPeriod must be between 1 and 36000 seconds"),
    21701: (404, "The Messaging Service does not exist: {detail}"),
    21703: (400, "The Messaging Service does not have a phone number available to send a message"),
}


class Refused(Exception):  # not an error of the sandbox: the answer it gives
    """A request that Twilio would refuse."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.status, words = MESSAGES[code]
        super().__init__(words.format(detail=detail))


def refusal(refused: Refused) -> Reply:
    """Return the answer to a refused request."""
    return problem(refused.code, refused.status, str(refused))


def problem(code: int, status: int, message: str, *, retry_after: int | None = None) -> Reply:
    """Return an error in Twilio's shape."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_reply(body, status=status, headers=headers)
