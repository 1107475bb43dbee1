"""Say no as the Bot API does."""

from hubbub.sandbox.wsgi import Json


class Refused(Exception):  # not an error of the sandbox: the answer it gives
    """A request that the Bot API would refuse."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def envelope(self) -> Json:
        """Return the body of the answer."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad(what: str) -> Refused:
    """Return a 400 that says ``what``."""
    return Refused(400, f"Bad Request: {what}")


def forbidden(what: str) -> Refused:
    """Return a 403 that says ``what``."""
    return Refused(403, f"Forbidden: {what}")


def conflict(what: str) -> Refused:
    """Return a 409 that says ``what``."""
    return Refused(409, f"Conflict: {what}")


def too_many(seconds: int) -> Refused:
    """Return a 429 that asks to wait."""
    text = f"Too Many Requests: retry after {seconds}"
    return Refused(429, text, {"retry_after": seconds})


def unauthorized() -> Refused:
    """Return the 401 of a token that is dead."""
    return Refused(401, "Unauthorized")
