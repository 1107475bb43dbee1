"""Decide whether a site has proven who its visitor is: by a JWT (RFC 7519), or by an HMAC.

Pure. The algorithm is never read from what is to be proven.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hubbub.sdk.errors import HubError
from hubbub.store.clean import legible

#: By how much the clocks of two servers may differ, and how long a JWT may be good.
_LEEWAY: Final = timedelta(seconds=60)
_LONGEST: Final = timedelta(hours=24)
#: After the end of its proof a conversation that is under way goes on for this long.
GRACE: Final = timedelta(minutes=10)
_LONGEST_ID: Final = 200
_ATTRIBUTES: Final = 20
_LONGEST_VALUE: Final = 200
#: What a JWT says of itself, and not of its subject.
_REGISTERED: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})


class Unproven(HubError):
    """The site's proof of who its visitor is does not hold; the text says why."""

    code = "identity_unproven"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a visitor is to the site, and until when that is proven."""

    user: str
    expires_at: datetime
    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def by_jwt(token: str, secrets: Sequence[str], audience: str, now: datetime) -> Identity:
    """Return whom a JWT names, signed by one of ``secrets`` for ``audience``. Raises `Unproven`."""
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    if _json(head).get("alg") != "HS256":
        raise Unproven("A JWT has to be signed with HS256.")
    given = _bytes(signature)
    macs = (hmac.new(one.encode(), signed.encode(), hashlib.sha256).digest() for one in secrets)
    if not any(hmac.compare_digest(mac, given) for mac in macs):
        raise Unproven("The JWT is not signed with the channel's identity secret.")
    claims = _json(body)
    return Identity(
        user=_user(claims.get("sub")),
        expires_at=_expiry(claims, audience, now),
        name=_short(claims.get("name")) or None,
        attributes=_attributes(claims),
    )


def by_hash(user: str, user_hash: str, secrets: Sequence[str], now: datetime) -> Identity:
    """Return who ``user`` is, proven by the hexadecimal HMAC-SHA256 of it. Raises `Unproven`.

    It covers the id alone, and has no end of its own.
    """
    macs = (hmac.new(one.encode(), user.encode(), hashlib.sha256).hexdigest() for one in secrets)
    if not any(hmac.compare_digest(mac.encode(), user_hash.lower().encode()) for mac in macs):
        raise Unproven("The hash is not made with the channel's identity secret.")
    return Identity(user=_user(user), expires_at=now + _LONGEST)


def _expiry(claims: Mapping[str, Any], audience: str, now: datetime) -> datetime:
    aud = claims.get("aud")
    if audience not in (aud if isinstance(aud, list) else [aud]):
        raise Unproven("The JWT is for somebody else: aud has to be the key of the widget.")
    expires_at, issued_at = _time(claims, "exp"), _time(claims, "iat")
    if issued_at > now + _LEEWAY:
        raise Unproven("The JWT is from the future: compare the clocks.")
    if "nbf" in claims and _time(claims, "nbf") > now + _LEEWAY:
        raise Unproven("The JWT is not good yet: compare the clocks.")
    if expires_at - issued_at > _LONGEST + _LEEWAY:
        raise Unproven("A JWT may be good for 24 hours at the most.")
    # Only now: there is no later time than the last one that a JWT can name.
    if now > expires_at + _LEEWAY:
        raise Unproven("The JWT has expired.", code="identity_expired")
    return expires_at


def _user(subject: object) -> str:
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_ID:
        raise Unproven(f"A user's id is a text of 1 to {_LONGEST_ID} characters.")
    if not subject.isprintable():
        raise Unproven("A user's id holds only characters that can be printed.")
    return subject


def _attributes(claims: Mapping[str, Any]) -> dict[str, str]:
    given = {name: _short(value) for name, value in claims.items() if name not in _REGISTERED}
    return dict([(name[:40], value) for name, value in given.items() if value][:_ATTRIBUTES])


def _short(value: object) -> str:
    """Return a text or a number as a text that is not long; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return legible(str(value))[:_LONGEST_VALUE]


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unproven(f"The JWT has no {name}.")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise Unproven(f"The {name} of the JWT is no time.") from None


def _json(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_bytes(part))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unproven("This is no JWT.")
    return found


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise Unproven("This is no JWT.") from None
