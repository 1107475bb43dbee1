"""Check that no secret gets into anything that is logged, stored or shown."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from hubbub.sdk import OutcomeUnknown, Reject
from hubbub.testing.applies import does, has_a_provider, only_where
from hubbub.testing.given import Given
from hubbub.testing.recorded import Recorded, Refused, answer


class SecrecyChecks(Given):
    """Canaries: the example credentials, looked for everywhere."""

    def test_no_secret_is_in_the_repr_of_the_channel(self) -> None:
        connection = self.connection()
        fields: Any = connection.fields
        shown = [connection, fields, fields.credentials, fields.settings, self.kind]
        for one in shown:
            self._clean(f"{one!r} {one}", f"the repr of {type(one).__name__}")

    def test_no_secret_is_quoted_by_a_form_that_is_refused(self) -> None:
        for odd in ({"no_such_field": 1}, {"api_base": 5}, {"messages_per_second": "x"}):
            form = {"credentials": dict(self.credentials), "settings": {**self.settings, **odd}}
            self._clean(self._complaint(form), "the complaint about a form")
        wrong = {name: [value] for name, value in self.credentials.items()}
        form = {"credentials": wrong, "settings": dict(self.settings)}
        self._clean(self._complaint(form), "the complaint about a form")

    def test_no_secret_is_in_what_is_read(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            self._clean(repr(event), "an event")

    def test_no_secret_is_in_a_rejection(self) -> None:
        call = self.call(next(iter(self.inbound.values())))
        verdict = self.kind.verify(replace(call, body=call.body + b" "), self.other_connection())
        if isinstance(verdict, Reject):
            self._clean(verdict.reason, "the reason of a rejection")
            for secret in self.secrets(self.other_connection()):
                assert secret not in verdict.reason, "A rejection names the secret it expected."

    def test_no_secret_is_in_the_repr_of_a_request(self) -> None:
        _, transport = self.send(*self.accepted)
        for request in transport.requests:
            self._clean(repr(request), "the repr of a request")

    def test_no_secret_is_in_an_address_that_is_not_hidden(self) -> None:
        sender = self.kind.sender(self.connection())
        account = self.kind.account(self.connection())
        self._clean(f"{sender} {account}", "sender or account")

    @only_where(has_a_provider)
    def test_no_secret_is_in_an_error(self, refused: Refused) -> None:
        error = self._raised(refused)
        self._clean(f"{error!r} {error} {error.detail} {error.provider_code}", "an error")

    def test_no_secret_is_in_what_was_accepted(self) -> None:
        ran, _ = self.send(*self.accepted)
        self._clean(repr(ran.value), "what was accepted")

    @only_where(does("check"), has_a_provider)
    def test_no_secret_is_in_a_finding(self) -> None:
        for answers in (self.told("healthy"), (answer(401),), (answer(500),)):
            ran, _ = self.ran(self.kind.check(self.connection()), answers)
            self._clean(repr(ran.value), "a finding or a fact")

    def test_the_record_of_an_exchange_holds_no_secret(self) -> None:
        for reply in (*self.accepted, answer(400), answer(401)):
            ran, _ = self.send(reply)
            self._clean(json.dumps(ran.exchanges), "the hub's record, redacted as it is")

    def test_nothing_secret_is_logged_or_printed(self) -> None:
        with _heard() as heard:
            for recorded in self.recordings():
                self.kind.verify(self.unsigned(recorded), self.connection())
                self.kind.verify(self.call(recorded), self.connection())
                self.events(self.call(recorded))
            self.send(*self.accepted)
            self.send(OutcomeUnknown("The answer was lost."))
            for refused in self.refusals.values():
                self.send(*refused.answers)
        self._clean(heard.getvalue(), "the log")

    def test_no_message_is_logged_or_printed(self) -> None:
        with _heard() as heard:
            self.send(*self.accepted)
            self.send(answer(400))
        text = getattr(self.sample("text"), "text", "")
        assert text not in heard.getvalue(), "The log holds what people write."

    def _raised(self, refused: Refused) -> Any:
        """Return the error as the plugin raises it, before the hub redacts it."""
        exchange = self.kind.send(self.part(), self.connection())
        try:
            next(exchange)
            for reply in refused.answers:
                exchange.send(reply)
        except StopIteration:
            raise AssertionError("A refusal counts as accepted.") from None
        except Exception as error:  # noqa: BLE001  # its class is checked elsewhere
            return error
        raise AssertionError("After a refusal it asks on.")

    def _complaint(self, form: dict[str, Any]) -> str:
        try:
            self.kind.fields.model_validate(form)
        except ValidationError as error:
            return str(error)
        return ""

    def _clean(self, text: str, where: str) -> None:
        for secret in self.secrets(self.connection()):
            assert secret not in text, f"A secret is in {where}."


@contextmanager
def _heard() -> Iterator[io.StringIO]:
    """Collect all that is logged or printed meanwhile."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(heard))
            stack.enter_context(redirect_stderr(heard))
            yield heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
