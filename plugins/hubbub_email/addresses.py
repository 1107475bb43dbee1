"""Read who wrote a letter and to whom. Source: RFC 5322, section 3.4, and what is really sent.

One pass without recursion: the parser of the standard library takes seconds for thousands of
recipients, and versions of it disagree about who ``a@one.example)b@two.example`` is
(CVE-2023-27043). Here that is nobody.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import idna

from hubbub_email.headers import in_utf8, words
from hubbub_email.texts import decoded

#: Of one header, no more are read.
MOST: Final = 1000

_ADDRESS: Final = re.compile(
    r"""(?P<local>[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]{1,64}|"[^"\\\x00-\x1f\x7f]{1,62}")
        @(?P<domain>[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]{1,253}|\[[0-9a-fA-F.:IPv]{3,48}\])""",
    re.VERBOSE,
)
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[<>(),;:]|[^"<>(),;:]++|"', re.DOTALL)
#: Behind a quote that never ends, others mean nothing, nor is their end looked for again.
_UNQUOTED: Final = re.compile(rb"[<>(),;:]|[^<>(),;:]++")
_ANGLE: Final = re.compile(rb"(?P<name>[^<>]*+)<(?P<address>[^<>]*+)>\s*+(?:\([^()]*+\)\s*+)?+\Z")
_PLAIN: Final = re.compile(rb"(?P<address>[^()<>]*+)(?:\((?P<name>[^()]*+)\)\s*+)?+\Z")


@dataclass(frozen=True)
class Mailbox:
    """An address, in lower case, and the name beside it, which proves nothing."""

    address: str
    name: str = ""


def mailboxes(raw: bytes) -> tuple[Mailbox, ...]:
    """Return the addresses of a header in their order, without those that are none."""
    found = (_mailbox(item) for item in _items(raw))
    return tuple(one for one in found if one)


def identity(raw: bytes) -> Mailbox | None:
    """Return the one address that a header names, and none if it names more."""
    items = list(_items(raw))
    return _mailbox(items[0]) if len(items) == 1 else None


def sound(text: str) -> str:
    """Return ``text`` as an address is written, or nothing where it can be none.

    In lower case, its domain in ASCII: one mailbox has one address, however it was typed. None
    holds what is not seen, or changes the direction of what is.
    """
    found = _ADDRESS.fullmatch(unicodedata.normalize("NFC", text.strip().lower()))
    if found is None or not found[0].isprintable():
        return ""
    if ".." in found["domain"] or found["domain"].strip(".") != found["domain"]:
        return ""
    domain = _in_ascii(found["domain"])
    return f"{found['local']}@{domain}" if domain else ""


def without_tag(address: str) -> str:
    """Return ``address`` without what stands behind a plus, which most servers leave aside."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def _in_ascii(domain: str) -> str:
    """Return a domain as DNS has it; nothing where it can be none.

    By UTS 46. The standard library's codec is that of 2003, and takes ß for ss.
    """
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


def _items(raw: bytes) -> Iterator[bytes]:
    """Split a list at commas, and at semicolons, which some programs write instead."""
    item, depth, count = b"", 0, 0
    for token in _tokens(in_utf8(raw)):
        depth = max(0, depth + (token in {b"<", b"("}) - (token in {b">", b")"}))
        if token == b":" and not depth and b"@" not in item:
            item = b""  # the name of a group, whose members follow
        elif token in {b",", b";"} and not depth:
            if item.strip():
                yield item.strip()
                count += 1
            item = b""
        else:
            item += token
        if count >= MOST:
            return
    if item.strip():
        yield item.strip()


def _tokens(raw: bytes) -> Iterator[bytes]:
    at, kind = 0, _TOKEN
    while found := kind.match(raw, at):
        yield found[0]
        at = found.end()
        kind = _UNQUOTED if found[0] == b'"' else kind


def _mailbox(item: bytes) -> Mailbox | None:
    found = _ANGLE.match(item) or _PLAIN.match(item)
    if found is None:
        return None
    address = sound(decoded(found["address"]))
    return Mailbox(address, _name(found["name"] or b"")) if address else None


def _name(raw: bytes) -> str:
    quoted = raw.strip()
    if quoted.startswith(b'"') and quoted.endswith(b'"'):
        quoted = re.sub(rb"\\(.)", rb"\1", quoted[1:-1], flags=re.DOTALL)
    return words(quoted)[:200]
