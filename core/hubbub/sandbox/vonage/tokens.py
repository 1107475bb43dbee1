"""Sign webhooks as Vonage does, and check what an application proves itself by."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Final
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hubbub.sandbox.wsgi import Json

#: Seconds by which the clocks may differ.
_SKEW: Final = 60


def webhook_token(secret: str, body: bytes, *, api_key: str, application_id: str) -> str:
    """Return the token that goes with a webhook call."""
    claims = {
        "iat": int(time.time()),
        "jti": str(uuid4()),
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": api_key,
        "application_id": application_id,
    }
    signed = ".".join(_packed(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encoded(digest)}"


def claimed_application(token: str) -> str:
    """Return the application that a token speaks of, proven or not; empty where it is none."""
    return str(_claims(token).get("application_id", ""))


def is_proven(token: str, public_key: str) -> bool:
    """Whether an application's own key signed the token, and it is still good."""
    signed, _, signature = token.rpartition(".")
    try:
        key = load_pem_public_key(public_key.encode())
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return False
    claims, now = _claims(token), time.time()
    issued, ends = claims.get("iat", 0), claims.get("exp", 0)
    return bool(claims.get("jti")) and issued - _SKEW <= now < ends + _SKEW


def _claims(token: str) -> Json:
    try:
        read = json.loads(_decoded(token.split(".")[1]))
    except (ValueError, IndexError):
        return {}
    return read if isinstance(read, dict) else {}


def _packed(value: Json) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return b""
