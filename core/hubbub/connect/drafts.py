"""Keep channels that somebody began to add: all that was typed, encrypted, and nothing checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hubbub.connect import queries
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import NotFound
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow, new_id
from hubbub.vault import Undecryptable


@dataclass(frozen=True, kw_only=True)
class ChannelDraft:
    """A channel that is not one yet."""

    id: str
    type: str
    #: Its name, credentials and settings as they were typed.
    typed: Mapping[str, Any] = field(repr=False)
    #: An account at the simulator: then nobody outside is written to.
    simulated: bool
    created_by: str
    changed_at: datetime


def begin_draft(hub: Hub, *, type: str, actor: str) -> str:  # noqa: A002  # the contract's name
    """Begin to add a channel; return the draft's id."""
    draft_id, now = new_id(), hub.now()
    with transaction(hub.engine) as db:
        queries.add_draft(
            db,
            id=draft_id,
            type=type,
            sealed=hub.vault.seal({"typed": {}, "simulated": False}, draft_id),
            created_by=actor,
            created_at=now,
            changed_at=now,
        )
    return draft_id


def save_draft(
    hub: Hub, draft: ChannelDraft, typed: Mapping[str, Any], *, simulated: bool | None = None
) -> ChannelDraft:
    """Keep what was typed now; return the draft as it is then."""
    told = draft.simulated if simulated is None else simulated
    kept = {"typed": dict(typed), "simulated": told}
    now = hub.now()
    with transaction(hub.engine) as db:
        queries.change_draft(db, draft.id, sealed=hub.vault.seal(kept, draft.id), changed_at=now)
    return ChannelDraft(
        id=draft.id,
        type=draft.type,
        typed=typed,
        simulated=told,
        created_by=draft.created_by,
        changed_at=now,
    )


def find_draft(hub: Hub, draft_id: str) -> ChannelDraft:
    """Return a draft. Raises `NotFound`; one that nobody can decrypt any more is empty."""
    with reading(hub.engine) as db:
        row = queries.draft(db, draft_id)
    if row is None:
        raise no_draft()
    return _opened(hub, row)


def drafts(hub: Hub) -> tuple[ChannelDraft, ...]:
    """Return the channels that somebody began to add, the latest first."""
    with reading(hub.engine) as db:
        rows = queries.drafts(db)
    return tuple(_opened(hub, row) for row in rows)


def no_draft() -> NotFound:
    """Return why a draft is not there."""
    return NotFound("There is no such draft: it was finished, discarded, or forgotten.")


def discard_draft(hub: Hub, draft_id: str, *, actor: str) -> None:
    """Forget a draft that nobody wants. Safe to run twice."""
    with transaction(hub.engine) as db:
        if queries.drop_draft(db, draft_id):
            audit(db, now=hub.now(), actor=actor, action="draft.discarded", object_id=draft_id)


def _opened(hub: Hub, row: AnyRow) -> ChannelDraft:
    try:
        kept: Mapping[str, Any] = hub.vault.open(row.sealed, row.id)
    except Undecryptable:
        kept = {"typed": {}, "simulated": False}
    return ChannelDraft(
        id=row.id,
        type=row.type,
        typed=kept["typed"],
        simulated=kept["simulated"],
        created_by=row.created_by,
        changed_at=row.changed_at,
    )
