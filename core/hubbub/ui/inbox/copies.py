"""Say to whom letters go beside whom they are with, and let answers go to all of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hubbub.sdk.content import Correspondent, Email, from_json
from hubbub.store.types import AnyRow

#: Of each list so many are named in a conversation; the rest is in the API.
_SHOWN: Final = 12
_BETWEEN: Final = re.compile(r"[,;\s]+")


@dataclass(frozen=True, kw_only=True)
class Copies:
    """To whom an answer may go as well."""

    #: The letter that is answered: those of another one must not be taken for its own.
    about: str
    #: Their addresses; empty where it names nobody else.
    addresses: str


def copies_of(rows: Sequence[AnyRow], owns: Callable[[str], bool]) -> Copies:
    """Return who else the last letter in ``rows`` went to; ``owns`` knows addresses of ours."""
    last = next((row for row in reversed(rows) if row.kind == "email"), None)
    if last is None:
        return Copies(about="", addresses="")
    content = from_json(last.content)
    others = _others(content, last, owns) if isinstance(content, Email) else ()
    return Copies(about=last.id, addresses=", ".join(others))


def typed_copies(form: Mapping[str, str]) -> tuple[Correspondent, ...]:
    """Return who is to get copies of what ``form`` sends: nobody, unless that was ticked."""
    if not form.get("all"):
        return ()
    typed = filter(None, _BETWEEN.split(form.get("cc", "")))
    return tuple(Correspondent(address=address) for address in dict.fromkeys(typed))


def lines_of(letter: Email, ours: str) -> tuple[tuple[str, str], ...]:
    """Return to whom a letter goes, line by line; none where that is ``ours`` alone."""
    named = (("To", letter.to), ("Cc", letter.cc), ("Bcc", letter.bcc))
    if {one.address for _, found in named for one in found} <= {ours.lower()}:
        return ()
    return tuple((title, _names(found)) for title, found in named if found)


def _others(letter: Email, row: AnyRow, owns: Callable[[str], bool]) -> tuple[str, ...]:
    if row.direction == "outbound":
        return tuple(one.address for one in letter.cc if not owns(one.address))
    named = dict.fromkeys(one.address for one in (*letter.to, *letter.cc))
    ours = {address for address in named if owns(address)}
    if not ours:
        return ()  # Whoever sent it unseen did not want the others to know.
    return tuple(address for address in named if address not in {*ours, row.sender_address})


def _names(found: Sequence[Correspondent]) -> str:
    more = len(found) - _SHOWN
    return ", ".join([*map(_name, found[:_SHOWN]), *([f"and {more} more"] if more > 0 else [])])


def _name(one: Correspondent) -> str:
    return f"{one.name} <{one.address}>" if one.name else one.address
