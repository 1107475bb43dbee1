"""What the events of a call say."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from hubbub.sdk import (
    Attachment,
    Choice,
    ForAccount,
    Ignored,
    Location,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Reaction,
    ReceiptReceived,
    ReceiptState,
    Sender,
    SentElsewhere,
    System,
    Text,
    Unreadable,
    UnsupportedContent,
)
from tests.plugins.messenger.conftest import ANN, PAGE_ID, PAYLOADS

CDN = "https://cdn.fbsbx.com/"
AT = datetime(2026, 11, 18, 11, 6, 41, 200_000, tzinfo=UTC)
EVENTS = sorted(
    path.name for path in PAYLOADS.glob("*.json") if not path.stem.rpartition("_")[2].isdigit()
)


def file(kind, path, filename):
    return Attachment(type=kind, media=Media(ref=CDN + path, filename=filename))


@pytest.fixture(scope="session")
def contents(hear):
    return lambda name: [event.content for event in hear(name)]


def test_conformance_05_a_text_is_a_message_of_its_sender(hear):
    assert hear("message_text.json") == [
        MessageReceived(
            key="message:m_TEST-IN-0001",
            sender=Sender(address=ANN),
            content=Text(text="Is it open today? Café 😀"),
            external_id="m_TEST-IN-0001",
            provider_at=AT,
        )
    ]


SAID = {
    "message_quick_reply": [Choice(id="COLOR_RED", title="Red")],
    "message_quoting": [Text(text="this one")],
    "message_images": [
        file("image", "p.jpg?_nc_cat=1&oe=6A", "p.jpg"),
        file("image", "q.jpg", "q.jpg"),
    ],
    "message_audio": [file("audio", "audioclip-17.mp4", "audioclip-17.mp4")],
    "message_video": [file("video", "v.mp4", "v.mp4")],
    "message_file": [file("document", "v/offer%20%C3%A4.pdf?oh=1", "offer ä.pdf")],
    "message_text_and_image": [Text(text="Like this?"), file("image", "p.jpg", "p.jpg")],
    "message_location": [Location(latitude=48.1, longitude=11.5)],
    "message_link": [Text(text="https://example.org/x\nExample")],
    "message_share": [Text(text="A post")],
    "message_reel": [Text(text="A reel\nhttps://www.facebook.com/reel/1")],
    "message_nulls": [Text(text="Hello")],
    "reaction": [Reaction(emoji="❤️", target_external_id="m_TEST-OUT-1")],
    "reaction_bare": [Reaction(emoji="😮", target_external_id="m_TEST-OUT-1")],
    "reaction_removed": [Reaction(emoji="", target_external_id="m_TEST-OUT-1")],
    "postback": [Choice(id="GET_STARTED", title="Get Started")],
    "postback_without_mid": [Choice(id="CALL_ME", title="Call me")],
    "optin_news": [System(event="optin", detail="News, news")],
}


@pytest.mark.parametrize("name", SAID)
def test_conformance_05_each_event_maps(contents, name):
    assert contents(f"{name}.json") == SAID[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("message_invented", "hologram"),
        ("message_share_bare", "fallback"),
        ("message_empty", "message"),
        ("message_appointment", "appointment_booking"),
        ("message_image_without_url", "image"),
        ("reaction_other", "reaction other"),
    ],
)
def test_conformance_05_what_is_not_understood_is_a_placeholder(contents, name, kind):
    assert contents(f"{name}.json") == [UnsupportedContent(provider_type=kind)]


STICKER = file("sticker", "s.png", "s.png")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("message_sticker", STICKER),
        ("message_sticker_older", STICKER),
        ("message_sticker_both", STICKER),
        ("message_thumbs_up", Text(text="👍")),
        ("message_thumbs_up_both", Text(text="👍")),
    ],
)
def test_conformance_06_a_sticker_told_in_any_way_is_one(contents, name, content):
    assert contents(f"{name}.json") == [content]


def test_a_message_of_several_things_has_one_id_and_several_keys(hear):
    text, picture = hear("message_text_and_image.json")
    assert (text.key, text.external_id) == ("message:m_TEST-IN-0001", "m_TEST-IN-0001")
    assert (picture.key, picture.external_id) == ("message:m_TEST-IN-0001:1", "m_TEST-IN-0001")


def test_a_quoted_message_is_named(hear):
    (event,) = hear("message_quoting.json")
    assert event.reply_to_external_id == "m_TEST-OUT-1"


def test_conformance_03_a_batch_is_read_item_by_item(hear):
    one, bad, two, again, other = hear("batch.json")
    assert [event.content.text for event in (one, two, again)] == ["One", "Two", "One"]
    assert isinstance(bad, Unreadable)
    assert "mid" in bad.reason
    assert other == ForAccount(account="999999999999999")


def test_conformance_04_the_same_message_has_the_same_key(hear):
    one, _, two, again, _ = hear("batch.json")
    assert one == again
    assert one.key != two.key


def test_conformance_09_an_edit_has_the_number_of_the_edit_in_its_key(hear):
    assert hear("edit.json") == [
        MessageEdited(
            key="edit:m_TEST-IN-0001:1",
            external_id="m_TEST-IN-0001",
            content=Text(text="Hi there"),
            edited_at=datetime(2026, 11, 18, 11, 6, 49, tzinfo=UTC),
        )
    ]


def test_conformance_09_a_reaction_and_its_taking_back_are_two_events(hear):
    (put,), (back,) = hear("reaction.json"), hear("reaction_removed.json")
    assert put.key != back.key
    assert put.external_id is None


def test_conformance_09_a_deletion_names_its_message(hear):
    (event,) = hear("message_deleted.json")
    assert isinstance(event, MessageDeleted)
    assert event.external_id == "m_TEST-IN-0001"


def test_what_the_page_itself_reacted_is_nothing_of_the_contact(hear):
    (event,) = hear("reaction_of_page.json")
    assert isinstance(event, Ignored)


@pytest.mark.parametrize(
    ("in_milliseconds", "in_seconds"),
    [("message_text.json", "message_seconds.json"), ("referral.json", "referral_seconds.json")],
)
def test_conformance_10_seconds_and_milliseconds_tell_the_same_time(
    hear, in_milliseconds, in_seconds
):
    (one,), (other,) = hear(in_milliseconds), hear(in_seconds)
    assert one.provider_at.replace(microsecond=0) == other.provider_at


def test_conformance_10_a_referral_begins_a_conversation_and_says_where_from(hear):
    (event,) = hear("referral.json")
    detail = "ref=spring, source=ADS, type=OPEN_THREAD, ad_id=6000000001"
    assert event.content == System(event="started", detail=detail)
    assert event.sender == Sender(address=ANN)


@pytest.mark.parametrize(
    ("name", "word"), [("postback_referral", "ref=spring"), ("message_ad", "ad_id=6000000001")]
)
def test_conformance_10_what_came_about_by_a_referral_says_so_before(hear, name, word):
    referral, said = hear(f"{name}.json")
    assert referral.content.event == "referral"
    assert word in referral.content.detail
    assert referral.key != said.key
    assert said.external_id


def test_a_postback_without_an_id_is_known_by_who_when_and_what(hear, payload):
    (one,) = hear("postback_without_mid.json")
    (again,) = hear("postback_without_mid.json")
    (other,) = hear(payload("postback_without_mid.json").replace(b"CALL_ME", b"CALL_US"))
    assert one.key == again.key != other.key


# --- what becomes of what we say -------------------------------------------------------------

REFERENCE = "d" * 26


def test_conformance_07_an_echo_of_ours_is_a_receipt_with_our_reference(hear):
    assert hear("echo_ours.json") == [
        ReceiptReceived(
            key="echo:m_TEST-OUT-1",
            state=ReceiptState.SENT,
            external_id="m_TEST-OUT-1",
            reference=REFERENCE,
            provider_at=datetime(2026, 11, 18, 11, 6, 42, tzinfo=UTC),
        )
    ]


def test_conformance_07_an_echo_of_our_app_without_reference_is_a_receipt_by_its_id(hear):
    (event,) = hear("echo_bare.json")
    assert (event.external_id, event.reference) == ("m_TEST-OUT-1", None)


def test_without_an_app_id_our_reference_alone_proves_an_echo(hear, connect):
    via = connect(app_id="")
    assert isinstance(hear("echo_ours.json", via)[0], ReceiptReceived)
    assert isinstance(hear("echo_bare.json", via)[0], SentElsewhere)


@pytest.mark.parametrize(
    ("name", "by", "text"),
    [
        ("echo_inbox", "Page inbox", "From the inbox"),
        ("echo_app", "app 500500500500", "From a bot"),
        ("echo_template", "", "Next?"),
    ],
)
def test_conformance_07_what_others_write_for_the_page_is_sent_elsewhere(hear, name, by, text):
    (event,) = hear(f"{name}.json")
    assert isinstance(event, SentElsewhere)
    assert (event.address, event.by, event.content) == (ANN, by, Text(text=text))
    assert event.external_id


def test_conformance_08_deliveries_are_named_and_bounded_by_a_watermark(hear):
    at = datetime(2026, 11, 18, 11, 6, 42, tzinfo=UTC)
    named, mark = hear("delivery.json")
    assert (named.external_id, named.state, named.up_to) == ("m_TEST-OUT-1", "delivered", None)
    assert hear("delivery_watermark.json") == [mark]
    assert mark == ReceiptReceived(
        key=f"delivered:{ANN}:1795000002000",
        state=ReceiptState.DELIVERED,
        address=ANN,
        up_to=at,
        provider_at=at,
    )


def test_conformance_08_reading_has_a_watermark_only(hear):
    (mark,) = hear("read.json")
    assert (mark.state, mark.address) == ("read", ANN)
    assert mark.up_to == datetime(2026, 11, 18, 11, 6, 43, tzinfo=UTC)


# --- who answers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["standby_message", "standby_postback"])
def test_conformance_15_in_standby_nobody_is_asked_to_answer(hear, name):
    (event,) = hear(f"{name}.json")
    assert isinstance(event, MessageReceived)
    assert "standby" in event.not_routed


def test_a_postback_in_standby_has_no_payload(contents):
    assert contents("standby_postback.json") == [Choice(id="Call me", title="Call me")]


@pytest.mark.parametrize(
    ("name", "event", "detail"),
    [
        ("control_passed", "control_passed", "from us, to Page inbox"),
        ("control_taken", "control_taken", "from Page inbox, to us"),
        ("control_requested", "control_requested", "by app 500500500500"),
    ],
)
def test_conformance_15_who_answers_now_is_shown_in_the_conversation(hear, name, event, detail):
    (noted,) = hear(f"{name}.json")
    assert isinstance(noted, SentElsewhere)
    assert (noted.address, noted.external_id) == (ANN, None)
    assert noted.content == System(event=event, detail=detail)


# --- what says nothing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("optin_checkbox", "checkbox"),
        ("policy", "block: Spam"),
        ("control_roles", "app_roles"),
        ("item_invented", "teleport"),
        ("other_object", "instagram"),
        ("other_recipient", "another Page"),
        ("changes", "no message"),
        ("delivery_empty", "how far"),
    ],
)
def test_what_is_of_no_interest_is_ignored_and_says_why(hear, name, word):
    (event,) = hear(f"{name}.json")
    assert isinstance(event, Ignored)
    assert word in event.reason


@pytest.mark.parametrize("name", EVENTS)
def test_every_recorded_call_is_read_the_same_twice(hear, name):
    assert hear(name) == hear(name) != []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"object":"page"}', b"\xff", b"[" * 5000])
def test_what_is_no_call_of_meta_s_is_unreadable(hear, body):
    (event,) = hear(body)
    assert isinstance(event, Unreadable)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["message", "postback", "reaction", "delivery", "read", "referral", "optin", "message_edit"]
)
PARTS = st.sampled_from(["mid", "text", "attachments", "payload", "watermark", "mids", "ref"])


@given(name=NAMES, said=st.dictionaries(PARTS, JSON, max_size=5), sender=JSON)
def test_whatever_an_item_holds_its_siblings_are_read(hear, name, said, sender):
    good = json.loads((PAYLOADS / "message_text.json").read_bytes())
    good["entry"][0]["messaging"] += [
        {"sender": sender, "recipient": {"id": PAGE_ID}, "timestamp": 1, name: said}
    ]
    first, *rest = hear(json.dumps(good).encode())
    assert first.external_id == "m_TEST-IN-0001"
    assert rest
