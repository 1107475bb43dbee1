"""Say that this process runs, so that others take over when it no longer does."""

import socket
import threading
from datetime import datetime, timedelta
from typing import Final, Self

import structlog
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hubbub.hub import Hub
from hubbub.store.session import DatabaseDown, transaction
from hubbub.store.tables import Lease, Process, table

#: Between two signs of life.
BEAT: Final = timedelta(seconds=3)
#: Who gave no sign for so long is dead.
DEAD_AFTER: Final = timedelta(seconds=12)
_FORGOTTEN_AFTER: Final = timedelta(days=1)

_processes = table(Process)
_leases = table(Lease)
log = structlog.get_logger(__name__)


class SignOfLife:
    """A thread that says every few seconds that this process runs; a context manager."""

    def __init__(self, hub: Hub, kind: str) -> None:
        self._hub = hub
        self._kind = kind
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alive", daemon=True)

    def __enter__(self) -> Self:
        """Say so a first time, and go on."""
        self._beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Say that this process is gone."""
        self._stop.set()
        self._thread.join()
        try:
            with transaction(self._hub.engine) as db:
                db.execute(delete(_processes).where(_processes.c.id == self._hub.process_id))
                db.execute(delete(_leases).where(_leases.c.holder == self._hub.process_id))
        except DatabaseDown as error:
            log.warning("left without saying so", reason=str(error))

    def _run(self) -> None:
        while not self._stop.wait(BEAT.total_seconds()):
            self._beat()

    def _beat(self) -> None:
        try:
            with transaction(self._hub.engine) as db:
                say_alive(db, self._hub.process_id, self._kind, self._hub.now())
        except DatabaseDown as error:
            log.warning("no sign of life given", reason=str(error))


def say_alive(db: Connection, process_id: str, kind: str, now: datetime) -> None:
    """Write that a process runs; forget those that have been dead for a day."""
    seen = update(_processes).where(_processes.c.id == process_id).values(seen_at=now)
    if db.execute(seen).rowcount:
        return
    db.execute(delete(_processes).where(_processes.c.seen_at < now - _FORGOTTEN_AFTER))
    db.execute(
        insert(_processes),
        {
            "id": process_id,
            "kind": kind,
            "host": socket.gethostname(),
            "started_at": now,
            "seen_at": now,
        },
    )


def living(db: Connection, now: datetime) -> set[str]:
    """Return the ids of the processes that run."""
    found = select(_processes.c.id).where(_processes.c.seen_at > now - DEAD_AFTER)
    return set(db.execute(found).scalars())


def hold(db: Connection, name: str, *, holder: str, now: datetime, period: timedelta) -> bool:
    """Take or renew a lease for ``period``; False when somebody else holds it."""
    values = {"holder": holder, "expires_at": now + period}
    taken = db.execute(
        update(_leases)
        .where(_leases.c.name == name)
        .where((_leases.c.holder == holder) | (_leases.c.expires_at < now))
        .values(values)
    )
    if taken.rowcount:
        return True
    if db.execute(select(_leases.c.name).where(_leases.c.name == name)).first():
        return False
    try:
        with db.begin_nested():
            db.execute(insert(_leases), {"name": name, **values})
    except IntegrityError:  # another process began at the same moment
        return False
    return True


def take_from_the_dead(db: Connection, name: str, now: datetime) -> None:
    """End the lease of a process that died holding it, whose time may have long to run."""
    dead = select(_processes.c.id).where(_processes.c.seen_at <= now - DEAD_AFTER)
    db.execute(delete(_leases).where(_leases.c.name == name, _leases.c.holder.in_(dead)))


def let_go(db: Connection, name: str, *, holder: str) -> None:
    """Give up a lease."""
    db.execute(delete(_leases).where(_leases.c.name == name, _leases.c.holder == holder))
