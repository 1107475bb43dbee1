"""Decide what emails, passwords, names of roles and scopes are fit for use."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from hubbub.people.errors import Complaint, Invalid
from hubbub.people.preferences import Preferences
from hubbub.store.clean import legible

Role: TypeAlias = Literal["admin", "agent"]
Scope: TypeAlias = Literal["read", "write", "admin"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
#: How long a login lasts.
SESSION_LIFE: Final = timedelta(days=14)

#: NIST SP 800-63B asks for length and forbids rules about kinds of characters.
_SHORTEST_PASSWORD: Final = 8
#: Hashing takes longer for longer input; nobody types more.
_LONGEST_PASSWORD: Final = 512
_LONGEST_EMAIL: Final = 254
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user, as the rest of the hub may know them."""

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None
    #: Whether their teams give them conversations.
    available: bool = True
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def disabled(self) -> bool:
        """Whether they are kept out."""
        return self.disabled_at is not None

    @property
    def actor(self) -> str:
        """How this person is named in the audit log and as an author."""
        return f"user:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """The API token that a request carries."""

    id: str
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """How this token is named in the audit log."""
        return f"token:{self.id}"


def clean_email(email: str) -> str:
    """Return ``email`` in the form it is stored and compared in. Raises `Invalid`."""
    email = email.strip().lower()
    local, _, domain = email.rpartition("@")
    blank = any(character.isspace() or not character.isprintable() for character in email)
    if not local or not domain or blank or len(email) > _LONGEST_EMAIL:
        raise Invalid(Complaint("email", "This is not an email address."))
    return email


def check_password(password: str) -> None:
    """Refuse a password that is too short or absurdly long. Raises `Invalid`."""
    if len(password) < _SHORTEST_PASSWORD:
        raise Invalid(
            Complaint("password", f"Take at least {_SHORTEST_PASSWORD} characters for a password.")
        )
    if len(password) > _LONGEST_PASSWORD:
        raise Invalid(
            Complaint("password", f"Take at most {_LONGEST_PASSWORD} characters for a password.")
        )


def clean_name(name: str) -> str:
    """Return the name of somebody or something as it is stored. Raises `Invalid`."""
    name = legible(name)
    if len(name) > _LONGEST_NAME:
        raise Invalid(Complaint("name", f"Take at most {_LONGEST_NAME} characters for a name."))
    return name


def check_role(role: str) -> None:
    """Refuse a role that we do not know. Raises `Invalid`."""
    if role not in ROLES:
        raise Invalid(Complaint("role", f"Take one of {', '.join(ROLES)}."))


def check_scopes(scopes: frozenset[str]) -> None:
    """Refuse an empty set of scopes, or one with a word we do not know. Raises `Invalid`."""
    if not scopes or scopes - set(SCOPES):
        raise Invalid(Complaint("scopes", f"Take one or more of {', '.join(SCOPES)}."))
