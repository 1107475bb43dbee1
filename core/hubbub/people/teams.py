"""Make teams, change them, and give their conversations to their members in turn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.people import queries, team_queries
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.people.overtaken import check_seen, mark_of
from hubbub.people.taken import unless_taken
from hubbub.store.session import reading, transaction
from hubbub.store.threads import Thread
from hubbub.store.types import AnyRow, new_id

_LONGEST_NAME: Final = 100
#: How often a team is emptied to be deleted, if it is given conversations meanwhile.
_TRIES: Final = 5


@dataclass(frozen=True, kw_only=True)
class Team:
    """People who share a queue; ``members`` are their ids."""

    id: str
    name: str
    members: tuple[str, ...]
    created_at: datetime


def list_teams(hub: Hub, *, before: str | None = None, limit: int = 200) -> list[Team]:
    """Return teams, the newest first."""
    with reading(hub.engine) as db:
        return _teams(db, team_queries.teams(db, before=before, limit=limit))


def find_team(hub: Hub, team_id: str) -> Team:
    """Return a team. Raises `NotFound`."""
    with reading(hub.engine) as db:
        return _teams(db, [_found(db, team_id)])[0]


def create_team(hub: Hub, *, name: str, members: Collection[str] = (), actor: str) -> str:
    """Make a team and return its id. Raises `Invalid`, or `Conflict` for a known name."""
    team_id, name = new_id(), _clean(name)
    with unless_taken(hub, _double(name)) as db:
        _refuse_alike(db, name, but=team_id)
        team_queries.add_team(db, id=team_id, name=name, created_at=hub.now())
        _set_members(db, team_id, members)
        _note(db, hub, actor, "team.created", team_id, name=name, members=len(members))
    return team_id


def change_team(
    hub: Hub,
    team_id: str,
    *,
    name: str | None = None,
    members: Collection[str] | None = None,
    actor: str,
    seen: str | None = None,
) -> None:
    """Change a team.

    Raises `NotFound`, `Invalid`, `Conflict` for a known name, or `Overtaken` where it is not as it
    was ``seen``.
    """
    name = None if name is None else _clean(name)
    with unless_taken(hub, _double(name or "")) as db:
        before = _teams(db, [_found(db, team_id, hold=True)])[0]
        check_seen(hub, seen, before.name, before.members)
        if name is not None:
            _refuse_alike(db, name, but=team_id)
            team_queries.rename(db, team_id, name)
        if members is not None:
            _set_members(db, team_id, members)
        detail = {"name": name, "members": None if members is None else len(members)}
        told = {key: value for key, value in detail.items() if value is not None}
        _note(db, hub, actor, "team.changed", team_id, **told)


def mark_of_team(hub: Hub, team: Team) -> str:
    """Return the mark of a team for the form that shows it."""
    return mark_of(hub, team.name, team.members)


def delete_team(hub: Hub, team_id: str, *, actor: str) -> None:
    """Delete a team; its conversations stay with whom they are, or are everybody's.

    Raises `NotFound`, or `Conflict` while it is given conversations again and again.
    """
    for _ in range(_TRIES):
        if _deleted(hub, team_id, actor=actor):
            return
    raise Conflict("The team is just given conversations by its routes: try again.")


def hand_to_team(db: Connection, thread: Thread, team_id: str) -> str | None:
    """Put a conversation into a team's queue; return who was given it, if it was nobody's.

    Its members have it in turn, those who are away left out. Raises `NotFound`.
    """
    if thread.assignee_id is not None and thread.team_id == team_id:
        return None
    # It may be deleted by who was faster, and two must not be told of the same member.
    _found(db, team_id, hold=True)
    thread.team_id = team_id
    if thread.assignee_id is not None:
        return None
    user_id = team_queries.next_member(db, team_id)
    if user_id is None:
        return None
    thread.assignee_id = user_id
    thread.give_to(f"user:{user_id}")
    return user_id


def _deleted(hub: Hub, team_id: str, *, actor: str) -> bool:
    """Delete a team, unless it was given a conversation meanwhile; the others left it then."""
    with transaction(hub.engine) as db:
        team_queries.empty_queue(db, team_id)
        name = _found(db, team_id, hold=True).name
        if team_queries.waiting(db, team_id):
            return False
        team_queries.delete_team(db, team_id)
        _note(db, hub, actor, "team.deleted", team_id, name=name)
    return True


def _refuse_alike(db: Connection, name: str, *, but: str) -> None:
    """Refuse a name that rules would take for that of another team."""
    other = team_queries.called(db, name)
    if other is not None and other.id != but:
        raise Conflict(_double(other.name), code="name_taken")


def _double(name: str) -> str:
    return f"There is already a team called {name}."


def _set_members(db: Connection, team_id: str, members: Collection[str]) -> None:
    known = queries.known(db, members)
    if unknown := [user_id for user_id in members if user_id not in known]:
        raise Invalid(Complaint("members", f"There is no user {unknown[0]}."))
    team_queries.set_members(db, team_id, sorted(known))


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise Invalid(
            Complaint("name", f"Give the team a name of 1 to {_LONGEST_NAME} characters.")
        )
    return name


def _found(db: Connection, team_id: str, *, hold: bool = False) -> AnyRow:
    row = team_queries.team(db, team_id, hold=hold)
    if row is None:
        raise NotFound("There is no such team.")
    return row


def _teams(db: Connection, rows: Sequence[AnyRow]) -> list[Team]:
    members = team_queries.members(db, [row.id for row in rows])
    return [
        Team(id=row.id, name=row.name, members=tuple(members[row.id]), created_at=row.created_at)
        for row in rows
    ]


def _note(db: Connection, hub: Hub, actor: str, action: str, team_id: str, **detail: Any) -> None:
    audit(db, now=hub.now(), actor=actor, action=action, object_id=team_id, detail=detail)
