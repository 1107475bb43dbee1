"""Run the actors of every stage."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import dramatiq
import structlog
from dramatiq.worker import Worker

from hubbub import logs, process
from hubbub.alive import SignOfLife
from hubbub.broker import broker, telling
from hubbub.deliver import actors as deliver_actors
from hubbub.deliver.courier import Courier
from hubbub.hub import Hub
from hubbub.normalise import actors as normalise_actors
from hubbub.process import Carrier
from hubbub.route.handling import finish
from hubbub.settings import QUEUES, Settings
from hubbub.signals import stop_on_signal
from hubbub.tell.actors import announce

#: Each kind of work has threads of its own: what waits for a provider must not keep the others.
_THREADS: Final = {"inbound": 4, "outbound": 2, "bulk": 2, "media": 8, "default": 8}
_TELLING_THREADS: Final = 2
#: Milliseconds for running actors to end when the worker stops.
_DRAIN: Final = 25_000
ACTORS: Final = (
    normalise_actors.normalise_channel,
    deliver_actors.deliver,
    deliver_actors.deliver_bulk,
    deliver_actors.seek_proof,
    deliver_actors.fetch_media,
    deliver_actors.acknowledge,
)
log = structlog.get_logger(__name__)


class Equipment(dramatiq.Middleware):
    """Gives a process of ``dramatiq worker`` what ours has."""

    def __init__(self) -> None:
        self._sign: SignOfLife | None = None
        self._teller: Worker | None = None

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        """Begin as a worker."""
        del broker
        hub = equip(process.hub())
        logs.configure("worker", json=hub.settings.logs_json)
        self._sign = SignOfLife(hub, "worker").__enter__()
        self._teller = start_telling(hub)

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Let what is on its way arrive."""
        del broker, worker
        process.stop_couriers()
        if self._teller is not None:
            self._teller.stop(timeout=_DRAIN)
        if self._sign is not None:
            self._sign.__exit__()


def declare() -> dramatiq.Broker:
    """Return the broker with every actor declared, for ``dramatiq worker``."""
    broker.add_middleware(Equipment())
    return broker


def equip(hub: Hub) -> Hub:
    """Make this process one that can send."""
    process.use(announce(hub))
    process.equip(_courier)
    return hub


def run(
    settings: Settings, stop: threading.Event | None = None, *, queues: Sequence[str] = QUEUES
) -> None:
    """Work until SIGINT or SIGTERM (or ``stop``), then let what has begun end."""
    stop = stop or stop_on_signal()
    hub = equip(Hub.make(settings))
    workers = [
        Worker(broker, queues={queue}, worker_threads=_THREADS[queue], worker_timeout=200)
        for queue in queues
    ]
    # Dramatiq warns where several share a broker, which it allows: each has queues of its own.
    broker.logger.addFilter(lambda record: "_WorkerMiddleware" not in record.getMessage())
    with SignOfLife(hub, "worker"):
        broker.emit_after("process_boot")  # as `dramatiq worker` does: time limits begin with it
        for worker in workers:
            worker.start()
        teller = start_telling(hub)
        log.info("worker ready", process=hub.process_id)
        stop.wait()
        log.info("worker drains")
        # First nothing new is claimed, then the actors end.
        process.stop_couriers()
        with ThreadPoolExecutor() as ending:
            for worker in [*workers, *filter(None, [teller])]:
                ending.submit(worker.stop, timeout=_DRAIN)


def start_telling(hub: Hub) -> Worker | None:
    """Begin to tell plugins what they listen to, in threads of its own; None if none does."""
    if not hub.plugins.listeners:
        return None
    telling.emit_after("process_boot")
    teller = Worker(telling, worker_threads=_TELLING_THREADS, worker_timeout=200)
    teller.start()
    return teller


def _courier(hub: Hub, bulk: bool) -> Carrier:  # noqa: FBT001  # called with the flag of a queue
    return Courier(hub, finish, bulk=bulk)
