"""Give back what waits for people who cannot log in any more."""

from typing import Final

from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.people import queries, team_queries
from hubbub.people.audit import audit
from hubbub.people.teams import hand_to_team
from hubbub.store.session import reading, transaction
from hubbub.store.threads import Thread, by_ids, save

#: Conversations in one transaction.
_MOST: Final = 200
#: Who does it, in the audit log.
_ACTOR: Final = "hub"


def give_back(hub: Hub) -> None:
    """Let conversations of people who are disabled wait in their queue again.

    Their team has them in turn; without one, everybody sees them. Whoever was given one in the
    moment of being disabled is found as well. Safe to run twice.
    """
    while ids := _left_behind(hub):
        with transaction(hub.engine) as db:
            gone = set(queries.disabled(db))
            left = [one for one in by_ids(db, ids).values() if one.assignee_id in gone]
            # In this order, as everybody who holds several teams.
            for thread in sorted(left, key=lambda one: one.team_id or ""):
                _take_from(hub, db, thread)
            save(db, left)
        hub.live.publish(
            [LiveEvent("conversation", one.channel_id, one.conversation_id) for one in left]
        )


def _left_behind(hub: Hub) -> list[str]:
    with reading(hub.engine) as db:
        return team_queries.assigned(db, queries.disabled(db), limit=_MOST)


def _take_from(hub: Hub, db: Connection, thread: Thread) -> None:
    who, thread.assignee_id = thread.assignee_id, None
    if thread.owner == f"user:{who}":
        thread.give_to("people" if thread.team_id else "queue")
    if thread.team_id:
        hand_to_team(db, thread, thread.team_id)
    audit(
        db,
        now=hub.now(),
        actor=_ACTOR,
        action="conversation.changed",
        object_id=thread.conversation_id,
        detail={"assignee": thread.assignee_id, "was": who, "because": "They were disabled."},
    )
