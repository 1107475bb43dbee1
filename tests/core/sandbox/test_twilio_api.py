import pytest

ACCOUNT = "AC" + "0" * 31 + "9"
AUTH = (ACCOUNT, "0123456789abcdef0123456789abcdef")
NUMBER = "+12025550100"
CUSTOMER = "+12065550107"
SERVICE = "MG" + "1" * 32
OTHER = "AC" + "b" * 32


def problem(answer):
    assert answer.json["status"] == answer.status_code
    assert answer.json["more_info"].endswith(str(answer.json["code"]))
    return answer.status_code, answer.json["code"]


def test_a_message_is_queued_and_recorded(sandbox, twilio):
    sandbox.rules(twilio_receipts=False)
    answer = twilio.create(Body="Ready at 5")
    assert answer.status_code == 201
    message = answer.json
    assert message["sid"].startswith("SM")
    assert (message["status"], message["num_segments"], message["num_media"]) == (
        "queued",
        "1",
        "0",
    )
    assert (message["from"], message["to"]) == (NUMBER, CUSTOMER)
    assert message["date_sent"] is None
    [sent] = sandbox.sent(provider="twilio", address=CUSTOMER)
    assert (sent["external_id"], sent["text"]) == (message["sid"], "Ready at 5")
    assert sent["endpoint"] == ACCOUNT


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"To": "12"}, 400, 21211),
        ({"To": "hello"}, 400, 21211),
        ({"From": None}, 400, 21603),
        ({"From": "!"}, 400, 21212),
        ({"From": "+12025550199"}, 400, 21606),
        ({"Body": ""}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"StatusCallback": "nowhere"}, 400, 21609),
        ({"MediaUrl": "ftp://x"}, 400, 21620),
        ({"MediaUrl": ["https://x.example/a"] * 11}, 400, 21623),
        ({"ValidityPeriod": "0"}, 400, 21624),
        ({"From": None, "MessagingServiceSid": SERVICE}, 404, 21701),
    ],
)
def test_a_bad_message_is_refused(sandbox, twilio, params, status, code):
    assert problem(twilio.create(**params)) == (status, code)
    assert sandbox.sent() == []


@pytest.mark.parametrize(
    ("params", "recipient"),
    [({"Body": "x" * 1600}, CUSTOMER), ({"To": "+1 (206) 555-0107"}, CUSTOMER)],
)
def test_a_good_message_is_taken(twilio, params, recipient):
    assert twilio.create(**params).json["to"] == recipient


def test_an_alphanumeric_sender_is_taken(twilio):
    assert twilio.create(From="Hubbub").json["from"] == "Hubbub"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("x" * 152 + "€" + "x" * 152, 3),
        ("ü" * 160, 1),
        ("ć" * 70, 1),
        ("ć" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),
    ],
)
def test_segments_are_counted(twilio, body, count):
    assert twilio.create(Body=body).json["num_segments"] == str(count)


@pytest.mark.parametrize("auth", [(ACCOUNT, "wrong"), (OTHER, "wrong"), ("", ""), None])
def test_wrong_credentials_are_refused(twilio, auth):
    assert problem(twilio.create(auth=auth)) == (401, 20003)


def test_an_unknown_account_is_known_from_its_first_use(sandbox, twilio):
    path = f"/twilio/2010-04-01/Accounts/{OTHER}.json"
    first = twilio.request("GET", path, auth=(OTHER, "token"))
    assert (first.json["sid"], first.json["status"]) == (OTHER, "active")
    assert problem(twilio.request("GET", path, auth=(OTHER, "other"))) == (401, 20003)


def test_an_api_key_stands_for_its_account(sandbox, twilio):
    key = "SK" + "c" * 32
    account = {"sid": ACCOUNT, "api_keys": {key: "secret"}}
    assert sandbox.http.post("/_sandbox/accounts", json=account).status_code == 201
    assert twilio.create(auth=(key, "secret")).status_code == 201
    assert problem(twilio.create(auth=(key, "wrong"))) == (401, 20003)


def test_a_malformed_account_is_not_found(twilio):
    path = "/twilio/2010-04-01/Accounts/AC12.json"
    assert problem(twilio.request("GET", path, auth=("AC12", "x"))) == (404, 20404)


