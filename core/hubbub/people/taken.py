"""Save what has a name that nothing else of its kind may have."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hubbub.hub import Hub
from hubbub.people.errors import Conflict
from hubbub.store.session import transaction


@contextmanager
def unless_taken(hub: Hub, why: str) -> Iterator[Connection]:
    """Give a transaction. Raises `Conflict`, saying ``why``, where the name is taken."""
    try:
        with transaction(hub.engine) as db:
            yield db
    except IntegrityError:
        raise Conflict(why, code="name_taken") from None
