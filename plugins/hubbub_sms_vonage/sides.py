"""Say who is at either end of a message, and what they mean by it; the same in both APIs."""

import re
from collections.abc import Iterator
from typing import Final

from hubbub.sdk import AddressChanged, AddressState
from hubbub.sdk.sms import address_kind, keyword, to_e164

#: `Part.reference`. Other programs send through the same application, with words of their own.
_REFERENCE: Final = re.compile(r"[0-9a-z]{26}")
_OPT_OUT: Final = {"stop": True, "start": False}


def address(written: str) -> str:
    """Return the one spelling of an address that Vonage writes, which does without ``+``."""
    # A number that our tables do not know is still a number: it wrote to us.
    return to_e164(written, international=True) or written.strip()


def opt_out(text: str) -> bool | None:
    """Return what ``text`` asks for: Vonage keeps no list for us."""
    # Where there is no mark, a YES lifts none.
    return _OPT_OUT.get(keyword(text, yes_starts=True) or "")


def one_way(sender: str, external_id: str) -> Iterator[AddressChanged]:
    """Yield that a sender cannot be answered, if it is a name."""
    if address_kind(sender) == "alphanumeric":
        yield AddressChanged(
            key=f"one_way:{external_id}",
            address=address(sender),
            state=AddressState.BLOCKED,
            reason="The sender is a name and no number, so nobody can answer.",
        )


def reference(client_ref: str) -> str | None:
    """Return our own reference to a part, or None where it is another program's."""
    return client_ref if _REFERENCE.fullmatch(client_ref) else None
