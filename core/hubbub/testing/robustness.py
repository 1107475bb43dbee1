"""Check that nothing anybody can write into a call brings the reader down."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from hubbub.sdk import Call, Event, MessageReceived
from hubbub.testing.given import Given
from hubbub.testing.recorded import Recorded
from hubbub.testing.samples import ANY_BODY, HOSTILE_BODIES, for_all, spoilt

_CONTENT_TYPES: Final = ("", "application/json", "text/xml", "application/x-www-form-urlencoded")


class RobustnessChecks(Given):
    """``parse`` and ``wants_ack``, on calls as nobody should make them."""

    def test_hostile_bodies_are_read_without_an_exception(self) -> None:
        for body in HOSTILE_BODIES.values():
            self._survives(replace(self._plain, body=body))

    def test_random_bytes_are_read_without_an_exception(self) -> None:
        for_all(ANY_BODY, lambda body: self._survives(replace(self._plain, body=body)))

    def test_spoilt_calls_are_read_without_an_exception(self, recorded: Recorded) -> None:
        call = self.unsigned(recorded)
        for body in spoilt(call.body):
            self._survives(replace(call, body=body))

    def test_spoilt_queries_are_read_without_an_exception(self, recorded: Recorded) -> None:
        for query in spoilt(recorded.query.encode()):
            spoilt_call = replace(recorded, query=query.decode("utf-8", "surrogateescape"))
            self._survives(self.unsigned(spoilt_call))

    def test_other_content_types_are_read_without_an_exception(self, recorded: Recorded) -> None:
        for content_type in _CONTENT_TYPES:
            headers = {**recorded.headers, "content-type": content_type}
            self._survives(self.unsigned(replace(recorded, headers=headers)))

    def test_random_queries_are_read_without_an_exception(self) -> None:
        def check(query: str) -> None:
            self._survives(replace(self._plain, url=f"{self.webhook_url}?{query}"))

        for_all(st.text(max_size=100), check)

    def test_calls_that_no_webhook_made_are_read_without_an_exception(self) -> None:
        for method in ("GET", "POLL", "PUT"):
            self._survives(replace(self._plain, method=method))

    @property
    def _plain(self) -> Call:
        return self.unsigned(next(iter(self.inbound.values())))

    def _survives(self, call: Call) -> None:
        shown = f"{call.method} {call.query[:100]!r} {call.body[:300]!r}"
        try:
            events = list(self.kind.parse(call, self.connection()))
            wants = self.kind.wants_ack(call)
        # Whatever it is: the hub would keep the call as dead, with all that is sound in it.
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error} on {shown}") from error
        assert isinstance(wants, bool), f"wants_ack returned {wants!r}."
        for event in events:
            assert isinstance(event, Event), f"parse yields {event!r} on {shown}"
            assert not isinstance(event, MessageReceived) or event.sender.address, (
                f"{event} comes from nobody: {shown}"
            )
