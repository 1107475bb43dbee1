"""Say in SQL which channels are open: what waits for the others stays where it is."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, and_, not_, or_

from hubbub.store.tables import Channel, table

_channels: Final = table(Channel)


def is_open(
    now: datetime | BindParameter[Any], *, bulk: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition that the channel of a row may send at ``now``, ``bulk`` or replies."""
    return and_(
        _channels.c.deleted_at.is_(None),
        _channels.c.enabled,
        or_(_channels.c.paused_until.is_(None), _channels.c.paused_until <= now),
        or_(
            not_(bulk),
            _channels.c.bulk_paused_until.is_(None),
            _channels.c.bulk_paused_until <= now,
        ),
    )
