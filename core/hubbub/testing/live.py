"""Check a channel type against its author's simulator, over real connections on this machine."""

import ipaddress
from typing import Any

from hubbub.exchange import Ran
from hubbub.guard import Guard
from hubbub.sdk import Connection, Exchange
from hubbub.testing.applies import does, only_where
from hubbub.testing.exchanges import carried
from hubbub.testing.given import Given
from hubbub.transport import HttpTransport

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def _has_simulator(suite: Given) -> bool:
    return type(suite).simulator is not Given.simulator


_simulated = only_where(_has_simulator)


class LiveChecks(Given):
    """``check``, ``setup`` and ``send`` through the hub's own HTTP client."""

    @only_where(_has_simulator, does("check"))
    def test_the_simulator_passes_the_check(self) -> None:
        with self.simulator() as connection:
            if self.kind.capabilities.registers_webhook:
                self._went(self.kind.setup(connection), connection)
            checked = self._went(self.kind.check(connection), connection).value
            assert checked is not None, "The check returned nothing."
            assert checked.ok, f"It finds {checked.findings}."

    @_simulated
    def test_the_simulator_takes_a_text_and_names_it(self) -> None:
        with self.simulator() as connection:
            ran = self._went(self.kind.send(self.part(), connection), connection)
            assert ran.value, f"send returned {ran.value!r}."

    @_simulated
    def test_two_texts_have_two_names(self) -> None:
        with self.simulator() as connection:
            sent = [
                self._went(self.kind.send(self.part(reference=name), connection), connection).value
                for name in ("1" * 26, "2" * 26)
            ]
            first, second = (getattr(one, "external_id", None) for one in sent)
            assert first != second, f"Both are named {first!r}."

    @_simulated
    def test_the_record_of_what_went_over_the_wire_holds_no_secret(self) -> None:
        with self.simulator() as connection:
            ran = self._went(self.kind.send(self.part(), connection), connection)
            for secret in self.secrets(connection):
                assert secret not in str(ran.exchanges), "A secret is in the hub's record."

    def _went(self, exchange: Exchange[Any], connection: Connection[Any]) -> Ran[Any]:
        transport = HttpTransport(Guard(_LOOPBACK))
        try:
            ran = carried(exchange, transport, self.secrets(connection))
        finally:
            transport.close()
        assert ran.error is None, f"It fails: {ran.error!r}."
        return ran
