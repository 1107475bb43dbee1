"""Check that each answer of the provider leads to the right next step."""

import re
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from hubbub.sdk import (
    Accepted,
    AuthFailed,
    OutcomeUnknown,
    RateLimited,
    SendError,
    Transient,
)
from hubbub.testing.applies import has_a_provider, only_where
from hubbub.testing.given import Given
from hubbub.testing.recorded import Refused, answer
from hubbub.testing.samples import ANY_BODY, for_all

_PAGE: Final = "<html><body>It works!</body></html>"
#: Answers that say yes in a way nobody can read.
_UNREADABLE: Final = {
    "nothing": b"",
    "a page": _PAGE.encode(),
    "a list": b"[]",
    "a null": b"null",
    "an empty object": b"{}",
    "half an object": b'{"id": "12',
    "no UTF-8": b"\xff\xfe\xff",
    "deep lists": b"[" * 100_000,
}
_ODD_WAITS: Final = ("soon", "-5", "", "9" * 60, "1e9", "٣", "Thu, 01 Jan 2026 00:00:00 GMT", "0.5")
_LONGEST_WAIT: Final = timedelta(days=7)


@only_where(has_a_provider)
class AnswerChecks(Given):
    """What ``send`` makes of answers, of refusals, and of none at all."""

    def test_a_refusal_has_the_right_class(self, refused: Refused) -> None:
        error = self._refusal(refused)
        assert type(error) is refused.error, f"It is {error!r}."

    def test_a_refusal_is_explained(self, refused: Refused) -> None:
        error = self._refusal(refused)
        assert error.detail.strip(), f"{error!r} explains nothing."
        assert re.fullmatch(r"[a-z0-9_]+", error.code), f"{error.code!r} is no stable word."
        provider_code = error.provider_code
        assert provider_code is None or isinstance(provider_code, str), (
            f"provider_code is {provider_code!r}, and no text."
        )

    def test_a_wait_is_as_long_as_the_provider_named(self, refused: Refused) -> None:
        error = self._refusal(refused)
        if isinstance(error, RateLimited):
            assert error.retry_after > timedelta(), f"It waits {error.retry_after}."
            assert refused.wait in {None, error.retry_after}, f"It waits {error.retry_after}."

    def test_a_refused_message_is_not_sent_on(self, refused: Refused) -> None:
        _, transport = self.send(*refused.answers)
        assert len(transport.requests) == len(refused.answers), (
            f"{len(transport.requests)} requests were made."
        )

    def test_every_class_of_error_has_a_recorded_refusal(self) -> None:
        seen = {refused.error for refused in self.refusals.values()}
        missing = {error.__name__ for error in self.expected_errors - seen}
        assert not missing, f"No refusal of your test is {missing} (refusals, expected_errors)."

    # --- by status alone -------------------------------------------------------------------

    def test_too_many_requests_are_no_failure(self) -> None:
        error = self._error(answer(429, _PAGE))
        assert isinstance(error, RateLimited), f"HTTP 429 is {error!r}: throttled is not failed."
        assert error.retry_after > timedelta(), "It says to wait no time."

    def test_the_header_retry_after_is_heeded(self) -> None:
        error = self._error(answer(429, _PAGE, retry_after="7"))
        assert isinstance(error, RateLimited), f"HTTP 429 is {error!r}."
        assert error.retry_after >= timedelta(seconds=7), f"It waits only {error.retry_after}."

    def test_an_odd_retry_after_still_waits(self) -> None:
        for wait in _ODD_WAITS:
            error = self._error(answer(429, _PAGE, retry_after=wait))
            assert isinstance(error, RateLimited), f"With Retry-After {wait!r} it is {error!r}."
            assert timedelta() < error.retry_after <= _LONGEST_WAIT, (
                f"With Retry-After {wait!r} it waits {error.retry_after}."
            )

    def test_an_error_of_the_server_is_not_for_good(self) -> None:
        for status in (500, 502, 503, 504):
            error = self._error(answer(status, _PAGE))
            assert isinstance(error, Transient | OutcomeUnknown), f"HTTP {status} is {error!r}."

    @only_where(lambda suite: not suite.idempotent)
    def test_a_gateway_that_gave_up_waiting_leaves_the_outcome_open(self) -> None:
        for status in (502, 504):
            error = self._error(answer(status, _PAGE))
            assert isinstance(error, OutcomeUnknown), (
                f"HTTP {status} is {error!r}, though what is behind may have taken the message: "
                "say idempotent = True, if sending it again does not double it."
            )

    def test_a_refused_login_stops_the_channel(self) -> None:
        error = self._error(answer(401, _PAGE))
        assert isinstance(error, AuthFailed), f"HTTP 401 is {error!r}."

    def test_no_other_status_counts_as_accepted(self) -> None:
        body = self.accepted[-1].body
        for status in (301, 302, 307, 400, 403, 404, 413, 422, 500):
            ran, _ = self.send(answer(status, body))
            assert not isinstance(ran.value, Accepted), f"HTTP {status} counts as accepted."

    # --- what cannot be known --------------------------------------------------------------

    def test_a_yes_that_cannot_be_read_is_an_unknown_outcome(self) -> None:
        for name, body in _UNREADABLE.items():
            error = self._error(answer(self.accepted[-1].status, body))
            assert isinstance(error, OutcomeUnknown), (
                f"{name.capitalize()} as answer is {error!r}: it may have arrived."
            )

    def test_a_lost_answer_is_an_unknown_outcome(self) -> None:
        error = self._error(OutcomeUnknown("The answer was lost."))
        assert isinstance(error, OutcomeUnknown), f"A lost answer is {error!r}."

    def test_what_may_have_arrived_is_not_sent_again(self) -> None:
        _, transport = self.send(OutcomeUnknown("The answer was lost."), *self.accepted)
        effective = [request for request in transport.requests if not request.safe]
        assert len(effective) == 1, f"It was sent {len(effective)} times."

    def test_an_unreadable_yes_is_not_sent_again(self) -> None:
        _, transport = self.send(answer(self.accepted[-1].status, _PAGE), *self.accepted)
        effective = [request for request in transport.requests if not request.safe]
        assert len(effective) == 1, f"It was sent {len(effective)} times."

    def test_what_never_left_is_tried_later(self) -> None:
        error = self._error(Transient("The provider cannot be reached."))
        assert isinstance(error, Transient), f"A refused connection is {error!r}."

    def test_a_random_answer_is_no_crash(self) -> None:
        def check(reply: tuple[int, bytes]) -> None:
            ran, _ = self.send(answer(reply[0], reply[1]))
            assert isinstance(ran.value, Accepted) or _is_planned(ran.error), (
                f"{ran.error!r} on {reply}"
            )
            assert not isinstance(ran.value, Accepted) or ran.value.external_id, f"No id: {reply}"

        for_all(st.tuples(st.integers(200, 599), ANY_BODY), check)

    def _refusal(self, refused: Refused) -> SendError:
        return self._error(*refused.answers)

    def _error(self, *answers: object) -> SendError:
        ran, _ = self.send(*answers)  # type: ignore[arg-type]  # answers and errors
        assert ran.error is not None, f"It counts as accepted: {ran.value}."
        assert _is_planned(ran.error), f"{ran.error!r}"
        return ran.error


def _is_planned(error: SendError | None) -> bool:
    """Whether the plugin itself said so, and did not just break."""
    return error is not None and error.code != "plugin_error"
