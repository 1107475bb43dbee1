import base64
import hashlib
import hmac

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # has no types

from hubbub.sandbox.twilio.signing import signature

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "0" * 31 + "9"
NUMBER = "+12025550100"
CUSTOMER = "+12065550107"
SERVICE = "MG" + "1" * 32


def is_signed(hub, told):
    url = f"{hub.url}{told.path}"
    given = told.headers["X-Twilio-Signature"]
    return RequestValidator(AUTH_TOKEN).validate(url, told.form, given)


def statuses(hub, count):
    return [told.form["MessageStatus"] for told in hub.wait(count, path="/status")]


def test_the_signature_is_the_one_of_the_published_vector():
    form = {
        "MessageSid": "SM" + "0" * 31 + "1",
        "AccountSid": ACCOUNT,
        "From": "+15005550006",
        "To": "+15005550001",
        "Body": "Hi ü & +",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "FromCity": "",
    }
    url = "https://chat.example.com/hooks/tw/ch_1?x=1"
    assert signature(AUTH_TOKEN, url, form) == "hbkSpuhDkCInlvdo8b7s6jMqkXs="


def test_an_inbound_message_is_signed_over_the_exact_address(texted, hub):
    sid = texted.text("Is it ready? ü & +")["sid"]
    [told] = hub.wait(1)
    assert told.path == "/webhooks/sms?a=b%20c"
    assert is_signed(hub, told)
    expected = {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": CUSTOMER,
        "To": NUMBER,
        "Body": "Is it ready? ü & +",
        "NumMedia": "0",
        "SmsStatus": "received",
        "FromCity": "",
    }
    assert expected.items() <= told.form.items()


def test_the_signature_breaks_when_anything_is_changed(texted, hub):
    texted.text()
    [told] = hub.wait(1)
    given = told.headers["X-Twilio-Signature"]
    validator = RequestValidator(AUTH_TOKEN)
    form = told.form
    assert not validator.validate(f"{hub.url}/webhooks/sms", form, given)
    changed = {**form, "Body": "other"}
    assert not validator.validate(f"{hub.url}{told.path}", changed, given)


def test_receipts_are_signed_and_come_in_order(twilio, hub):
    callback = f"{hub.url}/status/ch?d=17#rc=5&rp=all"
    sid = twilio.create(StatusCallback=callback).json["sid"]
    assert statuses(hub, 2) == ["sent", "delivered"]
    told = hub.told[0]
    assert told.path == "/status/ch?d=17"
    assert is_signed(hub, told)
    assert (told.form["MessageSid"], told.form["To"]) == (sid, CUSTOMER)
    assert twilio.fetch(sid)["status"] == "delivered"


def test_receipts_can_be_switched_off(sandbox, twilio, hub):
    sandbox.rules(twilio_receipts=False)
    sid = twilio.create(StatusCallback=f"{hub.url}/status").json["sid"]
    assert twilio.fetch(sid)["status"] == "queued"
    assert hub.told == []


def test_a_picture_is_fetched_with_credentials_and_from_storage_without(texted, hub):
    media = [{"data": base64.b64encode(b"jpeg").decode(), "content_type": "image/jpeg"}]
    texted.text("", media=media)
    [told] = hub.wait(1)
    assert told.form["MessageSid"].startswith("MM")
    assert (told.form["NumMedia"], told.form["MediaContentType0"]) == ("1", "image/jpeg")
    path = "/" + told.form["MediaUrl0"].split("/", 3)[3]
    assert texted.request("GET", path, auth=None).status_code == 401
    answer = texted.request("GET", path)
    assert answer.status_code == 307
    stored = texted.http.get("/" + answer.headers["Location"].split("/", 3)[3])
    assert (stored.data, stored.mimetype) == (b"jpeg", "image/jpeg")


def test_media_of_the_hub_are_fetched(sandbox, twilio, hub):
    hub.resources["/cat.png"] = ("image/png", b"png")
    sid = twilio.create(MediaUrl=f"{hub.url}/cat.png", StatusCallback=f"{hub.url}/status").json[
        "sid"
    ]
    assert statuses(hub, 2) == ["sent", "delivered"]
    listing = twilio.request("GET", f"{twilio.base}/Messages/{sid}/Media.json").json
    assert [media["content_type"] for media in listing["media_list"]] == ["image/png"]


def test_a_message_whose_media_are_missing_fails(twilio, hub):
    sid = twilio.create(MediaUrl=f"{hub.url}/none.png", StatusCallback=f"{hub.url}/status").json[
        "sid"
    ]
    assert statuses(hub, 1) == ["failed"]
    assert hub.told[0].form["ErrorCode"] == "11200"
    assert twilio.fetch(sid)["status"] == "failed"


def test_messages_of_one_customer_come_in_order(texted, hub):
    for number in range(15):
        texted.text(str(number))
    assert [told.form["Body"] for told in hub.wait(15)] == [str(number) for number in range(15)]


