"""Count, encode and read short messages: what every SMS plugin needs to know about text.

The alphabet is that of 3GPP 23.038; counts are predictions where the provider does the encoding.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, TypeAlias

import phonenumbers

from hubbub.sdk.values import MOST_PIECES, Piece

Alphabet: TypeAlias = Literal["gsm7", "ucs2"]
Keyword: TypeAlias = Literal["stop", "start", "help"]
AddressKind: TypeAlias = Literal["number", "short", "alphanumeric"]

_ESCAPE: Final = "\x1b"
#: The basic table in the order of its codes; each character takes one septet.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: What the basic table holds, by character.
GSM_BASIC: Final[Mapping[str, int]] = {
    character: code for code, character in enumerate(_BASIC) if character != _ESCAPE
}
#: The extension table: an escape and a code, together two septets.
GSM_EXTENSION: Final[Mapping[str, int]] = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_EXTENSION_BY_CODE: Final = {code: character for character, code in GSM_EXTENSION.items()}
_GSM: Final = frozenset(GSM_BASIC) | frozenset(GSM_EXTENSION)

#: What comes after it is a surrogate pair in UCS-2.
_LAST_OF_ONE_UNIT: Final = "\uffff"
#: Octets of user data in one segment.
_OCTETS: Final = 140
#: Octets of the header that numbers the segments of a longer text, by the bits of its reference.
_HEADER: Final[Mapping[int, int]] = {8: 6, 16: 7}


@dataclass(frozen=True, kw_only=True)
class Segments:
    """What a text costs: how many segments, in which alphabet, how many units in all.

    A unit is a septet of GSM-7 or 16 bits of UCS-2.
    """

    count: int
    alphabet: Alphabet
    units: int


# --- segments ------------------------------------------------------------------------------


def alphabet(text: str) -> Alphabet:
    """Return the alphabet that ``text`` needs; one foreign character turns all of it to UCS-2."""
    return "gsm7" if _GSM.issuperset(_composed(text)) else "ucs2"


def units(text: str, name: Alphabet) -> int:
    """Return how many units ``text`` takes in the alphabet ``name``."""
    return sum(_width(character, name) for character in text)


def split(
    text: str, *, reference_bits: Literal[8, 16] = 8, name: Alphabet | None = None
) -> list[str]:
    """Return ``text`` segment by segment, composed (NFC); no pair is cut.

    ``reference_bits`` is the size of the number that holds the segments together; ``name`` is the
    alphabet, where that is not the one that the text needs.
    """
    text = _composed(text)
    name = name or alphabet(text)
    if units(text, name) <= _capacity(name, 0):
        return [text]
    return _cut(text, name, _capacity(name, _HEADER[reference_bits]))


def segments(text: str) -> Segments:
    """Return what ``text`` costs."""
    name = alphabet(text)
    parts = split(text)
    return Segments(count=len(parts), alphabet=name, units=sum(units(part, name) for part in parts))


def gsm_encode(text: str) -> bytes:
    """Return ``text`` in GSM-7, one septet to an octet.

    Raises `ValueError` for a character that GSM-7 does not have.
    """
    encoded = bytearray()
    for character in text:
        if character in GSM_BASIC:
            encoded.append(GSM_BASIC[character])
        elif character in GSM_EXTENSION:
            encoded += bytes((ord(_ESCAPE), GSM_EXTENSION[character]))
        else:
            raise ValueError(f"GSM-7 has no character {character!r}.")
    return bytes(encoded)


def gsm_decode(data: bytes) -> str:
    """Return the text of ``data``, one septet to an octet.

    As handsets do: an unknown code after an escape is the basic character of that code, and two
    escapes are a space. Raises `ValueError` for an octet that is no septet.
    """
    text: list[str] = []
    escaped = False
    for code in data:
        if code >= len(_BASIC):
            raise ValueError(f"The octet {code:#04x} is no septet of GSM-7.")
        character = _BASIC[code]
        if escaped:
            character = _EXTENSION_BY_CODE.get(code, character).replace(_ESCAPE, " ")
        escaped = character == _ESCAPE
        if not escaped:
            text.append(character)
    return "".join(text)


def gsm_pack(septets: bytes) -> bytes:
    """Return ``septets`` packed eight into seven octets, as modems want them."""
    bits = sum(septet << (7 * place) for place, septet in enumerate(septets))
    return bits.to_bytes((7 * len(septets) + 7) // 8, "little")


def _composed(text: str) -> str:
    # "e" with a combining accent would cost UCS-2, while "é" does not.
    return unicodedata.normalize("NFC", text)


def _width(character: str, name: Alphabet) -> int:
    if name == "gsm7":
        return 2 if character in GSM_EXTENSION else 1
    return 2 if character > _LAST_OF_ONE_UNIT else 1


def _capacity(name: Alphabet, header: int) -> int:
    octets = _OCTETS - header
    return octets * 8 // 7 if name == "gsm7" else octets // 2


def _cut(text: str, name: Alphabet, room: int) -> list[str]:
    parts: list[str] = []
    start = used = 0
    for place, character in enumerate(text):
        width = _width(character, name)
        if used + width > room:
            parts.append(text[start:place])
            start, used = place, 0
        used += width
    return [*parts, text[start:]]


# --- pieces --------------------------------------------------------------------------------

#: Elements of a header that number segments, and the octets of their reference. Source: 3GPP
#: 23.040, 9.2.3.24.
_NUMBERING: Final[Mapping[int, int]] = {0x00: 1, 0x08: 2}


def piece(of: str, number: str, total: str, patience: timedelta) -> Piece | None:
    """Return the piece that these words tell of; None if they tell of none, or of a whole."""
    if not (_COUNT.fullmatch(number) and _COUNT.fullmatch(total)):
        return None
    return _piece(of, int(number), int(total), patience)


def piece_of_header(header: bytes, patience: timedelta) -> Piece | None:
    """Return the piece that the header of a segment (UDH, with its length) tells of, or None."""
    rest = header[1:]
    while len(rest) > 1:
        name, length = rest[:2]
        value, rest = rest[2 : 2 + length], rest[2 + length :]
        size = _NUMBERING.get(name)
        if size is not None and len(value) == size + 2:
            return _piece(str(int.from_bytes(value[:size])), value[-1], value[-2], patience)
    return None


def whole(text: str) -> str:
    """Return ``text`` with its characters whole: halves of surrogate pairs that meet are one.

    Any other half, which carriers leave where they cut, is replaced.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _piece(of: str, number: int, total: int, patience: timedelta) -> Piece | None:
    # Whatever numbers itself otherwise stands for itself: it can be part of nothing.
    if not of or total == 1 or not 1 <= number <= total <= MOST_PIECES:
        return None
    return Piece(of=of, number=number, total=total, patience=patience)


