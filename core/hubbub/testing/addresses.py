"""Check how a channel type writes addresses: one contact has one address."""

import pytest
from hypothesis import strategies as st

from hubbub.sdk import AddressChanged, BadAddress, MessageReceived
from hubbub.testing.given import Given
from hubbub.testing.samples import for_all


class AddressChecks(Given):
    """``address``, ``sender`` and ``account``."""

    def test_the_example_address_is_as_the_channel_writes_it(self) -> None:
        written = self.kind.address(self.address, self.connection())
        assert written == self.address, f"{self.address!r} is written {written!r}."

    def test_what_is_no_address_is_refused_with_a_sentence(self) -> None:
        for text in self.bad_addresses:
            with pytest.raises(BadAddress) as refused:
                self.kind.address(text, self.connection())
            assert refused.value.detail, f"Why {text!r} is no address is not said."

    def test_an_address_is_written_in_one_way_whatever_was_typed(self) -> None:
        def check(text: str) -> None:
            written = self._written(text)
            if written is not None:
                assert self._written(written) == written, (
                    f"{text!r} is written {written!r}, and that {self._written(written)!r}."
                )

        for_all(st.text(max_size=30) | st.from_regex(r"[+@#-]?[0-9A-Za-z ]{1,20}"), check)

    def test_who_writes_has_the_address_by_which_they_are_written_to(self) -> None:
        for recorded in self.recordings():
            for event in self.events(self.call(recorded)):
                if isinstance(event, MessageReceived):
                    self._check_canonical(event.reply_address or event.sender.address)
                elif isinstance(event, AddressChanged):
                    self._check_canonical(event.address)

    def test_whom_we_write_as_is_an_address_or_unknown(self) -> None:
        sender = self.kind.sender(self.connection())
        assert sender is None or isinstance(sender, str), f"The sender is {sender!r}."

    def test_the_account_is_the_same_whenever_it_is_asked(self) -> None:
        first, again = (self.kind.account(self.connection()) for _ in range(2))
        assert first == again, f"The account is {first!r} and then {again!r}."
        assert first != "", "An account without a name would be shared by all: return None."

    def _check_canonical(self, address: str) -> None:
        # Who cannot be written to, such as the name that stands for a firm, has none.
        written = self._written(address)
        assert written in {None, address}, (
            f"{address!r} writes to us, but is written to as {written!r}: two contacts."
        )

    def _written(self, text: str) -> str | None:
        try:
            return self.kind.address(text, self.connection())
        except BadAddress:
            return None
