"""Sign as Meta does, whatever it calls about."""

import hashlib
import hmac
import json

from tests.chaos.calls import JSON, Post, path_of
from tests.chaos.kinds.kind import Line


def call(line: Line, said: object) -> Post:
    """Return one call, signed with the secret of the app."""
    body = json.dumps(said).encode()
    signature = hmac.new(line.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": JSON, "X-Hub-Signature-256": f"sha256={signature}"}
    return Post(path=path_of(line.url), body=body, headers=headers)
