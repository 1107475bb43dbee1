"""Check that nobody but the provider is believed."""

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from hubbub.sdk import Accept, Call, Challenge, Reject, Verdict
from hubbub.testing.applies import only_where
from hubbub.testing.given import Given
from hubbub.testing.proofs import Proof, flipped, proofs_of
from hubbub.testing.recorded import Recorded
from hubbub.testing.samples import HOSTILE_BODIES, for_all

_OK: Final = range(200, 300)
_ODD_PROOFS: Final = ("", " ", "\0", "ÿ", "\ud800", "=", "é" * 1000, "x" * 100_000, "a,b", "%")


_proving = only_where(lambda suite: suite.proves)


class AuthenticityChecks(Given):
    """``verify``."""

    def test_a_call_of_the_provider_is_accepted(self, recorded: Recorded) -> None:
        verdict = self._verdict(self.call(recorded))
        assert isinstance(verdict, Accept), f"The signed call is not accepted: {verdict}."
        assert verdict.answer.status in _OK, f"The provider is told {verdict.answer.status}."

    @_proving
    def test_a_call_without_proof_is_rejected(self, recorded: Recorded) -> None:
        self._rejected(self.unsigned(recorded), "has no proof")

    @_proving
    def test_a_rejection_says_why(self) -> None:
        verdict = self._verdict(self.unsigned(self._some))
        assert isinstance(verdict, Reject), "A call without proof is not rejected."
        assert verdict.reason.strip(), "The operator is not told why a call was rejected."

    @_proving
    def test_a_flipped_bit_of_the_signature_is_rejected(self) -> None:
        for proof in self._proofs():
            for changed in flipped(proof.value):
                self._rejected(proof.put(changed), f"has {changed!r} for {proof.value!r}")

    @_proving
    def test_a_shortened_or_lengthened_signature_is_rejected(self) -> None:
        for proof in self._proofs():
            for changed in (proof.value[:-1], proof.value[1:], proof.value + "A"):
                self._rejected(proof.put(changed), f"has {changed!r} for {proof.value!r}")

    @_proving
    def test_odd_characters_for_a_signature_are_rejected(self) -> None:
        for proof in self._proofs():
            for changed in _ODD_PROOFS:
                self._rejected(proof.put(changed), f"has {changed[:20]!r} for a proof")

    @only_where(lambda suite: suite.proves and suite.signs_body)
    def test_a_changed_body_under_a_good_signature_is_rejected(self) -> None:
        recorded = next((one for one in self.inbound.values() if one.body), None)
        assert recorded, "No recorded call has a body that could be signed (signs_body)."
        signed = self.call(recorded)
        events = self.events(signed)
        kind = self.kind
        # What was believed once must not be believed for another body.
        kind.verify(signed, self.connection())

        def check(place: int) -> None:
            body = bytearray(signed.body)
            body[place // 8 % len(body)] ^= 1 << place % 8
            changed = replace(signed, body=bytes(body))
            if isinstance(kind.verify(changed, self.connection()), Accept):
                # Two spellings of the same may both be signed: what counts is what is said.
                assert self.events(changed) == events, f"A forged body is accepted: {bytes(body)!r}"

        for_all(st.integers(0, len(signed.body) * 8 - 1), check)

    @_proving
    def test_the_signature_of_another_channel_is_rejected(self, recorded: Recorded) -> None:
        foreign = self.sign(self.unsigned(recorded), self.other_connection())
        self._rejected(foreign, "is signed with another channel's secrets")

    @_proving
    def test_random_bytes_are_not_accepted_and_raise_nothing(self) -> None:
        def check(body: bytes) -> None:
            self._not_accepted(self.unsigned(replace(self._some, body=body)), "has no proof")

        for body in HOSTILE_BODIES.values():
            check(body)
        for_all(st.binary(max_size=400), check)

    @_proving
    def test_random_headers_and_queries_are_not_accepted_and_raise_nothing(self) -> None:
        names = sorted({*self.call(self._some).headers, "content-type"})
        text = st.text(max_size=50)

        def check(values: list[str]) -> None:
            headers = dict(zip(names, values, strict=False))
            call = self.unsigned(replace(self._some, headers=headers, query=values[-1]))
            self._not_accepted(call, f"has headers {headers!r}")

        for_all(st.lists(text, min_size=len(names), max_size=len(names)), check)

    def test_a_call_by_another_method_raises_nothing(self) -> None:
        for method in ("GET", "HEAD", "PUT", "DELETE", "POLL"):
            self._verdict(self.unsigned(replace(self._some, method=method)))

    @property
    def _some(self) -> Recorded:
        return next(iter(self.inbound.values()))

    def _verdict(self, call: Call) -> Verdict:
        verdict = self.kind.verify(call, self.connection())
        assert isinstance(verdict, Accept | Challenge | Reject), f"verify returned {verdict!r}."
        return verdict

    def _not_accepted(self, call: Call, what: str) -> None:
        # A challenge may be answered: it brings nothing that is kept.
        assert not isinstance(self._verdict(call), Accept), f"A call that {what} is accepted."

    def _rejected(self, call: Call, what: str) -> None:
        verdict = self._verdict(call)
        assert isinstance(verdict, Reject), f"A call that {what} is not rejected."

    def _proofs(self) -> list[Proof]:
        proofs = proofs_of(self.unsigned(self._some), self.call(self._some))
        assert proofs, "sign() of your test fills no header and no field of query, form or object."
        return proofs
