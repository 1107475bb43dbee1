"""Keep letters and how far a mailbox was read, both in one transaction."""

from collections.abc import Sequence

from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.mailbox.places import Place, closed, opened
from hubbub.receive.work import keep_fetched
from hubbub.sdk.errors import HubError
from hubbub.sdk.mailbox import LETTER, Letter
from hubbub.sdk.values import Call, Headers
from hubbub.store.clean import clean


class Overtaken(HubError):
    """Somebody else reads the same mailbox, and is further."""

    code = "overtaken"


class Logbook:
    """The places of one channel's folders, as they are in the database."""

    def __init__(self, hub: Hub, line: Line, cursor: str) -> None:
        self._hub = hub
        self._line = line
        self._cursor = cursor
        self._places = opened(cursor)

    def place(self, folder: str) -> Place | None:
        """Return how far ``folder`` was read; None at first."""
        return self._places.get(folder)

    def keep(self, folder: str, place: Place, letters: Sequence[tuple[Letter, bytes]] = ()) -> None:
        """Keep ``letters``, and that ``folder`` was read so far. Raises `Overtaken`."""
        places = {**self._places, folder: place}
        cursor = closed(places)
        if cursor == self._cursor:
            return
        calls = [self._call(letter, body) for letter, body in letters]
        if not keep_fetched(self._hub, self._line, calls, cursor=cursor, was=self._cursor):
            raise Overtaken("Another listener reads this mailbox.")
        self._places, self._cursor = places, cursor

    def _call(self, letter: Letter, body: bytes) -> Call:
        return Call(
            method=LETTER,
            url="",
            headers=Headers(clean(letter.headers())),
            body=body,
            received_at=self._hub.now(),
        )
