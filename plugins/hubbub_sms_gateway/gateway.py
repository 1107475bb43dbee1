"""Describe a gateway: how it is asked, what it answers, and how it calls us. Only data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from hubbub.sdk import Answer, ReceiptState
from hubbub_sms_gateway.meanings import Rule

Body: TypeAlias = Literal["none", "form", "json", "xml", "text"]
Auth: TypeAlias = Literal["none", "basic", "bearer", "header", "query"]
InboundAuth: TypeAlias = Literal["address", "query", "header", "basic", "hmac", "jwt"]
Digest: TypeAlias = Literal["sha256", "sha512", "sha1"]
Alphabet: TypeAlias = Literal["auto_unicode_flag", "gateway_decides", "gsm_only"]
NumberFormat: TypeAlias = Literal["e164", "digits", "national"]
States: TypeAlias = Mapping[str, ReceiptState]


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How a message is handed to the gateway; texts with placeholders, see `template`."""

    method: Literal["GET", "POST"] = "POST"
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: Body = "none"
    body: str = ""
    #: In place of ``body`` for a text that needs UCS-2, where that one differs.
    unicode_body: str = ""
    auth: Auth = "none"
    #: Of the header or the parameter that holds the token.
    auth_name: str = ""
    ok_status: range | frozenset[int] = range(200, 300)
    #: Must be found in an answer that accepts.
    ok_body: str = ""
    #: ``json:/pointer``, ``regex:(group)``, ``header:Name`` or ``none``.
    id_from: str = "none"
    errors: tuple[Rule, ...] = ()
    alphabet: Alphabet = "auto_unicode_flag"
    number_format: NumberFormat = "e164"
    #: What the gateway itself puts into the address of a report.
    status_query: str = ""
    #: Whether the gateway knows our id again, so that sending twice is sending once.
    repeatable: bool = False


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """How the gateway calls us.

    What says where something stands is a ``/json/pointer``, ``header:Name``, ``body`` or the name
    of a parameter; of several, parted by blanks, the first that is there counts.
    """

    auth: InboundAuth = "query"
    #: Of the header or parameter that proves the call.
    auth_name: str = "token"
    #: What the signature covers: ``{body}``, and ``{header.Name}``.
    signed: str = "{body}"
    #: By which hash; the signature itself may be in hex or base64.
    digest: Digest = "sha256"
    #: The header that tells when the call was signed.
    signed_at: str = ""
    #: Who issues the tokens (``jwt``).
    issuer: str = ""
    number_format: NumberFormat = "digits"

    text: str = "text"
    sender: str = "from"
    to: str = "to"
    id: str = "id"
    key: str = ""
    time: str = "ts time"
    charset: str = "charset"
    coding: str = "coding"
    #: The character set of each ``coding``, where the call does not name one.
    codings: Mapping[str, str] = field(default_factory=dict)
    #: Codings of what is no text.
    binary: frozenset[str] = frozenset()
    #: Of pieces of a long text: what they have in common, which one it is, of how many. Or the
    #: header that says so (UDH), in hex or as it is.
    piece_of: str = ""
    piece: str = ""
    pieces: str = ""
    udh: str = ""
    #: Where the kind of call stands, and the kinds that are messages; nothing: all are.
    event: str = ""
    received: frozenset[str] = frozenset()
    answer: Answer = field(default_factory=Answer)

    state: str = "status"
    #: What the gateway calls its states; ``*`` stands for anything.
    states: States = field(default_factory=dict)
    external_id: str = ""
    reference: str = ""
    error: str = "error"
    faults: tuple[Rule, ...] = ()
    status_answer: Answer = field(default_factory=Answer)

    def state_of(self, word: str) -> ReceiptState | None:
        """Return what ``word`` tells, or None."""
        known = (state for name, state in self.states.items() if fnmatchcase(word, name))
        return next(known, None)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A request that changes nothing, and what its answer must hold."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    ok_status: range | frozenset[int] = range(200, 300)
    ok_body: str = ""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway, complete."""

    label: str
    #: Where it usually is; empty where that cannot be known.
    base: str = ""
    #: The fields that have to be filled in.
    needs: frozenset[str] = frozenset()
    #: Messages a second.
    rate: float = 1.0
    sending: Sending = field(default_factory=Sending)
    hearing: Hearing = field(default_factory=Hearing)
    probe: Probe | None = None
