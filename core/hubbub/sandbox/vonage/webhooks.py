"""Call the hub as Vonage does: signed, each event on its own, again after 429 and 5xx."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from hubbub.sandbox.client import Answer
from hubbub.sandbox.vonage.state import Application, Cloud
from hubbub.sandbox.vonage.tokens import webhook_token
from hubbub.sandbox.world import Parcel, Target
from hubbub.sandbox.wsgi import Json

_TIMEOUT: Final = 15.0
_LONGEST_PAUSE: Final = 15 * 60.0
#: About what fits into 24 hours.
_MOST_TRIES: Final = 100
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


def call(
    cloud: Cloud,
    application: Application,
    url: str,
    said: Json,
    *,
    kind: str,
    address: str,
    done: Callable[[Answer], None],
) -> None:
    """Tell the hub something; ``done`` hears the last answer."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()

    def target(forged: bool) -> Target | None:  # noqa: FBT001  # the type of Parcel.target
        secret = "not-the-signature-secret" if forged else application.signature_secret
        token = webhook_token(
            secret, body, api_key=application.api_key, application_id=application.id
        )
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return Target(url, headers, _TIMEOUT)

    def heard(answer: Answer, attempt: int) -> float | None:
        if _is_repeated(answer) and attempt < _MOST_TRIES:
            return min(
                cloud.world.config.retry_base * math.ldexp(1, min(attempt, 20)), _LONGEST_PAUSE
            )
        done(answer)
        return None

    key = f"{said['message_uuid']}:{said.get('status', '')}".rstrip(":")
    parcel = Parcel(
        provider="vonage",
        endpoint=application.id,
        kind=kind,
        key=key,
        body=body,
        target=target,
        heard=heard,
        address=address,
        text=str(said.get("text", "")),
    )
    # A lane for each event: one that is repeated holds up no other, and no order is kept.
    cloud.world.tell(("vonage", application.id, kind, key), parcel)


def timestamp() -> str:
    """Return the time as Vonage writes it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _is_repeated(answer: Answer) -> bool:
    status = answer.status
    return status is None or status == _TOO_MANY or status >= _SERVER_ERROR
