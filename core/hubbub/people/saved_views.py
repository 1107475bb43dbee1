"""Keep what of the inbox somebody looks at often."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from hubbub.hub import Hub
from hubbub.people import queries
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.store.clean import folded, legible
from hubbub.store.session import transaction
from hubbub.store.tables import SavedView as SavedViewRow, table
from hubbub.store.types import new_id

#: Views of one person, and characters of a name.
MOST: Final = 20
LONGEST_NAME: Final = 40
_views = table(SavedViewRow)


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A list of conversations under a name; ``filters`` as they stand in the address."""

    id: str
    user_id: str
    name: str
    filters: Mapping[str, str]
    created_at: datetime


def saved_views(db: Connection, user_id: str) -> list[SavedView]:
    """Return the views of somebody, the oldest first."""
    found = select(_views).where(_views.c.user_id == user_id).order_by(_views.c.id)
    return [SavedView(**row._asdict()) for row in db.execute(found)]


def save_view(hub: Hub, user_id: str, *, name: str, filters: Mapping[str, str]) -> SavedView:
    """Keep a view for somebody.

    Raises `NotFound` without such a user, `Invalid`, or `Conflict` where they have one so called.
    """
    name = legible(name)
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid(Complaint("name", f"Give it a name of 1 to {LONGEST_NAME} characters."))
    view = SavedView(
        id=new_id(), user_id=user_id, name=name, filters=dict(filters), created_at=hub.now()
    )
    try:
        with transaction(hub.engine) as db:
            if queries.user(db, user_id) is None:
                raise NotFound("There is no such user.")
            there = saved_views(db, user_id)
            if double := next((one for one in there if folded(one.name) == folded(name)), None):
                raise _taken(double.name)
            if len(there) >= MOST:
                raise Conflict(f"There are {MOST} views already: delete one first.")
            db.execute(insert(_views).values(**vars(view)))
    except IntegrityError:
        raise _taken(name) from None
    return view


def delete_view(hub: Hub, user_id: str, view_id: str) -> None:
    """Forget a view of somebody. Raises `NotFound`."""
    with transaction(hub.engine) as db:
        gone = delete(_views).where(_views.c.id == view_id, _views.c.user_id == user_id)
        if not db.execute(gone).rowcount:
            raise NotFound("There is no such view.")


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a view called {name}.", code="name_taken")
