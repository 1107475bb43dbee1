"""Turn what the centre delivered into events: messages of people, and receipts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Call,
    Content,
    Event,
    Ignored,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)
from hubbub.sdk.sms import keyword, to_e164
from hubbub_sms_smpp import meanings, pdu
from hubbub_sms_smpp.fields import SmppConnection
from hubbub_sms_smpp.ids import as_received
from hubbub_sms_smpp.meanings import STATE_WORDS, STATES
from hubbub_sms_smpp.pdu import Address, Esm, Malformed, Sms, Tag
from hubbub_sms_smpp.texts import piece_of, words

#: For how long the rest of a message is awaited.
_PATIENCE: Final = timedelta(minutes=5)
_OPT_OUT: Final = {"stop": True, "start": False}
_TON_INTERNATIONAL: Final = 1
_TON_ALPHANUMERIC: Final = 5
_LONGEST_SHORT_CODE: Final = 6
_RECEIPTS: Final = frozenset({Esm.RECEIPT, Esm.INTERMEDIATE})
#: "id:IIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E text:".
#: Source: SMPP 3.4, appendix B, which every vendor follows in his own way.
_ID: Final = re.compile(r"\bid:\s*([^\s]{1,65})", re.IGNORECASE)
_STATE: Final = re.compile(r"\bstat(?:us)?:\s*([A-Za-z]{1,20})", re.IGNORECASE)
_ERROR: Final = re.compile(r"\berr(?:or)?:\s*([0-9A-Za-z]{1,10})", re.IGNORECASE)
_DONE: Final = re.compile(r"\bdone date:\s*(\d{10}(?:\d{2})?)\b", re.IGNORECASE)


def events(call: Call, connection: SmppConnection) -> Iterator[Event]:
    """Yield what ``call`` says, which is one ``deliver_sm``."""
    try:
        sms = pdu.sms(pdu.decode(call.body).body)
    except Malformed as error:
        yield Unreadable(reason=f"This is not SMPP as it is specified. {error}")
        return
    kind = sms.esm_class & Esm.KIND
    if kind in _RECEIPTS:
        yield _receipt(sms, call, connection)
    elif kind:
        yield Ignored(reason=f"The centre passes on an acknowledgement (esm_class {kind:#04x}).")
    else:
        yield from _message(call, sms, connection)


# --- receipts --------------------------------------------------------------------------------


def _receipt(sms: Sms, call: Call, connection: SmppConnection) -> Event:
    text = sms.user_data.decode("latin-1")
    message_id = _receipted_id(sms) or _found(_ID, text)
    word = _state(sms) or _found(_STATE, text).upper()
    if not message_id:
        return Unreadable(reason="The receipt does not say which message it is about.")
    state = STATES.get(word)
    if state is None:
        return Unreadable(reason=f"The receipt tells an unknown state: {word[:40]!r}.")
    external_id = as_received(message_id, connection.fields.settings.receipt_id_format)
    failed = state is ReceiptState.FAILED
    return ReceiptReceived(
        # Centres count their ids anew: with another call, the same id may be another message's.
        key=f"receipt:{external_id}:{word}:{call.id}",
        state=state,
        external_id=external_id,
        fault=meanings.fault(word, _found(_ERROR, text)) if failed else None,
        provider_at=_done(text),
    )


def _receipted_id(sms: Sms) -> str:
    return sms.tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1").strip()


def _state(sms: Sms) -> str:
    value = sms.tlvs.get(Tag.MESSAGE_STATE, b"")
    return STATE_WORDS.get(value[0], "") if value else ""


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _done(text: str) -> datetime | None:
    """Read when it was done. No centre says in which zone: taken for UTC, as good as any."""
    told = _found(_DONE, text)
    form = "%y%m%d%H%M%S" if len(told) > len("2611222155") else "%y%m%d%H%M"
    try:
        return datetime.strptime(told, form).replace(tzinfo=UTC)
    except ValueError:
        return None


# --- messages --------------------------------------------------------------------------------


def _message(call: Call, sms: Sms, connection: SmppConnection) -> Iterator[Event]:
    if not sms.source.text.strip():
        yield Unreadable(reason="The message names no sender.")
        return
    which = piece_of(sms, _PATIENCE)
    address = _address(sms.source, connection)
    content = _content(sms, connection, cut=which is not None)
    yield MessageReceived(
        # SMPP has no ids for what comes in: the same text twice is two messages.
        key=None,
        sender=Sender(address=address),
        content=content,
        opt_out=None if which else _opt_out(content),
        our_address=_address(sms.dest, connection) or None,
        piece=which,
    )
    if sms.source.ton == _TON_ALPHANUMERIC:
        yield AddressChanged(
            # Said again with each message: who writes can be answered, unless it is said.
            key=f"one_way:{call.id}",
            address=address,
            state=AddressState.BLOCKED,
            reason="The sender is a name and no number, so nobody can answer.",
        )


def _content(sms: Sms, connection: SmppConnection, *, cut: bool) -> Content:
    text = words(sms, connection.fields.settings.default_alphabet, cut=cut)
    return UnsupportedContent(provider_type="binary") if text is None else Text(text=text)


def _address(given: Address, connection: SmppConnection) -> str:
    text = given.text.strip()
    if given.ton == _TON_ALPHANUMERIC or not text:
        return text
    # Many a centre says of short codes too that they are international.
    if given.ton == _TON_INTERNATIONAL and len(text) > _LONGEST_SHORT_CODE:
        text = f"+{text.removeprefix('00').lstrip('+')}"
    # A number that our tables do not know is still a number: it wrote to us.
    return to_e164(text, connection.fields.settings.default_region or None) or text


def _opt_out(content: Content) -> bool | None:
    # No centre does it for us. YES lifts a mark too; where there is none, that changes nothing.
    if not isinstance(content, Text):
        return None
    meant = keyword(content.text, yes_starts=True)
    return _OPT_OUT.get(meant) if meant else None
