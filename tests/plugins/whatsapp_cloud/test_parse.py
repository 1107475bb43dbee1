"""What webhooks say, kind by kind."""

import json
from datetime import UTC, datetime

import pytest

from hubbub.sdk import (
    AddressChanged,
    Attachment,
    Card,
    Choice,
    Contacts,
    Form,
    Ignored,
    Location,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Order,
    Reaction,
    ReceiptReceived,
    ReceiptState,
    Sender,
    SentElsewhere,
    System,
    TemplateChanged,
    TemplateStatus,
    Text,
    Unreadable,
    UnsupportedContent,
)
from tests.plugins.whatsapp_cloud.conftest import ANN, ANNS_ID, PAYLOADS, REFERENCE

KEY = "message:wamid.TEST0001"
AT = datetime.fromtimestamp(1795000001, UTC)
BEFORE, AFTER = "US.70000000000000000001", "US.70000000000000000002"


def attachment(kind, ref, mime_type, *, caption=None, filename=None):
    media = Media(ref=ref, mime_type=mime_type, filename=filename)
    return Attachment(type=kind, media=media, caption=caption)


CONTENTS = {
    "text": Text(text="Is it open today? Café 😀"),
    "image": attachment("image", "711000000000001", "image/jpeg", caption="my receipt"),
    "audio": attachment("audio", "711000000000002", "audio/mpeg"),
    "voice": attachment("voice", "711000000000002", "audio/ogg"),
    "video": attachment("video", "711000000000003", "video/mp4", caption="clip"),
    "document": attachment(
        "document", "711000000000004", "application/pdf", caption="see p.2", filename="offer.pdf"
    ),
    "sticker": attachment("sticker", "711000000000005", "image/webp"),
    "location": Location(latitude=48.1, longitude=11.5, name="Test Cafe", address="Main St 1"),
    "contacts": Contacts(
        contacts=(Card(name="Bob Test", phones=("+1 555 010 0111",), emails=("bob@example.org",)),)
    ),
    "reaction": Reaction(emoji="👍", target_external_id="wamid.OUT0001"),
    "reaction_removed": Reaction(emoji="", target_external_id="wamid.OUT0001"),
    "button_reply": Choice(id="yes", title="Yes"),
    "list_reply": Choice(id="slot-2", title="10:00"),
    "button": Choice(id="STOP_PAYLOAD", title="Stop"),
    "flow_reply": Form(fields={"flow_token": "t1", "rating": "5"}),
    "flow_reply_garbage": UnsupportedContent(provider_type="nfm_reply"),
    "call_permission": UnsupportedContent(provider_type="call_permission_reply"),
    "interactive_without_body": UnsupportedContent(provider_type="interactive"),
    "order": Order(items=("2 x SKU1 at 30 EUR",), note="Soon please"),
    "changed_identity": System(
        event="customer_identity_changed", detail="Ann's security code changed"
    ),
    "unsupported": UnsupportedContent(provider_type="poll"),
    "unsupported_older": UnsupportedContent(provider_type="unsupported"),
    "invented": UnsupportedContent(provider_type="hologram"),
    "forwarded": Text(text="Passed on"),
    "referral": Text(text="I saw your ad"),
}


def one(events):
    (event,) = events
    return event


@pytest.mark.parametrize("kind", CONTENTS)
def test_conformance_05_each_type_has_its_content(hear, kind):
    event = one(hear(f"message_{kind}.json"))
    assert isinstance(event, MessageReceived)
    assert event.content == CONTENTS[kind]
    assert (event.key, event.external_id, event.provider_at) == (KEY, "wamid.TEST0001", AT)
    assert (event.sender.address, event.reply_address, event.opt_out) == (ANN, None, None)


def test_every_recorded_call_is_read_without_an_exception(hear):
    for path in PAYLOADS.glob("[mosabv]*.json"):
        if not path.stem[-3:].isdigit() or path.stem.startswith("status"):
            assert hear(path.name), path.name


def test_a_sender_is_a_number_and_a_name(hear):
    sender = one(hear("message_text.json")).sender
    assert sender == Sender(address=ANN, name="Ann Test", also=ANNS_ID)


def test_a_contact_is_matched_by_id_and_not_by_place(hear):
    assert one(hear("message_contacts_swapped.json")).sender.name == "Ann Test"


def test_conformance_06_a_sender_without_number_is_their_user_id(hear):
    sender = one(hear("message_user_id_only.json")).sender
    assert sender == Sender(address=ANNS_ID, name="@anntest")


def test_a_user_id_in_the_place_of_the_number_is_a_user_id(hear):
    assert one(hear("message_user_id_as_number.json")).sender.address == ANNS_ID


