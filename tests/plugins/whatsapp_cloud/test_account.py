"""What check, set-up and tear-down ask, and what they find."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from hubbub.sdk import RateLimited, Transient
from tests.plugins.whatsapp_cloud.conftest import (
    ACCOUNT_ID,
    APP_ID,
    APP_SECRET,
    GRAPH,
    NUMBER_ID,
    TOKEN,
    VERIFY_TOKEN,
    WEBHOOK,
)

GOOD = ("number_200.json", "numbers_200.json", "subscribed_200.json", "token_200.json")
#: 2026-11-28 at noon.
NOW = "Sat, 28 Nov 2026 12:00:00 GMT"
DAY = 86400
NOON = 1795867200


@pytest.fixture
def changed(answer, payload):
    """Return an answer from a file with some values changed, and dated."""

    def make(name, **changes):
        said = json.loads(payload(name))
        inner = said["data"] if name.startswith("token") else said
        inner.update(changes)
        return answer(name, json.dumps(said).encode(), date=NOW)

    return make


@pytest.fixture
def found(channel, connection, drive, answer):
    """Return the findings of a check by code, and what is asked."""

    def run(*answers, via=connection):
        replies = [answer(item) if isinstance(item, str) else item for item in answers or GOOD]
        requests, checked = drive(channel.check(via), *replies)
        return {finding.code: finding for finding in checked.findings}, requests, checked

    return run


def test_a_check_asks_about_number_account_subscription_and_token(found):
    findings, requests, checked = found()
    assert [request.url.partition("?")[0] for request in requests] == [
        f"{GRAPH}/{NUMBER_ID}",
        f"{GRAPH}/{ACCOUNT_ID}/phone_numbers",
        f"{GRAPH}/{ACCOUNT_ID}/subscribed_apps",
        f"{GRAPH}/debug_token",
    ]
    assert all(request.method == "GET" and request.safe for request in requests)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    # The last one is asked by the app itself.
    assert [request.headers for request in requests] == [bearer, bearer, bearer, {}]
    assert requests[0].url.endswith(
        "display_phone_number,verified_name,quality_rating,"
        "platform_type,status,throughput,webhook_configuration"
    )
    assert dict(parse_qsl(urlsplit(requests[3].url).query)) == {
        "input_token": TOKEN,
        "access_token": f"{APP_ID}|{APP_SECRET}",
    }
    assert checked.ok
    assert set(findings) == {"phone_number", "webhook", "account", "subscription", "app", "token"}
    assert checked.facts == {
        "display_phone_number": "+1 555-010-0100",
        "verified_name": "Test Shop",
        "throughput": "STANDARD",
    }


def test_no_finding_shows_a_secret(found):
    _, _, checked = found("error_190_401.json")
    for secret in (TOKEN, APP_SECRET, VERIFY_TOKEN):
        assert secret not in repr(checked)


def test_a_dead_token_is_said_and_nothing_more_is_asked(found):
    findings, requests, _ = found("error_190_401.json")
    assert (list(findings), len(requests)) == (["token"], 1)
    assert "expired" in findings["token"].detail
    assert "new token" in findings["token"].fix


def test_a_number_that_is_not_known_is_said(found, answer):
    body = b'{"error":{"code":100,"error_subcode":33,"message":"Unsupported get request"}}'
    findings, _, _ = found(answer(400, body))
    assert not findings["phone_number"].ok


def test_one_field_too_many_is_asked_again_without(found, answer):
    body = b'{"error":{"code":100,"message":"nonexisting field"}}'
    findings, requests, checked = found(answer(400, body), *GOOD)
    assert requests[1].url.endswith("?fields=id,display_phone_number,verified_name")
    assert checked.ok
    assert findings["phone_number"].ok


@pytest.mark.parametrize(
    ("changes", "code", "ok"),
    [
        ({"platform_type": "ON_PREMISE"}, "platform", False),
        ({"status": "DISCONNECTED"}, "number_status", False),
        ({"quality_rating": "RED"}, "quality", True),
        (
            {"webhook_configuration": {"application": "https://other.example.com/x"}},
            "webhook",
            False,
        ),
        ({"webhook_configuration": {}}, "webhook", False),
        ({"webhook_configuration": {"application": WEBHOOK}}, "webhook", True),
    ],
)
def test_what_is_wrong_with_the_number_is_said(found, changed, changes, code, ok):
    findings, _, _ = found(changed("number_200.json", **changes), *GOOD[1:])
    assert findings[code].ok is ok
    assert findings[code].detail
    assert bool(findings[code].fix) is (not ok or code == "quality")


def test_a_number_of_another_account_is_said(found, changed):
    page = changed("numbers_200.json", data=[{"id": "1"}])
    findings, _, _ = found(GOOD[0], page, *GOOD[2:])
    assert not findings["account"].ok


def test_a_number_is_looked_for_on_further_pages(found, changed):
    paging = {"cursors": {"after": "c=2"}, "next": "https://graph.facebook.com/next"}
    page = changed("numbers_200.json", data=[{"id": "1"}], paging=paging)
    findings, requests, _ = found(GOOD[0], page, *GOOD[1:])
    assert requests[2].url.endswith("phone_numbers?fields=id&after=c%3D2")
    assert findings["account"].ok


def test_a_search_through_pages_ends(found, changed):
    paging = {"cursors": {"after": "c"}, "next": "https://graph.facebook.com/next"}
    page = changed("numbers_200.json", data=[], paging=paging)
    findings, _, _ = found(GOOD[0], page, page, page, *GOOD[2:])
    assert not findings["account"].ok


@pytest.mark.parametrize("data", [[], [{"whatsapp_business_api_data": {"id": "1"}}]])
def test_an_app_that_hears_nothing_is_said(found, changed, data):
    findings, _, _ = found(*GOOD[:2], changed("subscribed_200.json", data=data), GOOD[3])
    assert not findings["subscription"].ok


@pytest.mark.parametrize(
    ("changes", "code", "ok", "word"),
    [
        ({"is_valid": False}, "token", False, "not valid"),
        ({"expires_at": NOON + 8 * DAY}, "token", True, "valid until 2026-12-06"),
        ({"expires_at": NOON + 6 * DAY}, "token", True, "ends at 2026-12-04"),
        ({"data_access_expires_at": NOON + DAY}, "token", True, "ends at 2026-11-29"),
        (
            {"scopes": ["whatsapp_business_messaging"]},
            "scopes",
            False,
            "whatsapp_business_management",
        ),
        ({"app_id": "9"}, "token_app", False, "another app"),
        (
            {"granular_scopes": [{"scope": "whatsapp_business_messaging", "target_ids": ["1"]}]},
            "assets",
            False,
            "may not use",
        ),
    ],
)
def test_what_is_wrong_with_the_token_is_said(found, changed, changes, code, ok, word):
    findings, _, _ = found(*GOOD[:3], changed("token_200.json", **changes))
    assert findings[code].ok is ok
    assert word in findings[code].detail


def test_a_wrong_app_secret_is_said(found, answer):
    body = b'{"error":{"code":190,"message":"Invalid OAuth access token signature."}}'
    findings, _, _ = found(*GOOD[:3], answer(400, body))
    assert not findings["app"].ok
    assert "App secret" in findings["app"].fix
    assert "token" not in findings["app"].detail


def test_without_account_and_app_id_less_is_asked_and_that_is_said(found, connect):
    via = connect(business_account_id="", app_id="")
    findings, requests, checked = found(GOOD[0], via=via)
    assert len(requests) == 1
    assert checked.ok
    assert findings["account"].fix
    assert findings["app"].fix


def test_a_refusal_within_a_check_is_a_finding(found, answer):
    refused = answer(403, b'{"error":{"code":200,"message":"Permissions error"}}')
    findings, _, _ = found(GOOD[0], refused, *GOOD[2:])
    assert not findings["account"].ok


def test_a_provider_that_is_away_is_no_finding(found, answer):
    with pytest.raises(Transient):
        found(answer(503))
    with pytest.raises(RateLimited):
        found(GOOD[0], answer(429))
    with pytest.raises(Transient):
        found(answer(200, b"<html>welcome</html>"))


def test_a_set_up_subscribes_the_app_and_registers_the_number_itself(
    channel, connection, drive, answer
):
    answers = [answer(name) for name in ("ok_200.json", "ok_200.json", *GOOD)]
    requests, checked = drive(channel.setup(connection), *answers)
    assert [(request.method, request.url) for request in requests[:2]] == [
        ("POST", f"{GRAPH}/{ACCOUNT_ID}/subscribed_apps"),
        ("POST", f"{GRAPH}/{NUMBER_ID}"),
    ]
    assert json.loads(requests[0].body) == {}
    assert json.loads(requests[1].body) == {
        "webhook_configuration": {"override_callback_uri": WEBHOOK, "verify_token": VERIFY_TOKEN}
    }
    assert checked.ok


def test_a_set_up_that_meta_refuses_shows_in_the_check(channel, connection, drive, answer, changed):
    refused = answer(400, b'{"error":{"code":100,"message":"Callback verification failed"}}')
    number = changed("number_200.json", webhook_configuration={})
    replies = [answer("ok_200.json"), refused, number, *(answer(name) for name in GOOD[1:])]
    _, checked = drive(channel.setup(connection), *replies)
    assert [finding.code for finding in checked.findings if not finding.ok] == ["webhook"]


def test_a_set_up_needs_meta_to_be_there(channel, connection, drive, answer):
    with pytest.raises(Transient):
        drive(channel.setup(connection), answer(503))


def test_a_tear_down_withdraws_our_webhook(channel, connection, drive, answer):
    requests, _ = drive(
        channel.teardown(connection), answer("number_200.json"), answer("ok_200.json")
    )
    assert (requests[1].method, requests[1].url) == ("POST", f"{GRAPH}/{NUMBER_ID}")
    assert json.loads(requests[1].body) == {"webhook_configuration": {"override_callback_uri": ""}}


def test_a_tear_down_leaves_the_webhook_of_another_program(channel, connection, drive, changed):
    hooks = {"phone_number": "https://other.example.com/x"}
    drive(channel.teardown(connection), changed("number_200.json", webhook_configuration=hooks))
