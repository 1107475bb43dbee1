"""Watch one mailbox: connect, read, wait for news, and begin again when the connection is lost."""

import imaplib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final

import structlog
from imapclient.exceptions import IMAPClientError

from hubbub.directory import Line
from hubbub.guard import Deadline, Guard
from hubbub.hub import Hub
from hubbub.imap.client import Client, connected, leave, telling
from hubbub.imap.folders import FolderMissing
from hubbub.mailbox.logbook import Logbook, Overtaken
from hubbub.mailbox.patience import Pace, Patience
from hubbub.mailbox.reader import Reader
from hubbub.sdk.errors import AuthFailed, Permanent, SendError, Transient
from hubbub.sdk.mailbox import Mailbox

_PACE: Final = Pace()

log = structlog.get_logger(__name__)


class MailboxWatch:
    """The watch over one mailbox, for as long as it is ours.

    One thread does all of it. A second one sees that the lease is renewed however long a letter
    takes, and cuts the connection where nobody would listen.
    """

    def __init__(
        self,
        hub: Hub,
        line: Line,
        mailbox: Mailbox,
        cursor: str,
        *,
        guard: Guard,
        stop: threading.Event,
        still: Callable[[], bool],
        tell: Callable[[str], None],
        renew: Callable[[], bool],
        pace: Pace = _PACE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``still`` is asked time and again whether to go on; ``tell`` is told what lasts.

        ``renew`` gets other proof of who we are, and says whether there is any.
        """
        self._hub = hub
        self._line = line
        self._mailbox = mailbox
        self._logbook = Logbook(hub, line, cursor)
        self._guard = guard
        self._stop = stop
        self._still = still
        self._tell = tell
        self._renew = renew
        self._pace = pace
        self._jitter = jitter
        self._patience = Patience(pace)
        self._told = ""
        self._unwanted = threading.Event()
        self._over = threading.Event()
        #: What is to be cut where nobody listens: the connection, and later the client on it.
        self._link: socket.socket | None = None
        self._client: Client | None = None

    def run(self) -> None:
        """Watch until told to stop. Raises `Permanent` for what time does not mend."""
        with self._looked_after():
            while self._wanted():
                try:
                    self._session()
                except Overtaken as error:
                    log.warning("mailbox left", channel=self._line.id, reason=str(error))
                    return
                except AuthFailed as error:
                    if self._refused(error):
                        return
                except Permanent:
                    raise
                except SendError as error:
                    self._pause(error)

    # --- one connection --------------------------------------------------------------------

    def _session(self) -> None:
        server = self._mailbox.server
        client = connected(server, self._dial, silence=self._pace.silence)
        self._client = client
        try:
            self._patience.connected(monotonic())
            self._told = ""
            log.info("mailbox watched", channel=self._line.id)
            with telling(server):
                self._talk(client)
        finally:
            self._client = self._link = None
            leave(client)

    def _dial(
        self, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None
    ) -> socket.socket:
        self._link = self._guard.connect(host, port, deadline, tls)
        return self._link

    def _talk(self, client: Client) -> None:
        reader = Reader(
            client,
            self._mailbox,
            self._logbook,
            today=lambda: self._hub.now().date(),
            wanted=self._wanted,
        )
        idles = self._mailbox.idle and client.has_capability("IDLE")
        # The first folder comes last, so that it is open when we listen.
        folders = self._mailbox.folders[::-1]
        while self._wanted():
            again = [self._look(reader, folder) for folder in folders]
            if any(again):
                continue
            if idles and again[-1] is not None:
                idles = self._idle(client)
            else:
                self._unwanted.wait(self._mailbox.poll_every.total_seconds())

    def _look(self, reader: Reader, folder: str) -> bool | None:
        """Read one folder; None where it is missing, which harms no other."""
        try:
            return reader.look(folder)
        except FolderMissing:
            self._show(f"The mailbox has no folder {folder!r}: nothing is received from there.")
            return None

    def _idle(self, client: Client) -> bool:
        """Listen until there is news or it is time to look; False where the server will not."""
        rest = self._mailbox.idle_renewal
        if len(self._mailbox.folders) > 1:
            rest = min(rest, self._mailbox.poll_every)
        try:
            client.idle()
        except imaplib.IMAP4.abort:
            raise
        except IMAPClientError as error:
            log.warning("no news are pushed", channel=self._line.id, reason=str(error))
            return False
        until = monotonic() + (0 if client.early_news() else rest.total_seconds())
        while self._wanted() and (left := until - monotonic()) > 0:
            slot, began = min(left, self._pace.look), monotonic()
            heard = client.idle_check(slot)
            if any(_news(said) for said in heard):
                break
            # A closed connection is as silent as a quiet one, but sooner; what follows tells.
            if not heard and monotonic() - began < slot / 2:
                break
        client.idle_done()
        return True

    # --- what goes wrong -------------------------------------------------------------------

    def _refused(self, error: AuthFailed) -> bool:
        """Wait after a refused login; True where there is no need to: we have other proof now."""
        try:
            if not self._patience.refused and self._renew():
                return True
        except Permanent:
            raise
        except SendError as away:
            self._pause(away)
        else:
            self._pause(error)
        return False

    def _pause(self, error: SendError) -> None:
        error.detail = self._line.redactor.text(error.detail)
        seconds = self._patience.failed(error, now := monotonic(), self._jitter())
        if not self._wanted():
            return
        log.warning(
            "mailbox lost", channel=self._line.id, reason=error.detail, seconds=round(seconds, 1)
        )
        if self._patience.over(now):
            self._show(f"Nothing is received: {error.detail}")
        self._unwanted.wait(seconds)

    def _show(self, trouble: str) -> None:
        if self._told != trouble:
            self._told = trouble
            self._tell(trouble)

    # --- the end ---------------------------------------------------------------------------

    def _wanted(self) -> bool:
        return not self._unwanted.is_set()

    @contextmanager
    def _looked_after(self) -> Iterator[None]:
        name = f"{threading.current_thread().name}-lease"
        thread = threading.Thread(target=self._look_after, name=name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look_after(self) -> None:
        while not self._over.wait(self._pace.look):
            if self._stop.is_set() or not self._is_still():
                break
        self._unwanted.set()
        while not self._over.wait(self._pace.grace):
            client, link = self._client, self._link
            if link is not None:
                # Whoever waits for the server wakes up.
                with suppress(OSError):
                    (client.socket() if client is not None else link).shutdown(socket.SHUT_RDWR)

    def _is_still(self) -> bool:
        try:
            return self._still()
        # Without a lease that is renewed, somebody else may read the mailbox too.
        except Exception:
            log.exception("mailbox not looked after", channel=self._line.id)
            return False


def _news(said: tuple[Any, ...]) -> bool:
    if said[:1] == (b"BYE",):
        raise Transient("The server ends the session.", code="imap_unreachable")
    return b"EXISTS" in said
