"""Tell which channels are one account: deleted and added again, or two that write as one."""

from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from hubbub.store.prepared import Prepared
from hubbub.store.tables import Channel, table

_channels = table(Channel)
_this = _channels.alias("this")


def of_account(channel_id: Any) -> Select[Any]:
    """Return the ids of the channels, also deleted ones, that write as ``channel_id`` does.

    They are of its type, and have its account or its sender; unknown ones are like nobody's. It is
    one of them.
    """
    alike = or_(
        _channels.c.id == _this.c.id,
        _channels.c.account == _this.c.account,
        _channels.c.sender == _this.c.sender,
    )
    same = and_(_channels.c.type == _this.c.type, alike)
    return select(_channels.c.id).join(_this, same).where(_this.c.id == channel_id)


_IDS: Final = Prepared(of_account(bindparam("channel_id")))


def ids_of_account(db: Connection, channel_id: str) -> list[str]:
    """Return the same, for what is asked with every message."""
    return [row.id for row in _IDS.all(db, channel_id=channel_id)]
