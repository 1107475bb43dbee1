"""Describe the channel type: what it can do, how it looks, how it is set up."""

from collections.abc import Mapping
from typing import Final

from hubbub.sdk import Capabilities, Component, MediaRule, SetupStep
from hubbub.sdk.widget_calls import LONGEST_TEXT

_LARGEST: Final = 25_000_000

CAPABILITIES: Final = Capabilities(
    inbound=frozenset({"text", "image", "audio", "video", "document", "choice", "form", "system"}),
    outbound=frozenset({"text", "image", "audio", "video", "document", "location", "choices"}),
    text_limit=LONGEST_TEXT,
    caption_limit=1000,
    media={
        "image": MediaRule(
            max_size=_LARGEST,
            mime_types=frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
        ),
        "audio": MediaRule(
            max_size=_LARGEST,
            mime_types=frozenset({"audio/mpeg", "audio/mp4", "audio/ogg"}),
        ),
        "video": MediaRule(max_size=_LARGEST, mime_types=frozenset({"video/mp4", "video/webm"})),
        "document": MediaRule(max_size=_LARGEST),
    },
    options=20,
    receipts=frozenset({"delivered", "read"}),
    # A visitor is known by what they wrote.
    initiates=False,
    webhook_limit=1 << 16,
)

SETUP_STEPS: Final = (
    SetupStep(
        title="Know your sites",
        text="Have the addresses at hand on which the window may open, such as https://example.com.",
    ),
    SetupStep(
        title="Let the site allow it",
        at="webhook",
        text="A Content-Security-Policy of the site has to allow the hub under script-src and "
        "frame-src, and nothing else.",
    ),
    SetupStep(
        title="Say who is logged in",
        at="webhook",
        text="Optional: share an identity secret with your server, which then signs who is logged "
        "in. People keep their conversation from device to device.",
    ),
)

#: What findings are about.
COMPONENTS: Final[Mapping[str, Component]] = {
    "origins": "inbound",
    #: Found by the hub, which serves the window.
    "refused_site": "inbound",
    "public_url": "webhook",
}

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
    '<path fill="#1d4ed8" d="M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-7l-5 4v-4H4a2 2 0 0 1-2-2V5'
    'a2 2 0 0 1 2-2z"/><path fill="#fff" d="M6 7h12v2H6zm0 4h8v2H6z"/></svg>'
)
