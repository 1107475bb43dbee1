"""Prove that a call was made by Meta, and shake hands. Source: Graph API, "Webhooks"."""

import hashlib
import hmac
from typing import Final
from urllib.parse import parse_qs

from hubbub.sdk import Answer, Call

_SCHEME: Final = "sha256="
_REFUSED: Final = Answer(status=403, body=b"The verify token is not this channel's.\n")
#: Characters of a challenge that are repeated; Meta's have some ten.
_LONGEST: Final = 1000


def handshake(call: Call, verify_token: str | None) -> Answer:
    """Return the answer to Meta's question whether somebody here knows the verify token."""
    said = parse_qs(call.query, keep_blank_values=True, errors="replace")
    token = said.get("hub.verify_token", [""])[0]
    knows = bool(verify_token) and _same(token, verify_token or "")
    if said.get("hub.mode") != ["subscribe"] or not knows:
        return _REFUSED
    challenge = said.get("hub.challenge", [""])[0]
    return Answer(body=challenge[:_LONGEST].encode(errors="replace"))


def objection(call: Call, app_secret: str) -> str | None:
    """Return why ``call`` is not proven to be Meta's, or None when it is.

    Meta signs the bytes that it sends; the older X-Hub-Signature proves nothing any more.
    """
    given = call.headers.get("x-hub-signature-256", "")
    if not given.startswith(_SCHEME):
        return "The call is not signed: it has no header X-Hub-Signature-256."
    wanted = hmac.new(app_secret.encode(), call.body, hashlib.sha256).hexdigest()
    if not _same(given.removeprefix(_SCHEME), wanted):
        return "The signature does not fit. Compare the App secret."
    return None


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(errors="replace"), right.encode(errors="replace"))
