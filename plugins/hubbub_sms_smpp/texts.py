"""Put text into the alphabets of SMS and back, and number the segments of a long one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from hubbub.sdk import Piece
from hubbub.sdk.sms import alphabet, gsm_decode, gsm_encode, piece, piece_of_header, split
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

#: Octets of the headers that number segments, by the bits of their reference.
_HEADER_8, _HEADER_16 = 6, 7
_SEGMENT: Final = 140


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


def piece_of(sms: Sms, patience: timedelta) -> Piece | None:
    """Return which piece of a longer message ``sms`` is; None if it is a whole one."""
    header, _ = _parted(sms)
    return piece_of_header(header, patience) or _sar(sms, patience)


def words(sms: Sms, default: DefaultAlphabet, *, cut: bool) -> str | None:
    """Return the text of ``sms``; None when it is no text.

    One that is ``cut`` may begin or end with half of a surrogate pair.
    """
    if is_binary(sms.data_coding):
        return None
    _, data = _parted(sms)
    return _decoded(data, sms.data_coding, default, cut=cut)


def is_binary(coding: int) -> bool:
    """Whether it is no text: 8-bit data, or with a class of such."""
    return coding in _BINARY or (coding & _GROUP == _WITH_CLASS and bool(coding & _EIGHT_BITS))


def _decoded(data: bytes, coding: int, default: DefaultAlphabet, *, cut: bool) -> str:
    if coding == UCS2 or coding & _GROUP == _WAITING_UCS2:
        return _utf_16(data, cut=cut)
    if coding == LATIN_1:
        return data.decode("latin-1")
    if coding in _OTHER_CHARSETS:
        return data.decode(_OTHER_CHARSETS[coding], "replace")
    if coding == ASCII:
        return data.decode("ascii") if data.isascii() else data.decode("latin-1")
    return _in_default_alphabet(data, default if coding == DEFAULT else "gsm7")


def _utf_16(data: bytes, *, cut: bool) -> str:
    try:
        return data.decode("utf-16-be", "surrogatepass" if cut else "replace")
    except UnicodeDecodeError:  # half a unit
        return data.decode("utf-16-be", "replace")


def _in_default_alphabet(data: bytes, default: DefaultAlphabet) -> str:
    if default != "latin1":
        try:
            return gsm_decode(data)
        except ValueError:
            pass  # these are no septets: many a centre means Latin-1 then
    return data.decode("latin-1")


def _parted(sms: Sms) -> tuple[bytes, bytes]:
    """Return the header, its length included, and what comes behind it."""
    data = sms.user_data
    if not sms.esm_class & Esm.UDHI or not data or data[0] >= len(data):
        return b"", data
    end = data[0] + 1
    return data[:end], data[end:]


def _sar(sms: Sms, patience: timedelta) -> Piece | None:
    of, number, total = (
        str(int.from_bytes(sms.tlvs.get(tag, b"")))
        for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS)
    )
    return piece(of, number, total, patience)
