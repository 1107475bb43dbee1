from datetime import UTC, datetime

import pytest

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Attachment,
    Card,
    Choice,
    Contacts,
    Ignored,
    Location,
    Media,
    MessageEdited,
    MessageReceived,
    Reaction,
    Sender,
    System,
    Text,
    Unreadable,
    UnsupportedContent,
    from_json,
    to_json,
)


def photo(ref, caption=None):
    media = Media(ref=ref, mime_type="image/jpeg", size=99000, width=1280, height=960)
    return Attachment(type="image", media=media, caption=caption)


CONTENTS = {
    "message_text": Text(text="Hi 😀 @bob_1 /help"),
    "message_photo": Attachment(
        type="image",
        media=Media(ref="Ag2", mime_type="image/jpeg", size=99000, width=1280, height=960),
        caption="Broken",
    ),
    "message_voice": Attachment(
        type="voice",
        media=Media(ref="Aw1", mime_type="audio/ogg", size=9100, duration_ms=4000),
    ),
    "message_audio": Attachment(
        type="audio",
        media=Media(
            ref="Au1",
            mime_type="audio/mpeg",
            filename="song.mp3",
            size=2900000,
            duration_ms=180_000,
        ),
    ),
    "message_video": Attachment(
        type="video",
        media=Media(
            ref="Vi1",
            mime_type="video/mp4",
            filename="clip.mp4",
            size=800000,
            width=640,
            height=360,
            duration_ms=12_000,
        ),
        caption="See",
    ),
    "message_video_note": Attachment(
        type="video",
        media=Media(
            ref="Vn1", mime_type="video/mp4", size=500000, width=240, height=240, duration_ms=8000
        ),
    ),
    "message_animation": Attachment(
        type="video",
        media=Media(
            ref="An1",
            mime_type="video/mp4",
            filename="cat.mp4",
            size=70000,
            width=320,
            height=180,
            duration_ms=2000,
        ),
    ),
    "message_animation_gif": Attachment(
        type="image",
        media=Media(
            ref="An2",
            mime_type="image/gif",
            filename="cat.gif",
            size=70000,
            width=320,
            height=180,
            duration_ms=2000,
        ),
    ),
    "message_live_photo": Attachment(
        type="image",
        media=Media(ref="Lp1", mime_type="image/jpeg", size=40000, width=640, height=480),
        caption="Moving",
    ),
    "message_document": Attachment(
        type="document",
        media=Media(ref="Do1", mime_type="application/pdf", filename="invoice.pdf", size=120_000),
    ),
    "message_sticker": Attachment(
        type="sticker",
        media=Media(ref="CA1", mime_type="image/webp", size=20000, width=512, height=512),
        caption="👍",
    ),
    "message_sticker_video": Attachment(
        type="sticker",
        media=Media(ref="CA2", mime_type="video/webm", size=20000, width=512, height=512),
        caption="👍",
    ),
    "message_sticker_animated": Attachment(
        type="sticker", media=Media(ref="Th1", size=3000, width=128, height=128), caption="👍"
    ),
    "message_sticker_animated_bare": Text(text="👍"),
    "message_sticker_animated_mute": UnsupportedContent(provider_type="sticker"),
    "message_location": Location(latitude=48.1, longitude=11.5),
    "message_location_live": Location(latitude=48.1, longitude=11.5, live=True),
    "message_venue": Location(
        latitude=48.1, longitude=11.5, name="Example Cafe", address="Main St 1"
    ),
    "message_contact": Contacts(contacts=(Card(name="Ada Example", phones=("+491511234567",)),)),
    "message_poll": Text(text="📊 Lunch?\n1. Soup\n2. Salad"),
    "message_dice": Text(text="🎲 4"),
    "message_rich": Text(text="Order\nTwo cups\nblue\ncup | 2"),
    "message_rich_wordless": UnsupportedContent(provider_type="rich_message"),
    "message_users_shared": System(event="users_shared", detail="5550002, 5550003"),
    "message_chat_shared": System(event="chat_shared", detail="-1009"),
    "message_web_app_data": Text(text="size=M"),
    "message_story": UnsupportedContent(provider_type="story"),
    "message_unknown_content": UnsupportedContent(provider_type="hologram"),
    "message_bare": UnsupportedContent(provider_type="message"),
    "message_album_1": photo("A2", "Both"),
    "message_album_2": photo("B2"),
    "message_photo_spoiler": photo("S2", "Careful"),
    "message_voice_caption": Attachment(
        type="voice",
        media=Media(ref="Aw2", mime_type="audio/ogg", size=9100, duration_ms=4000),
        caption="Listen",
    ),
    "message_contact_plus": Contacts(contacts=(Card(name="Ada", phones=("+491511234567",)),)),
    "message_forwarded": Text(text="From elsewhere"),
    "message_quote_elsewhere": Text(text="This one?"),
    "message_game": UnsupportedContent(provider_type="game"),
    "message_invoice": UnsupportedContent(provider_type="invoice"),
    "message_successful_payment": UnsupportedContent(provider_type="successful_payment"),
    "message_paid_media": UnsupportedContent(provider_type="paid_media"),
    "message_giveaway": UnsupportedContent(provider_type="giveaway"),
    "message_checklist": UnsupportedContent(provider_type="checklist"),
    "message_gift": UnsupportedContent(provider_type="gift"),
    "message_start": System(event="started"),
    "message_start_payload": System(event="started", detail="ref_42"),
    "message_start_talk": Text(text="/start please help me"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_each_kind_of_content_is_read(event, name):
    received = event(name)
    assert isinstance(received, MessageReceived)
    assert received.content == CONTENTS[name]


@pytest.mark.parametrize("name", CONTENTS)
def test_each_content_is_one_that_the_hub_can_keep(event, name):
    content = event(name).content
    assert from_json(to_json(content)) == content


def test_every_declared_content_type_has_a_payload(telegram, events):
    names = [*CONTENTS, "callback_query", "reaction_added"]
    seen = {events(name)[0].content.type for name in names}
    assert seen == telegram.capabilities.inbound


def test_a_private_message_says_who_wrote_what_when(event):
    assert event("message_text") == MessageReceived(
        key="update:700000001",
        sender=Sender(address="5550001", name="Ada Example"),
        content=Text(text="Hi 😀 @bob_1 /help"),
        external_id="5550001:41",
        provider_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_a_reply_names_the_message_that_it_quotes(event):
    assert event("message_reply").reply_to_external_id == "5550001:41"


def test_what_the_service_tells_is_ignored(event):
    ignored = event("message_pinned")
    assert isinstance(ignored, Ignored)
    assert "pinned_message" in ignored.reason


@pytest.mark.parametrize("name", ["message_from_bot", "message_via_own_bot"])
def test_what_bots_write_is_ignored(event, name):
    assert isinstance(event(name), Ignored)


def test_what_a_person_sends_with_the_help_of_another_bot_is_theirs(event):
    # Most GIFs are sent by way of @gif.
    assert event("message_via_other_bot").content.type == "video"


# --- edits ---


def test_an_edit_names_the_message_and_says_it_anew(event):
    assert event("edited_message") == MessageEdited(
        key=event("edited_message").key,
        external_id="5550001:41",
        content=Text(text="Hello"),
        edited_at=datetime(2026, 1, 1, 0, 1, tzinfo=UTC),
    )


def test_an_edited_caption_is_told_with_its_picture(event):
    assert event("edited_caption").content == photo("A2", "Broken twice")


def test_a_live_location_moves_by_edits(event):
    edited = event("edited_location")
    assert isinstance(edited, MessageEdited)
    assert edited.content == Location(latitude=48.2, longitude=11.6, live=True)


# --- buttons ---


@pytest.mark.parametrize(
    ("name", "choice", "quoted"),
    [
        ("callback_query", Choice(id="v1:yes", title="Yes, please"), "5550001:77"),
        ("callback_query_inaccessible", Choice(id="v1:yes", title="v1:yes"), "5550001:77"),
        ("callback_query_index", Choice(id="o:1", title="Second"), "5550001:78"),
        ("callback_query_inline", Choice(id="v1:yes", title="v1:yes"), None),
    ],
)
def test_a_pressed_button_is_a_choice_that_quotes_its_message(event, name, choice, quoted):
    received = event(name)
    assert received.content == choice
    assert received.reply_to_external_id == quoted
    assert received.sender == Sender(address="5550001", name="Ada Example")
    assert received.reply_address is None


def test_a_button_of_a_game_is_ignored(event):
    assert isinstance(event("callback_query_game"), Ignored)


# --- reactions ---


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("reaction_added", ["👍"]),
        ("reaction_changed", ["🔥"]),
        ("reaction_removed", [""]),
        ("reaction_one_of_two_removed", ["👍"]),
        ("reaction_two_added", ["👍", "❔", "⭐"]),
    ],
)
def test_a_reaction_tells_what_changed(events, name, emoji):
    received = events(name)
    wanted = [Reaction(emoji=each, target_external_id="5550001:77") for each in emoji]
    assert [event.content for event in received] == wanted
    assert len({event.key for event in received}) == len(received)


@pytest.mark.parametrize("name", ["reaction_same", "reaction_of_nobody"])
def test_reactions_that_change_nothing_or_name_nobody_are_ignored(event, name):
    assert isinstance(event(name), Ignored)


def test_an_anonymous_administrator_reacts_as_the_group(event):
    received = event("reaction_anonymous", allow_groups=True)
    assert received.sender == Sender(address="-1001234567890", name="Example Club")
    assert received.reply_address == "-1001234567890"


# --- blocking ---


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("my_chat_member_kicked", AddressState.BLOCKED),
        ("my_chat_member_member", AddressState.OK),
    ],
)
def test_blocking_the_bot_changes_the_address(event, name, state):
    changed = event(name)
    assert isinstance(changed, AddressChanged)
    assert (changed.address, changed.state) == ("5550001", state)
    assert bool(changed.reason) is (state is AddressState.BLOCKED)


