"""Let conversations that were placed stand in the queues that they were placed in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from hubbub.people import team_queries
from hubbub.people.errors import NotFound
from hubbub.people.teams import hand_to_team
from hubbub.route.work import Placement
from hubbub.store.tags import as_known, count_tags
from hubbub.store.threads import Thread


def queue_up(db: Connection, placed: Sequence[tuple[Thread, Placement]], *, now: datetime) -> None:
    """Hand each thread to the team that its placement names; the caller saves both."""
    if tags := [tag for _, one in placed for tag in one.tags]:
        known = as_known(db, tags)
        for thread, _ in placed:
            thread.tags = [known.get(tag, tag) for tag in thread.tags]
        count_tags(db, given=(known[tag] for tag in tags), now=now)
    ids = {name: _team_id(db, name) for name in {one.team for _, one in placed if one.team}}
    # In this order, as everybody who holds several teams.
    for thread, placement in sorted(placed, key=lambda one: ids.get(one[1].team, "")):
        if placement.team:
            _hand_over(db, thread, placement, ids[placement.team])


def _team_id(db: Connection, name: str) -> str:
    team = team_queries.called(db, name)
    return team.id if team else ""


def _hand_over(db: Connection, thread: Thread, placement: Placement, team_id: str) -> None:
    try:
        given_to = hand_to_team(db, thread, team_id)
    except NotFound:
        placement.decision["no_team"] = (
            f"There is no team called {placement.team}: it waits for everybody."
        )
        return
    if given_to is not None:
        placement.decision["given_to"] = given_to
