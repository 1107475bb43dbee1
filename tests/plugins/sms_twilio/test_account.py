"""Checking the account and the sender, and registering the webhook there."""

import json
from urllib.parse import parse_qsl

import pytest

from hubbub.sdk import Permanent, Transient

SERVICE = "MG00000000000000000000000000000007"
BASE = "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000009"
ACCOUNT = f"GET {BASE}.json"
NUMBERS = f"GET {BASE}/IncomingPhoneNumbers.json?PhoneNumber=%2B15005550001"
NUMBER = f"POST {BASE}/IncomingPhoneNumbers/PN00000000000000000000000000000005.json"
SERVICE_URL = f"https://messaging.twilio.com/v1/Services/{SERVICE}"
WEBHOOK = "https://hub.example.com/webhooks/k1"


@pytest.fixture
def run(drive, answer):
    """Run an exchange and return its requests as ``METHOD url``, the last form, the result."""

    def go(exchange, *replies):
        answers = [answer(item) if isinstance(item, str | int) else item for item in replies]
        requests, result = drive(exchange, *answers)
        forms = [dict(parse_qsl(item.body.decode(), keep_blank_values=True)) for item in requests]
        return [f"{item.method} {item.url}" for item in requests], forms[-1:], result

    return go


def _bad(checked):
    return {finding.code: finding for finding in checked.findings if not finding.ok}


# --- check ---------------------------------------------------------------------------------


def test_a_number_in_order_has_only_good_findings(channel, connection, run):
    asked, _, checked = run(channel.check(connection), "account_200.json", "numbers_200.json")
    assert asked == [ACCOUNT, NUMBERS]
    assert checked.ok
    assert [finding.code for finding in checked.findings] == ["account", "sms", "webhook"]
    assert checked.facts == {
        "account_type": "Full",
        "account_name": "Example Ltd",
        "mms": "yes",
    }


def test_a_service_in_order_has_only_good_findings(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE)
    asked, _, checked = run(channel.check(via), "account_200.json", "service_200.json")
    assert asked == [ACCOUNT, f"GET {SERVICE_URL}"]
    assert checked.ok
    assert [finding.code for finding in checked.findings] == ["account", "service", "webhook"]


def test_a_simulator_has_the_services_too(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE, api_base="http://127.0.0.1:9000")
    asked, _, _ = run(channel.check(via), "account_200.json", "service_200.json")
    assert asked[1] == f"GET http://127.0.0.1:9000/v1/Services/{SERVICE}"


@pytest.mark.parametrize("reply", ["refused_20003_401.json", 401, 404])
def test_conformance_13_refused_credentials_are_found_and_nothing_more_is_asked(
    channel, connection, run, reply
):
    asked, _, checked = run(channel.check(connection), reply)
    assert asked == [ACCOUNT]
    (finding,) = checked.findings
    assert (finding.code, finding.ok) == ("credentials", False)
    assert "Auth Token" in finding.fix


def test_a_suspended_account_is_found(channel, connection, run):
    _, _, checked = run(channel.check(connection), "account_suspended_200.json")
    assert _bad(checked)["account"].detail == "The account is suspended."
    assert checked.facts["account_type"] == "Full"


def test_a_trial_account_is_only_warned_of(channel, connection, run):
    replies = ("account_trial_200.json", "numbers_200.json")
    _, _, checked = run(channel.check(connection), *replies)
    assert checked.ok
    (trial,) = [finding for finding in checked.findings if finding.code == "trial"]
    assert "verified numbers" in trial.detail
    assert trial.fix


def test_a_host_that_twilio_cannot_call_back_is_warned_of(channel, connect, run):
    via = connect(webhook_url="https://my_hub.example.com/webhooks/k1")
    _, _, checked = run(channel.check(via), "account_200.json", "numbers_200.json")
    assert "callback_host" in [finding.code for finding in checked.findings]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_provider_that_cannot_be_asked_is_no_finding(channel, connection, run, status):
    with pytest.raises(Transient):
        run(channel.check(connection), status)


def test_an_answer_of_somebody_else_is_no_finding(channel, connection, run, answer):
    with pytest.raises(Transient, match="API base URL"):
        run(channel.check(connection), answer(200, b"<html>proxy</html>"))


def test_a_number_that_is_not_the_accounts_is_found(channel, connection, run):
    _, _, checked = run(channel.check(connection), "account_200.json", "numbers_none_200.json")
    assert _bad(checked)["number"].detail == "The account has no number +15005550001."
    assert "Active numbers" in _bad(checked)["number"].fix


@pytest.fixture
def check_number(channel, connection, run, answer):
    """Check the channel while the account has one number, the given one."""

    def check(number):
        body = json.dumps({"incoming_phone_numbers": [number]}).encode()
        return run(channel.check(connection), "account_200.json", answer(200, body))[2]

    return check


def test_a_number_that_only_contains_ours_is_not_ours(check_number):
    assert "number" in _bad(check_number({"sid": "PN1", "phone_number": "+150055500012"}))


def test_a_webhook_of_somebody_else_is_found(channel, connection, run):
    replies = ("account_200.json", "numbers_elsewhere_200.json")
    _, _, checked = run(channel.check(connection), *replies)
    assert _bad(checked)["webhook"].detail == (
        "Twilio sends messages elsewhere: to other.example.com."
    )
    assert checked.facts["mms"] == "no"


