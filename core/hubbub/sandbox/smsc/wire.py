"""Read and write SMPP 3.4 on the side of the centre. Source: SMPP 3.4, chapters 4 and 5."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

BIND_RECEIVER: Final = 0x01
BIND_TRANSMITTER: Final = 0x02
SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
BIND_TRANSCEIVER: Final = 0x09
ENQUIRE_LINK: Final = 0x15
GENERIC_NACK: Final = 0x80000000
RESPONSE: Final = 0x80000000
BINDS: Final = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})

RECEIPTED_MESSAGE_ID: Final = 0x001E
SAR: Final = (0x020C, 0x020E, 0x020F)
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427

UDHI: Final = 0x40
RECEIPT: Final = 0x04
UCS2: Final = 8

_HEAD: Final = struct.Struct(">IIII")
_LONGEST: Final = 1 << 16
_ESCAPE: Final = 0x1B
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = dict(
    zip("\f^{}\\[~]|€", b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", strict=True)
)


@dataclass(frozen=True)
class Unit:
    """One unit of the protocol."""

    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    def octets(self) -> bytes:
        """Return it as it goes over the line."""
        length = _HEAD.size + len(self.body)
        return _HEAD.pack(length, self.command, self.status, self.sequence) + self.body


def read(receive: Callable[[int], bytes]) -> Unit | None:
    """Read one unit by ``receive(count)``, which returns fewer octets at the end; None then.

    Raises `ValueError` for what is none.
    """
    head = receive(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, command, status, sequence = _HEAD.unpack(head)
    if not _HEAD.size <= length <= _LONGEST:
        raise ValueError(f"a unit of {length} octets")
    body = receive(length - _HEAD.size)
    return Unit(command, status, sequence, body) if len(body) == length - _HEAD.size else None


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is submitted or delivered."""

    source: str
    dest: str
    esm_class: int = 0
    data_coding: int = 0
    registered: int = 0
    text: bytes = b""
    extras: Mapping[int, bytes] = field(default_factory=dict)
    #: Type of number and numbering plan of both.
    types: tuple[int, int, int, int] = (1, 1, 1, 1)

    def body(self) -> bytes:
        """Return it as the body of a unit."""
        source_ton, source_npi, dest_ton, dest_npi = self.types
        return b"".join(
            [
                b"\0",
                bytes((source_ton, source_npi)) + self.source.encode("latin-1") + b"\0",
                bytes((dest_ton, dest_npi)) + self.dest.encode("latin-1") + b"\0",
                bytes((self.esm_class, 0, 0)) + b"\0\0",
                bytes((self.registered, 0, self.data_coding, 0, len(self.text))) + self.text,
                *(struct.pack(">HH", tag, len(one)) + one for tag, one in self.extras.items()),
            ]
        )


def texts(body: bytes, count: int) -> list[str]:
    """Return the first ``count`` texts of a body that begins with them."""
    return [one.decode("latin-1") for one in body.split(b"\0", count)[:count]]


def message(body: bytes) -> Message:
    """Read the body of a ``submit_sm``. Raises `ValueError`."""
    try:
        _, rest = body.split(b"\0", 1)
        source_ton, source_npi = rest[:2]
        source, rest = rest[2:].split(b"\0", 1)
        dest_ton, dest_npi = rest[:2]
        dest, rest = rest[2:].split(b"\0", 1)
        esm_class = rest[0]
        _, _, rest = rest[3:].split(b"\0", 2)
        registered, _, coding, _, length = rest[:5]
    except IndexError:
        raise ValueError("its body is cut off") from None
    return Message(
        source=source.decode("latin-1"),
        dest=dest.decode("latin-1"),
        esm_class=esm_class,
        data_coding=coding,
        registered=registered,
        text=rest[5 : 5 + length],
        extras=_extras(rest[5 + length :]),
        types=(source_ton, source_npi, dest_ton, dest_npi),
    )


def part_of(sent: Message) -> tuple[int, int, int]:
    """Return reference, number of segments and place of a segment."""
    octets = octets_of(sent)
    if sent.esm_class & UDHI and octets[1] == 0:
        return octets[3], octets[4], octets[5]
    if sent.esm_class & UDHI:
        return int.from_bytes(octets[3:5], "big"), octets[5], octets[6]
    if all(tag in sent.extras for tag in SAR):
        reference, total, place = (int.from_bytes(sent.extras[tag], "big") for tag in SAR)
        return reference, total, place
    return 0, 1, 1


def octets_of(sent: Message) -> bytes:
    """Return the user data, header included."""
    return sent.text or sent.extras.get(MESSAGE_PAYLOAD, b"")


def words(segments: list[Message]) -> str:
    """Return the text of the segments of one message, in order."""
    octets = b"".join(
        octets_of(one)[octets_of(one)[0] + 1 :] if one.esm_class & UDHI else octets_of(one)
        for one in segments
    )
    return (
        octets.decode("utf-16-be", "replace") if segments[0].data_coding == UCS2 else _gsm(octets)
    )


def spelled(text: str) -> tuple[int, bytes]:
    """Return ``data_coding`` and octets of a text."""
    octets = bytearray()
    for one in text:
        if one in _EXTENSION:
            octets += bytes((_ESCAPE, _EXTENSION[one]))
        elif one in _BASIC:
            octets.append(_BASIC.index(one))
        else:
            return UCS2, text.encode("utf-16-be")
    return 0, bytes(octets)


def _gsm(octets: bytes) -> str:
    back = {code: one for one, code in _EXTENSION.items()}
    text, escaped = "", False
    for code in octets:
        if escaped:
            text += back.get(code, " ")
        elif code != _ESCAPE:
            text += _BASIC[code] if code < len(_BASIC) else "?"
        escaped = code == _ESCAPE and not escaped
    return text


def _extras(octets: bytes) -> dict[int, bytes]:
    found = {}
    while len(octets) >= 4:  # noqa: PLR2004  # tag and length
        tag, length = struct.unpack(">HH", octets[:4])
        found[tag] = octets[4 : 4 + length]
        octets = octets[4 + length :]
    return found
