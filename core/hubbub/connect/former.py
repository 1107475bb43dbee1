"""Let credentials that were replaced prove calls for a while yet: a rotation with an overlap.

Only calls: whatever we send, we send with those that are there now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Row

from hubbub.connect.rules import connection_secrets, opened
from hubbub.people.errors import Complaint, Invalid
from hubbub.sdk.values import Connection

if TYPE_CHECKING:
    from hubbub.hub import Hub

#: Whoever stole a secret must not be believed for ever.
_LONGEST: Final = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Former:
    """Credentials that were replaced: for a while calls that they prove are accepted as well."""

    connection: Connection[Any] = field(repr=False)
    until: datetime


def open_former(hub: "Hub", row: Row[Any]) -> Former | None:
    """Return the credentials that a channel had before, where they still prove calls.

    Raises `UnknownType` or `hubbub.vault.Undecryptable`.
    """
    kept = hub.vault.open(row.secrets, row.id)
    until = former_until(kept, hub.now())
    if until is None:
        return None
    hooks, before = hub.plugins.channel(row.type), kept["former"]["credentials"]
    try:
        connection = opened(hub, hooks, {**kept, "credentials": before}, row._asdict())
    except Invalid:
        return None  # they no longer fit the form, and so prove nothing
    return Former(connection=connection, until=until)


def former_until(kept: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return until when the credentials from before prove calls; None: not any more."""
    former = kept.get("former")
    until = datetime.fromisoformat(former["until"]) if former else None
    return until if until is not None and until > now else None


def with_former(
    before: Mapping[str, Any], after: Mapping[str, Any], until: datetime | None, now: datetime
) -> dict[str, Any]:
    """Return the secrets ``after`` a change, which keep the credentials ``before`` for a while.

    ``until`` is what somebody asked for: None keeps none that are replaced, and a time that is over
    ends it for those that are kept. Raises `Invalid`.
    """
    kept = {name: value for name, value in after.items() if name != "former"}
    replaced = before["credentials"] != after["credentials"]
    # Those whose time is over are gone, though nobody has looked since: no later word revives them.
    still = before.get("former") if former_until(before, now) else None
    former = {"credentials": before["credentials"]} if replaced else still
    if until is None:
        return kept if replaced or former is None else {**kept, "former": former}
    if former is None:
        raise _wrong_until("No credentials were replaced.")
    if until > now + _LONGEST:
        raise _wrong_until(f"Take at most {_LONGEST.days} days.")
    ends = {"former": {**former, "until": until.isoformat()}}
    return {**kept, **ends} if until > now else kept


def channel_secrets(connection: Connection[Any], former: Former | None) -> set[str]:
    """Return what must not be shown, stored or logged of a channel."""
    return connection_secrets(connection) | (
        connection_secrets(former.connection) if former is not None else set()
    )


def _wrong_until(why: str) -> Invalid:
    return Invalid(Complaint("old_credentials_until", why))
