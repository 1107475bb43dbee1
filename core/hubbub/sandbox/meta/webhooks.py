"""Call the hub as Meta does: a handshake first, then signed batches, again for days."""

import hashlib
import hmac
import json
import math
import secrets
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from hubbub.sandbox import client
from hubbub.sandbox.client import Answer
from hubbub.sandbox.journal import Called
from hubbub.sandbox.meta.apps import App
from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.world import Parcel, Target, World
from hubbub.sandbox.wsgi import Json

_TIMEOUT: Final = 10.0
_OK: Final = 200
_LONGEST_PAUSE: Final = 60 * 60.0
#: About what fits into seven days.
_MOST_TRIES: Final = 180
_VERIFICATION: Final = 2200


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one call is about: for the journal, and for faults."""

    provider: str
    #: The id of the number or page.
    endpoint: str
    #: ``message`` or ``status``, or ``update`` for the rest.
    kind: str
    key: str
    address: str = ""
    text: str = ""


def shake_hands(world: World, url: str, verify_token: str, *, provider: str, endpoint: str) -> None:
    """Ask whether somebody at ``url`` knows the verify token. Raises `Refused`.

    Not to be called while the world's lock is held.
    """
    challenge = str(secrets.randbelow(9 * 10**9) + 10**9)
    asked = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": verify_token,
    }
    target = f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}"
    began = time.monotonic()
    answer = client.call("GET", target, headers=_headers(), body=b"", timeout=_TIMEOUT)
    world.calls.add(
        Called(
            provider=provider,
            endpoint=endpoint,
            kind="handshake",
            key=challenge,
            attempt=1,
            url=url,
            body="",
            status=answer.status,
            answer=answer.body[:2000].decode("utf-8", "replace"),
            error=answer.error,
            duration_ms=round((time.monotonic() - began) * 1000, 1),
        )
    )
    if answer.status != _OK:
        what = answer.error or f"HTTP status code {answer.status}"
        raise Refused(_VERIFICATION, f"Callback verification failed: {what}")
    if answer.body != challenge.encode():
        raise Refused(_VERIFICATION, "Callback verification failed: the challenge is another one")


def tell(
    world: World,
    app: App,
    url: str,
    said: Json,
    told: Told,
    *,
    lane: Hashable,
    done: Callable[[Answer], None] = lambda _: None,
) -> None:
    """Tell the hub something; ``done`` hears the last answer."""
    body = encoded(said)

    def target(forged: bool) -> Target | None:  # noqa: FBT001  # the type of Parcel.target
        secret = "not-the-app-secret" if forged else app.secret
        # The older WhatsApp client has no secret, and signs nothing.
        signed = {"X-Hub-Signature-256": signature(secret, body)} if app.secret else {}
        return Target(url, _headers() | signed, _TIMEOUT)

    def heard(answer: Answer, attempt: int) -> float | None:
        # Whatever is not 200 is repeated, redirects included.
        if answer.status != _OK and attempt < _MOST_TRIES:
            pause = world.config.retry_base * math.ldexp(1, min(attempt, 20))
            return min(pause, _LONGEST_PAUSE)
        done(answer)
        return None

    parcel = Parcel(
        provider=told.provider,
        endpoint=told.endpoint,
        kind=told.kind,
        key=told.key,
        body=body,
        target=target,
        heard=heard,
        address=told.address,
        text=told.text,
    )
    world.tell(lane, parcel)


def encoded(said: Json) -> bytes:
    """Return ``said`` as the bytes that Meta signs: all ASCII, and slashes escaped too."""
    return json.dumps(said, separators=(",", ":")).replace("/", "\\/").encode()


def signature(secret: str, body: bytes) -> str:
    """Return what proves that the app's webhook was called by Meta."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _headers() -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "facebookexternalua",
        "Accept": "*/*",
    }
