"""Keep people logged in, with a cookie whose value only their browser knows."""

import secrets

from hubbub.hub import Hub
from hubbub.live import LOGINS, LiveEvent
from hubbub.people import queries
from hubbub.people.rules import SESSION_LIFE, Person
from hubbub.people.users import person
from hubbub.settings import Settings
from hubbub.store.session import reading, transaction
from hubbub.vault import digest

_TOKEN_BYTES = 32


def cookie_name(settings: Settings) -> str:
    """Return the name of the cookie; with https browsers guard it by its prefix."""
    return "__Host-hubbub" if settings.base_url.startswith("https://") else "hubbub"


def open_session(hub: Hub, user_id: str, *, replaces: str | None = None) -> str:
    """Return a new cookie value for a person who has just proven who they are.

    ``replaces``, the cookie of the request, stops working: what an attacker may have planted
    before the login is worth nothing after it.
    """
    cookie = secrets.token_urlsafe(_TOKEN_BYTES)
    now = hub.now()
    with transaction(hub.engine) as db:
        queries.drop_expired_sessions(db, now=now)
        if replaces:
            queries.drop_session(db, digest(replaces))
        queries.add_session(
            db,
            id=digest(cookie),
            user_id=user_id,
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
    return cookie


def person_of(hub: Hub, cookie: str) -> Person | None:
    """Return whose login this is, or None when it is over, unknown, or they are disabled."""
    with reading(hub.engine) as db:
        row = queries.user_of_session(db, digest(cookie), now=hub.now())
    return None if row is None else person(row)


def close_session(hub: Hub, cookie: str) -> None:
    """Log out. Safe to run twice."""
    with transaction(hub.engine) as db:
        queries.drop_session(db, digest(cookie))
    hub.live.publish([LiveEvent(LOGINS)])
