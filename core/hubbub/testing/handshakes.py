"""Check that the provider's handshake is answered, and nobody else's."""

from typing import Any, Final

from hubbub.sdk import Challenge, Reject, Verdict
from hubbub.testing.applies import only_where
from hubbub.testing.given import Given
from hubbub.testing.proofs import flipped, proofs_of
from hubbub.testing.recorded import Recorded

_OK: Final = range(200, 300)
_REFUSED: Final = range(400, 500)
_shaking = only_where(lambda suite: suite.handshake)
_proving = only_where(lambda suite: suite.handshake and suite.proves)


class HandshakeChecks(Given):
    """``verify``, where it asks whether the webhook is ours and brings no event."""

    @_shaking
    def test_a_handshake_is_answered_as_the_provider_wants(self) -> None:
        verdict = self._greeted(self.connection())
        assert isinstance(verdict, Challenge), f"The handshake is not answered: {verdict}."
        answer = verdict.answer
        assert answer.status in _OK, f"The provider is told {answer.status}."
        assert self.handshake_answer in answer.body, (
            f"The provider is told {answer.body!r} instead of {self.handshake_answer!r}."
        )

    @_shaking
    def test_the_answer_to_a_handshake_is_no_page(self) -> None:
        # It repeats what the caller wrote: shown as a page, that could be a script.
        verdict = self._greeted(self.connection())
        shown = verdict.answer.content_type if isinstance(verdict, Challenge) else ""
        assert "html" not in shown.lower(), f"The answer is sent as {shown}."

    @_proving
    def test_a_handshake_without_proof_is_rejected(self) -> None:
        verdict = self.kind.verify(self.unsigned(self._handshake), self.connection())
        self._turned_away(verdict, "has no proof")

    @_proving
    def test_a_handshake_with_a_false_proof_is_rejected(self) -> None:
        proofs = proofs_of(self.unsigned(self._handshake), self.call(self._handshake))
        assert proofs, "sign() of your test adds no proof to the handshake."
        for proof in proofs:
            for changed in (*flipped(proof.value), proof.value[:-1], ""):
                verdict = self.kind.verify(proof.put(changed), self.connection())
                self._turned_away(verdict, f"has {changed!r} for {proof.value!r}")

    @_proving
    def test_a_handshake_of_another_channel_is_rejected(self) -> None:
        self._turned_away(self._greeted(self.other_connection()), "has another channel's secrets")

    @property
    def _handshake(self) -> Recorded:
        handshake: Any = self.handshake
        return handshake  # type: ignore[no-any-return]  # there is one, or the check does not apply

    def _greeted(self, theirs: Any) -> Verdict:
        """Return what we make of a handshake that was made for the connection ``theirs``."""
        return self.kind.verify(
            self.sign(self.unsigned(self._handshake), theirs), self.connection()
        )

    def _turned_away(self, verdict: Verdict, what: str) -> None:
        refused = isinstance(verdict, Challenge) and verdict.answer.status in _REFUSED
        assert refused or isinstance(verdict, Reject), (
            f"A handshake that {what} is taken: {verdict}."
        )
