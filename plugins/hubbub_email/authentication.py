"""Read what a mail server found out about who sent a letter. Source: RFC 8601.

Anybody can write such a header. The server that we fetch from puts its own on top, and takes away
others in its name or leaves them below: so the first one counts that a server in our confidence has
written, and those of the same hop. Only a failure is acted upon, and what cannot be read, since
senders may get a bracket or a quote into it that hides one: to forge either harms the forger.
"""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from hubbub_email.headers import Headers

#: What a message says of itself where this fails, for people and for whoever routes it.
FORGED: Final = "DMARC failed: the sender may be forged."
#: And where that is not known.
UNREADABLE: Final = "What the mail server says of the sender cannot be read: it may be forged."

_RESULT: Final = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([a-z0-9-]+)")

#: And where several wrote it: what servers find out is about From alone.
BESIDE: Final = "Who sent it is named beside several writers, which no server checks: maybe forged."


class _Said(NamedTuple):
    """One header: which server wrote it, what came of each method, and whether all was read."""

    server: str
    results: tuple[tuple[str, str], ...]
    whole: bool


def doubt_of(headers: Headers, trusted: Collection[str]) -> str:
    """Return why the sender may be forged; empty where no server among ``trusted`` says so."""
    believed = False
    for name, value in headers.fields:
        if name == "received" and believed:
            return ""
        if name == "authentication-results":
            said = _read(value.decode("utf-8", "replace").lower())
            if said.server in trusted:
                believed = True
                found = {result for method, result in said.results if method == "dmarc"}
                if "fail" in found:
                    return FORGED
                if not said.whole:
                    return UNREADABLE
                if found:
                    return ""
    return ""


def _read(text: str) -> _Said:
    plain, whole = _plain(text)
    server, *clauses = plain.split(";")
    found = (_RESULT.match(clause) for clause in clauses)
    results = tuple((one[1], one[2]) for one in found if one)
    return _Said((server.split() or [""])[0], results, whole)


def _plain(text: str) -> tuple[str, bool]:
    """Return a header without comments, and whether all that it opens is closed.

    What is quoted parts nothing there.
    """
    left: list[str] = []
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
            left.append(" ")
        elif not depth and not (quoted and character in ";="):
            left.append(character)
    return "".join(left), not (depth or quoted or escaped)
