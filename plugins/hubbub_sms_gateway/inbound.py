"""Turn a call of the gateway into events."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Answer,
    Call,
    Content,
    Event,
    Ignored,
    MalformedPayload,
    MessageReceived,
    Piece,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)
from hubbub.sdk.sms import address_kind, keyword, piece, piece_of_header, to_e164
from hubbub_sms_gateway import meanings
from hubbub_sms_gateway.fields import GatewayConnection
from hubbub_sms_gateway.gateway import Hearing, NumberFormat
from hubbub_sms_gateway.outbound import REFERENCE
from hubbub_sms_gateway.reading import Reading, readable

_OPT_OUT: Final = {"stop": True, "start": False}
#: Kannel's word for octets that are no text.
_BINARY: Final = "8-bit"
#: Seconds until the year 9999.
_LATEST: Final = 253_370_764_800.0


def events(call: Call, connection: GatewayConnection) -> Iterator[Event]:
    """Yield what ``call`` says."""
    hearing = connection.fields.settings.gateway.hearing
    reading = Reading(call)
    try:
        if _is_report(reading, hearing):
            yield _receipt(reading, hearing)
        elif hearing.event and reading.text(hearing.event) not in hearing.received:
            event = reading.text(hearing.event)[:60]
            yield Ignored(reason=f"The gateway tells of {event!r}, which is no message.")
        else:
            yield from _message(call, reading, connection)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)


def answer(call: Call, connection: GatewayConnection) -> Answer:
    """Return what the gateway wants to hear."""
    hearing = connection.fields.settings.gateway.hearing
    try:
        report = _is_report(Reading(call), hearing)
    except MalformedPayload:
        report = False
    return hearing.status_answer if report else hearing.answer


def _is_report(reading: Reading, hearing: Hearing) -> bool:
    """Whether the call came to an address for reports, or tells a state and no text."""
    if REFERENCE in reading.parameters:
        return True
    told = hearing.state_of(reading.text(hearing.state)) is not None
    return told and (bool(hearing.event) or reading.octets(hearing.text) is None)


# --- reports -------------------------------------------------------------------------------


def _receipt(reading: Reading, hearing: Hearing) -> Event:
    word = reading.text(hearing.state)
    state = hearing.state_of(word)
    reference = readable(reading.parameters.get(REFERENCE, b"")) or reading.text(hearing.reference)
    external_id = reading.text(hearing.external_id)
    if not reference and not external_id:
        return Unreadable(reason="The report does not say which message it is about.")
    if state is None:
        return Unreadable(reason=f"The gateway tells an unknown state: {word[:40]!r}.")
    why = " ".join(filter(None, (word, reading.text(hearing.error))))
    failed = state is ReceiptState.FAILED
    return ReceiptReceived(
        # Kannel repeats a report, and numbers each anew: only what it is about counts.
        key=f"status:{reference or external_id}:{word}",
        state=state,
        external_id=external_id or None,
        reference=reference or None,
        fault=meanings.fault(why, hearing.faults) if failed else None,
        provider_at=_moment(reading.text(hearing.time)),
    )


# --- messages ------------------------------------------------------------------------------


def _message(call: Call, reading: Reading, connection: GatewayConnection) -> Iterator[Event]:
    hearing = connection.fields.settings.gateway.hearing
    sender = reading.text(hearing.sender)
    which = _piece(reading, hearing, connection)
    content = _content(reading, hearing, cut=which is not None)
    if not sender.strip() or content is None:
        yield Unreadable(reason="The call names no sender, or no text.")
        return
    address = _address(sender, connection)
    id_ = reading.text(hearing.id)
    key = reading.text(hearing.key) or id_
    if key and which:
        # Many a gateway gives all pieces of a message one id.
        key = f"{key}:{which.number}"
    yield MessageReceived(
        key=f"message:{key}" if key else None,
        sender=Sender(address=address),
        content=content,
        external_id=id_ or None,
        provider_at=_moment(reading.text(hearing.time)),
        opt_out=None if which else _opt_out(content),
        our_address=_ours(reading.text(hearing.to), connection) or None,
        piece=which,
    )
    if address_kind(sender) == "alphanumeric":
        yield AddressChanged(
            # Said again with each message: who writes can be answered, unless it is said.
            key=f"one_way:{key or call.id}",
            address=address,
            state=AddressState.BLOCKED,
            reason="The sender is a name and no number, so nobody can answer.",
        )


def _piece(reading: Reading, hearing: Hearing, connection: GatewayConnection) -> Piece | None:
    patience = timedelta(seconds=connection.fields.settings.join_within_s)
    if header := _header(reading.octets(hearing.udh) or b""):
        return piece_of_header(header, patience)
    of, number, total = map(reading.text, (hearing.piece_of, hearing.piece, hearing.pieces))
    return piece(of, number.strip(), total.strip(), patience)


def _header(octets: bytes) -> bytes:
    """Return a header that is given in hex, or as it is; nothing where it is none."""
    try:
        candidates = [bytes.fromhex(octets.decode("ascii")), octets]
    except ValueError:
        candidates = [octets]
    return next((one for one in candidates if one and one[0] == len(one) - 1), b"")


def _content(reading: Reading, hearing: Hearing, *, cut: bool) -> Content | None:
    octets = reading.octets(hearing.text)
    if octets is None:
        return None
    charset = reading.text(hearing.charset).lower()
    coding = reading.text(hearing.coding)
    if charset == _BINARY or coding in hearing.binary:
        return UnsupportedContent(provider_type="binary")
    charset = charset or hearing.codings.get(coding, "")
    return Text(text=_piece_decoded(octets, charset) if cut else _decoded(octets, charset))


def _piece_decoded(octets: bytes, charset: str) -> str:
    """Return a text that may begin or end with half of a surrogate pair."""
    try:
        return octets.decode(charset or "utf-8", "surrogatepass")
    except (LookupError, ValueError):
        return _decoded(octets, charset)


def _decoded(octets: bytes, charset: str) -> str:
    if not charset:
        return readable(octets)
    try:
        return octets.decode(charset, "replace")
    except (LookupError, ValueError):
        raise MalformedPayload(f"Nobody knows the character set {charset[:40]!r}.") from None


def _address(number: str, connection: GatewayConnection) -> str:
    settings = connection.fields.settings
    form: NumberFormat = settings.gateway.hearing.number_format
    # Whatever the format: nobody writes a plus by mistake, but many lose it on the way.
    region = settings.default_region or None
    found = to_e164(number, region, international=form == "digits")
    # A number that our tables do not know is still a number: it wrote to us.
    return found or number.strip()


def _ours(number: str, connection: GatewayConnection) -> str:
    return _address(number, connection) if number.strip() else ""


def _opt_out(content: Content) -> bool | None:
    # No gateway does it for us. YES lifts a mark too; where there is none, that changes nothing.
    if not isinstance(content, Text):
        return None
    meant = keyword(content.text, yes_starts=True)
    return _OPT_OUT.get(meant) if meant else None


def _moment(text: str) -> datetime | None:
    """Read seconds since 1970, or a date with its offset; a time of no known zone is none."""
    try:
        if text.replace(".", "", 1).isdigit():
            return datetime.fromtimestamp(min(float(text), _LATEST), UTC)
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told if told.tzinfo else None
