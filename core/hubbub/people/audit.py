"""Write down who changed what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hubbub.people import queries
from hubbub.store.types import new_id


def audit(
    db: Connection,
    *,
    now: datetime,
    actor: str,
    action: str,
    object_id: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Note that ``actor`` did ``action`` (``channel.created``) to an object.

    Call it in the transaction of the change, so that there is never one without the other.
    ``detail`` holds names and states, never a secret and never what a message says.
    """
    queries.add_audit(
        db,
        id=new_id(),
        at=now,
        actor=actor,
        action=action,
        object_id=object_id,
        detail=dict(detail or {}),
    )
