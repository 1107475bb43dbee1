"""Write what people choose about what they are sent."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, update

from hubbub.store.tables import Address, table

_addresses = table(Address)


def choose_marketing(
    db: Connection, *this: ColumnElement[bool], marketing: bool, at: datetime
) -> None:
    """Write whether ``this`` address takes marketing, unless it chose later than ``at``."""
    earlier = or_(_addresses.c.marketing_at.is_(None), _addresses.c.marketing_at <= at)
    values = {"marketing": marketing, "marketing_at": at}
    db.execute(update(_addresses).where(*this, earlier).values(values))
