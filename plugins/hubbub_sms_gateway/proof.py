"""Say whether the gateway made a call."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hubbub.sdk import Call
from hubbub_sms_gateway.fields import GatewayConnection
from hubbub_sms_gateway.gateway import Hearing, InboundAuth
from hubbub_sms_gateway.outbound import PROOF
from hubbub_sms_gateway.reading import Reading

_COVERED: Final = re.compile(rb"\{(body|header\.[A-Za-z0-9-]+)\}")
#: Clocks differ; and a phone may repeat a call for a day.
_EARLY: Final = timedelta(minutes=5)
_LATE: Final = timedelta(days=2)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_JWT_PARTS: Final = 3


def proof_of(connection: GatewayConnection) -> InboundAuth:
    """Return how calls prove themselves; without a secret, by the webhook's address alone."""
    hearing = connection.fields.settings.gateway.hearing
    credentials = connection.fields.credentials
    signed = hearing.auth in {"hmac", "jwt"}
    secret = credentials.signing_key if signed else credentials.inbound_token
    return hearing.auth if secret else "address"


def objection(call: Call, connection: GatewayConnection) -> str | None:
    """Return why ``call`` is not proven to be the gateway's, or None when it is."""
    hearing = connection.fields.settings.gateway.hearing
    given = Reading(call).parameters.get(PROOF, b"")
    # The addresses that we gave out ourselves hold a word that nobody else knows.
    if connection.webhook_secret and _same(given, connection.webhook_secret):
        return None
    match proof_of(connection):
        case "query":
            given = Reading(call).parameters.get(hearing.auth_name, b"")
            return _token(given, f"parameter {hearing.auth_name}", connection)
        case "header":
            given = _written(call.headers.get(hearing.auth_name, ""))
            return _token(given, f"header {hearing.auth_name}", connection)
        case "basic":
            return _basic(call, connection)
        case "hmac":
            return _signature(call, hearing, connection.fields.credentials.signing_key)
        case "jwt":
            return _jwt(call, hearing, connection)
    return None


def _token(given: bytes, where: str, connection: GatewayConnection) -> str | None:
    given = given.removeprefix(b"Bearer ")
    if _same(given, connection.fields.credentials.inbound_token):
        return None
    return f"The {where} does not hold the inbound token."


def _basic(call: Call, connection: GatewayConnection) -> str | None:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    try:
        _, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except ValueError:
        password = b""
    if scheme.lower() == "basic" and _same(password, connection.fields.credentials.inbound_token):
        return None
    return "The password of the call (HTTP Basic) is not the inbound token."


def _signature(call: Call, hearing: Hearing, key: str) -> str | None:
    def covered(found: re.Match[bytes]) -> bytes:
        name = found[1].decode()
        if name == "body":
            return call.body
        return call.headers.get(name.removeprefix("header."), "").encode()

    message = _COVERED.sub(covered, hearing.signed.encode())
    own = hmac.new(key.encode(), message, hearing.digest).digest()
    given = call.headers.get(hearing.auth_name, "").strip().removeprefix(f"{hearing.digest}=")
    in_hex = _same(_written(given.lower()), own.hex())
    if not in_hex and not _same(_written(given), base64.b64encode(own).decode()):
        return f"{hearing.auth_name} does not fit: compare the signing key with the gateway's."
    if hearing.signed_at and not _is_recent(call.headers.get(hearing.signed_at, ""), call):
        return f"{hearing.signed_at} is far from now: see whether the clocks are right."
    return None


def _is_recent(signed_at: str, call: Call) -> bool:
    try:
        age = call.received_at - datetime.fromtimestamp(min(float(signed_at), _LATEST), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return -_EARLY <= age <= _LATE


def _jwt(call: Call, hearing: Hearing, connection: GatewayConnection) -> str | None:
    """Check a token signed by HS256. Source: RFC 7519."""
    token = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
    pieces = token.split(".")
    if len(pieces) != _JWT_PARTS:
        return "The call has no token in its Authorization header."
    signed = _written(".".join(pieces[:2]))
    key = connection.fields.credentials.signing_key.encode()
    own = hmac.new(key, signed, hashlib.sha256).digest()
    if _json(pieces[0]).get("alg") != "HS256" or not hmac.compare_digest(own, _octets(pieces[2])):
        return "The token's signature does not fit: compare the signing key."
    return _claims(_json(pieces[1]), hearing, call, connection)


def _claims(
    claims: dict[str, Any], hearing: Hearing, call: Call, connection: GatewayConnection
) -> str | None:
    meant = claims.get("aud")
    if connection.webhook_url not in (meant if isinstance(meant, list) else [meant]):
        return "The token is for another address than this webhook's."
    if claims.get("iss") != hearing.issuer:
        return f"The token was not issued by {hearing.issuer}."
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires + _EARLY.total_seconds() < (
        call.received_at.timestamp()
    ):
        return "The token has expired."
    return None


def _json(piece: str) -> dict[str, Any]:
    try:
        found = json.loads(_octets(piece))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _octets(piece: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))
    except ValueError:
        return b""


def _written(header: str) -> bytes:
    return header.encode("utf-8", "backslashreplace")


def _same(given: bytes, secret: str) -> bool:
    return hmac.compare_digest(given, secret.encode())
