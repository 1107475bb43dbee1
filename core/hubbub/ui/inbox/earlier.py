"""Find the message that another one answers or reacts to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from hubbub.sdk.content import from_json, preview
from hubbub.store.types import AnyRow
from hubbub.ui.inbox import queries

#: What was written by so much before it came is said to be: a call that waited, or a long outage.
LATE: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier message, and how it began."""

    id: str
    text: str


def earlier_of(db: Connection, rows: Sequence[AnyRow]) -> dict[str, Earlier]:
    """Return what messages of one conversation answer or react to, by the ids of these.

    A letter stands in its thread, and quotes what it answers by itself.
    """
    by_id = {row.id: row.reply_to_id for row in rows if row.reply_to_id and row.kind != "email"}
    targets = {row.id: row.content["target_external_id"] for row in rows if row.kind == "reaction"}
    if not by_id and not targets:
        return {}
    place = rows[0].channel_id, rows[0].conversation_id
    named = queries.ids_of(db, *place, external_ids=set(targets.values()))
    wanted = by_id | {id_: named[name] for id_, name in targets.items() if name in named}
    found = queries.contents(db, place[1], message_ids=set(wanted.values()))
    return {id_: _earlier(found[which]) for id_, which in wanted.items() if which in found}


def _earlier(row: AnyRow) -> Earlier:
    text = "Deleted by its author." if row.deleted_at else preview(from_json(row.content))
    return Earlier(id=row.id, text=text)
