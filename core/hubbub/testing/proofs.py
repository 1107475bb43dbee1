"""Find where the signing of a call put its proof, and put another there."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import quote, unquote_plus

from hubbub.sdk import Call, Headers

_BITS: Final = range(7)
_MANY: Final = 64
_HEXADECIMAL: Final = re.compile("[0-9a-fA-F]+")


@dataclass(frozen=True)
class Proof:
    """One place of a signed call that its signing filled."""

    value: str
    put: Callable[[str], Call]


#: Writes a query or a body with another proof.
_Writer: TypeAlias = Callable[[str], str]


def proofs_of(unsigned: Call, signed: Call) -> list[Proof]:
    """Return each place that signing filled: headers, and fields of query, form or object."""
    return [
        *_header_proofs(unsigned, signed),
        *_query_proofs(unsigned, signed),
        *_body_proofs(unsigned, signed),
    ]


def flipped(value: str) -> Iterator[str]:
    """Yield ``value`` with one bit changed: at each place, or at both ends and some between.

    The digits of a hexadecimal number are the same in either case.
    """
    number = _HEXADECIMAL.fullmatch(value) is not None
    every = max(1, len(value) // _MANY)
    for at, character in enumerate(value):
        if at % every == 0 or at >= len(value) - _MANY // 4:
            for bit in _BITS:
                changed = chr(ord(character) ^ (1 << bit))
                if not (number and changed.lower() == character.lower()):
                    yield value[:at] + changed + value[at + 1 :]


def _header_proofs(unsigned: Call, signed: Call) -> Iterator[Proof]:
    for name, value in signed.headers.items():
        if unsigned.headers.get(name) != value:
            # In "Bearer ..." and its like the first word may be written in any case.
            scheme, space, proof = value.rpartition(" ")
            yield Proof(proof, _header_changer(signed, name, scheme + space))


def _header_changer(call: Call, name: str, before: str) -> Callable[[str], Call]:
    return lambda value: replace(call, headers=Headers({**call.headers, name: before + value}))


def _query_proofs(unsigned: Call, signed: Call) -> Iterator[Proof]:
    for value, written in _form_proofs(unsigned.query, signed.query):
        yield Proof(value, partial(_with_query, signed, written))


def _with_query(call: Call, written: _Writer, value: str) -> Call:
    return replace(call, url=f"{call.url.partition('?')[0]}?{written(value)}")


def _body_proofs(unsigned: Call, signed: Call) -> Iterator[Proof]:
    before, after = unsigned.body.decode("latin-1"), signed.body.decode("latin-1")
    proofs = _object_proofs if after.startswith("{") else _form_proofs
    for value, written in proofs(before, after):
        yield Proof(value, partial(_with_body, signed, written))


def _with_body(call: Call, written: _Writer, value: str) -> Call:
    return replace(call, body=written(value).encode("latin-1"))


def _form_proofs(unsigned: str, signed: str) -> Iterator[tuple[str, _Writer]]:
    """Yield each value that signing put into a form, and what writes the form with another."""
    known, pairs = unsigned.split("&"), signed.split("&")
    for at, pair in enumerate(pairs):
        name, _, value = pair.partition("=")
        if value and pair not in known:
            yield unquote_plus(value), partial(_form_with, pairs, at, name)


def _form_with(pairs: list[str], at: int, name: str, value: str) -> str:
    written = quote(value, safe="", errors="surrogatepass")
    return "&".join([*pairs[:at], f"{name}={written}", *pairs[at + 1 :]])


def _object_proofs(unsigned: str, signed: str) -> Iterator[tuple[str, _Writer]]:
    """Yield the same of an object in JSON."""
    known, said = json.loads(unsigned), json.loads(signed)
    for name, value in said.items():
        if isinstance(value, str) and known.get(name) != value:
            yield value, partial(_object_with, said, name)


def _object_with(said: Mapping[str, Any], name: str, value: str) -> str:
    return json.dumps({**said, name: value})
