"""Wait until a hub has nothing left to do; let its clocks run faster where that is asked for."""

import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select, update

from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.tables import Call, Channel, Delivery, Lease, MediaFile, Process, table
from tests.chaos.calls import ask
from tests.chaos.kinds import KINDS
from tests.chaos.town import Town

_calls, _channels = table(Call), table(Channel)
_deliveries, _media = table(Delivery), table(MediaFile)
_leases, _processes = table(Lease), table(Process)
#: What is due later than that waits for a person.
SOON: Final = timedelta(days=1)
#: Between two turns of the clocks.
BEAT: Final = 1.0
#: How long after its clock was turned a row is left alone.
LEFT_ALONE: Final = 10.0


@dataclass(kw_only=True)
class Clocks:
    """The times in a hub's database, for turning them: to what waiting for minutes would bring.

    Only times change; what follows is the hub's own work.
    """

    town: Town
    engine: Engine
    _turned: dict[str, float] = field(default_factory=dict)

    def bury(self) -> None:
        """Let those who were killed have been silent for long."""
        with transaction(self.engine) as db:
            self._bury(db)

    def hurry(self) -> None:
        """Let all be due that waits for its time."""
        try:
            with transaction(self.engine) as db:
                self._bury(db)
                self._unpause(db)
                self._retry(db)
                self._fetch(db)
        except DatabaseDown as error:
            print(f"  clocks not turned: {error}")

    def _bury(self, db: Connection) -> None:
        running = self.town.pids()
        before = datetime.now(UTC) - timedelta(hours=1)
        ids = db.execute(select(_processes.c.id)).scalars()
        dead = [one for one in ids if int(one.rsplit("-", 2)[1]) not in running]
        db.execute(update(_processes).where(_processes.c.id.in_(dead)).values(seen_at=before))

    def _unpause(self, db: Connection) -> None:
        """Open channels that a provider told to slow down for some minutes."""
        now = datetime.now(UTC)
        for until in (_channels.c.paused_until, _channels.c.bulk_paused_until):
            paused = select(_channels.c.id).where(until > now, until < now + SOON)
            chosen = self._untouched(list(db.execute(paused).scalars()))
            mine = update(_channels).where(_channels.c.id.in_(chosen))
            db.execute(mine.values({until: now}))

    def _retry(self, db: Connection) -> None:
        """Make due what waits for another attempt or for proof, and open lanes that people hold."""
        now = datetime.now(UTC)
        waits = or_(_deliveries.c.state == "retrying", _deliveries.c.state == "unknown")
        waiting = select(_deliveries.c.id).where(
            waits, _deliveries.c.due_at > now, _deliveries.c.due_at < now + SOON
        )
        chosen = self._untouched(list(db.execute(waiting).scalars()))
        for first in range(0, len(chosen), 500):
            some = _deliveries.c.id.in_(chosen[first : first + 500])
            db.execute(update(_deliveries).where(waits, some).values(due_at=now))
        held = (
            _deliveries.c.state == "unknown",
            _deliveries.c.due_at > now + SOON,
            _deliveries.c.lane_until > now,
        )
        db.execute(update(_deliveries).where(*held).values(lane_until=now))

    def _fetch(self, db: Connection) -> None:
        now = datetime.now(UTC)
        pending = _media.c.state == "pending"
        waiting = select(_media.c.id).where(pending, _media.c.due_at > now)
        chosen = self._untouched(list(db.execute(waiting).scalars()))
        db.execute(update(_media).where(pending, _media.c.id.in_(chosen)).values(due_at=now))

    def _untouched(self, ids: list[str]) -> list[str]:
        """Return those whose clock was not turned a moment ago, and note that it is now."""
        clock = time.monotonic()
        chosen = [one for one in ids if clock > self._turned.get(one, 0.0) + LEFT_ALONE]
        self._turned.update(dict.fromkeys(chosen, clock))
        return chosen


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Waits for a town; after ``hurry_after`` seconds its clocks are turned."""

    clocks: Clocks
    hurry_after: float

    def wait(self, seconds: float) -> dict[str, int]:
        """Return how much is left to do: nothing, unless for ``seconds`` it did not become less."""
        begun = turned = progressed = time.monotonic()
        least = sys.maxsize
        while any((left := self._left()).values()):
            now = time.monotonic()
            if sum(left.values()) < least:
                least, progressed = sum(left.values()), now
            if now > progressed + seconds:
                break
            if now > begun + self.hurry_after and now > turned + BEAT:
                turned = now
                self.clocks.hurry()
            time.sleep(0.1)
        return left

    def _left(self) -> dict[str, int]:
        now = datetime.now(UTC)
        with reading(self.clocks.engine) as db:
            return {
                "news to fetch": self._unheard(),
                "calls to read": _count(db, _calls.c.state == "pending"),
                "files to fetch": _count(db, _media.c.state == "pending"),
                "deliveries on their way": _count(
                    db, _deliveries.c.state.in_(["queued", "sending", "retrying"])
                ),
                "outcomes to find out": _count(
                    db, _deliveries.c.state == "unknown", _deliveries.c.due_at < now + SOON
                ),
            }

    def _unheard(self) -> int:
        """Count what providers have for the hub that make no calls."""
        count = 0
        for listing, waiting in (kind.backlog for kind in KINDS if kind.backlog):
            items = ask(f"{self.clocks.town.sandbox}/_sandbox/{listing}")["items"]
            count += sum(map(waiting, items))
        return count


def _count(db: Connection, *conditions: ColumnElement[bool]) -> int:
    return db.execute(select(func.count()).where(*conditions)).scalar_one()