_COUNT: Final = re.compile(r"[0-9]{1,3}")


# --- smart encoding ------------------------------------------------------------------------


def smart_encode(text: str, *, accents: bool = False) -> str:
    """Return ``text`` with look-alikes that GSM-7 has, if all of it then fits; else unchanged.

    ``accents`` also takes away the accents that GSM-7 lacks, which changes names.
    """
    candidate = _composed(text).replace("\r\n", "\n").translate(_LOOK_ALIKES)
    if accents:
        candidate = candidate.translate(_WITHOUT_ACCENT)
    return candidate if alphabet(candidate) == "gsm7" else text


def _look_alikes() -> dict[int, str]:
    table = {
        "\u2018\u2019\u201a\u201b\u2032\u00b4\u0060\u02bc\u02b9": "'",
        "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb": '"',
        "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d": "-",
        "\u2022\u00b7\u2027": "-",
        "\u2026": "...",
        "\u00a0\u202f\u205f\u3000\t": " ",
        "".join(map(chr, range(0x2000, 0x200B))): " ",
        # Joiners too: a text in which they join an emoji stays as it is anyway.
        "\u00ad\u200b\u200c\u200d\u2060\ufeff": "",
        "\u2044\u2215": "/",
        "\u2039": "<",
        "\u203a": ">",
        "\u00a9": "(c)",
        "\u00ae": "(r)",
        "\u2122": "(tm)",
        "\u2028\u2029\u0085": "\n",
        "ç": "Ç",
    }
    plain = {ord(character): twin for group, twin in table.items() for character in group}
    return {**_full_width(plain), **plain}


