"""Declare what a channel type can do: one manifest that drives everything else.

The composer's limits, the fitting of messages, the API's validation, the docs, the sandbox's
rules and the conformance tests are all read from it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class MediaRule:
    """Which files of one content type the channel carries."""

    #: Bytes.
    max_size: int
    mime_types: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most ``count`` requests in ``per``, with bursts of ``burst``.

    ``scope`` says what shares the bucket: everything of the channel, or one address of it.
    ``only`` restricts it to addresses that start with this text (Telegram's groups: ``-``).
    """

    scope: Literal["channel", "address"]
    count: int
    per: timedelta
    burst: int = 1
    only: str = ""

    def __post_init__(self) -> None:
        if self.count < 1 or self.per <= timedelta(0) or self.burst < 1:
            raise ValueError(f"A limit that lets nothing through: {self!r}")

    @classmethod
    def per_second(cls, rate: float) -> "Limit":
        """Return the limit of ``rate`` a second for the whole channel, a second's worth at once."""
        # Counted over 100 s, so that 0.5 a second is a whole number too.
        count = max(1, round(rate * 100))
        return cls(
            scope="channel", count=count, per=timedelta(seconds=100), burst=max(1, int(rate))
        )


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """How many automatic answers there may be, lest two programs answer each other for ever."""

    #: Within ``per``: in one conversation, and to one address.
    conversation: int
    address: int
    per: timedelta = timedelta(days=1)
    #: In so many conversations with strangers, who first wrote within ``lately``, there may be any;
    #: what began to be answered goes on. A program may write under another address each time.
    conversations: int = 300
    lately: timedelta = timedelta(hours=1)
    #: An address that writes more often than this ``within`` then is not answered automatically.
    inbound: int
    within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """The manifest of a channel type."""

    #: Content types that it can receive.
    inbound: frozenset[str]
    #: Content types that it carries as they are; others are fitted (`hubbub.sdk.fit`).
    outbound: frozenset[str]
    #: Characters of one text, counted in ``text_unit``; longer ones are split.
    text_limit: int
    text_unit: Literal["characters", "utf16"] = "characters"
    #: Whether a text is cut into short messages (`hubbub.sdk.sms.segments`), each of which is paid.
    segments: bool = False
    #: Longer captions travel as a text of their own. 0: no captions.
    caption_limit: int = 0
    media: Mapping[str, MediaRule] = field(default_factory=dict)
    #: Most options of one ``choices``; 0: they become a numbered menu.
    options: int = 0
    #: Which receipts the provider gives after it accepted a message.
    receipts: frozenset[str] = frozenset()
    #: Whether some of them only tell how far a contact has come (`ReceiptReceived.up_to`).
    watermarks: bool = False
    #: Whether a message can quote another.
    replies: bool = False
    #: Whether we may write to somebody who never wrote to us.
    initiates: bool = True
    #: Free-form messages only this long after the contact's last one; None: always.
    window: timedelta | None = None
    limits: tuple[Limit, ...] = ()
    #: How long to wait before each further attempt at what failed for a while; empty: as usual,
    #: for some seven hours.
    retries: tuple[timedelta, ...] = ()
    #: Bytes of one webhook call.
    webhook_limit: int = 1 << 20
    #: Whether the hub can register its webhook by API.
    registers_webhook: bool = False
    #: Whether operators enter a verification token at the provider.
    verify_token: bool = False
    #: Whether the provider can be asked what became of a part (`ChannelType.find`).
    finds: bool = False
    #: Whether the provider knows people by two ids, and may name either (`Sender.also`).
    aliases: bool = False
    #: Whether a contact may have several conversations, told apart by `MessageReceived.answers`.
    threads: bool = False
    #: Where programs at the other end may answer: how often ours may.
    ceilings: Ceilings | None = None
    #: Whether the provider lists the templates it approved (`ChannelType.templates`).
    templates: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the manifest as a JSON object; durations in seconds, sets as sorted lists."""
        return _plain(asdict(self))  # type: ignore[no-any-return]  # a dict stays a dict


def _plain(value: object) -> Any:
    match value:
        case timedelta():
            return value.total_seconds()
        case frozenset():
            return sorted(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value
