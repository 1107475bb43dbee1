"""Say in SQL which deliveries to contacts were lost: those that failed, or perhaps did."""

from typing import Final

from sqlalchemy import and_, literal_column

from hubbub.store.states import DeliveryState
from hubbub.store.tables import Delivery, table
from hubbub.store.types import one_of

_deliveries = table(Delivery)

#: Written so that the index of these is used.
LOST: Final = and_(
    _deliveries.c.destination == literal_column("'contact'"),
    one_of(_deliveries.c.state, (DeliveryState.FAILED, DeliveryState.UNKNOWN)),
)
