"""Checking account, application and sender, and registering the webhook there."""

import json
from urllib.parse import parse_qsl

import pytest

from hubbub.sdk import Permanent, Transient
from tests.plugins.sms_vonage.conftest import APPLICATION, WEBHOOK

REST = "https://rest.nexmo.com"
BALANCE = f"GET {REST}/account/get-balance"
NUMBERS = f"GET {REST}/account/numbers?pattern=447700900000"
UPDATE = f"POST {REST}/number/update"
READ = f"GET https://api.nexmo.com/v2/applications/{APPLICATION}"
WRITE = f"PUT https://api.nexmo.com/v2/applications/{APPLICATION}"


@pytest.fixture
def run(drive, answer):
    """Run an exchange and return its requests as ``METHOD url``, their bodies, and the result."""

    def go(exchange, *replies):
        answers = [answer(item) if isinstance(item, str | int) else item for item in replies]
        requests, result = drive(exchange, *answers)
        asked = [f"{item.method} {item.url}" for item in requests]
        return asked, [item.body for item in requests], result

    return go


def form(body):
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def codes(checked):
    return [finding.code for finding in checked.findings]


def bad(checked):
    return {finding.code: finding for finding in checked.findings if not finding.ok}


GOOD = ("balance_200.json", "application_200.json", "numbers_200.json")


# --- check ---------------------------------------------------------------------------------


def test_a_channel_in_order_has_only_good_findings(channel, connection, run):
    asked, _, checked = run(channel.check(connection), *GOOD)
    assert asked == [BALANCE, READ, NUMBERS]
    assert checked.ok
    assert codes(checked) == ["credit", "application", "webhook", "sms", "link"]
    assert checked.facts == {"mms": "no"}


def test_a_simulator_has_everything_at_one_address(channel, connect, run):
    base = "http://127.0.0.1:9000/vonage"
    asked, _, _ = run(channel.check(connect(api_base=base)), *GOOD)
    assert all(base in line for line in asked)


def test_a_region_has_the_usual_rest_address_and_another_can_be_given(channel, connect, run):
    asked, _, _ = run(channel.check(connect(api_base="https://api-eu.nexmo.com")), *GOOD)
    assert asked[0] == BALANCE
    via = connect(rest_base="https://rest.proxy.example/")
    asked, _, _ = run(channel.check(via), *GOOD)
    assert asked[0] == "GET https://rest.proxy.example/account/get-balance"


@pytest.mark.parametrize("reply", [401, 403, 404])
def test_refused_credentials_are_found_and_nothing_more_is_asked(channel, connection, run, reply):
    asked, _, checked = run(channel.check(connection), reply)
    assert asked == [BALANCE]
    assert codes(checked) == ["credentials"]
    assert "API secret" in bad(checked)["credentials"].fix


def test_conformance_13_no_credit_is_an_error_until_the_balance_is_back(channel, connection, run):
    _, _, checked = run(channel.check(connection), "balance_none_200.json")
    assert "no credit" in bad(checked)["credit"].detail
    _, _, checked = run(channel.check(connection), *GOOD)
    assert checked.ok


def test_little_credit_is_only_warned_of(channel, connection, run):
    _, _, checked = run(channel.check(connection), "balance_low_200.json", *GOOD[1:])
    assert checked.ok
    assert checked.findings[0].fix


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_provider_that_cannot_be_asked_is_no_finding(channel, connection, run, status):
    with pytest.raises(Transient):
        run(channel.check(connection), status)


def test_an_answer_of_somebody_else_is_no_finding(channel, connection, run, answer):
    with pytest.raises(Transient, match="API base URL"):
        run(channel.check(connection), answer(200, b"<html>proxy</html>"))


def test_an_application_that_is_not_there_is_found(channel, connection, run):
    _, _, checked = run(channel.check(connection), GOOD[0], 404, GOOD[2])
    assert APPLICATION in bad(checked)["application"].detail


@pytest.mark.parametrize(
    ("application", "code", "reason"),
    [
        ("application_other_key_200.json", "private_key", "not that of the application"),
        ("application_elsewhere_200.json", "webhook", "elsewhere: other.example.com"),
        ("application_old_200.json", "webhook", "v0.1"),
        ("application_bare_200.json", "webhook", "no capability Messages"),
    ],
)
def test_what_is_wrong_with_an_application_is_found(
    channel, connection, run, application, code, reason
):
    _, _, checked = run(channel.check(connection), GOOD[0], application, GOOD[2])
    assert set(bad(checked)) == {code}
    assert reason in bad(checked)[code].detail
    assert bad(checked)[code].fix


def test_a_webhook_called_by_get_is_not_ours(channel, connection, run, answer, payload):
    body = payload("application_200.json").replace(
        b'"http_method": "POST"', b'"http_method": "GET"'
    )
    _, _, checked = run(channel.check(connection), GOOD[0], answer(200, body), GOOD[2])
    assert set(bad(checked)) == {"webhook"}


def test_without_private_key_none_is_compared(channel, connect, run):
    replies = (GOOD[0], "application_other_key_200.json", GOOD[2])
    assert run(channel.check(connect(private_key="")), *replies)[2].ok


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ("numbers_none_200.json", {"number"}),
        ("numbers_unlinked_200.json", {"link"}),
        ("numbers_elsewhere_200.json", {"sms", "link"}),
    ],
)
def test_what_is_wrong_with_a_number_is_found(channel, connection, run, numbers, found):
    _, _, checked = run(channel.check(connection), *GOOD[:2], numbers)
    assert set(bad(checked)) == found


def test_a_number_with_mms_is_known(channel, connection, run):
    _, _, checked = run(channel.check(connection), *GOOD[:2], "numbers_unlinked_200.json")
    assert checked.facts == {"mms": "yes"}


