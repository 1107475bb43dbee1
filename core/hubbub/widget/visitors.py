"""Know a visitor again, by a token that the hub signed. Nothing is stored of a stranger."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hubbub.connect.rules import KNOWN_VISITOR
from hubbub.store.types import new_id
from hubbub.vault import Vault

#: How long a token of nobody in particular is good, and after how long it is given out anew.
_LIFE: Final = timedelta(days=365)
_RENEW_AFTER: Final = timedelta(days=7)
_VERSION: Final = "v1"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody in front of a chat window.

    ``user`` is the site's id for them where the site has proven it; then the token is good no
    longer than that proof. ``name`` and ``attributes`` are proven likewise.
    """

    channel_id: str
    id: str = field(default_factory=new_id)
    issued_at: datetime
    expires_at: datetime
    user: str | None = None
    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def is_welcome(self, now: datetime, since: datetime | None) -> bool:
        """Whether the token is good: not over, and given out ``since`` all were signed out."""
        return now < self.expires_at and (since is None or self.issued_at >= since)

    @property
    def address(self) -> str:
        """The address by which the channel knows them."""
        return f"v:{self.id}" if self.user is None else f"{KNOWN_VISITOR}{self.user}"


def stranger(channel_id: str, now: datetime) -> Visitor:
    """Return a visitor who was never here."""
    return Visitor(channel_id=channel_id, issued_at=now, expires_at=now + _LIFE)


def renewed(visitor: Visitor, now: datetime) -> Visitor:
    """Return a visitor of whom nothing is proven, the token as good as new once it is old."""
    if now - visitor.issued_at < _RENEW_AFTER:
        return visitor
    return Visitor(
        channel_id=visitor.channel_id, id=visitor.id, issued_at=now, expires_at=now + _LIFE
    )


def write_token(vault: Vault, visitor: Visitor) -> str:
    """Return the token of a visitor."""
    claims: dict[str, Any] = {
        "k": visitor.channel_id,
        "v": visitor.id,
        "iat": int(visitor.issued_at.timestamp()),
        "exp": int(visitor.expires_at.timestamp()),
    }
    if visitor.user is not None:
        claims |= {"u": visitor.user, "n": visitor.name, "a": dict(visitor.attributes)}
    data = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    payload = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return f"{_VERSION}.{payload}.{vault.sign(_signed(payload))}"


def read_token(vault: Vault, token: str, channel_id: str) -> Visitor | None:
    """Return whose token it is; None for one that is not ours, or not this channel's."""
    version, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    if version != _VERSION or not vault.signed(_signed(payload), signature):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return None
    visitor = Visitor(
        channel_id=claims["k"],
        id=claims["v"],
        issued_at=_time(claims["iat"]),
        expires_at=_time(claims["exp"]),
        user=claims.get("u"),
        name=claims.get("n"),
        attributes=claims.get("a") or {},
    )
    return visitor if visitor.channel_id == channel_id else None


def _signed(payload: str) -> str:
    return f"visitor:{payload}"


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
