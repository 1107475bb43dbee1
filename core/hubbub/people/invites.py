"""Let somebody choose a password by a link, once.

The link is signed; of the last one a word is stored with the person, so that it is worth nothing
once it was used, there is another, or they were disabled.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row

from hubbub.hub import Hub
from hubbub.people import queries
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.people.rules import Person
from hubbub.people.users import add_user, choose_password, person
from hubbub.store.session import reading, transaction

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
        word = secrets.token_hex(8)
        queries.change_user(db, user_id, invite=word)
        audit(db, now=hub.now(), actor=actor, action="user.invited", object_id=user_id)
    seconds = int(expires_at.timestamp())
    signature = hub.vault.sign(_text(user_id, word, seconds))
    return Invite(path=f"/welcome/{user_id}/{seconds}/{signature}", expires_at=expires_at)


def invited(hub: Hub, user_id: str, seconds: int, signature: str) -> Person:
    """Return whose link this is. Raises `Expired`."""
    with reading(hub.engine) as db:
        return person(_invited(hub, db, user_id, seconds, signature))


def accept(hub: Hub, user_id: str, seconds: int, signature: str, *, password: str) -> Person:
    """Give somebody the password that they chose. Raises `Expired` and `Invalid`."""
    # First: to hash a password takes long on purpose, and anybody may ask for it here.
    invited(hub, user_id, seconds, signature)

    def use(db: Connection) -> Row[Any]:
        row = _invited(hub, db, user_id, seconds, signature)
        # Of two who use it at once, one finds it used.
        if not queries.use_invite(db, user_id, row.invite):
            raise Expired
        return row

    return choose_password(hub, user_id, use, password=password)


def _invited(hub: Hub, db: Connection, user_id: str, seconds: int, signature: str) -> Row[Any]:
    row = queries.user(db, user_id)
    if row is None or row.invite is None or row.disabled_at is not None:
        raise Expired
    # First: only what is signed is known to be a moment at all.
    if not hub.vault.signed(_text(user_id, row.invite, seconds), signature) or _past(hub, seconds):
        raise Expired
    return row


def _past(hub: Hub, seconds: int) -> bool:
    return datetime.fromtimestamp(seconds, UTC) <= hub.now()


def _text(user_id: str, word: str, seconds: int) -> str:
    return f"invite:{user_id}:{seconds}:{word}"
