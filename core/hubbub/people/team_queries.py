"""Ask for and store teams."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

from hubbub.store.clean import folded, legible
from hubbub.store.tables import UNRESOLVED, Conversation, Team, TeamMember, User, table
from hubbub.store.types import AnyRow

_teams = table(Team)
_members = table(TeamMember)
_users = table(User)
_conversations = table(Conversation)


def teams(db: Connection, *, before: str | None, limit: int) -> list[AnyRow]:
    """Return teams, the newest first, those made before the team ``before``."""
    found = select(_teams)
    if before is not None:
        found = found.where(_teams.c.id < before)
    return list(db.execute(found.order_by(_teams.c.id.desc()).limit(limit)))


def names(db: Connection) -> dict[str, str]:
    """Return the names of all teams by their ids, in the order of the names."""
    found = select(_teams.c.id, _teams.c.name).order_by(func.lower(_teams.c.name))
    return {row.id: row.name for row in db.execute(found)}


def team(db: Connection, team_id: str, *, hold: bool = False) -> AnyRow | None:
    """Return a team, or None.

    Hold conversations before teams, and several of either in the order of their ids: whoever does
    it otherwise may wait in a circle.
    """
    found = select(_teams).where(_teams.c.id == team_id)
    return db.execute(found.with_for_update() if hold else found).one_or_none()


def called(db: Connection, word: str) -> AnyRow | None:
    """Return the team with this id or name, or None: the case matters where two differ by it."""
    rows = db.execute(select(_teams).order_by(_teams.c.id)).all()
    name, same = legible(word), folded(word)
    alike = (row for row in rows if row.id == name or folded(row.name) == same)
    return min(alike, key=lambda row: name not in {row.id, row.name}, default=None)


def members(db: Connection, team_ids: Collection[str]) -> dict[str, list[str]]:
    """Return who is in each team."""
    found: dict[str, list[str]] = {team_id: [] for team_id in team_ids}
    rows = select(_members.c.team_id, _members.c.user_id).where(_members.c.team_id.in_(team_ids))
    for row in db.execute(rows.order_by(_members.c.team_id, _members.c.user_id)):
        found[row.team_id].append(row.user_id)
    return found


def teams_of(db: Connection, user_id: str) -> list[str]:
    """Return the ids of the teams that somebody is in."""
    return list(
        db.execute(select(_members.c.team_id).where(_members.c.user_id == user_id)).scalars()
    )


def add_team(db: Connection, **values: Any) -> None:
    """Store a team. Raises `sqlalchemy.exc.IntegrityError` when the name is taken."""
    db.execute(insert(_teams).values(**values))


def rename(db: Connection, team_id: str, name: str) -> None:
    """Give a team another name. Raises like `add_team`."""
    db.execute(update(_teams).where(_teams.c.id == team_id).values(name=name))


def set_members(db: Connection, team_id: str, user_ids: Collection[str]) -> None:
    """Make ``user_ids`` the members of a team; those who stay keep their turn."""
    gone = delete(_members).where(
        _members.c.team_id == team_id, _members.c.user_id.not_in(user_ids)
    )
    db.execute(gone)
    there = set(members(db, [team_id])[team_id])
    turn = _last_turn(db, team_id)
    rows = [
        {"team_id": team_id, "user_id": user_id, "turn": turn}
        for user_id in user_ids
        if user_id not in there
    ]
    if rows:
        db.execute(insert(_members), rows)


def next_member(db: Connection, team_id: str) -> str | None:
    """Return whose turn it is among those who are available, and let it be over; or None.

    Hold the team before: two that ask at once must not be told of the same one.
    """
    found = (
        select(_members.c.user_id)
        .join(_users, _users.c.id == _members.c.user_id)
        .where(
            _members.c.team_id == team_id,
            _users.c.disabled_at.is_(None),
            _users.c.away_at.is_(None),
        )
        .order_by(_members.c.turn, _members.c.user_id)
        .limit(1)
    )
    user_id: str | None = db.execute(found).scalar()
    if user_id is not None:
        this = update(_members).where(_members.c.team_id == team_id, _members.c.user_id == user_id)
        db.execute(this.values(turn=_last_turn(db, team_id) + 1))
    return user_id


def waiting(db: Connection, team_id: str) -> int:
    """Return how many conversations stand in a team's queue."""
    found = select(func.count()).where(_conversations.c.team_id == team_id)
    return int(db.execute(found).scalar_one())


def assigned(db: Connection, user_ids: Collection[str], *, limit: int) -> list[str]:
    """Return some of the conversations that wait for one of these users."""
    found = select(_conversations.c.id).where(
        _conversations.c.assignee_id.in_(user_ids), text(UNRESOLVED)
    )
    return list(db.execute(found.limit(limit)).scalars()) if user_ids else []


def empty_queue(db: Connection, team_id: str) -> None:
    """Let a team's conversations be everybody's."""
    mine = select(_conversations.c.id).where(_conversations.c.team_id == team_id)
    held = mine.order_by(_conversations.c.id).with_for_update()
    db.execute(update(_conversations).where(_conversations.c.id.in_(held)).values(team_id=None))


def delete_team(db: Connection, team_id: str) -> None:
    """Delete a team whose queue is empty."""
    for change in (
        delete(_members).where(_members.c.team_id == team_id),
        delete(_teams).where(_teams.c.id == team_id),
    ):
        db.execute(change)


def _last_turn(db: Connection, team_id: str) -> int:
    last = select(func.max(_members.c.turn)).where(_members.c.team_id == team_id)
    return db.execute(last).scalar() or 0
