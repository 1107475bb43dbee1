"""The channel and the simulated Vonage, which was written from the fact sheet alone."""

import io
import json
from datetime import UTC, datetime

import pytest

from hubbub.connect import work as connect
from hubbub.sdk import Attachment, Media, Text
from tests.plugins.sms_vonage.conftest import API_SECRET, APPLICATION, KEY, SIGNATURE_SECRET

OURS, ADA = "12025550100", "12065550107"


@pytest.fixture
def application(joined, public_pem):
    """An application with one number; nothing is told of its messages but what the test tells."""
    # Webhooks are signed with the time of day, so the hub has to live today.
    joined.world.clock.now = datetime.now(UTC)
    joined.control("rules", {"vonage_receipts": False}, method="PATCH")
    body = {
        "application_id": APPLICATION,
        "api_key": KEY,
        "api_secret": API_SECRET,
        "signature_secret": SIGNATURE_SECRET,
        "public_key": public_pem,
        "numbers": [OURS],
    }

    def change(**changes):
        return joined.control("applications", body | changes)

    change()
    return change


@pytest.fixture
def phone(joined, application, private_pem):
    credentials = {
        "api_key": KEY,
        "api_secret": API_SECRET,
        "application_id": APPLICATION,
        "private_key": private_pem,
        "signature_secret": SIGNATURE_SECRET,
    }
    return joined.channel("sms_vonage", credentials, from_number=OURS)


@pytest.fixture
def text(joined, phone):
    """Let a customer text, and the hub hear it."""

    def texted(body="Is it ready?", **more):
        message = {"from": ADA, "to": OURS, "text": body, **more}
        told = joined.control(f"vonage/{APPLICATION}/messages", message)
        joined.heard()
        return told["message_uuid"]

    return texted


@pytest.fixture
def tell(joined):
    """Let Vonage tell what became of our last message, one status after the other."""

    def told(*statuses, **more):
        sms = joined.sent()[-1]["external_id"]
        for status in statuses:
            body = {"message_uuid": sms, "status": status, **more}
            joined.control(f"vonage/{APPLICATION}/receipts", body)
            joined.heard()

    return told


def contents(joined):
    read = (row["content"] for row in joined.inbound())
    return [json.loads(column) if isinstance(column, str) else column for column in read]


def status(joined):
    return joined.world.one("SELECT status FROM channels")["status"]


def test_the_set_up_leaves_a_channel_in_order(joined, phone):
    assert status(joined) == "connected"
    findings = connect.check_channel(joined.world.hub, phone.id)
    assert all(finding.ok for finding in findings)
    (shown,) = joined.http.get("/_sandbox/applications").json["items"]
    assert {shown["inbound_url"], shown["status_url"]} == {phone.connection.webhook_url}


def test_a_channel_that_is_deleted_leaves_the_application_without_webhook(joined, phone):
    connect.delete_channel(joined.world.hub, phone.id, actor="cli")
    (shown,) = joined.http.get("/_sandbox/applications").json["items"]
    assert (shown["inbound_url"], shown["status_url"]) == ("", "")


def test_a_customer_texts_and_is_answered(joined, phone, text, tell):
    text()
    assert contents(joined) == [{"type": "text", "text": "Is it ready?"}]
    joined.write(phone, f"+{ADA}", Text(text="Готово"))
    (sent,) = joined.sent()
    assert (sent["text"], sent["params"]["from"], sent["params"]["to"]) == ("Готово", OURS, ADA)
    tell("delivered", "submitted")
    assert joined.statuses() == ["delivered"]


def test_the_same_message_twice_is_one(joined, text):
    text(message_uuid="00000000-0000-4000-8000-000000000009")
    text(message_uuid="00000000-0000-4000-8000-000000000009")
    assert len(joined.inbound()) == 1


def test_a_wrong_signature_is_quarantined(joined, phone):
    joined.fault("bad_signature", "webhook", times=1)
    message = {"from": ADA, "to": OURS, "text": "Hi"}
    joined.control(f"vonage/{APPLICATION}/messages", message)
    assert joined.heard() == [401]
    assert joined.world.one("SELECT state FROM calls")["state"] == "quarantined"


