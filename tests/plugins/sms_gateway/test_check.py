"""What a check finds."""

import pytest

from hubbub.sdk import AuthFailed, Transient

ONLINE = """<gateway><version>1.4.5</version><status>running, uptime 0d 0h 1m 2s</status>
<smscs><count>2</count>
<smsc><id>a</id><status>online 5s</status><queued>3</queued></smsc>
<smsc><id>b</id><status>re-connecting</status><queued>1</queued></smsc></smscs></gateway>"""
OFFLINE = ONLINE.replace("online 5s", "connecting")
KNOWN = (400, "Missing receiver(s) number(s), rejected")


@pytest.fixture
def check(channel, connect, drive, answer):
    def checked(preset, *replies, **given):
        exchange = channel.check(connect(preset, **given))
        requests, found = drive(exchange, *(answer(*reply) for reply in replies))
        return requests, found, {finding.code: finding for finding in found.findings}

    return checked


def test_kannel_is_asked_without_a_receiver(check):
    (request,), found, _ = check("kannel", KNOWN)
    assert found.ok
    assert request.safe
    assert "x-kannel-to" not in request.headers
    assert request.headers["x-kannel-password"] == "pw-canary"


@pytest.mark.parametrize("preset", ["kannel", "kannel_query"])
def test_kannel_that_does_not_know_us_says_so(check, preset):
    _, found, findings = check(preset, (403, "Authorization failed for sendsms"))
    assert not found.ok
    assert "Authorization failed" in findings["gateway"].detail
    assert findings["gateway"].fix


def test_the_status_page_tells_of_centres_and_queues(check):
    requests, found, findings = check(
        "kannel", KNOWN, (200, ONLINE), status_page="http://127.0.0.1:13000", status_password="p w"
    )
    assert requests[1].url == "http://127.0.0.1:13000/status.xml?password=p%20w"
    assert found.ok
    assert findings["centres"].detail == "1 of 2 message centres are online."
    assert (findings["queue"].ok, found.facts) == (True, {"queued": "4"})


def test_a_queue_that_does_not_grow_is_no_news(check):
    _, _, findings = check(
        "kannel",
        KNOWN,
        (200, ONLINE),
        status_page="http://127.0.0.1:13000",
        facts={"queued": "4"},
    )
    assert "queue" not in findings


def test_no_centre_online_is_wrong(check):
    _, found, findings = check("kannel", KNOWN, (200, OFFLINE), status_page="http://h:13000")
    assert not found.ok
    assert "None of 2" in findings["centres"].detail


def test_conformance_10_denied_with_200_is_an_error(check):
    with pytest.raises(AuthFailed, match="Denied"):
        check("kannel", KNOWN, (200, "Denied"), status_page="http://127.0.0.1:13000")


def test_a_page_that_is_none_is_wrong(check):
    _, found, findings = check("kannel", KNOWN, (404, "no"), status_page="http://127.0.0.1:13000")
    assert not found.ok
    assert "404" in findings["status_page"].detail


@pytest.mark.parametrize(
    ("preset", "url", "good", "bad"),
    [
        (
            "jasmin",
            "http://127.0.0.1:1401/balance?username=u&password=pw-canary",
            '{"balance": "ND", "sms_count": "ND"}',
            '"Authentication failure"',
        ),
        (
            "playsms",
            "http://127.0.0.1/index.php?app=ws&u=u&h=tok-canary&op=cr",
            '{"status":"OK","credit":"10"}',
            '{"status":"ERR","error":"100"}',
        ),
    ],
)
def test_other_daemons_are_asked_for_the_balance(check, preset, url, good, bad):
    (request,), found, _ = check(preset, (200, good))
    assert (request.url, found.ok) == (url, True)
    assert not check(preset, (200, bad))[1].ok


def test_a_telephone_is_asked_how_it_is(check):
    (request,), found, _ = check("android_smsgate", (200, '{"status":"pass"}'))
    assert request.url == "http://phone.example:8080/health"
    assert request.headers["authorization"].startswith("Basic ")
    assert found.ok
    assert not check("android_smsgate", (401, ""))[1].ok


def test_a_gateway_with_trouble_is_away(check):
    with pytest.raises(Transient):
        check("kannel", (503, "later"))


@pytest.mark.parametrize("preset", ["httpsms", "textbee", "custom"])
def test_where_nothing_can_be_asked_that_is_said(check, preset):
    requests, found, findings = check(preset)
    assert (requests, found.ok) == ([], True)
    assert "unproven" in findings


def test_the_request_is_shown_without_its_secrets(check):
    _, _, findings = check("kannel_query", KNOWN)
    shown = findings["request"].detail
    assert "text=Hello" in shown
    assert "canary" not in shown
    assert "OWN-word" not in shown


def test_calls_that_prove_nothing_are_a_warning(check):
    _, _, findings = check("kannel", KNOWN)
    assert findings["inbound_proof"].fix
    _, _, findings = check("kannel", KNOWN, inbound_token="a secret")
    assert "inbound_proof" not in findings
    assert findings["inbound_token"].fix
    _, _, findings = check("kannel", KNOWN, inbound_token="a longer secret")
    assert "inbound_token" not in findings


def test_a_name_that_cannot_be_answered_is_a_warning(check):
    _, found, findings = check("kannel", KNOWN, from_number="Acme")
    assert found.ok
    assert "Nobody can answer 'Acme'" in findings["one_way"].detail
