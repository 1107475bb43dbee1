"""Describe the channel type: what it can do, how it looks, how it is set up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from hubbub.sdk import Capabilities, Component, Limit, Media, MediaRule, SetupStep
from hubbub_messenger import choices

#: Characters of a text.
TEXT_LIMIT: Final = 2000
#: Bytes of one webhook call.
WEBHOOK_LIMIT: Final = 3 << 20
#: Free-form messages of programs, and of people where the app has the feature Human Agent.
WINDOW: Final = timedelta(hours=24)
PEOPLES_WINDOW: Final = timedelta(days=7)

_MB: Final = 1 << 20
_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif"})
_SOUNDS: Final = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/aac", "audio/wav", "audio/x-wav", "audio/ogg"}
)
MEDIA: Final[Mapping[str, MediaRule]] = {
    "image": MediaRule(max_size=25 * _MB, mime_types=_PICTURES),
    "audio": MediaRule(max_size=25 * _MB, mime_types=_SOUNDS),
    "voice": MediaRule(max_size=25 * _MB, mime_types=_SOUNDS),
    "video": MediaRule(max_size=25 * _MB, mime_types=frozenset({"video/mp4"})),
    "document": MediaRule(max_size=25 * _MB),
    "sticker": MediaRule(max_size=25 * _MB, mime_types=_PICTURES),
}

CAPABILITIES: Final = Capabilities(
    inbound=frozenset(
        {
            "text",
            "image",
            "audio",
            "video",
            "document",
            "sticker",
            "location",
            "reaction",
            "choice",
            "system",
            "unsupported",
        }
    ),
    outbound=frozenset({"text", *MEDIA, "choices"}),
    text_limit=TEXT_LIMIT,
    media=MEDIA,
    options=choices.OPTIONS,
    receipts=frozenset({"delivered", "read"}),
    watermarks=True,
    replies=True,
    initiates=False,
    window=WINDOW,
    limits=(
        Limit(scope="channel", count=250, per=timedelta(seconds=1), burst=50),
        # Meta names no number for a chat; a reply of several parts may come at once.
        Limit(scope="address", count=1, per=timedelta(seconds=1), burst=5),
    ),
    webhook_limit=WEBHOOK_LIMIT,
    registers_webhook=True,
    verify_token=True,
)


def takes(kind: str, media: Media) -> bool:
    """Whether Messenger takes ``media`` as ``kind``; what is not known of it is no objection."""
    rule = MEDIA[kind]
    known = not rule.mime_types or media.mime_type is None or media.mime_type in rule.mime_types
    return known and (media.size or 0) <= rule.max_size


SETUP_STEPS: Final = (
    SetupStep(
        title="Create an app with Messenger",
        text="In Meta's App Dashboard create an app of type Business and add the product "
        "Messenger. App settings > Basic shows App ID and App secret.",
        link="https://developers.facebook.com/apps",
    ),
    SetupStep(
        title="Connect the Page",
        text='Messenger > API settings: connect your Page, and press "Generate token" next to it. '
        "The Page ID stands beside it.",
    ),
    SetupStep(
        title="Let Meta call the hub",
        at="webhook",
        text="The hub registers its Callback URL for the app and subscribes the Page. Without the "
        "App ID enter the Callback URL and the Verify token shown here at "
        "Messenger > API settings > Webhooks yourself, and subscribe to the fields there.",
    ),
    SetupStep(
        title="Write to the Page, then go live",
        at="test",
        text="Write to the Page as somebody who has a role in the app. Everybody else is reached "
        "once App Review has granted Advanced Access to pages_messaging.",
        link="https://developers.facebook.com/docs/messenger-platform/app-review",
    ),
)
CHANGES: Final = (
    "The Page is subscribed to the app, so that the app hears what is written to it.",
    "Where the App ID is entered, Meta is told to call this hub about all Pages of the app.",
)
COMPONENTS: Final[Mapping[str, Component]] = {"webhook": "webhook", "subscription": "webhook"}

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
    '<path fill="#0a7cff" d="M12 1.5C6 1.5 1.5 5.9 1.5 11.8c0 3.1 1.3 5.8 3.3 7.6v3.1l3.1-1.7'
    'c1.3.4 2.7.6 4.1.6 6 0 10.5-4.4 10.5-10.2S18 1.5 12 1.5z"/>'
    '<path fill="#fff" d="M5.5 14.9l5-6.1 2.8 2.6 5-2.7-5.1 6.2-2.7-2.6z"/>'
    "</svg>"
)
