"""Let a conversation that was placed stand in the queue that it was placed in."""

from datetime import datetime

from sqlalchemy import Connection

from hubbub.people import team_queries
from hubbub.people.teams import hand_to_team
from hubbub.route.work import Placement
from hubbub.store.tags import remember_tags
from hubbub.store.threads import Thread


def queue_up(db: Connection, thread: Thread, placement: Placement, *, now: datetime) -> None:
    """Hand ``thread`` to the team that ``placement`` names; the caller saves both."""
    if placement.tags:
        remember_tags(db, placement.tags, now=now)
    if not placement.team:
        return
    team = team_queries.called(db, placement.team)
    if team is None:
        placement.decision["no_team"] = (
            f"There is no team called {placement.team}: it waits for everybody."
        )
        return
    given_to = hand_to_team(db, thread, team)
    if given_to is not None:
        placement.decision["given_to"] = given_to