def test_a_name_is_warned_of_and_not_looked_up(channel, connect, run):
    asked, _, checked = run(channel.setup(connect(from_number="AcmeShop")), *GOOD[:2])
    assert asked == [BALANCE, READ]
    assert checked.ok
    assert codes(checked)[-1] == "one_way"


def test_a_refusal_to_show_the_sender_is_found(channel, connection, run):
    _, _, checked = run(channel.check(connection), *GOOD[:2], 403)
    assert set(bad(checked)) == {"sender"}


def test_no_secret_is_in_a_finding(channel, connection, run, answer):
    body = b'{"value": 1, "x": "Fict1tiousApiSecret"}'
    _, _, checked = run(channel.check(connection), answer(200, body), *GOOD[1:])
    assert "Fict1tious" not in repr(checked)


# --- setup ---------------------------------------------------------------------------------


def test_the_webhook_is_entered_and_the_rest_of_the_application_kept(
    channel, connection, run, payload
):
    replies = (GOOD[0], "application_elsewhere_200.json", "application_200.json", GOOD[2])
    asked, bodies, checked = run(channel.setup(connection), *replies)
    assert asked == [BALANCE, READ, WRITE, NUMBERS]
    assert checked.ok
    before, after = json.loads(payload("application_elsewhere_200.json")), json.loads(bodies[2])
    assert after.keys() == {"name", "keys", "privacy", "capabilities"}
    assert after["keys"] == before["keys"]
    assert after["capabilities"]["voice"] == before["capabilities"]["voice"]
    webhook = {"address": WEBHOOK, "http_method": "POST"}
    assert after["capabilities"]["messages"] == {
        "version": "v1",
        "webhooks": {"inbound_url": webhook, "status_url": webhook},
        "authenticate_inbound_media": True,
    }


def test_an_application_without_capabilities_gets_one(channel, connection, run):
    replies = (GOOD[0], "application_bare_200.json", "application_200.json", GOOD[2])
    _, bodies, _ = run(channel.setup(connection), *replies)
    assert json.loads(bodies[2])["capabilities"].keys() == {"messages"}


def test_the_number_is_linked_to_the_application(channel, connection, run):
    replies = (*GOOD[:2], "numbers_unlinked_200.json", 200, GOOD[2])
    asked, bodies, checked = run(channel.setup(connection), *replies)
    assert asked == [BALANCE, READ, NUMBERS, UPDATE, NUMBERS]
    assert form(bodies[3]) == {
        "country": "GB",
        "msisdn": "447700900000",
        "app_id": APPLICATION,
    }
    assert checked.ok


def test_what_is_in_order_is_not_written_again(channel, connection, run):
    asked, _, checked = run(channel.setup(connection), *GOOD)
    assert asked == [BALANCE, READ, NUMBERS]
    assert checked.ok


def test_a_refused_registration_is_found(channel, connection, run):
    replies = (*GOOD[:2], "numbers_unlinked_200.json", 420)
    _, _, checked = run(channel.setup(connection), *replies)
    assert set(bad(checked)) == {"sender"}


# --- teardown ------------------------------------------------------------------------------


def test_the_capability_is_taken_away_where_the_webhook_is_ours(channel, connection, run):
    asked, bodies, _ = run(channel.teardown(connection), "application_200.json", 200)
    assert asked == [READ, WRITE]
    assert json.loads(bodies[1])["capabilities"] == {"voice": {"webhooks": {}}}


@pytest.mark.parametrize(
    "reply", ["application_elsewhere_200.json", "application_bare_200.json", 404]
)
def test_an_application_that_is_not_ours_is_left_alone(channel, connection, run, reply):
    assert run(channel.teardown(connection), reply)[0] == [READ]


def test_a_teardown_that_failed_says_so(channel, connection, run):
    with pytest.raises(Permanent):
        run(channel.teardown(connection), "application_200.json", 400)


# --- the SMS API ---------------------------------------------------------------------------


def test_the_sms_api_calls_the_number_s_own_address(channel, legacy, run):
    replies = (GOOD[0], "numbers_unlinked_200.json", 200, "numbers_unlinked_200.json")
    asked, bodies, checked = run(channel.setup(legacy), *replies)
    assert asked == [BALANCE, NUMBERS, UPDATE, NUMBERS]
    assert form(bodies[2])["moHttpUrl"] == WEBHOOK
    assert set(bad(checked)) == {"link"}


def test_an_application_would_get_the_messages_of_its_number(channel, legacy, run):
    _, _, checked = run(channel.check(legacy), GOOD[0], "numbers_elsewhere_200.json")
    assert "another application" in bad(checked)["link"].detail
    assert "Unlink it" in bad(checked)["link"].fix


def test_unsigned_webhooks_and_long_addresses_are_warned_of(channel, connect, run):
    via = connect(mode="sms_legacy", signature_secret="", webhook_url=f"https://{'h' * 93}")
    _, _, checked = run(channel.check(via), GOOD[0], "numbers_unlinked_200.json")
    assert codes(checked)[1:3] == ["unsigned", "callback"]
    assert set(bad(checked)) == {"link"}


def test_the_sms_api_is_told_to_call_nobody_any_more(channel, legacy, run):
    asked, bodies, _ = run(channel.teardown(legacy), GOOD[2], 200)
    assert asked == [NUMBERS, UPDATE]
    assert form(bodies[1])["moHttpUrl"] == ""
    assert run(channel.teardown(legacy), "numbers_unlinked_200.json")[0] == [NUMBERS]
    assert run(channel.teardown(legacy), "numbers_none_200.json")[0] == [NUMBERS]
