"""Add people, change them, and let them in."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypedDict, Unpack

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from hubbub.hub import Hub
from hubbub.live import LOGINS, LiveEvent
from hubbub.people import queries
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.people.preferences import Preferences
from hubbub.people.rules import Person, Role, check_password, check_role, clean_email, clean_name
from hubbub.people.throttle import Throttle
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id

_HASHER = PasswordHasher()
#: Which changes write a column.
_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "name": frozenset({"name"}),
    "role": frozenset({"role"}),
    "disabled_at": frozenset({"disabled"}),
    "away_at": frozenset({"available"}),
    "preferences": frozenset({"preferences"}),
    "password_hash": frozenset({"password"}),
    # A link to choose a password was for who had the rights of before.
    "invite": frozenset({"role", "disabled", "password"}),
}


class Changes(TypedDict, total=False):
    """What can be changed of a user; what is left out stays as it is."""

    name: str
    role: Role
    password: str
    disabled: bool
    available: bool
    preferences: Preferences


def add_user(
    hub: Hub, *, email: str, password: str, role: str = "agent", name: str = "", actor: str
) -> str:
    """Add a person and return their id. Raises `Invalid`, or `Conflict` for a known email."""
    email, name = clean_email(email), clean_name(name)
    check_role(role)
    check_password(password)
    user_id = new_id()
    # Hashing takes a fifth of a second on purpose: no transaction waits for it.
    password_hash = _HASHER.hash(password)
    try:
        with transaction(hub.engine) as db:
            queries.add_user(
                db,
                id=user_id,
                email=email,
                name=name,
                role=role,
                password_hash=password_hash,
                created_at=hub.now(),
                disabled_at=None,
            )
            _note(db, hub.now(), actor, "user.created", user_id, email=email, role=role)
    except IntegrityError:
        raise Conflict(
            f"There is already a user with the email {email}.", code="email_taken"
        ) from None
    return user_id


def change_user(hub: Hub, user_id: str, *, actor: str, **changes: Unpack[Changes]) -> Person:
    """Change a person. A new password and being disabled end every login they have.

    Raises `Invalid`, `NotFound`, or `Conflict` when nobody would be left to administer the hub.
    """
    values = _columns(hub, changes)
    if "name" in changes:
        changes["name"] = values["name"]
    with transaction(hub.engine) as db:
        admins = queries.hold_admins(db)
        before = queries.user(db, user_id)
        if before is None:
            raise NotFound("There is no such user.")
        if admins == [user_id]:
            _refuse_to_lose_the_last(values)
        was = person(before)
        news = [
            name for name, new in changes.items() if name == "password" or getattr(was, name) != new
        ]
        values = {name: new for name, new in values.items() if _COLUMNS[name] & {*news}}
        if values:
            _write(hub, db, user_id, values, actor=actor, changed=news)
        after = queries.user(db, user_id)
    _tell_of_ends(hub, values)
    return person(after or before)


def choose_password(
    hub: Hub, user_id: str, prove: Callable[[Connection], Row[Any]], *, password: str
) -> Person:
    """Give somebody the password that they chose, if ``prove`` finds that they may.

    What they prove it by is used up in the same transaction, and every login of theirs ends.
    Raises `Invalid`, or what ``prove`` raises.
    """
    values = _columns(hub, {"password": password})
    with transaction(hub.engine) as db:
        chooser = person(prove(db))
        _write(hub, db, user_id, values, actor=chooser.actor, changed=["password"])
    _tell_of_ends(hub, values)
    return chooser


def end_sessions(hub: Hub, user_id: str, *, actor: str) -> None:
    """Log somebody out everywhere, and let no link to choose a password let them in again.

    Safe to run twice. Raises `NotFound`.
    """
    with transaction(hub.engine) as db:
        if queries.user(db, user_id) is None:
            raise NotFound("There is no such user.")
        queries.drop_sessions(db, user_id)
        queries.change_user(db, user_id, invite=None)
        _note(db, hub.now(), actor, "user.logged_out", user_id)
    hub.live.publish([LiveEvent(LOGINS)])


def change_own_password(
    hub: Hub, throttle: Throttle, person: Person, *, old: str, new: str, address: str
) -> None:
    """Give ``person`` a new password if they know the old one. Ends every login they have.

    Raises `Invalid`, or `TooManyAttempts`: who finds somebody's browser open may not guess here
    what they may not guess at the login.
    """
    check_password(new)
    if authenticate(hub, throttle, email=person.email, password=old, address=address) is None:
        raise Invalid(Complaint("old", "This is not your password."))
    change_user(hub, person.id, actor=person.actor, password=new)


def authenticate(
    hub: Hub, throttle: Throttle, *, email: str, password: str, address: str
) -> Person | None:
    """Return the person whose email and password these are, or None.

    Takes as long for an unknown email as for a wrong password. Raises `TooManyAttempts`.
    """
    account = email.strip().lower()
    throttle.attempt(account=account, address=address)
    with reading(hub.engine) as db:
        row = queries.user_by_email(db, account)
    right = _matches(row.password_hash if row else _nobody(), password)
    if row is None or not right or row.disabled_at is not None:
        throttle.failed(address=address)
        return None
    throttle.succeeded(account=account, address=address)
    if _HASHER.check_needs_rehash(row.password_hash):
        with transaction(hub.engine) as db:
            queries.change_user(db, row.id, password_hash=_HASHER.hash(password))
    return person(row)


def find_user(hub: Hub, user_id: str) -> Person:
    """Return a person. Raises `NotFound`."""
    with reading(hub.engine) as db:
        row = queries.user(db, user_id)
    if row is None:
        raise NotFound("There is no such user.")
    return person(row)


def find_by_email(hub: Hub, email: str) -> Person:
    """Return the person with this email. Raises `NotFound`."""
    with reading(hub.engine) as db:
        row = queries.user_by_email(db, email.strip().lower())
    if row is None:
        raise NotFound(f"There is no user with the email {email}.")
    return person(row)


def list_users(hub: Hub, *, before: str | None = None, limit: int = 50) -> list[Person]:
    """Return people, the newest first, those added before the person ``before``."""
    with reading(hub.engine) as db:
        return [person(row) for row in queries.users(db, before=before, limit=limit)]


def person(row: Row[Any]) -> Person:
    """Return the person of a row of the table."""
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        available=row.away_at is None,
        preferences=Preferences.of(row.preferences),
    )


def _write(
    hub: Hub,
    db: Connection,
    user_id: str,
    values: Mapping[str, Any],
    *,
    actor: str,
    changed: Iterable[str],
) -> None:
    queries.change_user(db, user_id, **values)
    if _ends_logins(values):
        queries.drop_sessions(db, user_id)
    _note(db, hub.now(), actor, "user.changed", user_id, changed=sorted(changed))


def _tell_of_ends(hub: Hub, values: Mapping[str, Any]) -> None:
    if _ends_logins(values):
        hub.live.publish([LiveEvent(LOGINS)])


def _ends_logins(values: Mapping[str, Any]) -> bool:
    return bool(values.get("disabled_at")) or "password_hash" in values


def _columns(hub: Hub, changes: Changes) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = clean_name(changes["name"])
    if "role" in changes:
        check_role(changes["role"])
        values |= {"role": changes["role"], "invite": None}
    if "disabled" in changes:
        values["disabled_at"] = hub.now() if changes["disabled"] else None
        values["invite"] = None
    if "available" in changes:
        values["away_at"] = None if changes["available"] else hub.now()
    if "preferences" in changes:
        values["preferences"] = changes["preferences"].as_json()
    if "password" in changes:
        check_password(changes["password"])
        values |= {"password_hash": _HASHER.hash(changes["password"]), "invite": None}
    return values


def _refuse_to_lose_the_last(values: Mapping[str, Any]) -> None:
    if values.get("role", "admin") != "admin" or values.get("disabled_at"):
        raise Conflict(
            "This is the last admin. Make somebody else an admin first.", code="last_admin"
        )


def _note(
    db: Connection, now: datetime, actor: str, action: str, user_id: str, **detail: Any
) -> None:
    audit(db, now=now, actor=actor, action=action, object_id=user_id, detail=detail)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """Return a hash to check the passwords of unknown emails against."""
    return _HASHER.hash(new_id())
