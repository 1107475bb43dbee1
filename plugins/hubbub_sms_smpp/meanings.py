"""Say what a centre's status and states mean for us. Source: SMPP 3.4, 5.1.3 and 5.2.28."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    AuthFailed,
    Fault,
    Permanent,
    RateLimited,
    ReceiptState,
    SendError,
    Transient,
)

OK: Final = 0x00
INVALID_LENGTH: Final = 0x02
INVALID_COMMAND: Final = 0x03
ALREADY_BOUND: Final = 0x05
THROTTLED: Final = 0x58
#: What we say to a ``deliver_sm`` that could not be kept, so that it comes again.
NOT_KEPT: Final = 0x64
#: From here on vendors have statuses of their own.
_VENDORS: Final = 0x400


@dataclass(frozen=True)
class Meaning:
    """What a status means: the class of the failure, our word for it, what to do."""

    kind: type[SendError]
    code: str
    advice: str


_BUG: Final = Meaning(
    Permanent, "bad_request", "The centre does not take such a message: compare the settings."
)
_BUSY: Final = Meaning(Transient, "centre_busy", "It is tried again.")
_FAST: Final = Meaning(RateLimited, "rate_limited", "Sending pauses for a moment.")
_BOUND: Final = Meaning(Transient, "not_bound", "The session is begun anew.")
_SENDER: Final = Meaning(
    Permanent, "misconfigured", "Compare From and its type with what the centre allows."
)
_NUMBER: Final = Meaning(
    Permanent, "bad_address", "The centre does not write to this number: see whether it exists."
)
_LOGIN: Final = Meaning(AuthFailed, "auth_failed", "Compare system id, password and system type.")
_REFUSED: Final = Meaning(Permanent, "rejected", "The centre does not take this message.")

#: By command_status: its name, and what it means.
_STATUSES: Final[Mapping[int, tuple[str, Meaning]]] = {
    0x01: ("ESME_RINVMSGLEN", _BUG),
    0x02: ("ESME_RINVCMDLEN", _BUG),
    0x03: ("ESME_RINVCMDID", _BUG),
    0x04: ("ESME_RINVBNDSTS", _BOUND),
    0x05: ("ESME_RALYBND", _BOUND),
    0x06: ("ESME_RINVPRTFLG", _BUG),
    0x07: ("ESME_RINVREGDLVFLG", _BUG),
    0x08: ("ESME_RSYSERR", _BUSY),
    0x0A: ("ESME_RINVSRCADR", _SENDER),
    0x0B: ("ESME_RINVDSTADR", _NUMBER),
    0x0C: ("ESME_RINVMSGID", _BUG),
    0x0D: ("ESME_RBINDFAIL", _LOGIN),
    0x0E: ("ESME_RINVPASWD", _LOGIN),
    0x0F: ("ESME_RINVSYSID", _LOGIN),
    0x14: ("ESME_RMSGQFUL", _BUSY),
    0x15: ("ESME_RINVSERTYP", _BUG),
    0x40: ("ESME_RINVDESTFLAG", _BUG),
    0x42: ("ESME_RINVSUBREP", _BUG),
    0x43: ("ESME_RINVESMCLASS", _BUG),
    0x44: ("ESME_RCNTSUBDL", _BUG),
    0x45: ("ESME_RSUBMITFAIL", _REFUSED),
    0x48: ("ESME_RINVSRCTON", _SENDER),
    0x49: ("ESME_RINVSRCNPI", _SENDER),
    0x50: ("ESME_RINVDSTTON", _NUMBER),
    0x51: ("ESME_RINVDSTNPI", _NUMBER),
    0x53: ("ESME_RINVSYSTYP", _LOGIN),
    0x58: ("ESME_RTHROTTLED", _FAST),
    0x61: ("ESME_RINVSCHED", _BUG),
    0x62: ("ESME_RINVEXPIRY", _BUG),
    0x63: ("ESME_RINVDFTMSGID", _BUG),
    0x64: ("ESME_RX_T_APPN", _BUSY),
    0x65: ("ESME_RX_P_APPN", _REFUSED),
    0x66: ("ESME_RX_R_APPN", _REFUSED),
    0xC0: ("ESME_RINVOPTPARSTREAM", _BUG),
    0xC1: ("ESME_ROPTPARNOTALLWD", _BUG),
    0xC2: ("ESME_RINVPARLEN", _BUG),
    0xC3: ("ESME_RMISSINGOPTPARAM", _BUG),
    0xC4: ("ESME_RINVOPTPARAMVAL", _BUG),
    0xFE: ("ESME_RDELIVERYFAILURE", _REFUSED),
    0xFF: ("ESME_RUNKNOWNERR", _REFUSED),
}
#: The bind itself waits longer if that is not enough.
_PAUSE: Final = timedelta(seconds=2)


def name_of(status: int) -> str:
    """Return what the specification calls a status."""
    if status == OK:
        return "ESME_ROK"
    if status in _STATUSES:
        return _STATUSES[status][0]
    return "vendor specific" if status >= _VENDORS else "reserved"


def error(status: int) -> SendError:
    """Return the error that the ``command_status`` of an answer stands for."""
    _, meaning = _STATUSES.get(status, ("", _REFUSED))
    detail = f"The centre: {name_of(status)} ({status:#04x}). {meaning.advice}"
    code = f"{status:#04x}"
    if issubclass(meaning.kind, RateLimited):
        return meaning.kind(
            detail,
            retry_after=_PAUSE,
            whole_channel=True,
            code=meaning.code,
            provider_code=code,
        )
    return meaning.kind(detail, code=meaning.code, provider_code=code)


# --- receipts --------------------------------------------------------------------------------

_SENT, _DELIVERED, _FAILED = ReceiptState.SENT, ReceiptState.DELIVERED, ReceiptState.FAILED

#: The states of a message, by the words of receipts and by the number of ``message_state``.
STATES: Final[Mapping[str, ReceiptState]] = {
    "SCHEDULED": _SENT,
    "ENROUTE": _SENT,
    "BUFFERED": _SENT,  # no word of the specification, but of many a centre
    "ACCEPTD": _SENT,
    "ACCEPTED": _SENT,
    "DELIVRD": _DELIVERED,
    "DELIVERED": _DELIVERED,
    "EXPIRED": _FAILED,
    "DELETED": _FAILED,
    "UNDELIV": _FAILED,
    "UNDELIVERABLE": _FAILED,
    "UNKNOWN": _FAILED,
    "REJECTD": _FAILED,
    "REJECTED": _FAILED,
}
STATE_WORDS: Final[Mapping[int, str]] = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_FAULTS: Final[Mapping[str, tuple[str, str, bool]]] = {
    "EXPIRED": ("expired", "The phone was out of reach; send it again later.", True),
    "UNKNOWN": ("undelivered", "The centre lost sight of it; send it again later.", True),
    "DELETED": ("deleted", "Somebody deleted it at the centre.", False),
    "REJECTD": ("rejected", "The network refuses messages to this number.", False),
    "REJECTED": ("rejected", "The network refuses messages to this number.", False),
}
_UNDELIVERED: Final = ("undelivered", "The network could not deliver it.", False)


def fault(word: str, network_code: str) -> Fault:
    """Return why a message of ours came to nothing, as a receipt told it."""
    code, detail, retryable = _FAULTS.get(word, _UNDELIVERED)
    told = word if network_code.strip("0") == "" else f"{word} err:{network_code}"
    return Fault(code=code, detail=detail, provider_code=told, retryable=retryable)
