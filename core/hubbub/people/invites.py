"""Let somebody choose a password by a link, once.

Nothing is stored: the link is signed together with the password that it replaces, so that it is
worth nothing once there is another.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from hubbub.hub import Hub
from hubbub.people import queries
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.people.rules import Person
from hubbub.people.users import add_user, change_user, person
from hubbub.store.session import reading, transaction
from hubbub.vault import digest

#: How long a link is good.
LIFE: Final = timedelta(days=3)


class Expired(Invalid):
    """The link is not good, or not any more."""

    def __init__(self) -> None:
        super().__init__(
            Complaint("link", "This link was used, has expired, or is not whole. Ask for another.")
        )


@dataclass(frozen=True, kw_only=True)
class Invite:
    """A link by which somebody chooses a password; ``path`` is below the address of the hub."""

    path: str
    expires_at: datetime


def add_invited(hub: Hub, *, email: str, role: str = "agent", name: str = "", actor: str) -> str:
    """Add a person who chooses a password by a link; return their id. Raises as `add_user`."""
    unknown = secrets.token_urlsafe(32)
    return add_user(hub, email=email, password=unknown, role=role, name=name, actor=actor)


def invite(hub: Hub, user_id: str, *, actor: str) -> Invite:
    """Return a link by which a person chooses a password. Raises `NotFound`.

    Whoever has the link can log in as them.
    """
    expires_at = (hub.now() + LIFE).replace(microsecond=0)
    with transaction(hub.engine) as db:
        row = queries.user(db, user_id)
        if row is None or row.disabled_at is not None:
            raise NotFound("There is no such user, or they are disabled.")
        audit(db, now=hub.now(), actor=actor, action="user.invited", object_id=user_id)
    seconds = int(expires_at.timestamp())
    signature = hub.vault.sign(_text(row, seconds))
    return Invite(path=f"/welcome/{user_id}/{seconds}/{signature}", expires_at=expires_at)


def invited(hub: Hub, user_id: str, seconds: int, signature: str) -> Person:
    """Return whose link this is. Raises `Expired`."""
    with reading(hub.engine) as db:
        row = queries.user(db, user_id)
    good = row is not None and hub.vault.signed(_text(row, seconds), signature)
    if row is None or not good or row.disabled_at is not None or _past(hub, seconds):
        raise Expired
    return person(row)


def accept(hub: Hub, user_id: str, seconds: int, signature: str, *, password: str) -> Person:
    """Give somebody the password that they chose. Raises `Expired` and `Invalid`."""
    who = invited(hub, user_id, seconds, signature)
    return change_user(hub, who.id, actor=who.actor, password=password)


def _past(hub: Hub, seconds: int) -> bool:
    return datetime.fromtimestamp(seconds, UTC) <= hub.now()


def _text(row: Row[Any], seconds: int) -> str:
    return f"invite:{row.id}:{seconds}:{digest(row.password_hash)}"