def test_a_suspended_account_says_so(sandbox, twilio):
    sandbox.http.post("/_sandbox/accounts", json={"sid": ACCOUNT, "status": "suspended"})
    assert twilio.request("GET", f"{twilio.base}.json").json["status"] == "suspended"


def test_the_balance_is_text(twilio):
    balance = twilio.request("GET", f"{twilio.base}/Balance.json").json
    assert balance == {"account_sid": ACCOUNT, "balance": "42.00", "currency": "USD"}


def test_a_number_is_found_and_its_webhook_changed(twilio):
    query = {"PhoneNumber": NUMBER}
    path = f"{twilio.base}/IncomingPhoneNumbers.json"
    [number] = twilio.request("GET", path, query_string=query).json["incoming_phone_numbers"]
    assert number["capabilities"]["sms"] is True
    assert number["sms_url"] is None
    one = f"{twilio.base}/IncomingPhoneNumbers/{number['sid']}.json"
    form = {"SmsUrl": "https://hub.example/w", "SmsMethod": "POST"}
    assert twilio.request("POST", one, data=form).json["sms_url"] == "https://hub.example/w"
    assert twilio.request("GET", one).json["sms_url"] == "https://hub.example/w"


def test_a_number_of_somebody_else_is_not_listed(twilio):
    path = f"{twilio.base}/IncomingPhoneNumbers.json"
    found = twilio.request("GET", path, query_string={"PhoneNumber": "+12025550199"})
    assert found.json["incoming_phone_numbers"] == []


def test_a_service_sends_from_its_pool(sandbox, twilio):
    services = [{"sid": SERVICE, "numbers": [NUMBER]}]
    sandbox.http.post("/_sandbox/accounts", json={"sid": ACCOUNT, "services": services})
    message = twilio.create(From=None, MessagingServiceSid=SERVICE).json
    assert (message["from"], message["messaging_service_sid"]) == (NUMBER, SERVICE)
    assert (message["status"], message["num_segments"]) == ("accepted", "0")


def test_a_service_is_read_and_changed(sandbox, twilio):
    sandbox.http.post("/_sandbox/accounts", json={"sid": ACCOUNT, "services": [{"sid": SERVICE}]})
    path = f"/twilio/v1/Services/{SERVICE}"
    assert twilio.request("GET", path).json["inbound_request_url"] is None
    form = {"InboundRequestUrl": "https://hub.example/w", "UseInboundWebhookOnNumber": "false"}
    assert (
        twilio.request("POST", path, data=form).json["inbound_request_url"]
        == form["InboundRequestUrl"]
    )
    assert problem(twilio.request("GET", "/twilio/v1/Services/MG2")) == (404, 20404)


def test_messages_are_listed_newest_first_by_filter_and_page(sandbox, twilio):
    for body in ("one", "two", "three"):
        twilio.text(body)
    twilio.create(Body="an answer")
    path = f"{twilio.base}/Messages.json"
    query = {"To": NUMBER, "DateSent>": "2020-01-01", "PageSize": "2"}
    page = twilio.request("GET", path, query_string=query).json
    assert [message["body"] for message in page["messages"]] == ["three", "two"]
    assert {message["direction"] for message in page["messages"]} == {"inbound"}
    rest = twilio.request("GET", f"/twilio{page['next_page_uri']}").json
    assert [message["body"] for message in rest["messages"]] == ["one"]
    assert rest["next_page_uri"] is None


def test_messages_of_other_days_are_left_out(twilio):
    twilio.text("today")
    path = f"{twilio.base}/Messages.json"
    future = twilio.request("GET", path, query_string={"DateSent>": "2999-01-01"})
    past = twilio.request("GET", path, query_string={"DateSent<": "2000-01-01"})
    assert (future.json["messages"], past.json["messages"]) == ([], [])


def test_an_unknown_message_is_not_found(twilio):
    assert problem(twilio.request("GET", f"{twilio.base}/Messages/SM1.json")) == (404, 20404)


def test_nobody_writes_to_who_said_stop_until_they_say_start(twilio):
    twilio.text("Stop.")
    assert problem(twilio.create()) == (400, 21610)
    twilio.text("START")
    assert twilio.create().status_code == 201


@pytest.mark.parametrize("body", ["Stop by later", "please stop"])
def test_a_stop_inside_a_sentence_stops_nothing(twilio, body):
    twilio.text(body)
    assert twilio.create().status_code == 201
