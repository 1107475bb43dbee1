"""Find letters: SEARCH. Source: RFC 3501, 6.4.4."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from hubbub.sandbox.email.imap import wire
from hubbub.sandbox.email.imap.parts import taken_apart
from hubbub.sandbox.email.imap.wire import Token, Unreadable
from hubbub.sandbox.email.state import Stored


@dataclass(frozen=True, slots=True)
class Candidate:
    """A letter with its place in the folder, as the session sees it."""

    place: int
    letter: Stored


Test: TypeAlias = Callable[[Candidate], bool]

_FLAGS: Final = {
    b"ANSWERED": "\\Answered",
    b"DELETED": "\\Deleted",
    b"DRAFT": "\\Draft",
    b"FLAGGED": "\\Flagged",
    b"SEEN": "\\Seen",
}
_HEADERS: Final = frozenset({b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO"})


def search(criteria: list[Token], letters: list[Candidate]) -> list[Candidate]:
    """Return the letters that meet all of ``criteria``. Raises `Unreadable`."""
    tokens = list(criteria)
    if tokens and _word(tokens[0]) == b"CHARSET":
        del tokens[:2]
    tests = _all(tokens, letters)
    return [one for one in letters if all(test(one) for test in tests)]


def _all(tokens: list[Token], letters: list[Candidate]) -> list[Test]:
    tests = []
    while tokens:
        tests.append(_test(tokens, letters))
    return tests


def _test(tokens: list[Token], letters: list[Candidate]) -> Test:
    """Take one criterion from the front."""
    first = tokens.pop(0)
    if isinstance(first, list):
        inner = _all(list(first), letters)
        return lambda one: all(test(one) for test in inner)
    name = first.upper()
    if name == b"NOT":
        refused = _test(tokens, letters)
        return lambda one: not refused(one)
    if name == b"OR":
        left, right = _test(tokens, letters), _test(tokens, letters)
        return lambda one: left(one) or right(one)
    if name == b"UID":
        uids = set(wire.chosen(_next(tokens), [one.letter.uid for one in letters]))
        return lambda one: one.letter.uid in uids
    if first[:1].isdigit() or first.startswith(b"*"):
        places = set(wire.chosen(first, [one.place for one in letters]))
        return lambda one: one.place in places
    return _by_flag(name, tokens) or _by_content(name, tokens) or _by_number(name, tokens)


def _by_flag(name: bytes, tokens: list[Token]) -> Test | None:
    if name in {b"ALL", b"OLD"}:
        return lambda _: True
    if name in {b"NEW", b"RECENT"}:
        return lambda _: False
    if name in {b"KEYWORD", b"UNKEYWORD"}:
        flag = _next(tokens).decode("ascii", "replace")
    elif name.removeprefix(b"UN") in _FLAGS:
        flag = _FLAGS[name.removeprefix(b"UN")]
    else:
        return None
    wanted = not name.startswith(b"UN")
    return lambda one: (flag in one.letter.flags) == wanted


def _by_content(name: bytes, tokens: list[Token]) -> Test | None:
    if name in {b"TEXT", b"BODY"}:
        words = _next(tokens).lower()
        whole = name == b"TEXT"
        return lambda one: (
            words in (one.letter.raw if whole else taken_apart(one.letter.raw).body).lower()
        )
    if name == b"HEADER" or name in _HEADERS:
        header = (_next(tokens) if name == b"HEADER" else name).decode("ascii", "replace")
        wanted = _next(tokens).decode("utf-8", "replace").lower()
        return lambda one: any(
            wanted in str(value).lower()
            for value in taken_apart(one.letter.raw).headers.get_all(header, [])
        )
    return None


def _by_number(name: bytes, tokens: list[Token]) -> Test:
    if name in {b"LARGER", b"SMALLER"}:
        size = int(_next(tokens))
        larger = name == b"LARGER"
        return lambda one: len(one.letter.raw) > size if larger else len(one.letter.raw) < size
    of = _sent if name.startswith(b"SENT") else _arrived
    compare = _COMPARED.get(name.removeprefix(b"SENT"))
    if compare is None:
        raise Unreadable(f"Nobody can be searched for by {name.decode('ascii', 'replace')}.")
    day = _day(_next(tokens))
    return lambda one: compare(of(one), day)


_COMPARED: Final[Mapping[bytes, Callable[[date, date], bool]]] = {
    b"BEFORE": lambda one, day: one < day,
    b"ON": lambda one, day: one == day,
    b"SINCE": lambda one, day: one >= day,
}


def _arrived(one: Candidate) -> date:
    return datetime.fromtimestamp(one.letter.at).astimezone().date()


def _sent(one: Candidate) -> date:
    try:
        return parsedate_to_datetime(str(taken_apart(one.letter.raw).headers["date"])).date()
    except ValueError:
        return _arrived(one)


def _day(word: bytes) -> date:
    try:
        return datetime.strptime(word.decode("ascii", "replace"), "%d-%b-%Y").date()  # noqa: DTZ007  # a day
    except ValueError:
        raise Unreadable("That is no day.") from None


def _next(tokens: list[Token]) -> bytes:
    value = tokens.pop(0) if tokens else None
    if not isinstance(value, bytes):
        raise Unreadable("A criterion lacks what to look for.")
    return value


def _word(token: Token) -> bytes:
    return token.upper() if isinstance(token, bytes) else b""
