"""Hold the clients: who may log in, their settings, and the number that each one has."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.onprem.refusal import DENIED
from hubbub.sandbox.whatsapp.state import Number
from hubbub.sandbox.wsgi import Json

_WEEK: Final = 7 * 24 * 60 * 60


@dataclass(eq=False)
class Client:
    """One installation with its one number. Guarded by the world's lock."""

    username: str
    password: str = field(repr=False)
    number: Number
    namespace: str = "sandbox_namespace"
    gateway_status: str = "connected"
    #: Which settings were written; the number holds the webhook's address.
    written: Json = field(default_factory=dict)
    #: By token, until when it is good.
    tokens: dict[str, float] = field(default_factory=dict, repr=False)

    def log_in(self, password: str) -> tuple[str, float]:
        """Return a new token and its end. Raises `Refused`."""
        if not secrets.compare_digest(password.encode(), self.password.encode()):
            raise Refused(DENIED, "Invalid credentials.")
        token = secrets.token_urlsafe(30)
        self.tokens[token] = time.time() + _WEEK
        return token, self.tokens[token]

    def knows(self, token: str) -> bool:
        """Whether ``token`` is good."""
        return self.tokens.get(token, 0) > time.time()
