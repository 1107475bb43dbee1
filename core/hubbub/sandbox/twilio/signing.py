"""Sign webhooks as Twilio does."""

import base64
import hashlib
import hmac
from collections.abc import Mapping


def signature(auth_token: str, url: str, parameters: Mapping[str, str]) -> str:
    """Return ``X-Twilio-Signature`` of a form POST to exactly ``url``."""
    data = url + "".join(name + parameters[name] for name in sorted(parameters))
    digest = hmac.new(auth_token.encode(), data.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
