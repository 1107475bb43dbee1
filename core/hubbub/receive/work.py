"""Keep calls durably, many in one transaction, and hand their channels on."""

import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.metrics import calls_received
from hubbub.normalise.actors import nudge_normalise
from hubbub.people.audit import audit
from hubbub.receive import queries
from hubbub.receive.rules import Judged, judge
from hubbub.redact import without_secret_headers, without_secret_parameters
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Accept, Call, Headers, Polled
from hubbub.steps import step
from hubbub.store.calls import ERASED, kept_call
from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.states import CallState
from hubbub.store.types import new_id

#: Most calls in one transaction.
_GROUP: Final = 256
#: Seconds that a request waits for its commit before it asks the provider to come again.
_PATIENCE: Final = 10.0

log = structlog.get_logger(__name__)


class NotKept(HubError):
    """The call could not be kept; its sender has to send it again."""

    code = "not_kept"


class NotReleasable(HubError):
    """The call cannot be run again; the text says why."""

    code = "not_releasable"


@dataclass(slots=True)
class _Waiting:
    """A row on its way into the database, and the request that waits for it."""

    row: Mapping[str, Any]
    version: int
    done: threading.Lock = field(default_factory=threading.Lock)
    #: ``kept``, ``stale`` (the channel has changed since) or ``failed``.
    result: str = "failed"


class Keeper:
    """One committer per process: it takes what concurrent requests brought into one commit.

    A commit costs far more than a row, so that under load a call costs next to nothing.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    def keep(self, row: Mapping[str, Any], version: int) -> bool:
        """Return once ``row`` is committed; False if its channel is no longer at ``version``.

        Raises `NotKept`.
        """
        if self._thread is None:
            self._start()
        waiting = _Waiting(row, version)
        waiting.done.acquire()
        self._queue.put(waiting)
        if not waiting.done.acquire(timeout=_PATIENCE) or waiting.result == "failed":
            raise NotKept("The database did not keep the call.")
        return waiting.result == "kept"

    def _start(self) -> None:
        # Not in __init__: a server may fork after the application was made.
        with self._started:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            group = [self._queue.get()]
            try:
                while len(group) < _GROUP:
                    group.append(self._queue.get_nowait())
            except queue.Empty:
                pass
            self._commit(group)

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            self._store(group)
        except DatabaseDown as error:
            log.warning("calls not kept", calls=len(group), reason=str(error))
        # One bad row must not take its neighbours with it.
        except SQLAlchemyError:
            log.exception("calls not kept", calls=len(group))
            if len(group) > 1:
                for waiting in group:
                    self._commit([waiting])
                return
        finally:
            for waiting in group:
                if waiting.done.locked():
                    waiting.done.release()
        self._hand_on(group)

    def _store(self, group: Sequence[_Waiting]) -> None:
        with transaction(self._hub.engine) as db:
            ids = {waiting.row["channel_id"] for waiting in group}
            versions = self._hub.directory.versions(db, ids)
            fresh = [w for w in group if versions.get(w.row["channel_id"]) == w.version]
            if fresh:
                queries.keep(db, [waiting.row for waiting in fresh])
        step("receive.kept")
        for waiting in group:
            waiting.result = "stale"
        for waiting in fresh:
            waiting.result = "kept"

    def _hand_on(self, group: Sequence[_Waiting]) -> None:
        kept = [w.row for w in group if w.result == "kept"]
        for channel_id in {row["channel_id"] for row in kept if row["state"] == CallState.PENDING}:
            nudge_normalise(self._hub, channel_id)
        step("receive.nudged")


def row_of(call: Call, line: Line, judged: Judged) -> dict[str, Any]:
    """Return the row that keeps ``call``.

    What proves a call authentic is a secret: it is kept only where it is still to be checked.
    """
    url, headers = call.url, dict(call.headers)
    if judged.state == CallState.PENDING:
        url, headers = without_secret_parameters(url), without_secret_headers(headers)
    return {
        "id": new_id(),
        "channel_id": line.id,
        "received_at": call.received_at,
        "method": call.method,
        "url": url,
        "headers": headers,
        "body": call.body,
        "state": judged.state,
        "reason": judged.reason,
        "outcomes": [],
    }


def keep_polled(hub: Hub, line: Line, polled: Polled) -> None:
    """Keep what a source brought, and how far it came, in one transaction. Safe to run twice."""
    now = hub.now()
    calls = [
        Call(method="POLL", url="", headers=Headers(), body=body, received_at=now)
        for body in polled.calls
    ]
    keep_fetched(hub, line, calls, cursor=polled.cursor)


def keep_fetched(
    hub: Hub, line: Line, calls: Sequence[Call], *, cursor: str, was: str | None = None
) -> bool:
    """Keep ``calls``, which nobody else can have made, and how far they go, in one transaction.

    With ``was``: only if the channel's cursor is still that one. Otherwise nothing is kept, and
    False is returned: somebody else fetched the same.
    """
    judged = Judged(Accept().answer, CallState.PENDING)
    rows = [row_of(call, line, judged) for call in calls]
    if rows:
        step("listen.fetched")
    with transaction(hub.engine) as db:
        # First, since it makes whoever does the same wait.
        if not queries.move_cursor(db, line.id, cursor, was=was):
            return False
        if rows:
            queries.keep(db, rows)
    if rows:
        step("listen.kept")
        calls_received(line.type, CallState.PENDING, len(rows))
        nudge_normalise(hub, line.id)
    return True


def replay(hub: Hub, call_id: str, *, force: bool = False, actor: str | None = None) -> None:
    """Run a kept call through today's code again; what already took effect is a duplicate.

    A quarantined one is released if it now proves authentic, or by ``force``, on a person's word.
    ``actor``: who is to be noted for it; None: one note for many calls is written elsewhere.
    Raises `NotReleasable`.
    """
    with reading(hub.engine) as db:
        row = queries.call(db, call_id)
        line = hub.directory.usable(db, row.channel_id) if row is not None else None
    if row is None:
        raise NotReleasable(
            "There is no such call: it never was, or was kept for its time and then deleted.",
            code="not_found",
        )
    if line is None:
        raise NotReleasable("Its channel is deleted, or the channel's plugin is not loaded.")
    if row.reason == ERASED:
        raise NotReleasable("Its contact was erased, and what it said with them.", code="erased")
    if row.state == CallState.QUARANTINED and not force:
        judged = judge(line, kept_call(row))
        if judged.state != CallState.PENDING:
            raise NotReleasable(f"It is still not authentic: {judged.reason or 'a handshake'}")
    with transaction(hub.engine) as db:
        url, headers = without_secret_parameters(row.url), line.redactor.headers(row.headers)
        queries.reopen(db, call_id, url=url, headers=headers)
        if actor is not None:
            audit(
                db,
                now=hub.now(),
                actor=actor,
                action=_action(row.state),
                object_id=row.channel_id,
                detail={"call": call_id, **({"force": True} if force else {})},
            )
    nudge_normalise(hub, row.channel_id)


def _action(state: str) -> str:
    return "call.released" if state == CallState.QUARANTINED else "call.replayed"


def replay_many(hub: Hub, call_ids: Iterable[str], *, actor: str | None = None) -> int:
    """Replay every call that can be; return how many. ``actor`` as in `replay`."""
    done = 0
    for call_id in call_ids:
        try:
            replay(hub, call_id, actor=actor)
        except NotReleasable as error:
            log.info("call not replayed", call=call_id, reason=str(error))
        else:
            done += 1
    return done
