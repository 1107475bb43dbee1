"""Wait until a hub has nothing left to do; let its clocks run faster where that is asked for."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select, update

from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.tables import Call, Delivery, Lease, Process, table
from tests.chaos.town import Town

_calls, _deliveries = table(Call), table(Delivery)
_leases, _processes = table(Lease), table(Process)
#: What is due later than that waits for a person.
SOON: Final = timedelta(days=1)
#: Between two turns of the clocks.
BEAT: Final = 1.0
#: How long after its clock was turned a delivery is left alone.
LEFT_ALONE: Final = 10.0


@dataclass(kw_only=True)
class Settling:
    """Waits for a town; ``hurry_after`` seconds the clocks in its database are turned."""

    town: Town
    engine: Engine
    hurry_after: float
    _turned: dict[str, float] = field(default_factory=dict)

    def wait(self, seconds: float) -> dict[str, int]:
        """Return how much is left to do: nothing, unless ``seconds`` were too few."""
        begun = turned = time.monotonic()
        while any((left := self._left()).values()):
            now = time.monotonic()
            if now > begun + seconds:
                break
            if now > begun + self.hurry_after and now > turned + BEAT:
                turned = now
                self._hurry()
            time.sleep(0.1)
        return left

    def _left(self) -> dict[str, int]:
        now = datetime.now(UTC)
        with reading(self.engine) as db:
            return {
                "calls to read": self._count(db, _calls.c.state == "pending"),
                "deliveries on their way": self._count(
                    db, _deliveries.c.state.in_(["queued", "sending", "retrying"])
                ),
                "outcomes to find out": self._count(
                    db, _deliveries.c.state == "unknown", _deliveries.c.due_at < now + SOON
                ),
            }

    @staticmethod
    def _count(db: Connection, *conditions: ColumnElement[bool]) -> int:
        return db.execute(select(func.count()).where(*conditions)).scalar_one()

    def _hurry(self) -> None:
        """Do to the rows what the passing of minutes does: all that waits for a time is due.

        Only times change, to what the clock would bring; what follows is the hub's own work.
        """
        try:
            with transaction(self.engine) as db:
                self._bury(db)
                self._turn(db)
        except DatabaseDown as error:
            print(f"  clocks not turned: {error}")

    def _bury(self, db: Connection) -> None:
        """Let those who were killed have been silent for long."""
        running = self.town.pids()
        before = datetime.now(UTC) - timedelta(hours=1)
        ids = db.execute(select(_processes.c.id)).scalars()
        dead = [one for one in ids if int(one.rsplit("-", 2)[1]) not in running]
        db.execute(update(_processes).where(_processes.c.id.in_(dead)).values(seen_at=before))
        db.execute(update(_leases).where(_leases.c.holder.in_(dead)).values(expires_at=before))

    def _turn(self, db: Connection) -> None:
        """Make due what waits for another attempt or for proof, and open lanes that people hold."""
        now, clock = datetime.now(UTC), time.monotonic()
        waits = or_(
            _deliveries.c.state == "retrying",
            _deliveries.c.state == "unknown",
        )
        waiting = db.execute(
            select(_deliveries.c.id).where(
                waits, _deliveries.c.due_at > now, _deliveries.c.due_at < now + SOON
            )
        ).scalars()
        chosen = [one for one in waiting if clock > self._turned.get(one, 0.0) + LEFT_ALONE]
        self._turned.update(dict.fromkeys(chosen, clock))
        for first in range(0, len(chosen), 500):
            some = chosen[first : first + 500]
            db.execute(
                update(_deliveries).where(waits, _deliveries.c.id.in_(some)).values(due_at=now)
            )
        db.execute(
            update(_deliveries)
            .where(
                _deliveries.c.state == "unknown",
                _deliveries.c.due_at > now + SOON,
                _deliveries.c.lane_until > now,
            )
            .values(lane_until=now)
        )
