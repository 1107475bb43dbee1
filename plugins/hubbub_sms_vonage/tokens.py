"""Make and check JSON Web Tokens, in the two forms that Vonage uses and no other. RFC 7519."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import BaseModel

from hubbub_sms_vonage import keys

#: Vonage's own libraries ask for as much.
LIFETIME: Final = timedelta(minutes=15)

_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_M = TypeVar("_M", bound=BaseModel)


class NoToken(ValueError):
    """What should be a token is none, or is not proven; the text says why."""


def application_token(application_id: str, private_pem: str, *, at: datetime, unique: str) -> str:
    """Return the token by which an application proves itself for a quarter of an hour."""
    issued = int(at.timestamp())
    claims = {
        "application_id": application_id,
        "iat": issued,
        "jti": unique,
        "exp": issued + int(LIFETIME.total_seconds()),
    }
    signed = f"{_packed({'alg': 'RS256', 'typ': 'JWT'})}.{_packed(claims)}"
    signature = keys.private_key(private_pem).sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{_encoded(signature)}"


def shared_secret_signature(signed: str, secret: str) -> str:
    """Return the signature (HS256) of the first two parts of a token."""
    data = signed.encode("utf-8", "backslashreplace")
    return _encoded(hmac.new(secret.encode(), data, hashlib.sha256).digest())


def proven_claims(token: str, secret: str, model: type[_M]) -> _M:
    """Return what a token says that whoever knows ``secret`` signed. Raises `NoToken`."""
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    if not all(_PART.fullmatch(part) for part in (header, claims, signature)):
        raise NoToken("The Authorization header holds no JSON Web Token.")
    # Only this algorithm: "none" needs no secret, and others would take ours for something else.
    if _algorithm(header) != "HS256":
        raise NoToken("The token is not signed with HS256, as Vonage signs.")
    if not hmac.compare_digest(shared_secret_signature(signed, secret), signature):
        raise NoToken(
            "The token's signature does not fit. Compare the Signature secret with the one under "
            "API settings in the Vonage dashboard."
        )
    try:
        return model.model_validate_json(_decoded(claims))
    except ValueError:
        raise NoToken("The token lacks claims that Vonage always makes.") from None


def _algorithm(header: str) -> object:
    try:
        read = json.loads(_decoded(header))
    except (ValueError, RecursionError):
        return None
    return read.get("alg") if isinstance(read, dict) else None


def _packed(value: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return b""
