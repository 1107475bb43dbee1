"""Write and read the units of SMPP 3.4, octet by octet. Pure, and bounded whatever comes.

Source: "Short Message Peer to Peer Protocol Specification v3.4", chapters 4 and 5.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

#: Set in the command id of every response.
RESPONSE: Final = 0x80000000
#: Octets of a unit's header, and the longest unit that we read.
HEADER: Final = 16
LONGEST: Final = 1 << 16
#: Octets of text that fit into ``short_message``.
SHORT_MESSAGE: Final = 254
#: The version that we speak.
VERSION: Final = 0x34

_HEAD: Final = struct.Struct(">IIII")
_TLV: Final = struct.Struct(">HH")
#: Characters of one C-Octet String: the longest of the specification, a message id, and the zero.
_LONGEST_TEXT: Final = 66


class Command(IntEnum):
    """What a unit asks for; its response has `RESPONSE` set."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    GENERIC_NACK = 0x80000000


class Tag(IntEnum):
    """The optional parameters that we use."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class Esm:
    """Bits of ``esm_class``."""

    UDHI: Final = 0x40
    #: What kind of message a ``deliver_sm`` is, and two of the kinds.
    KIND: Final = 0x3C
    RECEIPT: Final = 0x04
    INTERMEDIATE: Final = 0x20


class Malformed(ValueError):
    """These octets are no unit of SMPP; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Pdu:
    """One unit: what it asks or answers, and its body, unread."""

    command: int
    status: int = 0
    sequence: int = 0
    body: bytes = field(default=b"", repr=False)

    @property
    def is_response(self) -> bool:
        """Whether it answers one of ours."""
        return bool(self.command & RESPONSE)

    def encoded(self) -> bytes:
        """Return its octets."""
        length = HEADER + len(self.body)
        return _HEAD.pack(length, self.command, self.status, self.sequence) + self.body

    def answered(self, status: int = 0, body: bytes = b"") -> "Pdu":
        """Return the response to it."""
        return replace(self, command=self.command | RESPONSE, status=status, body=body)


def nack(sequence: int, status: int) -> Pdu:
    """Return the answer to what cannot be understood."""
    return Pdu(command=Command.GENERIC_NACK, status=status, sequence=sequence)


def decode(frame: bytes) -> Pdu:
    """Return the unit that ``frame`` is, whole. Raises `Malformed`."""
    pdu, rest = _first(frame)
    if pdu is None or rest:
        raise Malformed("It is not one whole unit.")
    return pdu


class Framer:
    """Puts units together from the pieces in which they come."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Pdu]:
        """Yield every unit that is whole now. Raises `Malformed`: there is no way on then."""
        self._rest += data
        while True:
            pdu, self._rest = _first(self._rest)
            if pdu is None:
                return
            yield pdu


def _first(data: bytes) -> tuple[Pdu | None, bytes]:
    if len(data) < HEADER:
        if len(data) >= _HEAD.size // 4:
            _check_length(int.from_bytes(data[:4], "big"))
        return None, data
    length, command, status, sequence = _HEAD.unpack_from(data)
    _check_length(length)
    if len(data) < length:
        return None, data
    body = data[HEADER:length]
    return Pdu(command=command, status=status, sequence=sequence, body=body), data[length:]


def _check_length(length: int) -> None:
    if not HEADER <= length <= LONGEST:
        raise Malformed(f"It says that it is {length} octets long.")


# --- bodies ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Address:
    """A number as SMPP has it: its type, its plan, its digits or letters."""

    text: str
    ton: int = 0
    npi: int = 0


@dataclass(frozen=True, kw_only=True)
class Sms:
    """The body of ``submit_sm`` and of ``deliver_sm``."""

    source: Address
    dest: Address
    esm_class: int = 0
    data_coding: int = 0
    validity_period: str = ""
    registered_delivery: int = 0
    short_message: bytes = field(default=b"", repr=False)
    tlvs: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def user_data(self) -> bytes:
        """The octets of the text, wherever they stand, with what heads them."""
        return self.short_message or self.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")

    def encoded(self) -> bytes:
        """Return the body. Raises `ValueError` for what does not fit."""
        if len(self.short_message) > SHORT_MESSAGE:
            raise ValueError(f"{len(self.short_message)} octets do not fit into short_message.")
        return b"".join(
            [
                _text(""),  # service_type: the centre's default
                *(_address(one) for one in (self.source, self.dest)),
                bytes((self.esm_class, 0, 0)),  # protocol_id, priority_flag
                _text(""),  # schedule_delivery_time: at once
                _text(self.validity_period),
                bytes((self.registered_delivery, 0, self.data_coding, 0, len(self.short_message))),
                self.short_message,
                *(_TLV.pack(tag, len(value)) + value for tag, value in self.tlvs.items()),
            ]
        )


def sms(body: bytes) -> Sms:
    """Read the body of a ``deliver_sm`` or ``submit_sm``. Raises `Malformed`."""
    reader = _Reader(body)
    reader.text()  # service_type
    source, dest = reader.address(), reader.address()
    esm_class, _, _ = reader.octets(3)
    reader.text()  # schedule_delivery_time
    validity_period = reader.text()
    registered_delivery, _, data_coding, _, length = reader.octets(5)
    return Sms(
        source=source,
        dest=dest,
        esm_class=esm_class,
        data_coding=data_coding,
        validity_period=validity_period,
        registered_delivery=registered_delivery,
        short_message=reader.octets(length),
        tlvs=reader.tlvs(),
    )


def bind(
    command: Command, *, system_id: str, password: str, system_type: str, sequence: int
) -> Pdu:
    """Return the request to be let in."""
    body = b"".join(
        [
            *map(_text, (system_id, password, system_type)),
            bytes((VERSION, 0, 0)),  # interface_version, addr_ton, addr_npi
            _text(""),  # address_range: whatever is ours
        ]
    )
    return Pdu(command=command, sequence=sequence, body=body)


def first_text(body: bytes) -> str:
    """Return the text with which a body begins: the id of a ``submit_sm_resp``, or nothing.

    Raises `Malformed`. A response that refuses may have no body at all.
    """
    return _Reader(body).text() if body else ""


def _text(text: str) -> bytes:
    return text.encode("latin-1", "replace").replace(b"\0", b"") + b"\0"


def _address(address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + _text(address.text)


class _Reader:
    """Reads a body from its beginning to its end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def octets(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise Malformed("Its body is cut off.")
        self._at += count
        return found

    def text(self) -> str:
        end = self._body.find(b"\0", self._at, self._at + _LONGEST_TEXT)
        if end < 0:
            raise Malformed("A text in it has no end.")
        found = self._body[self._at : end]
        self._at = end + 1
        return found.decode("latin-1")

    def address(self) -> Address:
        ton, npi = self.octets(2)
        return Address(text=self.text(), ton=ton, npi=npi)

    def tlvs(self) -> dict[int, bytes]:
        """Return the optional parameters; the last counts where one comes twice."""
        found = {}
        while self._at < len(self._body):
            tag, length = _TLV.unpack(self.octets(_TLV.size))
            found[tag] = self.octets(length)
        return found