def test_a_picture_of_a_customer_is_fetched_with_our_token(joined, phone):
    picture = (io.BytesIO(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "cup.gif", "image/gif")
    seat = {"channel": f"vonage:{APPLICATION}:{OURS}", "persona": "Ada"}
    joined.http.post("/say", data={**seat, "text": "Look", "file": picture})
    joined.heard()
    joined.world.pass_time(seconds=5)
    (content,) = contents(joined)
    assert (content["type"], content["caption"]) == ("image", "Look")
    media = joined.world.one("SELECT state, mime_type FROM media")
    assert (media["state"], media["mime_type"]) == ("ready", "image/gif")


def test_a_person_can_be_the_customer_on_the_page(joined, phone):
    seat = {"channel": f"vonage:{APPLICATION}:{OURS}", "persona": "Ada"}
    joined.http.post("/say", data={**seat, "text": "Is it ready?"})
    joined.heard()
    (address,) = joined.world.rows("SELECT address FROM addresses")
    joined.write(phone, address["address"], Text(text="Ready at 5"))
    joined.http.post(
        "/confirm",
        data={**seat, "message": joined.sent()[0]["external_id"]} | {"receipt": "delivered"},
    )
    joined.heard()
    page = joined.http.get("/", query_string=seat).text
    for words in ("Is it ready?", "the hub has it", "Ready at 5", "delivered"):
        assert words in page
    joined.http.post("/leave", data={**seat, "left": "1"})
    joined.heard()
    assert joined.world.one("SELECT state FROM addresses")["state"] == "opted_out"


def test_a_picture_of_ours_goes_as_mms(joined, phone, text):
    text()
    picture = Media(url="https://shop.example/cup.png", mime_type="image/png")
    joined.write(phone, f"+{ADA}", Attachment(type="image", media=picture, caption="Blue"))
    (sent,) = joined.sent()
    assert sent["params"]["channel"] == "mms"
    assert sent["params"]["image"] == {"url": "https://shop.example/cup.png", "caption": "Blue"}


def test_conformance_10_throttling_pauses_for_as_long_as_asked(joined, phone, text):
    text()
    joined.fault("rate_limit", "Messages.send", retry_after=15, times=1)
    joined.write(phone, f"+{ADA}", Text(text="Ready"))
    joined.world.pass_time(seconds=14)
    assert joined.sent() == []
    joined.world.pass_time(seconds=2)
    assert [line["text"] for line in joined.sent()] == ["Ready"]
    assert joined.statuses() == ["sent"]


def test_conformance_13_credit_that_is_back_lets_messages_go_on(joined, phone, text, application):
    text()
    application(balance=0)
    joined.write(phone, f"+{ADA}", Text(text="Ready"))
    assert (status(joined), joined.sent(), joined.statuses()) == ("error", [], ["sending"])
    application(balance=10)
    connect.check_channel(joined.world.hub, phone.id)
    joined.world.pass_time(seconds=5)
    assert (status(joined), joined.statuses()) == ("connected", ["sent"])


def test_a_lost_answer_is_settled_by_the_status_and_not_sent_again(joined, phone, text, tell):
    text()
    joined.fault("drop_after_accept", "Messages.send", times=1)
    joined.write(phone, f"+{ADA}", Text(text="Ready"))
    assert joined.statuses() == ["unknown"]
    tell("submitted")
    joined.world.pass_time(hours=1)
    assert joined.statuses() == ["sent"]
    assert len(joined.sent()) == 1


def test_a_recipient_who_opted_out_is_marked(joined, phone, text, tell):
    text()
    joined.write(phone, f"+{ADA}", Text(text="Ready"))
    tell("rejected", error_code=1240)
    assert joined.statuses() == ["failed"]
    assert joined.world.one("SELECT state FROM addresses")["state"] == "opted_out"


def test_receipts_come_by_themselves(joined, phone, text):
    text()
    rules = {
        "vonage_receipts": True,
        "vonage_submitted_after": 0,
        "vonage_delivered_after": 0,
    }
    joined.control("rules", rules, method="PATCH")
    joined.write(phone, f"+{ADA}", Text(text="Ready"))
    joined.heard(2)
    assert joined.statuses() == ["delivered"]
    joined.fault("undelivered", "receipt", code=1190, times=1)
    joined.write(phone, f"+{ADA}", Text(text="Again"))
    joined.heard(2)
    assert joined.statuses() == ["delivered", "failed"]


@pytest.mark.parametrize(
    ("body", "pieces"), [("Is it ready? " * 30, 3), ("Готово ли? 😀 " * 20, 5)]
)
def test_a_long_text_of_the_sms_api_comes_in_pieces_and_is_one_message(
    joined, application, body, pieces
):
    credentials = {"api_key": KEY, "api_secret": API_SECRET}
    joined.channel("sms_vonage", credentials, from_number=OURS, mode="sms_legacy")
    message = {"from": ADA, "to": OURS, "text": body.strip()}
    joined.control(f"vonage/{APPLICATION}/messages", message)
    joined.heard(pieces)
    assert contents(joined) == [{"type": "text", "text": body.strip()}]