def test_a_number_that_ignores_its_webhook_is_found(channel, connection, run):
    _, _, checked = run(channel.check(connection), "account_200.json", "numbers_app_200.json")
    assert set(_bad(checked)) == {"sms", "webhook"}
    assert "TwiML app" in _bad(checked)["webhook"].detail


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        ({"sms_url": "", "sms_method": "POST"}, "no webhook is set"),
        ({"sms_url": WEBHOOK, "sms_method": "GET"}, "by GET"),
        ({"sms_url": "https://[broken", "sms_method": "POST"}, "to an unknown host"),
        ({"sms_url": "https://u:CANARY@other.example.com/"}, "to other.example.com."),
    ],
)
def test_a_webhook_that_does_not_work_is_found(check_number, webhook, reason):
    checked = check_number({"sid": "PN1", "capabilities": {"sms": True}, **webhook})
    assert reason in _bad(checked)["webhook"].detail


def test_a_service_that_leaves_messages_to_its_numbers_is_found(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE)
    _, _, checked = run(channel.check(via), "account_200.json", "service_elsewhere_200.json")
    assert "webhooks of its numbers" in _bad(checked)["webhook"].detail


def test_a_service_that_is_not_the_accounts_is_found(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE)
    _, _, checked = run(channel.check(via), "account_200.json", 404)
    assert SERVICE in _bad(checked)["service"].detail


def test_a_refusal_to_show_the_sender_is_found(channel, connection, run):
    _, _, checked = run(channel.check(connection), "account_200.json", 403)
    assert set(_bad(checked)) == {"sender"}


@pytest.mark.parametrize(("sender", "code"), [("AcmeShop", "one_way"), ("12345", "webhook")])
def test_senders_that_cannot_be_looked_up_are_only_warned_of(channel, connect, run, sender, code):
    asked, _, checked = run(channel.setup(connect(from_number=sender)), "account_200.json")
    assert asked == [ACCOUNT]
    assert checked.ok
    assert checked.findings[-1].code == code
    assert checked.findings[-1].fix


# --- setup ---------------------------------------------------------------------------------


def test_the_webhook_is_entered_at_the_number(channel, connection, run):
    replies = ("account_200.json", "numbers_elsewhere_200.json", 200)
    asked, (form,), checked = run(channel.setup(connection), *replies)
    assert asked == [ACCOUNT, NUMBERS, NUMBER]
    # Twilio repeats a call that we could not keep only because of what follows the address.
    assert form == {"SmsUrl": f"{WEBHOOK}#rc=5&rp=all", "SmsMethod": "POST"}
    assert checked.ok


def test_the_webhook_is_entered_at_the_service(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE)
    replies = ("account_200.json", "service_elsewhere_200.json", 200)
    asked, (form,), checked = run(channel.setup(via), *replies)
    assert asked == [ACCOUNT, f"GET {SERVICE_URL}", f"POST {SERVICE_URL}"]
    assert form == {
        "InboundRequestUrl": f"{WEBHOOK}#rc=5&rp=all",
        "InboundMethod": "POST",
        "UseInboundWebhookOnNumber": "false",
    }
    assert checked.ok


def test_a_number_that_is_not_there_gets_no_webhook(channel, connection, run):
    asked, _, checked = run(channel.setup(connection), "account_200.json", "numbers_none_200.json")
    assert asked == [ACCOUNT, NUMBERS]
    assert not checked.ok


def test_a_refused_registration_is_found(channel, connection, run):
    replies = ("account_200.json", "numbers_200.json", 400)
    _, _, checked = run(channel.setup(connection), *replies)
    assert set(_bad(checked)) == {"sender"}


# --- teardown ------------------------------------------------------------------------------


def test_our_webhook_is_removed_from_the_number(channel, connection, run):
    asked, (form,), _ = run(channel.teardown(connection), "numbers_200.json", 200)
    assert asked == [NUMBERS, NUMBER]
    assert form == {"SmsUrl": ""}


def test_our_webhook_is_removed_from_the_service(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE)
    asked, (form,), _ = run(channel.teardown(via), "service_200.json", 200)
    assert asked == [f"GET {SERVICE_URL}", f"POST {SERVICE_URL}"]
    assert form == {"InboundRequestUrl": ""}


@pytest.mark.parametrize("reply", ["numbers_elsewhere_200.json", "numbers_none_200.json"])
def test_a_webhook_of_somebody_else_is_left_alone(channel, connection, run, reply):
    asked, _, _ = run(channel.teardown(connection), reply)
    assert asked == [NUMBERS]


def test_a_services_webhook_of_somebody_else_is_left_alone(channel, connect, run):
    via = connect(messaging_service_sid=SERVICE)
    asked, _, _ = run(channel.teardown(via), "service_elsewhere_200.json")
    assert asked == [f"GET {SERVICE_URL}"]


def test_a_sender_without_webhook_needs_no_teardown(channel, connect, run):
    asked, _, _ = run(channel.teardown(connect(from_number="AcmeShop")))
    assert asked == []


def test_a_teardown_that_failed_says_so(channel, connection, run):
    with pytest.raises(Permanent):
        run(channel.teardown(connection), "numbers_200.json", 400)
