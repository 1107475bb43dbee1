"""Name the error codes of the Messenger Platform. Source: "Error codes"."""

from collections.abc import Mapping
from typing import Final

from hubbub.sandbox.meta.guard import Product
from hubbub.sandbox.meta.refusal import GRAPH, Code, Refused

THROTTLED: Final = 613

_CODES: Final[Mapping[int, Code]] = {
    **GRAPH,
    1: Code("An unknown error has occurred.", 500),
    17: Code("User request limit reached"),
    32: Code("Page request limit reached"),
    230: Code("Permissions disallow message to user", 403),
    368: Code("The action attempted has been deemed abusive or is otherwise disallowed", 403),
    551: Code("This person isn't available right now."),
    1200: Code("Temporary send message failure. Please try again later.", 500),
    80006: Code("There have been too many calls to this Messenger account."),
}
#: Subcodes, under the code with which they come.
_SUBCODES: Final[Mapping[int, int]] = {
    **dict.fromkeys((2018278, 2018065, 2018108, 2018300, 1893063), 10),
    **dict.fromkeys((2018001, 2018008, 2018047, 2018074, 2018109, 1893061), 100),
    **dict.fromkeys((2018027, 2018028), 200),
    **dict.fromkeys((458, 459, 460, 463, 464, 467, 492), 190),
    2018022: 4,
    2018352: 9,
    1545041: 551,
}
META: Final = Product(
    provider="messenger",
    codes=_CODES,
    subcodes=_SUBCODES,
    throttled=THROTTLED,
    account_limits=frozenset({80006}),
    unknown=1200,
)


def window_closed() -> Refused:
    """Return the refusal of a message that comes too late."""
    return Refused(10, "This message is sent outside of allowed window.", subcode=2018278)


def other_app() -> Refused:
    """Return the refusal of a message to somebody whom another app answers."""
    return Refused(10, "Another app is controlling this thread now.", subcode=2018300)


def unknown_person() -> Refused:
    """Return the refusal of an id that the Page does not know."""
    return Refused(100, "No matching user found", subcode=2018001)


def unavailable() -> Refused:
    """Return the refusal of a message to somebody who blocked the Page."""
    return Refused(551, "This person isn't available right now.", subcode=1545041)


def retired_tag(tag: str) -> Refused:
    """Return the refusal of a message tag that has ended."""
    return Refused(100, f"The message tag {tag} is no longer supported.", subcode=1893061)


def not_fetched(why: str) -> Refused:
    """Return the refusal of a file that Meta could not get."""
    return Refused(100, f"Failed to fetch the file from the url: {why}", subcode=2018008)


def not_usable(why: str) -> Refused:
    """Return the refusal of a file that is not what it is sent as."""
    return Refused(100, f"Upload attachment failure: {why}", subcode=2018047)


def too_large(size: int) -> Refused:
    """Return the refusal of a file."""
    return Refused(100, f"Attachment size exceeds allowable limit: {size}", subcode=2018109)


def no_attachment(attachment_id: str) -> Refused:
    """Return the refusal of an id of a file that the Page did not upload."""
    return Refused(100, f"Invalid attachment id {attachment_id}", subcode=2018074)
