"""Check what a channel type asks of the provider beside sending."""

from typing import Final, TypeVar

from hypothesis import strategies as st

from hubbub.exchange import Ran
from hubbub.sdk import (
    Accepted,
    AuthFailed,
    Call,
    ChannelType,
    Checked,
    Exchange,
    HttpResponse,
    MessageTemplate,
    OutcomeUnknown,
    SendError,
    Transient,
)
from hubbub.testing.applies import does, has_a_provider, only_where
from hubbub.testing.exchanges import Scripted, is_planned, spoken
from hubbub.testing.given import Given
from hubbub.testing.recorded import answer
from hubbub.testing.samples import ANY_BODY, for_all

T = TypeVar("T")
_UNREACHABLE: Final = Transient("The provider cannot be reached.")
_PAGE: Final = b"<html>It works!</html>"


def _registers(suite: Given) -> bool:
    return suite.kind.capabilities.registers_webhook


def _lists(suite: Given) -> bool:
    return suite.kind.capabilities.templates


def _finds(suite: Given) -> bool:
    return suite.kind.capabilities.finds


_checking = only_where(does("check"))
_registering = only_where(_registers)
_listing = only_where(_lists)
_finding = only_where(_finds)


@only_where(has_a_provider)
class UpkeepChecks(Given):
    """``check``, ``setup``, ``teardown``, templates, proof, and small signals."""

    # --- check -----------------------------------------------------------------------------

    @_checking
    def test_a_sound_channel_passes_its_check(self) -> None:
        checked = self._checked(*self.told("healthy"))
        assert checked.findings, "The check found nothing at all."
        wrong = [finding for finding in checked.findings if not finding.ok]
        assert not wrong, f"It finds {wrong}."

    @_checking
    def test_a_check_changes_nothing(self) -> None:
        _, transport = self._check(*self.told("healthy"))
        for request in transport.requests:
            assert request.safe, f"A check makes a {request.method} that is not marked safe."

    @_checking
    def test_a_refused_login_is_found(self) -> None:
        ran, _ = self._check(answer(401, _PAGE))
        found = ran.value is not None and not ran.value.ok
        assert found or isinstance(ran.error, AuthFailed), "A refused login is not found."

    @_checking
    def test_what_is_wrong_comes_with_its_mending(self) -> None:
        ran, _ = self._check(answer(401, _PAGE))
        for finding in ran.value.findings if ran.value else ():
            assert finding.code, f"{finding} has no code."
            assert finding.detail, f"{finding} says nothing."
            assert finding.ok or finding.fix, f"How to mend {finding} is not said."

    @_checking
    def test_a_provider_that_cannot_be_reached_is_found(self) -> None:
        ran, _ = self._check(_UNREACHABLE)
        found = ran.value is not None and not ran.value.ok
        assert found or is_planned(ran.error), f"It says {ran.value or ran.error!r}."

    @_checking
    def test_a_random_answer_to_a_check_is_no_crash(self) -> None:
        def check(reply: tuple[int, bytes]) -> None:
            ran, _ = self._check(answer(*reply))
            assert ran.value is not None or is_planned(ran.error), f"{ran.error!r} on {reply}"

        for_all(st.tuples(st.integers(200, 599), ANY_BODY), check)

    @_checking
    def test_facts_are_texts(self) -> None:
        for name, value in self._checked(*self.told("healthy")).facts.items():
            assert isinstance(value, str), f"The fact {name} is {value!r}."

    # --- set-up ----------------------------------------------------------------------------

    @_registering
    def test_the_set_up_names_our_webhook(self) -> None:
        implemented = self.channel_type.setup is not ChannelType.setup
        assert implemented, "The manifest says registers_webhook, but there is no setup."
        exchange = self.kind.setup(self.connection())
        ran, transport = self.ran(exchange, self.told("registered"))
        assert ran.value is not None, f"The set-up fails: {ran.error!r}."
        assert ran.value.ok, f"The set-up finds {ran.value.findings}."
        assert any(self.webhook_url in spoken(one) for one in transport.requests), (
            "No request of the set-up names the webhook's address."
        )

    @_registering
    def test_a_set_up_that_fails_is_told(self) -> None:
        for reply in (_UNREACHABLE, answer(401, _PAGE), answer(500, _PAGE), answer(200, _PAGE)):
            ran, _ = self.ran(self.kind.setup(self.connection()), (reply,))
            found = ran.value is not None and not ran.value.ok
            assert found or is_planned(ran.error), f"On {reply!r} it says {ran.value}."

    @only_where(_registers, does("teardown"))
    def test_the_set_up_can_be_undone(self) -> None:
        exchange = self.kind.teardown(self.connection())
        ran, transport = self.ran(exchange, self.told("removed"))
        assert ran.error is None, f"It fails: {ran.error!r}."
        assert transport.requests, "Nothing is asked of the provider."

    # --- templates -------------------------------------------------------------------------

    @_listing
    def test_templates_are_listed_once_each(self) -> None:
        ran, transport = self._list(*self.told("listed"))
        listed = ran.value or ()
        assert listed, f"No template is listed: {ran.error!r}."
        assert len({(one.name, one.language) for one in listed}) == len(listed)
        for one in listed:
            names = [parameter.name for parameter in one.parameters or ()]
            assert len(set(names)) == len(names), f"{one.name} wants the same twice: {names}."
        assert all(one.safe for one in transport.requests), "A request is not marked safe."

    @_listing
    def test_a_list_of_templates_that_breaks_off_is_none(self) -> None:
        begun = self.told("listed")[:-1]
        replies: list[HttpResponse | SendError] = [_UNREACHABLE]
        replies += [answer(status, _PAGE) for status in (200, 401, 429, 500)]
        for reply in replies:
            ran, _ = self._list(*begun, reply)
            assert is_planned(ran.error), f"On {reply!r} it lists {ran.value}."

    # --- proof -----------------------------------------------------------------------------

    @_finding
    def test_what_arrived_is_found(self) -> None:
        ran, transport = self._find(*self.told("found"))
        assert isinstance(ran.value, Accepted), f"It is not found: {ran.error!r}."
        assert all(one.safe for one in transport.requests), "Asking is not marked safe."

    @_finding
    def test_what_did_not_arrive_is_proven_missing(self) -> None:
        ran, _ = self._find(*self.told("not_found"))
        assert ran.error is None, f"It is {ran.error!r}."
        assert ran.value is None, f"It finds {ran.value}."

    @_finding
    def test_no_answer_proves_nothing(self) -> None:
        for status in (200, 401, 403, 429, 500, 503):
            ran, _ = self._find(answer(status, _PAGE))
            assert is_planned(ran.error), f"HTTP {status} proves {ran.value}."
        ran, _ = self._find(_UNREACHABLE)
        assert isinstance(ran.error, Transient | OutcomeUnknown), f"It is {ran.error!r}."

    # --- small signals ---------------------------------------------------------------------

    @only_where(does("wants_ack"))
    def test_a_provider_that_waits_is_answered(self) -> None:
        waiting = [call for call in self._calls() if self.kind.wants_ack(call)]
        assert waiting, "No recorded call of your test waits for an acknowledgement."
        for call in waiting:
            exchange = self.kind.acknowledge(call, self.connection())
            ran, transport = self.ran(exchange, self.told("acknowledged"))
            assert ran.error is None, f"It fails: {ran.error!r}."
            assert transport.requests, "The provider hears nothing."

    @only_where(does("mark_read"))
    def test_what_was_read_is_told(self) -> None:
        exchange = self.kind.mark_read(self.address, "m-1", self.connection())
        ran, transport = self.ran(exchange, self.told("seen"))
        assert ran.error is None, f"It fails: {ran.error!r}."
        assert transport.requests, "The provider hears nothing."

    @only_where(does("typing"))
    def test_somebody_is_shown_writing(self) -> None:
        exchange = self.kind.typing(self.address, "m-1", self.connection())
        ran, _ = self.ran(exchange, self.told("typed"))
        assert ran.error is None, f"It fails: {ran.error!r}."

    def _calls(self) -> list[Call]:
        return [self.call(recorded) for recorded in self.recordings()]

    def _check(self, *answers: HttpResponse | SendError) -> tuple[Ran[Checked], Scripted]:
        return self.ran(self.kind.check(self.connection()), answers)

    def _checked(self, *answers: HttpResponse) -> Checked:
        ran, _ = self._check(*answers)
        assert ran.value is not None, f"The check fails: {ran.error!r}."
        return ran.value

    def _list(
        self, *answers: HttpResponse | SendError
    ) -> tuple[Ran[tuple[MessageTemplate, ...]], Scripted]:
        return self.ran(self.kind.templates(self.connection()), answers)

    def _find(self, *answers: HttpResponse | SendError) -> tuple[Ran[Accepted | None], Scripted]:
        exchange: Exchange[Accepted | None] = self.kind.find(self.part(), self.connection())
        return self.ran(exchange, answers)
