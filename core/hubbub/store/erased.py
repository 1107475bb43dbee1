"""Remember by hashes alone what was erased, so that it stays so however often it is told again."""

import hashlib
from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, insert, select

from hubbub.store.accounts import ids_of_account
from hubbub.store.prepared import Prepared, among
from hubbub.store.tables import ErasedEvent, table

_erased = table(ErasedEvent)
_KNOWN: Final = Prepared(select(_erased.c.digest).where(among(_erased.c.digest, "digests")))


def remember(db: Connection, events: Iterable[tuple[str, str]]) -> None:
    """Note that ``events``, each a channel and a key, were erased; once is enough for each."""
    digests = {_digest(*event) for event in events}
    news = digests - _known(db, digests)
    if news:
        db.execute(insert(_erased), [{"digest": one} for one in sorted(news)])


def erased(db: Connection, channel_id: str, keys: Collection[str]) -> frozenset[str]:
    """Return those of ``keys`` that events which were erased had, on any channel of the account."""
    if not keys:
        return frozenset()
    channels = ids_of_account(db, channel_id)
    digests = {_digest(one, key): key for one in channels for key in keys}
    return frozenset(digests[one] for one in _known(db, digests))


def _known(db: Connection, digests: Collection[str]) -> set[str]:
    return {row.digest for row in _KNOWN.all(db, digests=list(digests))}


def _digest(channel_id: str, key: str) -> str:
    return hashlib.sha256(f"{channel_id}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()
