"""Hold the frozen values that pass between the hub and a plugin."""

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from hubbub.sdk.content import Content, Media
from hubbub.sdk.templates import TemplateChanged

#: An id that a provider gave: opaque, never parsed.
ExternalId: TypeAlias = str

#: The pydantic model of a channel type's ``fields``.
F_co = TypeVar("F_co", bound=BaseModel, covariant=True)
T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Header fields whose names ignore case; repeated fields are joined by a comma."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._fields = {name.lower(): value for name, value in (fields or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._fields)})"


# --- what comes in -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Call:
    """One webhook request, byte for byte, before anyone read it."""

    method: str
    #: The address as the provider called it, from our configured public URL, query included.
    url: str
    headers: Headers
    body: bytes
    received_at: datetime
    #: Set once the call is kept.
    id: str = ""

    @property
    def query(self) -> str:
        """The raw query string, without the question mark."""
        return self.url.partition("?")[2]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What we say back to a webhook call."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Accept:
    """The call is authentic: keep it, then give ``answer``."""

    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True)
class Challenge:
    """The call is a handshake and holds no event: give ``answer`` and keep nothing.

    ``problem`` says what is wrong with it, for who sets the webhook up; empty when it is right.
    """

    answer: Answer
    problem: str = ""


@dataclass(frozen=True)
class Reject:
    """The call is not proven to be the provider's: 401 and quarantine.

    ``reason`` is shown to operators, so it names no secret.
    """

    reason: str


Verdict: TypeAlias = Accept | Challenge | Reject


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who wrote."""

    address: str
    name: str | None = None
    #: Where `Capabilities.aliases`: the other id by which the provider knows them, if it said so.
    also: str | None = None


#: What the header of a short message can count.
MOST_PIECES: Final = 255


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Which piece of a longer message something is; the hub joins them once all are there.

    Pieces come in any order, in calls of their own, more than once, or never: what is there after
    ``patience`` is shown with a mark where the rest is missing. A text may end in the middle of a
    surrogate pair, if the next one begins with the other half.
    """

    #: The same for all pieces of a message. The sender's own counter will do: only pieces of one
    #: sender to one of our addresses with the same ``total`` belong together.
    of: str
    #: From 1.
    number: int
    total: int
    patience: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total <= MOST_PIECES:
            raise ValueError(f"There is no piece {self.number} of {self.total}.")

    def __str__(self) -> str:
        return f"Piece {self.number} of {self.total}"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a message says that it answers, where `Capabilities.threads`; the surest come first.

    Of all that is known here, the first decides to which conversation it belongs, if its sender
    belongs there, too. A message that answers nothing known begins a conversation.
    """

    #: Proven by a token of ours: `Part.conversation_id`.
    conversation_id: str | None = None
    #: Proven by tokens of ours: each a `Part.reference`, the latest first.
    references: tuple[str, ...] = ()
    #: Claimed: ids of earlier messages, the latest first.
    external_ids: tuple[ExternalId, ...] = ()
    #: Whether its sender may be another than it says: then it belongs to no conversation of theirs,
    #: and begins one beside that which it answers. Nor does it change what is known of them.
    doubted: bool = False


_NOTHING: Final = Answers()


@dataclass(frozen=True, kw_only=True)
class MessageReceived:
    """Somebody wrote to us.

    ``key`` makes it happen once: the same key on the same channel is the same event. Where the
    provider gives no id, leave it None: then each occurrence is its own message.
    """

    key: str | None
    sender: Sender
    content: Content
    external_id: ExternalId | None = None
    provider_at: datetime | None = None
    reply_to_external_id: ExternalId | None = None
    #: Where an answer goes when that is not the sender: a group.
    reply_address: str | None = None
    reply_name: str | None = None
    #: The person asked not to be written to (True) or to be written to again (False).
    opt_out: bool | None = None
    #: The address on our side that was written to, where a channel has several (`Part`).
    our_address: str | None = None
    #: Why it is only shown, and nobody is asked to answer: another program does. Else empty.
    not_routed: str = ""
    #: Whether, where it is not routed, people are not asked for attention either.
    quiet: bool = True
    #: Whether it was there before the channel was: its conversation stands where it would have
    #: stood then, by ``provider_at``.
    historical: bool = False
    #: What it answers, where a contact may have several conversations.
    answers: Answers = _NOTHING
    #: Where it is not the whole message.
    piece: Piece | None = None


@dataclass(frozen=True, kw_only=True)
class SentElsewhere:
    """Somebody wrote to a contact from our account, but not through the hub.

    In an app of the provider's, or by another program. It is shown in the conversation, and
    receipts move it on. What the hub sent itself is recognised by ``external_id``.
    """

    key: str
    #: The contact's.
    address: str
    content: Content
    external_id: ExternalId | None = None
    #: By what it was written, in a few words: ``Page inbox``.
    by: str = ""
    provider_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MessageEdited:
    """Somebody changed what they wrote."""

    key: str
    external_id: ExternalId
    content: Content
    edited_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MessageDeleted:
    """Somebody took back what they wrote: every message with this id."""

    key: str
    external_id: ExternalId
    deleted_at: datetime | None = None


class ReceiptState(StrEnum):
    """What a provider can tell about a part that we sent."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why something failed, in the form that the API shows.

    ``recipient`` says what it means for the address: nothing, gone for good, opted out, or of
    marketing alone (``no_marketing``);
    ``template`` that it was about the template, as `TemplateRefused` is. Where it names another
    ``address`` than the one that was written to, it means nothing for that.
    """

    code: str
    detail: str
    provider_code: str | None = None
    retryable: bool = False
    recipient: str | None = None
    template: bool = False
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptReceived:
    """The provider's later word on a part we sent.

    Named by the provider's id, by our own ``reference`` (`Part.reference`), or by both; or it is
    a watermark, where a provider only tells how far a contact has come: it speaks of all that
    was sent to ``address`` until ``up_to``.
    """

    key: str
    state: ReceiptState
    external_id: ExternalId | None = None
    reference: str | None = None
    fault: Fault | None = None
    provider_at: datetime | None = None
    address: str | None = None
    up_to: datetime | None = None


class AddressState(StrEnum):
    """Whether an address can be written to."""

    OK = "ok"
    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class AddressChanged:
    """An address became (un)reachable, or became another one (``moved_to``).

    ``address`` may be the other id (`Sender.also`); then ``moved_to`` is a new one of that kind.
    """

    key: str
    address: str
    #: None: as it was.
    state: AddressState | None = AddressState.OK
    reason: str = ""
    moved_to: str | None = None
    #: Whether it takes marketing, where somebody chose about that.
    marketing: bool | None = None
    #: When they did, by the provider's clock: of choices about marketing the latest counts, in
    #: whatever order they are told.
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ForAccount:
    """A part of the call is for another account (`ChannelType.account`) of the same family.

    Where a channel of this hub has it (`ChannelType.family`), the call is handed to that one.
    """

    account: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Understood, and of no interest to us; ``reason`` says why."""

    reason: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """One item that could not be read; its siblings go on and the call can be replayed."""

    reason: str