def _full_width(plain: Mapping[int, str]) -> dict[int, str]:
    # The full-width forms lie in the order of ASCII; some twins have a look-alike themselves.
    twins = range(0x21, 0x7F)
    return {0xFF01 + place: plain.get(twin, chr(twin)) for place, twin in enumerate(twins)}


_LOOK_ALIKES: Final = _look_alikes()
_WITHOUT_ACCENT: Final = str.maketrans("áâãêëíîïóôõúûÁÂÃÊËÍÎÏÓÔÕÚÛ", "aaaeeiiiooouuAAAEEIIIOOOUU")


# --- keywords ------------------------------------------------------------------------------

_KEYWORDS: Final[Mapping[str, Keyword]] = {
    "stop": "stop",
    "stopall": "stop",
    "stop all": "stop",
    "unsubscribe": "stop",
    "cancel": "stop",
    "end": "stop",
    "quit": "stop",
    "optout": "stop",
    "opt out": "stop",
    "opt-out": "stop",
    "revoke": "stop",
    "arret": "stop",
    "arrêt": "stop",
    "start": "start",
    "unstop": "start",
    "help": "help",
    "info": "help",
    "aide": "help",
}
_QUOTES: Final = (
    " \t\r\n\u00a0'\"`\u00b4\u00ab\u00bb\u2039\u203a"
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
)
_END: Final = _QUOTES + ".,;:!?…"


def keyword(text: str, *, yes_starts: bool = False) -> Keyword | None:
    """Return what ``text`` as a whole asks for, or None: "please stop by at 5" asks for nothing.

    ``yes_starts`` counts YES as a start: right only where that clears a mark and does no more.
    """
    word = " ".join(_composed(text).casefold().rstrip(_END).lstrip(_QUOTES).split())
    if yes_starts and word == "yes":
        return "start"
    return _KEYWORDS.get(word)


# --- addresses -----------------------------------------------------------------------------

_SHORT: Final = re.compile(r"[0-9]{3,8}")
_ALPHANUMERIC: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_INTERNATIONAL: Final = re.compile(r"\+[0-9]{5,15}")


def address_kind(address: str) -> AddressKind:
    """Return what ``address`` is; only a number can be written to from anywhere.

    An alphanumeric sender can never be answered.
    """
    if any(character.isalpha() for character in address):
        return "alphanumeric"
    return "short" if _SHORT.fullmatch(address.strip()) else "number"


def to_e164(address: str, region: str | None = None, *, international: bool = False) -> str | None:
    """Return the one spelling of ``address`` by which it is compared, or None if it is no address.

    ``region`` is the country (``DE``) of numbers without ``+``. ``international`` says that the
    source writes the country code but not the ``+``. Short codes and alphanumeric senders are
    kept as they are.
    """
    address = address.strip()
    if not address:
        return None
    if address_kind(address) != "number":
        return address
    if international or region is None:
        address = re.sub(r"^00", "+", address)
    if international and not address.startswith("+"):
        address = f"+{address}"
    return _parsed(address, region)


def to_sender(text: str) -> str:
    """Return ``text`` as a sender of ours: a number with ``+``, a short code, or a name.

    Raises `ValueError` with what is wrong with it.
    """
    text = text.strip()
    if address_kind(text) == "alphanumeric":
        if _ALPHANUMERIC.fullmatch(text):
            return text
        raise ValueError("A sender's name is 1 to 11 letters, digits and blanks, without accents.")
    # A number that our tables think impossible may be newer than they are.
    number = to_e164(text) or re.sub(r"[\s().-]", "", text)
    if _SHORT.fullmatch(number) or _INTERNATIONAL.fullmatch(number):
        return number
    raise ValueError("Write the number with + and the country code, such as +15005550006.")


def to_national(number: str) -> str:
    """Return a number as it is dialled within its own country; what is none stays as it is."""
    try:
        found = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    dialled = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.NATIONAL)
    return re.sub(r"[^0-9]", "", dialled)


def _parsed(address: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(address, None if address.startswith("+") else region)
    except phonenumbers.NumberParseException:
        return None
    # E.164 has no place for an extension and would drop it silently.
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
