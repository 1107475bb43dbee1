"""Ask for and store users, sessions, tokens and the audit log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, or_, select, update

from hubbub.store.tables import Audit, Session, Token, User, table


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which lines of the audit log are wanted; None: whatever. ``action`` is how it begins."""

    actor: str | None = None
    action: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_users = table(User)
_sessions = table(Session)
_tokens = table(Token)
_audit = table(Audit)


def add_user(db: Connection, **values: Any) -> None:
    """Store a user. Raises `sqlalchemy.exc.IntegrityError` when the email is taken."""
    db.execute(insert(_users).values(**values))


def user(db: Connection, user_id: str) -> Row[Any] | None:
    """Return a user, or None."""
    return db.execute(select(_users).where(_users.c.id == user_id)).one_or_none()


def user_by_email(db: Connection, email: str) -> Row[Any] | None:
    """Return the user with this email, or None."""
    return db.execute(select(_users).where(_users.c.email == email)).one_or_none()


def users(db: Connection, *, before: str | None, limit: int) -> list[Row[Any]]:
    """Return users, the newest first, those made before the user ``before``."""
    return _page(db, select(_users), _users.c.id, before, limit)


def known(db: Connection, user_ids: Collection[str]) -> set[str]:
    """Return those of ``user_ids`` that are users."""
    return set(db.execute(select(_users.c.id).where(_users.c.id.in_(user_ids))).scalars())


def disabled(db: Connection) -> list[str]:
    """Return the ids of the users who cannot log in any more."""
    return list(db.execute(select(_users.c.id).where(_users.c.disabled_at.is_not(None))).scalars())


def colleagues(db: Connection) -> list[Row[Any]]:
    """Return the users who can log in, by name: with id, name, email and whether they are away."""
    columns = (_users.c.id, _users.c.name, _users.c.email, _users.c.away_at)
    found = select(*columns).where(_users.c.disabled_at.is_(None))
    return sorted(db.execute(found), key=lambda row: (row.name or row.email).casefold())


def change_user(db: Connection, user_id: str, **values: Any) -> None:
    """Change columns of a user."""
    db.execute(update(_users).where(_users.c.id == user_id).values(**values))


def use_invite(db: Connection, user_id: str, invite: str) -> bool:
    """Let a link to choose a password be good no more; whether it was until now."""
    used = update(_users).where(_users.c.id == user_id, _users.c.invite == invite)
    return db.execute(used.values(invite=None)).rowcount == 1


def hold_admins(db: Connection) -> list[str]:
    """Return the ids of those who administer the hub; until the commit they stay so."""
    found = select(_users.c.id).where(_users.c.role == "admin", _users.c.disabled_at.is_(None))
    return list(db.execute(found.order_by(_users.c.id).with_for_update()).scalars())


def add_session(db: Connection, **values: Any) -> None:
    """Store a login."""
    db.execute(insert(_sessions).values(**values))


def user_of_session(db: Connection, session_id: str, *, now: datetime) -> Row[Any] | None:
    """Return the enabled user whose login is still good, or None."""
    found = (
        select(_users)
        .join(_sessions, _sessions.c.user_id == _users.c.id)
        .where(
            _sessions.c.id == session_id,
            _sessions.c.expires_at > now,
            _users.c.disabled_at.is_(None),
        )
    )
    return db.execute(found).one_or_none()


def drop_session(db: Connection, session_id: str) -> None:
    """End a login."""
    db.execute(delete(_sessions).where(_sessions.c.id == session_id))


def drop_sessions(db: Connection, user_id: str) -> None:
    """End every login of a user."""
    db.execute(delete(_sessions).where(_sessions.c.user_id == user_id))


def drop_expired_sessions(db: Connection, *, now: datetime) -> None:
    """Forget logins that are over."""
    db.execute(delete(_sessions).where(_sessions.c.expires_at <= now))


def add_token(db: Connection, **values: Any) -> None:
    """Store a token."""
    db.execute(insert(_tokens).values(**values))


def token(db: Connection, token_id: str) -> Row[Any] | None:
    """Return a token, or None."""
    return db.execute(select(_tokens).where(_tokens.c.id == token_id)).one_or_none()


def token_by_digest(db: Connection, digest: str) -> Row[Any] | None:
    """Return the token with this digest unless it was revoked, or None."""
    found = select(_tokens).where(_tokens.c.digest == digest, _tokens.c.revoked_at.is_(None))
    return db.execute(found).one_or_none()


def tokens(db: Connection, *, before: str | None, limit: int) -> list[Row[Any]]:
    """Return tokens, the newest first, those made before the token ``before``."""
    return _page(db, select(_tokens), _tokens.c.id, before, limit)


def mark_token_used(
    db: Connection, token_id: str, *, now: datetime, unless_after: datetime
) -> None:
    """Note that a token was used, unless that was noted after ``unless_after``."""
    seldom = or_(_tokens.c.last_used_at.is_(None), _tokens.c.last_used_at <= unless_after)
    db.execute(update(_tokens).where(_tokens.c.id == token_id, seldom).values(last_used_at=now))


def revoke_token(db: Connection, token_id: str, *, now: datetime) -> bool:
    """Revoke a token; say whether it was good until now."""
    found = update(_tokens).where(_tokens.c.id == token_id, _tokens.c.revoked_at.is_(None))
    return bool(db.execute(found.values(revoked_at=now)).rowcount)


def add_audit(db: Connection, **values: Any) -> None:
    """Store a line of the audit log."""
    db.execute(insert(_audit).values(**values))


def audit(db: Connection, wanted: AuditFilter, *, before: str | None, limit: int) -> list[Row[Any]]:
    """Return lines of the audit log, the newest first."""
    found = select(_audit)
    if wanted.actor:
        found = found.where(_audit.c.actor == wanted.actor)
    if wanted.action:
        found = found.where(_audit.c.action.startswith(wanted.action, autoescape=True))
    if wanted.object_id:
        found = found.where(_audit.c.object_id == wanted.object_id)
    if wanted.since:
        found = found.where(_audit.c.at >= wanted.since)
    if wanted.until:
        found = found.where(_audit.c.at < wanted.until)
    return _page(db, found, _audit.c.id, before, limit)


def told_names(db: Connection, object_ids: Collection[str]) -> dict[str, str]:
    """Return what the audit log last called things, of which there may be nothing else left."""
    if not object_ids:
        return {}
    found = select(_audit.c.object_id, _audit.c.detail).where(_audit.c.object_id.in_(object_ids))
    told = {}
    for row in db.execute(found.order_by(_audit.c.id)):
        name = row.detail.get("name") or row.detail.get("email") or row.detail.get("shortcut")
        if name:
            told[row.object_id] = str(name)
    return told


def _page(
    db: Connection, rows: Select[Any], key: Any, before: str | None, limit: int
) -> list[Row[Any]]:
    if before is not None:
        rows = rows.where(key < before)
    return list(db.execute(rows.order_by(key.desc()).limit(limit)))
