"""Put text into the alphabets of SMS and back, and number the segments of a long one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal, TypeAlias

from hubbub.sdk.sms import alphabet, gsm_decode, gsm_encode, split
from hubbub_sms_smpp.pdu import SHORT_MESSAGE, Esm, Sms, Tag

#: What ``data_coding`` 0 stands for at a centre.
DefaultAlphabet: TypeAlias = Literal["gsm7", "latin1", "ucs2"]
LongMode: TypeAlias = Literal["udh", "udh8", "sar", "payload"]

#: Values of ``data_coding``. Source: SMPP 3.4, 5.2.19; 3GPP TS 23.038, 4.
DEFAULT, ASCII, LATIN_1, UCS2 = 0x00, 0x01, 0x03, 0x08
_BINARY: Final = frozenset({0x02, 0x04})
_OTHER_CHARSETS: Final = {0x05: "shift_jis", 0x06: "iso8859-5", 0x07: "iso8859-8"}
#: Groups of values by their upper bits: message waiting, and with a class.
_GROUP: Final = 0xF0
_WAITING_UCS2: Final = 0xE0
_WITH_CLASS: Final = 0xF0
_EIGHT_BITS: Final = 0x04

#: Information elements of a user data header. Source: 3GPP TS 23.040, 9.2.3.24.
_CONCAT_8, _CONCAT_16 = 0x00, 0x08
#: The other alphabets of languages, which we do not know.
_SHIFT_TABLES: Final = frozenset({0x24, 0x25})
_HEADER_8, _HEADER_16 = 6, 7
_SEGMENT: Final = 140
#: Stands for segments that did not come.
GAP: Final = "[…]"


# --- out -------------------------------------------------------------------------------------


def coding_of(text: str, default: DefaultAlphabet) -> int:
    """Return the ``data_coding`` in which ``text`` can be said: the default one, or UCS-2."""
    if default == "gsm7":
        return DEFAULT if alphabet(text) == "gsm7" else UCS2
    return DEFAULT if default == "latin1" and _is_latin_1(text) else UCS2


def pieces(text: str, default: DefaultAlphabet, mode: LongMode) -> list[str]:
    """Return ``text`` segment by segment, as it is to be submitted; no pair is cut."""
    coding = coding_of(text, default)
    if mode == "payload":
        return [text]
    head = _HEADER_8 if mode == "udh8" else _HEADER_16
    if coding == DEFAULT and default == "latin1":
        return _cut(text, _SEGMENT, _SEGMENT - head)
    name: Literal["gsm7", "ucs2"] = "gsm7" if coding == DEFAULT else "ucs2"
    return split(text, reference_bits=8 if head == _HEADER_8 else 16, name=name)


def segments(
    text: str, pattern: Sms, *, default: DefaultAlphabet, mode: LongMode, reference: int
) -> list[Sms]:
    """Return what is to be submitted to send ``text``, the same each time.

    ``reference`` holds the segments of a long text together.
    """
    coding = coding_of(text, default)
    parts = pieces(text, default, mode)
    pattern = replace(pattern, data_coding=coding)
    encoded = [_encoded(part, coding, default) for part in parts]
    if len(parts) == 1:
        return [_whole(encoded[0], pattern)]
    numbered: Callable[[bytes, int, int], Sms] = {
        "udh": lambda data, total, place: _with_header(
            pattern, b"\x06\x08\x04" + (reference & 0xFFFF).to_bytes(2, "big"), data, total, place
        ),
        "udh8": lambda data, total, place: _with_header(
            pattern, b"\x05\x00\x03" + bytes((reference & 0xFF,)), data, total, place
        ),
    }.get(mode, lambda data, total, place: _with_sar(pattern, reference, data, total, place))
    return [numbered(data, len(encoded), place) for place, data in enumerate(encoded, 1)]


def _encoded(text: str, coding: int, default: DefaultAlphabet) -> bytes:
    if coding == UCS2:
        return text.encode("utf-16-be", "replace")
    return gsm_encode(text) if default == "gsm7" else text.encode("latin-1")


def _whole(data: bytes, pattern: Sms) -> Sms:
    """Put all of a text where there is room for it; the centre segments it."""
    if len(data) <= SHORT_MESSAGE:
        return replace(pattern, short_message=data)
    return replace(pattern, tlvs={**pattern.tlvs, Tag.MESSAGE_PAYLOAD: data})


def _with_header(pattern: Sms, head: bytes, data: bytes, total: int, place: int) -> Sms:
    return replace(
        pattern,
        esm_class=pattern.esm_class | Esm.UDHI,
        short_message=head + bytes((total, place)) + data,
    )


def _with_sar(pattern: Sms, reference: int, data: bytes, total: int, place: int) -> Sms:
    sar: dict[int, bytes] = {
        Tag.SAR_MSG_REF_NUM: (reference & 0xFFFF).to_bytes(2, "big"),
        Tag.SAR_TOTAL_SEGMENTS: bytes((total,)),
        Tag.SAR_SEGMENT_SEQNUM: bytes((place,)),
    }
    return replace(pattern, short_message=data, tlvs={**pattern.tlvs, **sar})


def _is_latin_1(text: str) -> bool:
    return all(character <= "\xff" for character in text)


def _cut(text: str, single: int, room: int) -> list[str]:
    if len(text) <= single:
        return [text]
    return [text[at : at + room] for at in range(0, len(text), room)]


# --- in --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One segment of a message: its place among ``total``, and its octets without a header."""

    reference: int
    total: int
    place: int
    data: bytes
    #: Whether it is in an alphabet of a language that we do not know.
    shifted: bool = False


