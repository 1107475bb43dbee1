"""Turn bytes of any charset, rightly declared or not, into text that every database takes."""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from charset_normalizer import from_bytes

#: What senders write -> what their bytes are. Where a charset is declared and a larger one
#: meant, the larger: what both know is the same in both. Most are from the WHATWG's list.
_MEANT: Final = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_ALIASES: Final = {
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "unicode-1-1-utf-7": "utf-7",
    "x-mac-roman": "mac-roman",
}
#: Python has more codecs than there are charsets, some of them slow on purpose-made bytes.
_CHARSET: Final = re.compile(
    r"ascii|utf-|iso8859|iso2022|cp\d|koi8|big5|gb|euc_|shift|johab|hz|mac|kz1048|ptcp154|tis"
)
#: So much is enough to guess from.
_SAMPLE: Final = 4096

_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ufeff\ud800-\udfff]")
_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def decoded(raw: bytes, charset: str = "", *, like: bytes = b"") -> str:
    """Return ``raw`` as text; never fails, whatever ``charset`` claims.

    The declared charset if it fits, else UTF-8 if it fits, else what a look at the bytes says, or
    at more that is ``like`` them.
    """
    for codec in _candidates(charset):
        try:
            return raw.decode(codec)
        except UnicodeError:
            if codec.startswith("iso2022_jp"):
                return _japanese(raw)
    return raw.decode(_guess((like or raw)[:_SAMPLE]), "replace")


def clean(text: str) -> str:
    """Return ``text`` with plain line ends and without what no text holds: NUL and its like."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return ``text`` as one line, in which nothing changes the direction of what follows it."""
    return undirected(clean(" ".join(text.split())))


def undirected(text: str) -> str:
    """Return ``text`` without the marks that change the direction of writing."""
    return _BIDI.sub("", text)


def _candidates(charset: str) -> Iterator[str]:
    codec = _codec(charset)
    if codec:
        yield _MEANT.get(codec, codec)
    yield "utf-8"
    if codec == "ascii":
        yield "cp1252"


def _codec(charset: str) -> str:
    """Return Python's name of a charset, or nothing where it is none."""
    name = charset.strip(" \t\"'").lower()[:40]
    name = "ascii" if name.startswith("ansi_x3") else _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if _CHARSET.match(found) else ""


#: Words of Cyrillic letters alone; in other charsets with so high bytes there are lower ones.
_CYRILLIC: Final = re.compile(
    rb"(?=.*[\xc0-\xff]{3})[\x00-\x7f\xa3\xa8\xb3\xb8\xc0-\xff]*", re.DOTALL
)
_SMALL: Final = re.compile(rb"[\xe0-\xff]")


#: Too little for statistics, in which every byte may be some Central European letter.
_FEW: Final = 256
_PAIR: Final = re.compile(rb"[\x80-\xff]{2}")
#: What else letters are written in; to weigh all that Python knows takes five times as long.
_LIKELY: Final = (
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "koi8_r", "cp874"),
    *(f"cp125{number}" for number in range(9)),
)


@lru_cache(maxsize=16)
def _guess(raw: bytes) -> str:
    if len(raw) < _FEW and not _PAIR.search(raw):
        return "cp1252"
    if _CYRILLIC.fullmatch(raw):
        # For a few words there is no better way. What is small in one is a capital in the other.
        small = len(_SMALL.findall(raw))
        high = sum(byte >= 0xC0 for byte in raw)  # noqa: PLR2004  # see above
        return "cp1251" if small * 2 > high else "koi8-r"
    best = from_bytes(raw, cp_isolation=[*_LIKELY]).best()
    return best.encoding if best and _CHARSET.match(best.encoding) else "cp1252"


#: Sets the high bit of whatever is printed.
_HIGH: Final = bytes(byte | 0x80 if byte > ord(" ") else byte for byte in range(256))


def _japanese(raw: bytes) -> str:
    """Read ISO-2022-JP with vendors' rows, which Python's codecs for it refuse.

    The same characters with the high bit set are EUC-JP, whose codec knows these rows.
    """
    marks = [(found.start(), found.end()) for found in re.finditer(rb"\x1b[$(&][()@A-Z]*", raw)]
    pieces = [raw[: marks[0][0] if marks else len(raw)].decode("ascii", "replace")]
    for (start, begin), (end, _) in pairwise([*marks, (len(raw), len(raw))]):
        double = raw[start:begin].startswith(b"\x1b$")
        piece = raw[begin:end]
        if double:
            piece = piece.translate(_HIGH)
        pieces.append(piece.decode("euc_jis_2004" if double else "ascii", "replace"))
    return "".join(pieces)
