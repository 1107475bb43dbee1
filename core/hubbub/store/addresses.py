"""Write what people choose about what they are sent."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select, update

from hubbub.store.accounts import of_account
from hubbub.store.tables import Address, table

_addresses = table(Address)


def choose_marketing(
    db: Connection, *this: ColumnElement[bool], marketing: bool, at: datetime
) -> None:
    """Write whether ``this`` address takes marketing, unless it chose later than ``at``.

    It holds on every channel of the account.
    """
    chosen = select(_addresses.c.address, _addresses.c.channel_id).where(*this)
    for row in db.execute(chosen).all():
        same = select(_addresses.c.id).where(
            _addresses.c.address == row.address,
            _addresses.c.channel_id.in_(of_account(row.channel_id)),
            or_(_addresses.c.marketing_at.is_(None), _addresses.c.marketing_at <= at),
        )
        # Always in this order: two that write the same never wait for each other.
        ids = db.execute(same.order_by(_addresses.c.id).with_for_update()).scalars().all()
        values = {"marketing": marketing, "marketing_at": at}
        db.execute(update(_addresses).where(_addresses.c.id.in_(ids)).values(values))
