"""Describe the form that connects a message centre, and validate what is entered."""

from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from hubbub.sdk import ChannelSettings, Connection, Endpoint, Fields
from hubbub.sdk.sms import AddressKind, address_kind, to_sender
from hubbub_sms_smpp.pdu import Address
from hubbub_sms_smpp.texts import DefaultAlphabet, LongMode

_PORT: Final = 2775
_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
#: For the few: shown behind a fold.
_RARE: Final[dict[str, Any]] = {"advanced": True}
#: Type of number and numbering plan, where nobody said otherwise. Source: SMPP 3.4, 5.2.5, 5.2.6.
_INTERNATIONAL, _NETWORK, _ALPHANUMERIC = 1, 3, 5
_USUAL: Final[dict[AddressKind, tuple[int, int]]] = {
    "number": (_INTERNATIONAL, 1),
    "short": (_NETWORK, 0),
    "alphanumeric": (_ALPHANUMERIC, 0),
}

BindMode: TypeAlias = Literal["transceiver", "transmitter+receiver"]
ReceiptIds: TypeAlias = Literal["as_is", "hex_to_dec", "dec_to_hex"]


class Credentials(Fields):
    """What proves us to the centre."""

    password: str = Field(
        title="Password",
        # SMPP 3.4 has room for eight characters; many centres take more.
        max_length=64,
        repr=False,
        json_schema_extra=_SECRET,
    )


class Settings(ChannelSettings):
    """Which centre, who we are there, and what is special about it."""

    api_base: str = Field(
        title="Address of the centre",
        description="Such as smpp://smsc.example.com:2775, or smpps:// for TLS.",
        json_schema_extra={"advanced": False},
    )
    system_id: str = Field(title="System id", min_length=1, max_length=64)
    system_type: str = Field(
        "", title="System type", max_length=12, description="Only where the centre names one."
    )
    from_number: str = Field(
        title="From",
        description="Our number with + and country code; or a short code; or a name.",
    )
    default_region: str = Field(
        "",
        title="Default region",
        description="The country (two letters, such as DE) of numbers without country code.",
        pattern=r"^([A-Za-z]{2})?$",
    )
    bind_mode: BindMode = Field(
        "transceiver",
        title="Bind",
        description="transmitter+receiver: two connections, where the centre wants that.",
    )
    default_alphabet: DefaultAlphabet = Field(
        "gsm7",
        title="Default alphabet of the centre",
        description="What data_coding 0 means there. ucs2: send everything as UCS-2.",
    )
    long_mode: LongMode = Field(
        "udh",
        title="Long texts",
        description="udh: segments with a header, udh8: with a reference of 8 bits in it; sar: "
        "with optional parameters; payload: whole, and the centre segments them.",
    )
    receipt_id_format: ReceiptIds = Field(
        "as_is",
        title="Ids in receipts",
        description="hex_to_dec: receipts write in hexadecimal what answers wrote in decimal; "
        "dec_to_hex: the other way round.",
    )
    smart_encoding: bool = Field(
        default=False,
        title="Smart encoding",
        description="Replace curly quotes and the like where that saves segments.",
    )
    max_parts: int = Field(
        10,
        ge=1,
        le=10,
        title="Most segments",
        description="Longer texts become several messages.",
    )
    validity_hours: int = Field(
        0,
        ge=0,
        le=24 * 14,
        title="Hours until it is too late",
        description="How long the centre tries to deliver; 0: as long as it likes.",
        json_schema_extra=_RARE,
    )
    source_ton: int | None = Field(None, ge=0, le=6, title="TON of From", json_schema_extra=_RARE)
    source_npi: int | None = Field(None, ge=0, le=18, title="NPI of From", json_schema_extra=_RARE)
    dest_ton: int | None = Field(None, ge=0, le=6, title="TON of contacts", json_schema_extra=_RARE)
    dest_npi: int | None = Field(
        None, ge=0, le=18, title="NPI of contacts", json_schema_extra=_RARE
    )
    registered_delivery: int = Field(
        1,
        ge=0,
        le=31,
        title="Receipts to ask for",
        description="registered_delivery: 1 all, 2 only failures, 0 none.",
        json_schema_extra=_RARE,
    )
    window: int = Field(
        10, ge=1, le=100, title="Messages without an answer, at most", json_schema_extra=_RARE
    )
    enquire_link_s: float = Field(
        30, ge=1, le=600, title="Seconds of silence until enquire_link", json_schema_extra=_RARE
    )
    response_timeout_s: float = Field(
        30, ge=1, le=120, title="Seconds to wait for an answer", json_schema_extra=_RARE
    )

    @field_validator("api_base")
    @classmethod
    def _tidy_api_base(cls, value: str) -> str:
        endpoint_of(value)
        return value.rstrip("/")

    @field_validator("from_number")
    @classmethod
    def _tidy_number(cls, value: str) -> str:
        return to_sender(value)

    @property
    def endpoint(self) -> Endpoint:
        """Where the centre listens."""
        return endpoint_of(self.api_base)

    @property
    def source(self) -> Address:
        """Our address, as the centre wants it."""
        return _address(self.from_number, self.source_ton, self.source_npi)

    def dest(self, number: str) -> Address:
        """Return the address of a contact, as the centre wants it."""
        return _address(number, self.dest_ton, self.dest_npi)


class SmppFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings


SmppConnection: TypeAlias = Connection[SmppFields]


def endpoint_of(address: str) -> Endpoint:
    """Return whom an address leads to. Raises `ValueError`."""
    wrong = ValueError("Give an address such as smpp://smsc.example.com:2775.")
    try:
        parts = urlsplit(address)
        port = parts.port or _PORT
    except ValueError:
        raise wrong from None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in {"smpp", "smpps"} or not parts.hostname or not plain:
        raise wrong
    return Endpoint(host=parts.hostname, port=port, tls=parts.scheme == "smpps")


def _address(number: str, ton: int | None, npi: int | None) -> Address:
    usual_ton, usual_npi = _USUAL[address_kind(number)]
    return Address(
        # The type says that it is international; a plus would be one character too many.
        text=number.removeprefix("+"),
        ton=usual_ton if ton is None else ton,
        npi=usual_npi if npi is None else npi,
    )
