"""Note in a transaction what it changes, to be told once it is committed."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine

_HEAR: Final = "hubbub_hear"
_NOTED: Final = "hubbub_noted"


class News(NamedTuple):
    """Something that a transaction changed: the hook that tells of it, an id, and a word more."""

    hook: str
    object_id: str
    more: str = ""


Hear: TypeAlias = Callable[[Sequence[News]], None]


def listen(engine: Engine, hear: Hear) -> None:
    """Let ``hear`` know what every transaction on ``engine`` noted, after its commit."""
    engine.update_execution_options(**{_HEAR: hear})


def note(db: Connection, hook: str, object_id: str, more: str = "") -> None:
    """Note something that this transaction changes; costs nothing where nobody listens."""
    noted = db.get_execution_options().get(_NOTED)
    if noted is not None:
        noted[News(hook, object_id, more)] = None


def noting(db: Connection) -> bool:
    """Say whether anybody listens, so that nothing has to be noted one by one where nobody does."""
    return _NOTED in db.get_execution_options()


def begin_noting(db: Connection) -> Callable[[], None]:
    """Begin to note what ``db`` changes; return what tells of it, to be called after the commit."""
    hear = db.get_execution_options().get(_HEAR)
    if hear is None:
        return _nothing
    noted: dict[News, None] = {}
    db.execution_options(**{_NOTED: noted})

    def tell() -> None:
        if noted:
            hear(list(noted))

    return tell


def _nothing() -> None: ...