def test_a_number_known_only_beside_the_user_id_is_used(hear, payload):
    said = json.loads(payload("message_text.json"))
    message = said["entry"][0]["changes"][0]["value"]["messages"][0]
    message["from"] = None
    assert one(hear(json.dumps(said).encode())).sender.address == ANN


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("changed_number", ANN, "+15550100177"),
        ("changed_number_older", ANN, "+15550100177"),
        ("changed_user_id", BEFORE, AFTER),
    ],
)
def test_conformance_07_who_has_another_number_moves(hear, name, before, after):
    event, *_ = hear(f"message_{name}.json")
    assert isinstance(event, AddressChanged)
    assert (event.key, event.address, event.moved_to) == (KEY, before, after)
    assert event.reason


def test_conformance_07_a_new_number_may_come_with_a_new_user_id(hear):
    _, event = hear("message_changed_number.json")
    assert (event.key, event.address, event.moved_to) == (f"{KEY}:user_id", BEFORE, AFTER)


def test_conformance_07_who_names_no_user_id_before_is_known_by_the_senders(hear, payload):
    said = payload("message_changed_user_id.json")
    bare = said.replace(b',"previous_user_id":"US.70000000000000000001"', b"")
    assert bare != said
    event = one(hear(bare))
    assert (event.address, event.moved_to) == (BEFORE, AFTER)


def test_an_edit_and_a_revocation_name_their_message(hear):
    assert one(hear("message_edit.json")) == MessageEdited(
        key=KEY, external_id="wamid.IN0001", content=Text(text="fixed"), edited_at=AT
    )
    assert one(hear("message_revoke.json")) == MessageDeleted(
        key=KEY, external_id="wamid.IN0001", deleted_at=AT
    )


def test_a_quoted_message_is_named_and_a_forwarded_one_is_not(hear):
    assert one(hear("message_quoting.json")).reply_to_external_id == "wamid.OUT0001"
    assert one(hear("message_product.json")).reply_to_external_id == "wamid.OUT0001"
    assert one(hear("message_button.json")).reply_to_external_id == "wamid.OUT0003"
    assert one(hear("message_forwarded.json")).reply_to_external_id is None


def test_times_may_come_in_milliseconds(hear):
    assert one(hear("message_milliseconds.json")).provider_at == AT


@pytest.mark.parametrize("timestamp", ["", "soon", "0", None, "9" * 40])
def test_a_time_that_is_none_harms_nothing(hear, payload, timestamp):
    said = json.loads(payload("message_text.json"))
    said["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = timestamp
    event = one(hear(json.dumps(said).encode()))
    assert isinstance(event, MessageReceived)
    assert event.provider_at is None


@pytest.mark.parametrize(("name", "word"), [("group", "Groups"), ("welcome", "wrote nothing")])
def test_what_is_no_message_to_us_is_ignored(hear, name, word):
    event = one(hear(f"message_{name}.json"))
    assert isinstance(event, Ignored)
    assert word in event.reason


def test_a_message_that_names_nobody_is_unreadable(hear, payload):
    said = json.loads(payload("message_text.json"))
    value = said["entry"][0]["changes"][0]["value"]
    value["contacts"] = []
    del value["messages"][0]["from"], value["messages"][0]["from_user_id"]
    assert isinstance(one(hear(json.dumps(said).encode())), Unreadable)


# --- batches -------------------------------------------------------------------------------


def test_conformance_03_one_bad_item_harms_no_other(hear):
    events = hear("batch.json")
    kinds = [type(event) for event in events]
    assert kinds == [
        MessageReceived,
        Unreadable,
        MessageReceived,
        ReceiptReceived,
        Unreadable,
        Ignored,
        MessageReceived,
        Unreadable,
        Unreadable,
        Unreadable,
    ]
    heard = [event.content for event in events if isinstance(event, MessageReceived)]
    assert heard == [Text(text=word) for word in ("One", "Two", "Three")]
    assert "from" in events[1].reason


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"entry": 7}', b"[" * 9999]
)
def test_a_body_that_is_no_webhook_is_unreadable(hear, body):
    assert isinstance(one(hear(body)), Unreadable)


def test_conformance_04_another_number_of_the_app_is_ignored_with_its_id(hear):
    event = one(hear("other_number.json"))
    assert isinstance(event, Ignored)
    assert "999999999999999" in event.reason


def test_the_same_call_serves_the_channel_of_the_other_number(hear, connect):
    other = connect(phone_number_id="999999999999999")
    assert one(hear("other_number.json", other)).content == Text(text="Not for you")
    assert isinstance(one(hear("message_text.json", other)), Ignored)


# --- statuses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("sent", ReceiptState.SENT),
        ("delivered", ReceiptState.DELIVERED),
        ("read", ReceiptState.READ),
        ("played", ReceiptState.READ),
    ],
)
def test_a_status_is_a_receipt_with_our_reference(hear, name, state):
    assert one(hear(f"status_{name}.json")) == ReceiptReceived(
        key=f"status:wamid.OUT0001:{name}",
        state=state,
        external_id="wamid.OUT0001",
        reference=REFERENCE,
        provider_at=datetime.fromtimestamp(1795000010, UTC),
    )


