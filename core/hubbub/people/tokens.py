"""Make, know and revoke API tokens. Only the one who made a token ever sees it."""

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from hubbub.hub import Hub
from hubbub.people import queries
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.people.rules import SCOPES, Bearer, check_scopes, clean_name
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id
from hubbub.vault import digest

_ALPHABET: Final = string.ascii_letters + string.digits
#: The prefix lets scanners of leaked secrets recognise a token.
_PREFIX: Final = "hub_"
_LENGTH: Final = 40
#: How exactly it is known when a token was last used: each use would be a write.
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class TokenInfo:
    """What can be known of a token after it was made."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def create_token(
    hub: Hub, *, name: str, scopes: Iterable[str] = SCOPES, actor: str
) -> tuple[str, str]:
    """Return the id of a new token and the token itself, which is not kept. Raises `Invalid`."""
    name = clean_name(name)
    if not name:
        raise Invalid(Complaint("name", "Give the token a name."))
    wanted = frozenset(scopes)
    check_scopes(wanted)
    token_id = new_id()
    token = _PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    kept = [scope for scope in SCOPES if scope in wanted]
    with transaction(hub.engine) as db:
        queries.add_token(
            db,
            id=token_id,
            name=name,
            digest=digest(token),
            scopes=kept,
            created_at=hub.now(),
            last_used_at=None,
            revoked_at=None,
        )
        detail = {"name": name, "scopes": kept}
        audit(
            db,
            now=hub.now(),
            actor=actor,
            action="token.created",
            object_id=token_id,
            detail=detail,
        )
    return token_id, token


def bearer_of(hub: Hub, token: str) -> Bearer | None:
    """Return what ``token`` may do, or None when it is unknown or revoked."""
    with reading(hub.engine) as db:
        row = queries.token_by_digest(db, digest(token))
    if row is None:
        return None
    now = hub.now()
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        with transaction(hub.engine) as db:
            queries.mark_token_used(db, row.id, now=now, unless_after=now - _USE_NOTED_EVERY)
    return Bearer(id=row.id, name=row.name, scopes=frozenset(row.scopes))


def find_token(hub: Hub, token_id: str) -> TokenInfo:
    """Return what is known of a token. Raises `NotFound`."""
    with reading(hub.engine) as db:
        row = queries.token(db, token_id)
    if row is None:
        raise NotFound("There is no such token.")
    return _info(row)


def list_tokens(hub: Hub, *, before: str | None = None, limit: int = 50) -> list[TokenInfo]:
    """Return tokens, the newest first, those made before the token ``before``."""
    with reading(hub.engine) as db:
        return [_info(row) for row in queries.tokens(db, before=before, limit=limit)]


def revoke_token(hub: Hub, token_id: str, *, actor: str) -> None:
    """Make a token worthless. Safe to run twice. Raises `NotFound`."""
    now = hub.now()
    with transaction(hub.engine) as db:
        if queries.token(db, token_id) is None:
            raise NotFound("There is no such token.")
        if queries.revoke_token(db, token_id, now=now):
            audit(db, now=now, actor=actor, action="token.revoked", object_id=token_id)


def _info(row: Row[Any]) -> TokenInfo:
    return TokenInfo(
        id=row.id,
        name=row.name,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
