"""Wait until somebody waits: for what two transactions of PostgreSQL do to each other."""

import time

from sqlalchemy import text

from hubbub.store.session import reading

_WAITING = text("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")


def wait_for_who_waits(engine):
    """Return once a transaction waits for another one to end."""
    deadline = time.monotonic() + 60
    while not _anybody_waits(engine):
        assert time.monotonic() < deadline, "nobody ever waited"


def _anybody_waits(engine):
    with reading(engine) as db:
        return db.execute(_WAITING).first() is not None
