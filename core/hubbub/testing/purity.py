"""Check that a channel type keeps nothing, reads no clock and opens nothing."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any, Final, TypeVar

from hubbub.sdk import Accept, Draft, HttpRequest, Part, Text
from hubbub.testing.applies import has_a_provider, only_where
from hubbub.testing.given import Given
from hubbub.testing.recorded import Recorded

T = TypeVar("T")
_OUTSIDE: Final = ("open", "socket.", "subprocess.", "os.", "shutil.", "urllib.", "sqlite3.")


class PurityChecks(Given):
    """The same question always has the same answer."""

    def test_verify_says_the_same_again(self, recorded: Recorded) -> None:
        call, kind = self.call(recorded), self.kind
        verdicts = [kind.verify(call, self.connection()) for _ in range(3)]
        assert verdicts[0] == verdicts[1] == verdicts[2], f"verify says {verdicts}."

    def test_parse_says_the_same_again(self, recorded: Recorded) -> None:
        call, kind = self.call(recorded), self.kind
        readings = [list(kind.parse(call, self.connection())) for _ in range(3)]
        assert readings[0] == readings[1] == readings[2], f"parse says {readings}."

    def test_render_says_the_same_again(self, content: Any) -> None:
        kind = self.kind
        readings = [_or_error(lambda: self._rendered(kind, content)) for _ in range(2)]
        assert readings[0] == readings[1], f"render says {readings}."

    def test_one_call_does_not_colour_the_next(self) -> None:
        kind = self.kind
        calls = [self.call(recorded) for recorded in self.recordings()]
        alone = [self.events(call) for call in calls]
        for order in (1, -1):
            for call, events in list(zip(calls, alone, strict=True))[::order]:
                heard = list(kind.parse(call, self.connection()))
                assert heard == events, f"After other calls {events} is read as {heard}."

    def test_one_channel_does_not_colour_another(self, recorded: Recorded) -> None:
        kind = self.kind
        foreign = self.sign(self.unsigned(recorded), self.other_connection())
        kind.verify(foreign, self.other_connection())
        list(kind.parse(foreign, self.other_connection()))
        call = self.call(recorded)
        assert isinstance(kind.verify(call, self.connection()), Accept), (
            "After another channel's call this one's is not accepted."
        )
        assert list(kind.parse(call, self.connection())) == self.events(call), (
            "After another channel's call this one's is read differently."
        )

    @only_where(has_a_provider)
    def test_two_sends_at_a_time_do_not_mix(self) -> None:
        kind, connection = self.kind, self.connection()
        parts = [self.part(Text(text=word)) for word in ("Aardvark", "Baboon")]
        together = [kind.send(part, connection) for part in parts]
        asked = [next(exchange) for exchange in together]
        alone = [next(self.kind.send(part, connection)) for part in parts]
        for exchange in together:
            exchange.close()
        mixed = list(map(self._shown, asked)) != list(map(self._shown, alone))
        assert not mixed, "Two sends mix."

    @only_where(has_a_provider)
    def test_a_send_asks_the_same_again(self) -> None:
        kind = self.kind
        first, again = (next(kind.send(self.part(), self.connection())) for _ in range(2))
        same = self._shown(first) == self._shown(again)
        assert same, "The same part is sent differently the second time."

    @only_where(has_a_provider)
    def test_nothing_is_kept_between_calls(self) -> None:
        kind = self.kind
        before = _state(kind)
        for recorded in self.recordings():
            call = self.call(recorded)
            kind.verify(call, self.connection())
            list(kind.parse(call, self.connection()))
        next(kind.send(self.part(), self.connection()))
        after = _state(kind)
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        assert not changed, f"The channel type keeps something between calls: {changed}."

    def test_reading_and_rendering_open_nothing(self) -> None:
        kind, connection = self.kind, self.connection()
        calls = [self.call(recorded) for recorded in self.recordings()]

        def work() -> None:
            for call in calls:
                kind.verify(call, connection)
                list(kind.parse(call, connection))
            self._rendered(kind, self.sample("text"))
            kind.send(self.part(), connection).close()

        work()  # what is imported late is imported now
        with _watched() as opened:
            work()
        assert not opened, f"It reaches outside: {opened}."

    def _shown(self, request: HttpRequest) -> tuple[Any, ...]:
        """Return what of ``request`` is the same whenever it is made."""
        lasting = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in self.passing_headers
        }
        return request.method, request.url, lasting, request.body

    def _rendered(self, kind: Any, content: Any) -> tuple[Part, ...]:
        parts: tuple[Part, ...] = kind.render(
            Draft(content=content), self.part(), self.connection()
        )
        return parts


def _or_error(work: Callable[[], T]) -> T | str:
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # any will do, if it is the same again
        return f"{type(error).__name__}: {error}"


def _state(kind: Any) -> dict[str, Any]:
    """Return what an instance and its class hold and could change."""
    held = {**vars(type(kind)), **vars(kind)}
    kept = (dict, list, set, bytearray, int, str, tuple, frozenset, type(None))
    return {
        name: deepcopy(value)
        for name, value in held.items()
        if isinstance(value, kept) and not name.startswith("__")
    }


# --- a watch on what is opened ---------------------------------------------------------------

_seen: Final = threading.local()


@contextmanager
def _watched() -> Iterator[list[str]]:
    """Collect what this thread opens, connects or starts."""
    _install()
    _seen.events = []
    try:
        yield _seen.events
    finally:
        _seen.events = None


@cache
def _install() -> None:
    # An audit hook stays for good, so there is one, and it sleeps unless somebody watches.
    sys.addaudithook(_notice)


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    events = getattr(_seen, "events", None)
    if events is not None and event.startswith(_OUTSIDE):
        events.append(f"{event} {arguments[:1]}")
