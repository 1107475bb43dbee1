"""Sign requests as the Standard Webhooks specification says."""

import base64
import binascii
import hmac
from datetime import datetime
from typing import Final

_PREFIX: Final = "whsec_"
#: Bytes; the specification recommends 24 to 64.
_SHORTEST: Final = 16


def key_of(secret: str) -> bytes:
    """Return the bytes of ``secret``: Base64 after ``whsec_``, else the text itself.

    Raises `ValueError` for one that is unusable or too short.
    """
    key = _decoded(secret.removeprefix(_PREFIX)) if secret.startswith(_PREFIX) else secret.encode()
    if len(key) < _SHORTEST:
        raise ValueError(f"The secret is too short: it needs at least {_SHORTEST} bytes.")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("What follows whsec_ is not Base64.") from None


def signed_headers(message_id: str, at: datetime, body: bytes, secret: str) -> dict[str, str]:
    """Return the headers that prove ``body``; the same message keeps its id when sent again."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    digest = hmac.digest(key_of(secret), content, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
