"""Prove that a webhook call was made by Vonage. Source: "Signing webhooks"; "Signing messages"."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hubbub.sdk import Call, Wire
from hubbub_sms_vonage import tokens
from hubbub_sms_vonage.fields import Credentials, SignatureMethod, VonageFields
from hubbub_sms_vonage.wire import Parameters

#: Vonage repeats a call for 24 hours, and whether with a new time is not documented.
_OLDEST: Final = timedelta(hours=25)
#: By so much Vonage's clock may be ahead of ours.
_AHEAD: Final = timedelta(seconds=60)
#: Vonage sends some twenty; to sort a hundred thousand would keep us busy for a forged call.
_MOST_PARAMETERS: Final = 1000


class Claims(Wire):
    """What the token of a webhook says. There is no end of its life in it."""

    iat: float
    jti: str
    iss: str
    payload_hash: str
    api_key: str
    application_id: str = ""


def objection(call: Call, credentials: Credentials) -> str | None:
    """Return why ``call`` is not proven to be Vonage's, or None when it is."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return (
            "The call is not signed: it has no Authorization header. Signed webhooks must be "
            "enabled at the application in the Vonage dashboard."
        )
    try:
        claims = tokens.proven_claims(token.strip(), credentials.signature_secret, Claims)
    except tokens.NoToken as error:
        return str(error)
    actual = hashlib.sha256(call.body).hexdigest()
    if not _same(claims.payload_hash.lower(), actual):
        return "The body is not the one that the token's payload_hash speaks of."
    return _foreign(claims, credentials) or _untimely(claims.iat, call.received_at)


def legacy_objection(
    parameters: Parameters, fields: VonageFields, *, received_at: datetime
) -> str | None:
    """Return why a call of the SMS API is not proven to be Vonage's, or None.

    Without a Signature secret nothing can be proven: then only the webhook's address, which
    nobody can guess, keeps strangers out.
    """
    secret = fields.credentials.signature_secret
    if not secret:
        return None
    given = parameters.get("sig")
    if not given:
        return (
            "The call is not signed. Vonage's support switches signing on for the SMS API; until "
            "then leave the Signature secret empty."
        )
    if len(parameters) > _MOST_PARAMETERS:
        return "The call has more parameters than Vonage ever sends."
    wanted = legacy_signature(parameters, secret, fields.settings.signature_method)
    if not _same(wanted, given.lower()):
        return "The signature does not fit. Compare Signature secret and Signature method."
    stamp = parameters.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()):
        return "The call is signed, but does not tell its time."
    return _untimely(float(stamp[:12]), received_at)


def legacy_signature(parameters: Mapping[str, str], secret: str, method: SignatureMethod) -> str:
    """Return the ``sig`` of a call of the SMS API."""
    text = covered(parameters).encode("utf-8", "surrogatepass")
    if method == "md5hash":
        return hashlib.md5(text + secret.encode()).hexdigest()  # noqa: S324  # Vonage's default
    return hmac.new(secret.encode(), text, method).hexdigest()


def covered(parameters: Mapping[str, str]) -> str:
    """Return what a ``sig`` covers: all other parameters, sorted by name."""
    pairs = sorted(
        (name.encode("utf-8", "surrogatepass"), name, value) for name, value in parameters.items()
    )
    return "".join(
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for _, name, value in pairs
        if name != "sig"
    )


def _foreign(claims: Claims, credentials: Credentials) -> str | None:
    if claims.iss != "Vonage":
        return "The token was not issued by Vonage."
    if not _same(claims.api_key, credentials.api_key):
        return "The call is signed, but speaks of another account than the API key entered here."
    if claims.application_id not in {"", credentials.application_id}:
        return "The call is signed, but speaks of another application than the one entered here."
    return None


def _untimely(stamp: float, received_at: datetime) -> str | None:
    age = received_at.timestamp() - stamp
    if age > _OLDEST.total_seconds():
        return "The call was signed more than 25 hours ago."
    if not age >= -_AHEAD.total_seconds():
        return "The call was signed in the future: compare the clocks."
    return None


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(
        left.encode("utf-8", "backslashreplace"), right.encode("utf-8", "backslashreplace")
    )