@pytest.mark.parametrize(
    ("fragment", "answers", "attempts"),
    [
        ("", [500], 1),
        ("#rc=2&rp=all", [500, 500, 200], 3),
        ("#rc=1&rp=5xx", [500, 500], 2),
        ("#rc=5&rp=4xx", [500], 1),
    ],
)
def test_a_refused_webhook_is_repeated_as_its_fragment_says(
    sandbox, twilio, hub, says, fragment, answers, attempts
):
    url = f"{hub.url}/in{fragment}"
    sandbox.http.post(f"/_sandbox/twilio/{ACCOUNT}/webhook", json={"number": NUMBER, "url": url})
    hub.next_answers.extend(says(status) for status in answers)
    twilio.text("first")
    # The next message of the lane shows that the first is over.
    twilio.text("second")
    calls = sandbox.calls(attempts + 1)
    assert [call["status"] for call in calls][:attempts] == answers
    assert [call["attempt"] for call in calls] == [*range(1, attempts + 1), 1]


def test_what_the_first_address_refused_goes_to_the_fallback(sandbox, twilio, hub, says):
    webhook = {"number": NUMBER, "url": f"{hub.url}/in", "fallback_url": f"{hub.url}/fallback"}
    sandbox.http.post(f"/_sandbox/twilio/{ACCOUNT}/webhook", json=webhook)
    hub.next_answers.append(says(500))
    twilio.text()
    [told] = hub.wait(1, path="/fallback")
    assert (told.form["ErrorCode"], told.form["ErrorUrl"]) == ("11200", f"{hub.url}/in")
    assert is_signed(hub, told)


@pytest.mark.parametrize(
    ("content_type", "body", "replies"),
    [
        ("text/xml", b"<Response/>", []),
        ("text/xml", b"<Response><Message>Hi <Body>you</Body></Message></Response>", ["Hi you"]),
        ("text/plain", b"Hello", ["Hello"]),
        ("text/html", b"<p>Hello</p>", []),
        ("application/json", b"{}", []),
        ("text/xml", b"<Response>", []),
    ],
)
def test_twiml_in_the_answer_is_sent_to_the_customer(
    sandbox, texted, hub, says, content_type, body, replies
):
    hub.next_answers.append(says(200, body, (("Content-Type", content_type),)))
    texted.text()
    sandbox.calls(1)
    assert [line["text"] for line in sandbox.sent()] == replies


def test_a_service_takes_the_messages_of_its_numbers(sandbox, texted, hub):
    service = {"sid": SERVICE, "numbers": [NUMBER], "inbound_request_url": f"{hub.url}/service"}
    sandbox.http.post("/_sandbox/accounts", json={"sid": ACCOUNT, "services": [service]})
    texted.text()
    [told] = hub.wait(1, path="/service")
    assert told.form["MessagingServiceSid"] == SERVICE


def test_extra_parameters_are_signed_too(texted, hub):
    texted.text(parameters={"OptOutType": "STOP"})
    [told] = hub.wait(1)
    assert told.form["OptOutType"] == "STOP"
    assert is_signed(hub, told)


def test_a_message_for_a_number_of_nobody_is_refused(sandbox, twilio):
    content = {"from": CUSTOMER, "to": "+12025550199", "body": "x"}
    answer = sandbox.http.post(f"/_sandbox/twilio/{ACCOUNT}/messages", json=content)
    assert answer.status_code == 404
    assert "+12025550199" in answer.json["error"]


def test_the_signature_is_hmac_sha1_of_address_and_sorted_fields():
    digest = hmac.new(b"t", b"https://x.example/?q=1A1B2a3", hashlib.sha1).digest()
    fields = {"a": "3", "B": "2", "A": "1"}
    assert signature("t", "https://x.example/?q=1", fields) == base64.b64encode(digest).decode()


def test_receipts_are_told_by_hand_in_any_order(sandbox, twilio, hub):
    sandbox.rules(twilio_receipts=False)
    sid = twilio.create(StatusCallback=f"{hub.url}/status").json["sid"]
    path = f"/_sandbox/twilio/{ACCOUNT}/receipts"
    for status in ("delivered", "sent", "delivered"):
        assert sandbox.http.post(path, json={"sid": sid, "status": status}).status_code == 201
    statuses = [told.form["MessageStatus"] for told in hub.wait(3)]
    assert statuses == ["delivered", "sent", "delivered"]
    assert twilio.fetch(sid)["status"] == "delivered"


@pytest.mark.parametrize(
    ("body", "status"),
    [({"sid": "SM" + "0" * 32, "status": "sent"}, 404), ({"sid": "x", "status": "lost"}, 422)],
)
def test_a_receipt_of_nothing_is_refused(sandbox, twilio, body, status):
    path = f"/_sandbox/twilio/{ACCOUNT}/receipts"
    assert sandbox.http.post(path, json=body).status_code == status