@pytest.mark.parametrize("name", ["deleted", "warped", "group"])
def test_a_status_that_says_nothing_to_us_is_ignored(hear, name):
    assert isinstance(one(hear(f"status_{name}.json")), Ignored)


def test_the_word_of_another_program_is_no_reference_of_ours(hear):
    receipt = one(hear("status_foreign.json"))
    assert (receipt.external_id, receipt.reference) == ("wamid.OUT0001", None)


@pytest.mark.parametrize(
    ("name", "code", "recipient", "retryable"),
    [
        ("131047", "window_closed", None, False),
        ("131026", "undeliverable", "blocked", False),
        ("131042", "billing", None, True),
        ("131050", "marketing_opt_out", "no_marketing", False),
    ],
)
def test_conformance_11_a_failed_status_says_why(hear, name, code, recipient, retryable):
    receipt = one(hear(f"status_failed_{name}.json"))
    fault = receipt.fault
    assert receipt.state is ReceiptState.FAILED
    assert (fault.code, fault.provider_code, fault.recipient) == (code, name, recipient)
    assert fault.retryable is retryable
    assert fault.detail.startswith("WhatsApp: ")


def test_a_failed_status_without_errors_is_a_failure_all_the_same(hear):
    receipt = one(hear("status_failed_bare.json"))
    assert (receipt.fault.code, receipt.fault.provider_code) == ("undelivered", None)


# --- the WhatsApp Business app ----------------------------------------------------------------


def test_what_we_wrote_in_the_app_stands_in_the_conversation(hear):
    assert one(hear("account_echo.json")) == SentElsewhere(
        key="message:wamid.ECHO1",
        address=ANN,
        content=Text(text="On my way"),
        external_id="wamid.ECHO1",
        by="WhatsApp Business app",
        provider_at=datetime.fromtimestamp(1795000000, UTC),
    )


def test_what_was_written_to_a_user_id_goes_there_and_to_nobody_nowhere(hear, payload):
    body = payload("account_echo.json")
    by_id = body.replace(b'"to":"15550100199"', b'"to_user_id":"US.70000000000000000001"')
    assert one(hear(by_id)).address == "US.70000000000000000001"
    assert isinstance(one(hear(body.replace(b'"to":"15550100199",', b""))), Unreadable)


# --- accounts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("quality", ["quality", "FLAGGED", "TIER_1K"]),
        ("restricted", ["changed the account", "ACCOUNT_RESTRICTION"]),
        ("invented", ["weather"]),
    ],
)
def test_news_of_the_account_are_noted_with_what_they_say(hear, name, words):
    event = one(hear(f"account_{name}.json"))
    assert isinstance(event, Ignored)
    assert all(word in event.reason for word in words)
    assert "NONE" not in event.reason


@pytest.mark.parametrize(
    ("name", "status", "word", "reason"),
    [
        ("paused", TemplateStatus.PAUSED, "PAUSED", ""),
        ("rejected", TemplateStatus.REJECTED, "REJECTED", "The variables stand side by side."),
        ("flagged", None, "FLAGGED", ""),
        ("quality", None, "", ""),
        ("category", None, "", ""),
        ("components", None, "", ""),
    ],
)
def test_conformance_14_news_of_a_template_say_its_status_where_it_has_one(
    hear, name, status, word, reason
):
    assert one(hear(f"account_template_{name}.json")) == TemplateChanged(
        name="order_ok", language="en_US", status=status, provider_status=word, reason=reason
    )


def test_news_of_no_particular_template_cannot_be_read(hear, payload):
    body = payload("account_template_paused.json").replace(b"order_ok", b"")
    assert "message_template_name" in one(hear(body)).reason


@pytest.mark.parametrize("name", ["quality", "template_paused"])
def test_news_of_another_account_are_ignored_with_its_id(hear, connect, name):
    event = one(hear(f"account_{name}.json", connect(business_account_id="1")))
    assert "another account: 900800700600500" in event.reason


def test_news_are_noted_where_no_account_was_entered(hear, connect):
    event = one(hear("account_quality.json", connect(business_account_id="")))
    assert "FLAGGED" in event.reason


def test_trouble_without_a_message_is_noted(hear):
    event = one(hear("value_errors.json"))
    assert isinstance(event, Ignored)
    assert "131000" in event.reason
    assert "plain words" in event.reason


def test_half_a_character_in_one_message_harms_no_other(channel, connection, call, payload):
    said = json.loads(payload("message_text.json"))
    messages = said["entry"][0]["changes"][0]["value"]["messages"]
    cut = {**messages[0], "id": "wamid.CUT", "text": {"body": "Look \ud83d"}}
    messages[:] = [messages[0], cut, {**messages[0], "id": "wamid.LAST"}]
    events = list(channel.parse(call(json.dumps(said).encode()), connection))
    assert [event.content.text for event in events] == [
        CONTENTS["text"].text,
        "Look \ufffd",
        CONTENTS["text"].text,
    ]
