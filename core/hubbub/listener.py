"""Hold sources, sessions and mailboxes: each by one listener at a time, through a lease."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeAlias, cast

import structlog
from sqlalchemy import or_, select

from hubbub.alive import SignOfLife, hold, let_go, take_from_the_dead
from hubbub.deliver.attempt import media_bytes
from hubbub.deliver.queries import pause_channel
from hubbub.deliver.record import UNTIL_MENDED, keep_renewed
from hubbub.directory import Line, fetched
from hubbub.exchange import run as run_exchange
from hubbub.guard import Guard
from hubbub.holding import Dialler, Holding
from hubbub.hub import Hub
from hubbub.mailbox.patience import Pace
from hubbub.mailbox.watch import MailboxWatch
from hubbub.receive.queries import cursor
from hubbub.receive.work import keep_polled
from hubbub.sdk.errors import AuthFailed, Permanent, RateLimited, SendError
from hubbub.sdk.mailbox import MailboxType
from hubbub.sdk.session import SessionType
from hubbub.sdk.types import Source
from hubbub.settings import Settings
from hubbub.signals import stop_on_signal
from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.tables import Channel, table
from hubbub.tell.actors import announce

#: A source whose listener is silent for so long goes to another one; longer than a round.
_LEASE: Final = timedelta(seconds=60)
#: Seconds after which a source at rest, a session or a mailbox renews it.
_RENEW: Final = 20.0
#: After a session was lost that had been well.
_RECONNECT: Final = timedelta(seconds=5)
#: Seconds between two looks whether a channel that is held has been changed.
_LOOK_AGAIN: Final = 2.0
_LOOK: Final = 2.0
#: Seconds between rounds after a failure: doubled each time.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0

#: What a listener holds for a channel.
Held: TypeAlias = Source | SessionType | MailboxType

_channels = table(Channel)
#: Those that may be held; the check that follows each change says where what is new begins.
_READY: Final = select(_channels.c.id).where(
    _channels.c.enabled, _channels.c.deleted_at.is_(None), _channels.c.checked_at.is_not(None)
)
log = structlog.get_logger(__name__)


class Listener:
    """The sources, sessions and mailboxes that this process holds, each in a thread."""

    def __init__(self, hub: Hub, pace: Pace | None = None) -> None:
        """``pace`` is that of mailboxes."""
        self._hub = hub
        self._pace = pace or Pace()
        self._stop = threading.Event()
        self._held: dict[str, threading.Thread] = {}
        #: When a token was last got for a channel, on the clock of `time.monotonic`.
        self._renewed: dict[str, float] = {}

    def look(self) -> None:
        """Take every source that nobody holds; forget those whose thread has ended."""
        self._held = {key: thread for key, thread in self._held.items() if thread.is_alive()}
        with reading(self._hub.engine) as db:
            wanted = self._wanted(db)
        for line, source in wanted:
            if line.id not in self._held and self._take(line.id):
                thread = threading.Thread(
                    target=self._listen, args=(line.id, source), name=f"source-{line.id}"
                )
                self._held[line.id] = thread
                thread.start()

    def stop(self) -> None:
        """Let the rounds that run come to their end."""
        self._stop.set()
        for thread in self._held.values():
            thread.join(timeout=5)

    def _wanted(self, db: Any) -> list[tuple[Line, Held]]:
        plugins = self._hub.plugins
        kinds: dict[str, Held] = {source.type: source for source in plugins.sources}
        kinds |= {session.type: session for session in plugins.sessions}
        kinds |= {mailbox.type: mailbox for mailbox in plugins.mailboxes}
        # Nothing is asked with credentials that were refused, until a check passes.
        paused, soon = _channels.c.paused_until, self._hub.now() + UNTIL_MENDED / 2
        ready = set(db.execute(_READY.where(or_(paused.is_(None), paused < soon))).scalars())
        lines = fetched(self._hub, db)
        return [(line, kinds[line.type]) for line in lines if line.id in ready]

    def _take(self, channel_id: str) -> bool:
        name, now = f"source:{channel_id}", self._hub.now()
        with transaction(self._hub.engine) as db:
            take_from_the_dead(db, name, now)
            return hold(db, name, holder=self._hub.process_id, now=now, period=_LEASE)

    def _listen(self, channel_id: str, source: Held) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                rest = self._round(channel_id, source)
                if rest is None or not self._rest(channel_id, rest):
                    break
                pause = _FIRST_PAUSE
            except AuthFailed as error:
                log.warning("source stops", channel=channel_id, reason=str(error))
                break
            except (SendError, DatabaseDown) as error:
                log.warning("source pauses", channel=channel_id, reason=str(error), seconds=pause)
                self._stop.wait(_pause(error, pause))
                pause = min(pause * 2, _LONGEST_PAUSE)
            # A source may fail in any way; the others go on, and this one tries again.
            except Exception:
                log.exception("source failed", channel=channel_id)
                self._stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        self._give_back(channel_id)

    def _rest(self, channel_id: str, rest: timedelta) -> bool:
        """Wait until the next round, keeping the lease; False when another listener has it."""
        until = time.monotonic() + rest.total_seconds()
        while (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, _RENEW)):
                break
            if not self._take(channel_id):
                return False
        return True

    def _round(self, channel_id: str, source: Held) -> timedelta | None:
        """Do one round; return the rest after it, None when the source is not ours to hold."""
        if not self._take(channel_id):
            return None
        with reading(self._hub.engine) as db:
            line = self._hub.directory.usable(db, channel_id)
            at = cursor(db, channel_id)
            ready = db.execute(_READY.where(_channels.c.id == channel_id)).first()
        fetches = self._hub.plugins.fetches
        if line is None or not ready or not fetches(line.type, line.connection):
            return None
        try:
            if isinstance(source, SessionType):
                return self._hold(line, source)
            if isinstance(source, MailboxType):
                return self._watch(line, source, at)
            return self._poll(line, source, at)
        except SendError as error:
            self._note(line, error)
            raise

    def _poll(self, line: Line, source: Source, at: str) -> timedelta:
        """Ask once; return the rest until the next time."""
        ran = run_exchange(
            source.cycle(line.connection, at),
            self._hub.http,
            redact=line.redactor,
            files=media_bytes(self._hub),
        )
        if ran.error is not None:
            raise ran.error
        if ran.value is not None and (ran.value.calls or ran.value.cursor != at):
            keep_polled(self._hub, line, ran.value)
        return ran.value.rest if ran.value is not None else timedelta()

    def _hold(self, line: Line, kind: SessionType) -> timedelta:
        """Hold a session until it ends, the channel is changed, or the hub stops."""
        holding = Holding(
            self._hub,
            line,
            kind.begin(line.connection),
            dialler=cast("Dialler", self._hub.http),
            stop=self._stop,
            still=_Watch(self._hub, line, self._take),
        )
        try:
            holding.run()
        except SendError as error:
            error.detail = line.redactor.text(error.detail)
            if not holding.was_ready or isinstance(error, Permanent):
                raise
            # It was well before, so that there is no reason to wait longer each time.
            log.warning("session lost", channel=line.id, reason=error.detail)
            return _RECONNECT
        return timedelta()

    def _watch(self, line: Line, kind: MailboxType, at: str) -> timedelta | None:
        """Watch a mailbox until the channel is changed, another listener has it, or we stop."""
        mailbox = kind.mailbox(line.connection)
        if mailbox is None:
            return None
        MailboxWatch(
            self._hub,
            line,
            mailbox,
            at,
            guard=Guard(self._hub.settings.private_networks),
            stop=self._stop,
            still=_Watch(self._hub, line, self._take),
            tell=partial(self._tell, line),
            renew=partial(self._renew, line, kind),
            pace=self._pace,
        ).run()
        return timedelta()

    def _renew(self, line: Line, kind: MailboxType) -> bool:
        """Get another token for a mailbox; False where it has none, or has just got one."""
        now, last = time.monotonic(), self._renewed.get(line.id)
        if last is not None and now - last < self._pace.refused:
            return False
        ran = run_exchange(
            kind.renew(line.connection),
            self._hub.http,
            redact=line.redactor,
            files=media_bytes(self._hub),
        )
        if ran.error is not None:
            raise ran.error
        if ran.value is None:
            return False
        self._renewed[line.id] = now
        with transaction(self._hub.engine) as db:
            keep_renewed(self._hub, db, line, ran.value)
        return True

    def _note(self, line: Line, error: SendError) -> None:
        if isinstance(error, Permanent):
            told = f"Nothing is received: {error.detail}"
            self._tell(line, told, held=isinstance(error, AuthFailed))

    def _tell(self, line: Line, trouble: str, *, held: bool = False) -> None:
        """Show ``trouble``; ``held``: nobody logs in until it is mended."""
        now = self._hub.now()
        with transaction(self._hub.engine) as db:
            pause_channel(
                db,
                line.id,
                until=now + UNTIL_MENDED if held else now,
                status="error",
                reason=trouble,
                now=now,
            )

    def _give_back(self, channel_id: str) -> None:
        try:
            with transaction(self._hub.engine) as db:
                let_go(db, f"source:{channel_id}", holder=self._hub.process_id)
        except DatabaseDown as error:
            log.warning("source not given back", channel=channel_id, reason=str(error))


class _Watch:
    """Says whether a channel is still to be held: looks at the channel, and renews the lease."""

    def __init__(self, hub: Hub, line: Line, take: Callable[[str], bool]) -> None:
        self._hub = hub
        self._line = line
        self._take = take
        self._renewed = self._looked = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._looked < _LOOK_AGAIN:
            return True
        self._looked = now
        try:
            return self._unchanged() and self._renew(now)
        except DatabaseDown as error:
            # Nobody else can take the lease meanwhile; after its time somebody may.
            log.warning("channel not looked after", channel=self._line.id, reason=str(error))
            return now - self._renewed < _LEASE.total_seconds() - _RENEW

    def _unchanged(self) -> bool:
        with reading(self._hub.engine) as db:
            today = self._hub.directory.usable(db, self._line.id)
        return today is not None and today.version == self._line.version

    def _renew(self, now: float) -> bool:
        if now - self._renewed < _RENEW:
            return True
        self._renewed = now
        return self._take(self._line.id)


def run(settings: Settings, stop: threading.Event | None = None) -> None:
    """Hold sources until SIGINT or SIGTERM (or ``stop``)."""
    stop = stop or stop_on_signal()
    hub = announce(Hub.make(settings))
    listener = Listener(hub)
    with SignOfLife(hub, "listener"):
        log.info("listener ready", process=hub.process_id)
        while not stop.wait(_LOOK):
            try:
                listener.look()
            except DatabaseDown as error:
                log.warning("listener waits for the database", reason=str(error))
        listener.stop()


def _pause(error: Exception, pause: float) -> float:
    if isinstance(error, RateLimited):
        return max(pause, error.retry_after.total_seconds())
    return pause
