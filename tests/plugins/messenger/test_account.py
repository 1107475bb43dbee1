"""What check, set-up and tear-down ask, and what they find."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from hubbub.sdk import RateLimited, Transient
from hubbub_messenger.account import WEBHOOK_FIELDS
from tests.plugins.messenger.conftest import (
    APP_ID,
    APP_SECRET,
    GRAPH,
    PAGE_ID,
    TOKEN,
    VERIFY_TOKEN,
    WEBHOOK,
)

GOOD = ("me_200.json", "webhooks_200.json", "subscribed_200.json", "token_200.json")
OK = "ok_200.json"
NOW = "Sat, 28 Nov 2026 12:00:00 GMT"
DAY = 86400
NOON = 1795867200
ELSEWHERE = [{"object": "page", "callback_url": "https://other.example.com/secret"}]


@pytest.fixture
def changed(answer, payload):
    """Return an answer from a file with some values changed, and dated."""

    def make(name, /, **changes):
        said = json.loads(payload(name))
        inner = said["data"] if name.startswith("token") else said
        inner.update(changes)
        return answer(name, json.dumps(said).encode(), date=NOW)

    return make


@pytest.fixture
def found(channel, connection, drive, answer):
    """Return the findings of a check by code, and what is asked."""

    def run(*answers, via=connection, ask="check"):
        replies = [answer(item) if isinstance(item, str) else item for item in answers or GOOD]
        requests, checked = drive(getattr(channel, ask)(via), *replies)
        return {finding.code: finding for finding in checked.findings}, requests, checked

    return run


def query(request):
    return dict(parse_qsl(urlsplit(request.url).query))


def path(request):
    return request.method, request.url.partition("?")[0].removeprefix(GRAPH)


def test_a_check_asks_about_page_webhook_subscription_and_token(found):
    findings, requests, checked = found()
    assert [path(request) for request in requests] == [
        ("GET", "/me"),
        ("GET", f"/{APP_ID}/subscriptions"),
        ("GET", f"/{PAGE_ID}/subscribed_apps"),
        ("GET", "/debug_token"),
    ]
    assert query(requests[0])["fields"] == "id,name"
    assert query(requests[3]) == {"input_token": TOKEN, "access_token": f"{APP_ID}|{APP_SECRET}"}
    assert requests[0].headers == {"authorization": f"Bearer {TOKEN}"}
    assert checked.ok
    assert list(findings) == ["page", "webhook", "subscription", "app", "token"]
    assert checked.facts == {"page_name": "Test Shop"}


def test_no_finding_shows_a_secret(found):
    for answers in (("error_190_401.json",), GOOD):
        _, _, checked = found(*answers)
        for secret in (TOKEN, APP_SECRET, VERIFY_TOKEN):
            assert secret not in repr(checked)


def test_conformance_13_a_dead_token_is_said_and_nothing_more_is_asked(found):
    findings, requests, _ = found("error_190_401.json")
    assert (list(findings), len(requests)) == (["token"], 1)
    assert "password changed" in findings["token"].detail
    assert findings["token"].fix


def test_a_secret_of_another_app_is_said_and_nothing_more_is_asked(found):
    findings, requests, _ = found("error_proof_400.json")
    assert (list(findings), len(requests)) == (["app"], 1)
    assert "App secret" in findings["app"].fix


def test_a_token_of_a_person_is_refused(found, changed):
    findings, _, checked = found(changed("me_200.json", id="1", name="Ann"), *GOOD[1:])
    assert not checked.ok
    assert "of Ann" in findings["page"].detail


@pytest.mark.parametrize(
    ("data", "word"),
    [(ELSEWHERE, "other.example.com"), ([], "nobody"), ([{"object": "user"}], "nobody")],
)
def test_an_app_that_calls_somebody_else_is_said(found, changed, data, word):
    findings, _, _ = found(GOOD[0], changed("webhooks_200.json", data=data), *GOOD[2:])
    assert not findings["webhook"].ok
    assert word in findings["webhook"].detail
    assert "secret" not in findings["webhook"].detail


def test_an_app_that_calls_another_channel_of_this_hub_is_fine(found, changed):
    data = [{"object": "page", "callback_url": "https://hub.example.com/webhooks/another"}]
    findings, _, _ = found(GOOD[0], changed("webhooks_200.json", data=data), *GOOD[2:])
    assert findings["webhook"].ok


def test_conformance_13_a_lost_subscription_is_said(found, changed):
    for data in ([], [{"id": "1", "subscribed_fields": list(WEBHOOK_FIELDS)}]):
        findings, _, checked = found(*GOOD[:2], changed("subscribed_200.json", data=data), GOOD[3])
        assert not checked.ok
        assert not findings["subscription"].ok


@pytest.mark.parametrize(
    ("fields", "ok"), [(["message_reads"], False), (["messages", "messaging_postbacks"], True)]
)
def test_what_the_app_does_not_hear_of_is_said(found, changed, fields, ok):
    data = [{"id": APP_ID, "subscribed_fields": fields}]
    findings, _, _ = found(*GOOD[:2], changed("subscribed_200.json", data=data), GOOD[3])
    assert findings["subscription"].ok is ok
    assert "message_echoes" in findings["subscription"].detail
    assert findings["subscription"].fix


@pytest.mark.parametrize(
    ("changes", "code", "ok", "word"),
    [
        ({"is_valid": False}, "token", False, "not valid"),
        ({"expires_at": NOON + 8 * DAY}, "token", True, "valid until 2026-12-06"),
        ({"expires_at": NOON + 6 * DAY}, "token", True, "ends at 2026-12-04"),
        ({"data_access_expires_at": NOON + DAY}, "token", True, "ends at 2026-11-29"),
        ({"type": "USER"}, "token_type", False, "USER"),
        ({"scopes": ["pages_messaging"]}, "scopes", False, "pages_manage_metadata"),
        ({"app_id": "9"}, "token_app", False, "another app"),
        (
            {"granular_scopes": [{"scope": "pages_messaging", "target_ids": ["1"]}]},
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


def test_a_wrong_app_secret_is_said_once(found, answer):
    wrong = answer(400, b'{"error":{"code":190,"message":"Invalid OAuth access token signature."}}')
    findings, _, _ = found(GOOD[0], wrong, GOOD[2], wrong)
    assert "webhook" not in findings
    assert not findings["app"].ok
    assert "App secret" in findings["app"].fix


def test_a_refusal_within_a_check_is_a_finding(found, answer):
    refused = answer(403, b'{"error":{"code":200,"message":"Permissions error"}}')
    findings, _, _ = found(*GOOD[:2], refused, GOOD[3])
    assert not findings["subscription"].ok


def test_without_an_app_id_less_is_asked_and_that_is_said(found, connect):
    findings, requests, checked = found(GOOD[0], GOOD[2], via=connect(app_id=""))
    assert [path(request)[1] for request in requests] == ["/me", f"/{PAGE_ID}/subscribed_apps"]
    assert checked.ok
    assert findings["app"].fix


@pytest.mark.parametrize(("status", "kind"), [(500, Transient), (429, RateLimited)])
def test_what_cannot_be_asked_now_is_asked_again(channel, connection, answer, status, kind):
    for ask in (channel.check, channel.setup, channel.teardown):
        exchange = ask(connection)
        next(exchange)
        with pytest.raises(kind):
            exchange.send(answer(status))


# --- set-up and tear-down --------------------------------------------------------------------


def test_a_set_up_registers_the_webhook_and_subscribes_the_page(found, changed):
    nobody = changed("webhooks_200.json", data=[])
    _, requests, checked = found(nobody, OK, OK, *GOOD, ask="setup")
    assert [path(request) for request in requests[:3]] == [
        ("GET", f"/{APP_ID}/subscriptions"),
        ("POST", f"/{APP_ID}/subscriptions"),
        ("POST", f"/{PAGE_ID}/subscribed_apps"),
    ]
    assert query(requests[1]) == {
        "object": "page",
        "callback_url": WEBHOOK,
        "verify_token": VERIFY_TOKEN,
        "fields": ",".join(WEBHOOK_FIELDS),
        "include_values": "true",
        "access_token": f"{APP_ID}|{APP_SECRET}",
    }
    assert query(requests[2])["subscribed_fields"] == ",".join(WEBHOOK_FIELDS)
    assert checked.ok


def test_the_address_of_a_sister_channel_stays_registered(found):
    _, requests, _ = found("webhooks_200.json", OK, *GOOD, ask="setup")
    assert [path(request)[0] for request in requests[:2]] == ["GET", "POST"]
    assert path(requests[1])[1] == f"/{PAGE_ID}/subscribed_apps"


def test_without_an_app_id_the_page_alone_is_subscribed(found, connect):
    _, requests, _ = found(OK, GOOD[0], GOOD[2], via=connect(app_id=""), ask="setup")
    assert path(requests[0]) == ("POST", f"/{PAGE_ID}/subscribed_apps")


def test_what_is_refused_at_a_set_up_shows_in_its_findings(found, answer, changed):
    refused = answer(403, b'{"error":{"code":200,"message":"Permissions error"}}')
    lost = changed("subscribed_200.json", data=[])
    findings, _, _ = found(refused, refused, *GOOD[:2], lost, GOOD[3], ask="setup")
    assert not findings["subscription"].ok


def test_a_tear_down_unsubscribes_the_page_and_takes_back_its_own_address(
    channel, connection, drive, answer
):
    replies = answer(OK), answer("webhooks_200.json"), answer(OK)
    requests, _ = drive(channel.teardown(connection), *replies)
    assert [path(request) for request in requests] == [
        ("DELETE", f"/{PAGE_ID}/subscribed_apps"),
        ("GET", f"/{APP_ID}/subscriptions"),
        ("DELETE", f"/{APP_ID}/subscriptions"),
    ]
    assert query(requests[2])["object"] == "page"


def test_a_tear_down_leaves_the_address_of_others(channel, connection, drive, answer, changed):
    replies = answer(OK), changed("webhooks_200.json", data=ELSEWHERE)
    requests, _ = drive(channel.teardown(connection), *replies)
    assert len(requests) == 2