def segment(sms: Sms) -> Segment:
    """Return the segment that ``sms`` is; most are the only one of their message."""
    header, data = _parted(sms)
    number = _numbered(header) or _sar(sms) or (0, 1, 1)
    shifted = any(name in _SHIFT_TABLES for name, _ in header)
    reference, total, place = number
    return Segment(reference=reference, total=total, place=place, data=data, shifted=shifted)


def joined(found: Sequence[Segment], coding: int, default: DefaultAlphabet) -> str | None:
    """Return the text of the segments of one message; None when it is no text.

    Decoded once joined, since a character may be cut by the end of a segment.
    """
    if is_binary(coding):
        return None
    by_place = {one.place: one.data for one in found}
    runs = groupby(range(1, found[0].total + 1), key=by_place.__contains__)
    return "".join(
        _decoded(b"".join(map(by_place.__getitem__, places)), coding, default) if there else GAP
        for there, places in runs
    )


def is_binary(coding: int) -> bool:
    """Whether it is no text: 8-bit data, or with a class of such."""
    return coding in _BINARY or (coding & _GROUP == _WITH_CLASS and bool(coding & _EIGHT_BITS))


def _decoded(data: bytes, coding: int, default: DefaultAlphabet) -> str:
    if coding == UCS2 or coding & _GROUP == _WAITING_UCS2:
        return data.decode("utf-16-be", "replace")
    if coding == LATIN_1:
        return data.decode("latin-1")
    if coding in _OTHER_CHARSETS:
        return data.decode(_OTHER_CHARSETS[coding], "replace")
    if coding == ASCII:
        return data.decode("ascii") if data.isascii() else data.decode("latin-1")
    return _in_default_alphabet(data, default if coding == DEFAULT else "gsm7")


def _in_default_alphabet(data: bytes, default: DefaultAlphabet) -> str:
    if default != "latin1":
        try:
            return gsm_decode(data)
        except ValueError:
            pass  # these are no septets: many a centre means Latin-1 then
    return data.decode("latin-1")


def _parted(sms: Sms) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the elements of the header, and what comes behind it."""
    data = sms.user_data
    if not sms.esm_class & Esm.UDHI or not data or data[0] >= len(data):
        return [], data
    end = data[0] + 1
    return list(_elements(data[1:end])), data[end:]


def _elements(header: bytes) -> Iterator[tuple[int, bytes]]:
    while len(header) > 1:
        name, length = header[:2]
        yield name, header[2 : 2 + length]
        header = header[2 + length :]


def _numbered(header: Sequence[tuple[int, bytes]]) -> tuple[int, int, int] | None:
    sizes = {_CONCAT_8: 1, _CONCAT_16: 2}
    for name, value in header:
        size = sizes.get(name)
        if size is not None and len(value) == size + 2:
            return _sound(int.from_bytes(value[:size], "big"), value[size], value[size + 1])
    return None


def _sar(sms: Sms) -> tuple[int, int, int] | None:
    tags = (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    values = [sms.tlvs.get(tag) for tag in tags]
    if not all(values):
        return None
    return _sound(*(int.from_bytes(value or b"", "big") for value in values))


def _sound(reference: int, total: int, place: int) -> tuple[int, int, int] | None:
    return (reference, total, place) if 1 <= place <= total <= 255 else None  # noqa: PLR2004  # one octet
