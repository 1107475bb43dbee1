"""Say what letters can do, and what has to be done to connect a mailbox."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from hubbub.sdk import Bounds, Capabilities, Ceilings, Component, Limit, MediaRule, SetupStep

#: Bytes of all files. A letter may have 25 MB at most providers, and a third of it is the encoding
#: for the way.
LARGEST_FILES: Final = 18_000_000
_WORDS: Final = 100_000
_CARRIED: Final = ("image", "audio", "voice", "video", "document")

#: Servers that do not know us refuse at first, and want to be asked again after minutes; others are
#: away for a day. RFC 5321, section 4.5.4.
RETRIES: Final = tuple(timedelta(minutes=one) for one in (1, 5, 15, 30, 60, 120, 240, 480, 480))
CEILINGS: Final = Ceilings(conversation=5, address=10, inbound=10)
CAPABILITIES: Final = Capabilities(
    inbound=frozenset({"email"}),
    outbound=frozenset({"email", "text", *_CARRIED}),
    text_limit=_WORDS,
    caption_limit=_WORDS,
    media=dict.fromkeys(_CARRIED, MediaRule(max_size=LARGEST_FILES)),
    receipts=frozenset({"delivered", "read"}),
    replies=True,
    threads=True,
    ceilings=CEILINGS,
    retries=RETRIES,
    # Below what providers grant to one mailbox, such as Microsoft's 30 a minute.
    limits=(Limit(scope="channel", count=20, per=timedelta(minutes=1), burst=20),),
    # Nobody calls.
    webhook_limit=1 << 14,
)
#: Letters that were made to exhaust take less than half a second; 35 MiB in one take a few.
BOUNDS: Final = Bounds(seconds=20, memory=1 << 30)

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
    'stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
    '<rect x="2" y="4" width="20" height="16" rx="2"/><path d="m2 7 10 7 10-7"/></svg>'
)
SETUP_STEPS: Final = (
    SetupStep(
        title="Choose the provider",
        text="For well-known ones the servers are known. For another one, enter the servers under "
        "Advanced, as it names them for mail programs.",
    ),
    SetupStep(
        title="Let the hub log in",
        text="Many providers want an app password in place of that of the web page. Google takes "
        "either that or OAuth 2, Microsoft 365 only OAuth 2: register an app there, grant it "
        "access to the mailbox, and enter its client id and secret and the refresh token under "
        "Advanced.",
    ),
    SetupStep(
        title="Write to the mailbox",
        at="test",
        text="The hub logs in at both servers and says what they answered. What comes from that "
        "moment on is fetched; what was there before stays where it is.",
    ),
)
#: What findings are about; others are about the login.
COMPONENTS: Final[Mapping[str, Component]] = {
    "imap": "inbound",
    "imap_auth": "inbound",
    "imap_cannot_move": "inbound",
    "imap_folder": "inbound",
    "imap_no_idle": "inbound",
    "imap_read_only": "inbound",
    "imap_special_folder": "inbound",
    "imap_unencrypted": "inbound",
    "send_only": "inbound",
    "smtp": "outbound",
    "smtp_auth": "outbound",
    "smtp_refused": "outbound",
    "smtp_sender": "outbound",
    "smtp_unencrypted": "outbound",
    "unsubscribe_link": "outbound",
    "spf": "outbound",
    "dkim": "outbound",
    "dmarc": "outbound",
    "domain_unknown": "outbound",
}
