"""Do by the clock what nobody else started: sweeps, probes, retention. One leads, others wait."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from hubbub.alive import BEAT, DEAD_AFTER, SignOfLife, hold
from hubbub.connect.actors import nudge_probes, nudge_templates
from hubbub.deliver.actors import nudge_bulk, nudge_deliver, nudge_media, nudge_proof
from hubbub.hub import Hub
from hubbub.normalise.actors import nudge_normalise, nudge_pieces
from hubbub.people.leaving import give_back
from hubbub.requeue.work import go_on
from hubbub.settings import Settings
from hubbub.signals import stop_on_signal
from hubbub.store.session import DatabaseDown, transaction
from hubbub.tell.actors import announce
from hubbub.track import retention, sweep
from hubbub.widget.letters import write_letters
from hubbub.widget.uploads import forget_uploads

_TICK: Final = 0.5
_LEAD: Final = timedelta(seconds=10)
#: Receipts are looked at again for so long, and once more after a time without a scheduler.
_RECENT: Final = timedelta(minutes=1)
_OLD: Final = timedelta(hours=25)
log = structlog.get_logger(__name__)


@dataclass
class _Task:
    """Something to do every ``every``."""

    name: str
    every: timedelta
    do: Callable[[Hub], None]
    #: Whether to do it only when every living process has had the time to say that it lives.
    settled: bool = False
    due: datetime | None = None

    def run_if_due(self, hub: Hub, now: datetime) -> None:
        if self.due is not None and now < self.due:
            return
        self.due = now + self.every
        try:
            self.do(hub)
        except DatabaseDown as error:
            log.warning("task waits for the database", task=self.name, reason=str(error))
        # One task that fails must not stop the others.
        except Exception:
            log.exception("task failed", task=self.name)


def _tasks() -> list[_Task]:
    return [
        _Task("nudge", timedelta(seconds=1), nudge_what_waits),
        _Task("wake", timedelta(seconds=5), sweep.wake),
        _Task("who left", timedelta(seconds=5), give_back),
        _Task("recover", timedelta(seconds=3), sweep.recover, settled=True),
        _Task("receipts", timedelta(seconds=10), partial(sweep.attach_strays, back=_RECENT)),
        _Task("older receipts", timedelta(hours=1), partial(sweep.attach_strays, back=_OLD)),
        _Task("traffic", timedelta(seconds=30), sweep.count_traffic),
        _Task("probe", timedelta(seconds=15), nudge_probes),
        _Task("templates", timedelta(seconds=5), nudge_templates),
        _Task("letters to visitors", timedelta(seconds=30), write_letters),
        _Task("requeue", timedelta(seconds=1), go_on),
        _Task("uploads of visitors", timedelta(minutes=1), forget_uploads),
        _Task("retention", timedelta(minutes=10), retention.forget),
    ]


@dataclass
class Scheduler:
    """The loop of one scheduler process."""

    hub: Hub
    tasks: list[_Task] = field(default_factory=_tasks)
    leading: bool = False
    #: Since when the database has been there without a gap, and when it was there last.
    _steady_since: datetime | None = None
    _seen: datetime | None = None

    def tick(self) -> None:
        """Do what is due, if this process leads. Safe to run by several processes at once."""
        now = self.hub.now()
        try:
            with transaction(self.hub.engine) as db:
                leads = hold(db, "scheduler", holder=self.hub.process_id, now=now, period=_LEAD)
        except DatabaseDown as error:
            log.warning("scheduler waits for the database", reason=str(error))
            return
        settled = self._settled(self.hub.now())
        if leads != self.leading:
            self.leading = leads
            log.info("scheduler leads" if leads else "scheduler stands by")
        if leads:
            for task in self.tasks:
                if settled or not task.settled:
                    task.run_if_due(self.hub, now)

    def _settled(self, now: datetime) -> bool:
        """Whether who has given no sign of life is dead, and not cut off as we may have been.

        While the database was away, or the clock was put forward, nobody could give one.
        """
        if self._seen is None or self._steady_since is None or now - self._seen > 2 * BEAT:
            self._steady_since = now
        self._seen = now
        return now - self._steady_since >= DEAD_AFTER


def nudge_what_waits(hub: Hub) -> None:
    """Nudge for every row that is due: those whose nudge was lost, and those whose time came."""
    waiting = sweep.waiting(hub)
    for channel_id in waiting.channels:
        nudge_normalise(hub, channel_id)
    for channel_id in waiting.pieces:
        nudge_pieces(hub, channel_id)
    if waiting.deliveries:
        nudge_deliver(hub)
    if waiting.bulk:
        nudge_bulk(hub)
    if waiting.media:
        nudge_media(hub)
    for delivery_id in waiting.unknown:
        nudge_proof(hub, delivery_id)


def run(settings: Settings, stop: threading.Event | None = None) -> None:
    """Lead or stand by until SIGINT or SIGTERM (or ``stop``)."""
    stop = stop or stop_on_signal()
    hub = announce(Hub.make(settings))
    scheduler = Scheduler(hub)
    with SignOfLife(hub, "scheduler"):
        log.info("scheduler ready", process=hub.process_id)
        while not stop.wait(_TICK):
            scheduler.tick()