Event: TypeAlias = (
    MessageReceived
    | SentElsewhere
    | MessageEdited
    | MessageDeleted
    | ReceiptReceived
    | AddressChanged
    | ForAccount
    | TemplateChanged
    | Ignored
    | Unreadable
)


# --- the channel as a plugin sees it ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Connection(Generic[F_co]):
    """A channel's link to its provider. Its repr shows no secret."""

    channel_id: str
    name: str
    #: The validated credentials and settings, an instance of the type's ``fields``.
    fields: F_co = field(repr=False)
    #: The public address of the channel's webhook.
    webhook_url: str
    #: Made by the hub, for providers that repeat a secret of ours: 48 of ``[A-Za-z0-9_-]``.
    webhook_secret: str = field(repr=False, default="")
    #: Made by the hub, for providers whose handshake wants a word we chose.
    verify_token: str | None = field(repr=False, default=None)
    #: What was learnt from the provider at set-up, such as the account's id.
    facts: Mapping[str, str] = field(default_factory=dict)
    #: What the provider handed out for a time, such as the token of a login (`Checked.tokens`).
    tokens: Mapping[str, str] = field(repr=False, default_factory=dict)


# --- what goes out ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message on its way out, before it is fitted to its channel."""

    content: Content
    reply_to_external_id: ExternalId | None = None


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier message of the conversation, as far as an answer has to name it."""

    #: None where the provider never told.
    external_id: ExternalId | None
    #: Of an `Email`; empty where it has none.
    subject: str
    #: Whether the contact wrote it.
    inbound: bool
    #: Of what we sent without knowing whether it arrived: its `Part.reference`; else empty.
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing to send: a draft becomes one or more of them."""

    content: Content
    address: str
    reply_to_external_id: ExternalId | None = None
    #: Ours, unique, 26 of ``[0-9a-z]``: put it where the provider will repeat it in a receipt.
    reference: str = ""
    #: The address on our side that this contact last wrote to, where a channel has several.
    our_address: str | None = None
    #: When the message was written, or when it was to go if that is later.
    created_at: datetime | None = None
    #: Whether it belongs to a campaign or the like, rather than being an answer.
    bulk: bool = False
    #: Where `bulk`: leads to a page, and ends it by one click (RFC 8058).
    unsubscribe_url: str = ""
    #: Whether a bot or a workflow wrote it, which must not be answered by another one.
    automatic: bool = False
    #: Ours, of ``[0-9a-z]``: put it where answers will repeat it (`Answers.conversation_id`).
    conversation_id: str = ""
    #: Where `Capabilities.threads`: the first and the last messages before it, oldest first.
    earlier: tuple[Earlier, ...] = ()
    #: Whether a person wrote it and `Capabilities.window` has passed (`ChannelType.window`).
    past_window: bool = False
    #: The one address that is still to get it, of those who get copies (`Accepted.put_off`); empty:
    #: it goes to all.
    only: str = ""
    #: For `find`: the ids of the other messages to this contact, which this part is not.
    others: frozenset[ExternalId] = frozenset()