# --- everything else ---


OTHER_KINDS = [
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "business_edited",
    "business_deleted",
    "guest_message",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
    "unknown_kind",
    "nothing",
]


@pytest.mark.parametrize("name", OTHER_KINDS)
def test_kinds_that_are_no_message_to_us_are_ignored_with_a_reason(event, name):
    ignored = event(name, allow_groups=True)
    assert isinstance(ignored, Ignored)
    assert ignored.reason.endswith(".")
    assert ignored.key
    assert ignored.key.startswith("update:")


def test_an_unknown_kind_with_a_message_in_it_is_shown(event):
    received = event("unknown_kind_with_message")
    assert received.content == UnsupportedContent(provider_type="whispered_message")
    assert received.external_id == "5550001:91"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"hello", "not JSON"),
        (b"[]", "the body"),
        (b"{}", "update_id"),
        (b'{"update_id":"x"}', "update_id"),
        (
            b'{"update_id":1,"message":{"message_id":1,"chat":{"id":"x","type":"private"}}}',
            "chat.id",
        ),
        (
            b'{"update_id":1,"message":{"message_id":1,"chat":{"id":5,"type":"private"},"text":5}}',
            "text",
        ),
        (
            b'{"update_id":1,"message":{"message_id":1,"chat":{"id":5,"type":"private"},"photo":[]}}',
            "photo",
        ),
    ],
)
def test_what_is_not_as_documented_is_unreadable_and_named(
    telegram, connection, call, body, reason
):
    (unreadable,) = telegram.parse(call(body), connection())
    assert isinstance(unreadable, Unreadable)
    assert reason in unreadable.reason


def test_the_reason_does_not_repeat_what_somebody_wrote(telegram, connection, call):
    body = b'{"update_id":1,"message":{"message_id":"my secret","chat":{"id":5,"type":"private"}}}'
    (unreadable,) = telegram.parse(call(body), connection())
    assert "my secret" not in unreadable.reason
