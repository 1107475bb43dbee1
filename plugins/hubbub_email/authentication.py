"""Read what a mail server found out about who sent a letter. Source: RFC 8601.

Anybody can write such a header. The server that we fetch from puts its own on top, and takes away
others in its name or leaves them below: so the first one counts that a server in our confidence has
written, and those of the same hop. Only a failure is acted upon: to forge one harms the forger.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from hubbub_email.headers import Headers

#: What a message says of itself where this fails, for people and for whoever routes it.
FORGED: Final = "DMARC failed: the sender may be forged."

_RESULT: Final = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([a-z0-9-]+)")


class _Said(NamedTuple):
    """One header: which server wrote it, and what came of each method."""

    server: str
    results: tuple[tuple[str, str], ...]


def dmarc_failed(headers: Headers, trusted: Collection[str]) -> bool:
    """Whether a server among ``trusted`` says that the domain of From disowns the letter."""
    believed = False
    for name, value in headers.fields:
        if name == "received" and believed:
            return False
        if name == "authentication-results":
            said = _read(value.decode("utf-8", "replace").lower())
            if said.server in trusted:
                believed = True
                if found := {result for method, result in said.results if method == "dmarc"}:
                    return "fail" in found
    return False


def _read(text: str) -> _Said:
    server, *clauses = "".join(_plain(text)).split(";")
    found = (_RESULT.match(clause) for clause in clauses)
    results = tuple((one[1], one[2]) for one in found if one)
    return _Said((server.split() or [""])[0], results)


def _plain(text: str) -> Iterator[str]:
    """Yield the characters of a header without comments; what is quoted parts nothing there."""
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
        elif character == ")" and depth:
            depth -= 1
            yield " "
        elif not depth and not (quoted and character in ";="):
            yield character