@dataclass(frozen=True)
class File:
    """A stored file as a body, or as a field of a `Multipart` body; the hub fills in the bytes."""

    media: Media
    filename: str


@dataclass(frozen=True)
class Multipart:
    """A ``multipart/form-data`` body."""

    fields: tuple[tuple[str, str | File], ...]


@dataclass(frozen=True, kw_only=True)
class DomainKey:
    """What a domain signs letters with (DKIM); its public half is in the domain's DNS."""

    domain: str
    #: The name of the key within the domain.
    selector: str
    #: PEM: RSA or Ed25519.
    private_key: str = field(repr=False)


@dataclass(frozen=True)
class Letter:
    """A letter (RFC 5322) in pieces: of a file, the hub writes the bytes in base64 in its place.

    Lines end in CRLF, and so does each piece. With a key the hub signs the whole.
    """

    pieces: tuple[bytes | File, ...]
    signed_by: DomainKey | None = None


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One HTTP request that a plugin wants made."""

    method: str
    #: Not in the repr: some providers want the token in it.
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Multipart | File | Letter = field(default=b"", repr=False)
    #: For the whole exchange, however slowly the bytes trickle.
    timeout: timedelta = timedelta(seconds=20)
    #: Bytes of answer we are ready to read.
    max_answer: int = 1 << 20
    #: Whether the request may be repeated when its answer was lost (it changes nothing).
    safe: bool = False
    #: Certificates (PEM) that may vouch for the server beside those that everybody trusts.
    trust: str = field(default="", repr=False)

    @classmethod
    def json(cls, method: str, url: str, body: Mapping[str, Any], **more: Any) -> "HttpRequest":
        """Return a request whose body is ``body`` as JSON."""
        headers = {"content-type": "application/json", **more.pop("headers", {})}
        data = _COMPACT.encode(body).encode()
        return cls(method=method, url=url, headers=headers, body=data, **more)


def authority(host: str, port: int) -> str:
    """Return how an address names a server: an IPv6 one stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """The answer to an `HttpRequest`."""

    status: int
    headers: Headers
    body: bytes

    def json(self) -> object:
        """Return the body as JSON. Raises `ValueError` when it is none."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """Tokens and facts of a connection that are others now; those not named stay."""

    tokens: Mapping[str, str] = field(repr=False)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The provider took the part and named it."""

    external_id: ExternalId
    #: The provider knows the address under another form from now on.
    address: str | None = None
    #: A few words for the trace, such as "3 segments".
    note: str = ""
    #: Of those who get copies, who is to be tried again later, each alone (`Part.only`).
    put_off: tuple[str, ...] = ()
    #: What had to be renewed on the way, so that the next send need not.
    renewed: Renewed | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a check looked at. ``code`` is stable; ``fix`` says how to mend it."""

    code: str
    ok: bool
    detail: str
    fix: str = ""
    #: When what is fine now ends, such as the life of a token.
    until: datetime | None = None

    @classmethod
    def good(cls, code: str, detail: str, *, until: datetime | None = None) -> "Finding":
        """Return that something is as it should be."""
        return cls(code=code, ok=True, detail=detail, until=until)

    @classmethod
    def warning(
        cls, code: str, detail: str, fix: str, *, until: datetime | None = None
    ) -> "Finding":
        """Return that something works and should be mended."""
        return cls(code=code, ok=True, detail=detail, fix=fix, until=until)

    @classmethod
    def bad(cls, code: str, detail: str, fix: str) -> "Finding":
        """Return that something does not work."""
        return cls(code=code, ok=False, detail=detail, fix=fix)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found. ``facts`` are kept with the channel (`Connection.facts`).

    So are ``tokens``, encrypted and hidden as credentials are, until the next ones, or until
    somebody changes the credentials, the account or the provider's address.
    """

    findings: tuple[Finding, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.ok for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class FetchedMedia:
    """The bytes of a file that a contact sent."""

    body: bytes
    mime_type: str | None = None
    filename: str | None = None


@dataclass(frozen=True, kw_only=True)
class Polled:
    """What one round of a source brought: calls to keep, and where to go on from.

    Each is kept and parsed as a `Call` with the method ``POLL``.
    """

    calls: tuple[bytes, ...]
    cursor: str
    #: Until the next round; zero where the request itself waited for news.
    rest: timedelta = timedelta()


#: A plugin's side of talking to a provider: it yields requests and is sent the responses.
Exchange: TypeAlias = Generator[HttpRequest, HttpResponse, T]
