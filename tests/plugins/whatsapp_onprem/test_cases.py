"""The conformance cases of the On-Premises fact sheet, in their order; more in the other files."""

import json
import socket
import ssl

import pytest
from pydantic import ValidationError

from hubbub.guard import Guard
from hubbub.sdk import (
    AddressChanged,
    Attachment,
    AuthFailed,
    Choice,
    Ignored,
    Media,
    MessageReceived,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    ReceiptReceived,
    RecipientGone,
    SendError,
    Template,
    Text,
    Transient,
    Unreadable,
    UnsupportedContent,
    WindowClosed,
)
from hubbub.sdk.whatsapp.wire import Error
from hubbub.testing.exchanges import carried
from hubbub.transport import HttpTransport, NotSent
from hubbub_whatsapp_onprem import faults
from hubbub_whatsapp_onprem.meanings import BY_CODE
from tests.plugins.whatsapp_onprem.conftest import (
    ANN,
    BASE,
    NAMESPACE,
    PASSWORD,
    RENEWED,
    TOKEN,
    USERNAME,
    WEBHOOK,
)
from tests.services.peers import LOOPBACK, certificate, serve

__all__ = ["certificate", "serve"]
PICTURE = Attachment(
    type="image", media=Media(id="m1", mime_type="image/jpeg", filename="cup.jpg", size=1000)
)


@pytest.fixture
def pem(certificate):
    """The certificate of the test's server, as somebody enters it."""
    (der,) = certificate[1].get_ca_certs(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(der)


def body(request):
    return json.loads(request.body)


def bearer(request):
    return request.headers["authorization"].removeprefix("Bearer ")


def codes(checked):
    return {finding.code: finding.ok for finding in checked.findings}


# --- 1: login --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end", ["2026-12-01 10:00:00+00:00", "2026-12-01T10:00:00Z", "2026-12-01 10:00:00"]
)
def test_conformance_01_a_login_is_basic_and_both_forms_of_its_end_are_read(
    channel, connect, drive, answer, end
):
    said = answer("login_200").body.replace(b"2026-12-01 10:00:00+00:00", end.encode())
    answers = (answer(200, said), "health_200", "settings_200")
    requests, checked = drive(channel.check(connect(tokens={})), *answers)
    assert (requests[0].method, requests[0].url) == ("POST", f"{BASE}/v1/users/login")
    assert requests[0].headers["authorization"] == "Basic aHViLXVzZXI6RmljdDF0aW91cy1QYXNzdzByZA=="
    assert body(requests[0]) == {}
    assert [bearer(one) for one in requests[1:]] == [RENEWED, RENEWED]
    assert checked.tokens == {"login": RENEWED}
    assert checked.facts["login_ends_at"] == "2026-12-01T10:00:00+00:00"


@pytest.mark.parametrize(("ends", "renewed"), [("02T11:59", True), ("02T12:01", False)])
def test_conformance_01_a_token_is_renewed_a_day_before_it_ends(
    channel, connect, drive, answer, ends, renewed
):
    connection = connect(facts={"login_ends_at": f"2026-11-{ends}:00+00:00"})
    health = answer("health_200", date="Sun, 01 Nov 2026 12:00:00 GMT")
    between = ("login_200",) if renewed else ()
    requests, checked = drive(channel.check(connection), health, *between, "settings_200")
    assert checked.tokens == {"login": RENEWED if renewed else TOKEN}
    assert [one.url for one in requests if "login" in one.url] == [
        f"{BASE}/v1/users/login" for _ in between
    ]


def test_conformance_01_twenty_sends_at_a_time_use_the_one_login(channel, connection, part):
    sending = [channel.send(part(f"Text {number}"), connection) for number in range(20)]
    asked = [next(exchange) for exchange in sending]
    assert {one.url for one in asked} == {f"{BASE}/v1/messages"}
    assert {bearer(one) for one in asked} == {TOKEN}


# --- 2: a login that ended -------------------------------------------------------------------


def test_conformance_02_a_refused_token_is_replaced_and_the_message_repeated_once(
    channel, connection, drive, part
):
    answers = ("error_1005_401", "login_200", "sent_200")
    requests, accepted = drive(channel.send(part(), connection), *answers)
    assert [one.url.rpartition("/v1/")[2] for one in requests] == [
        "messages",
        "users/login",
        "messages",
    ]
    assert requests[0].body == requests[2].body
    assert (bearer(requests[0]), bearer(requests[2])) == (TOKEN, RENEWED)
    assert accepted.external_id == "gBGGTESTOUT0001"
    assert accepted.renewed.tokens == {"login": RENEWED}
    assert accepted.renewed.facts["login_ends_at"].startswith("2026-")


def test_conformance_02_a_second_refusal_stops_the_channel(channel, connection, drive, part):
    answers = ("error_1005_401", "login_200", "error_1005_401")
    with pytest.raises(AuthFailed):
        drive(channel.send(part(), connection), *answers)


@pytest.mark.parametrize(
    ("mode", "header", "value"),
    [("bearer", "authorization", "Bearer gw-t0ken"), ("header", "D360-API-KEY", "gw-t0ken")],
)
def test_conformance_02_a_gateways_token_that_is_refused_leads_to_no_login(
    channel, connect, drive, part, mode, header, value
):
    gateway = connect(auth_mode=mode, api_token="gw-t0ken", tokens={})
    exchange = channel.send(part(), gateway)
    assert next(exchange).headers[header] == value
    with pytest.raises(AuthFailed):
        drive(channel.send(part(), gateway), "error_1005_401")


# --- 3: health -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code", "ok"),
    [
        ("health_200", "health", True),
        ("health_nodes_200", "health", True),
        (b'{"health":{"gateway_status":"connecting"}}', "health", True),
        (b'{"health":{"gateway_status":"disconnected"}}', "health", False),
        (b'{"health":{"gateway_status":"unregistered"}}', "registration", False),
        (b'{"health":{"h:1":{"gateway_status":"unregistered"}}}', "registration", False),
        (b'{"health":{}}', "health", False),
        (404, "health", True),
    ],
)
def test_conformance_03_the_health_of_the_client_is_the_channels(
    channel, connection, drive, answer, said, code, ok
):
    health = answer(200, said) if isinstance(said, bytes) else answer(said)
    _, checked = drive(channel.check(connection), health, "settings_200")
    assert codes(checked) == {code: ok, "webhook": True}
    assert checked.ok is ok
    assert all(finding.ok or finding.fix for finding in checked.findings)


def test_conformance_03_a_client_that_is_connecting_is_a_warning(
    channel, connection, drive, answer
):
    health = answer(200, b'{"health":{"gateway_status":"connecting"}}')
    _, checked = drive(channel.check(connection), health, "settings_200")
    assert checked.findings[0].fix


def test_conformance_03_a_client_out_of_reach_is_no_wrong_channel(channel, connection):
    exchange = channel.check(connection)
    next(exchange)
    with pytest.raises(Transient):
        exchange.throw(Transient("wa.example.org cannot be reached: the encryption failed."))


# --- 4: certificates ---------------------------------------------------------------------------


def test_conformance_04_the_entered_certificate_is_trusted_by_every_request(
    channel, connect, drive, answer, part, pem
):
    trusting = connect(ca_certificate=pem, tokens={})
    answers = ("login_200", "uploaded_200", "sent_200")
    requests, _ = drive(channel.send(part(PICTURE), trusting), *answers)
    assert {one.trust for one in requests} == {pem.strip()}
    assert next(channel.send(part(), connect())).trust == ""


@pytest.mark.parametrize(
    "settings", [{"verify_tls": False}, {"ca_certificate": "-----BEGIN CERTIFICATE-----\nnone"}]
)
def test_conformance_04_trust_cannot_be_switched_off(connect, settings):
    with pytest.raises(ValidationError):
        connect(**settings)


def test_conformance_04_a_client_that_signed_itself_is_believed_only_once_it_was_entered(
    connect, channel, serve, certificate, pem
):
    def handle(peer):
        while True:
            peer.request()
            peer.answer(b'{"health":{"gateway_status":"connected"}}')

    base = serve(handle, tls=certificate[0]).url(host="hub.test").rstrip("/")
    transport = HttpTransport(Guard(LOOPBACK, lookup=_here))
    refused = carried(channel.check(connect(api_base=base)), transport)
    assert isinstance(refused.error, NotSent)
    assert "certificate is not valid" in refused.error.detail
    trusted = carried(channel.check(connect(api_base=base, ca_certificate=pem)), transport)
    assert trusted.exchanges[0]["error"] is None
    transport.close()


def _here(host, port, **_):
    return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]


# --- 5: the webhook --------------------------------------------------------------------------


def test_conformance_05_our_webhook_is_entered_with_its_statuses(channel, connection, drive):
    answers = ("changed_200", "health_200", "settings_200")
    requests, checked = drive(channel.setup(connection), *answers)
    assert (requests[0].method, requests[0].url) == ("PATCH", f"{BASE}/v1/settings/application")
    assert body(requests[0]) == {
        "callback_persist": True,
        "webhooks": {
            "url": WEBHOOK,
            "max_concurrent_requests": 6,
            "message": {"sent": True, "delivered": True, "read": True},
        },
        "media": {
            "auto_download": ["image", "video", "voice", "audio", "sticker", "document"],
        },
    }
    assert checked.ok
    assert checked.facts["wa_id"] == "15550100100"


def test_conformance_05_an_older_client_is_told_in_its_own_words(channel, connection, drive):
    answers = ("error_1009_400", "changed_200", "health_200", "settings_200")
    requests, checked = drive(channel.setup(connection), *answers)
    again = body(requests[1])
    assert again["sent_status"] is True
    assert "message" not in again["webhooks"]
    assert checked.ok


def test_conformance_05_a_webhook_that_is_elsewhere_is_found(channel, connect, drive, answer):
    said = answer("settings_200").body.replace(b"hub.example.com", b"old.example.com")
    _, checked = drive(channel.check(connect()), "health_200", answer(200, said))
    assert codes(checked)["webhook"] is False
    assert "old.example.com" in checked.findings[-1].detail
    assert "/webhooks/" not in checked.findings[-1].detail


def test_conformance_05_a_user_without_rights_is_told_to_enter_it(
    channel, connection, drive, answer
):
    refused = (answer(403), answer(403))
    _, checked = drive(channel.setup(connection), *refused, "health_200", answer(403))
    assert checked.ok
    assert "enter the webhook's address" in checked.findings[-1].fix


# --- 7 and 8: what comes in --------------------------------------------------------------------


def test_conformance_07_one_malformed_item_harms_no_other(hear):
    events = hear("batch_broken")
    assert [type(event) for event in events] == [
        MessageReceived,
        Unreadable,
        MessageReceived,
        ReceiptReceived,
        ReceiptReceived,
    ]


def test_conformance_07_a_call_that_comes_twice_has_the_same_keys(hear):
    assert [event.key for event in hear("batch")] == [event.key for event in hear("batch")]
    assert len({event.key for event in hear("batch")}) == 5


@pytest.mark.parametrize(
    ("name", "kind", "mime_type"),
    [("voice", "voice", "audio/ogg"), ("audio", "audio", "audio/mpeg")],
)
def test_conformance_08_a_voice_note_is_a_kind_of_its_own(hear, name, kind, mime_type):
    (event,) = hear(f"message_{name}")
    assert event.content.type == kind
    assert event.content.media.mime_type == mime_type
    assert event.content.media.ref.startswith("11111111-aaaa")


def test_conformance_08_a_file_that_the_client_did_not_get_keeps_its_place(hear):
    (event,) = hear("message_image_without_id")
    assert event.content == Attachment(
        type="image", media=Media(mime_type="image/jpeg"), caption="my receipt"
    )


@pytest.mark.parametrize(
    ("name", "content", "quotes"),
    [
        ("unknown", UnsupportedContent(provider_type="unknown"), None),
        ("button", Choice(id="STOP_PAYLOAD", title="Stop"), "gBGGTESTOUT0003"),
        ("button_reply", Choice(id="yes", title="Yes"), "gBGGTESTOUT0002"),
        ("list_reply", Choice(id="slot-2", title="10:00"), None),
        ("text", Text(text="Is it open today?"), None),
    ],
)
def test_conformance_08_what_people_say_and_pick_is_read(hear, name, content, quotes):
    (event,) = hear(f"message_{name}")
    assert (event.content, event.reply_to_external_id) == (content, quotes)
    assert (event.sender.address, event.sender.name) == (ANN, "Ann Test")


def test_conformance_08_who_has_another_number_goes_on_there(hear):
    (event,) = hear("message_changed_number")
    assert isinstance(event, AddressChanged)
    assert (event.address, event.moved_to) == (ANN, "+15550100177")


def test_conformance_08_other_news_of_a_contact_are_noted(hear):
    (event,) = hear("message_changed_identity")
    assert isinstance(event, Ignored)
    assert "user_identity_changed" in event.reason


# --- 9 and 10: files -----------------------------------------------------------------------------


def test_conformance_09_a_file_is_fetched_by_its_id_as_who_we_are(
    channel, connection, drive, answer
):
    picture = answer(200, b"a picture", content_type="image/jpeg; q=1")
    (request,), file = drive(channel.fetch_media("1111/../x", connection), picture)
    assert request.url == f"{BASE}/v1/media/1111%2F..%2Fx"
    assert bearer(request) == TOKEN
    assert (file.body, file.mime_type) == (b"a picture", "image/jpeg")


def test_conformance_09_a_file_that_is_gone_is_lost_for_good(channel, connection, drive):
    with pytest.raises(Permanent) as lost:
        drive(channel.fetch_media("1111", connection), "error_1006_404")
    assert lost.value.code == "media_lost"


def test_conformance_09_a_file_is_read_up_to_the_largest_that_whatsapp_carries(channel, connection):
    request = next(channel.fetch_media("1111", connection))
    assert request.max_answer == 100 << 20
    assert request.safe


@pytest.mark.parametrize(
    ("kind", "mime_type", "told"),
    [
        ("image", "image/jpeg", "image/jpeg"),
        ("voice", "audio/ogg", "audio/ogg; codecs=opus"),
        ("document", "application/pdf", "application/pdf"),
    ],
)
def test_conformance_10_a_file_goes_up_as_its_bytes_are(
    channel, connection, drive, part, kind, mime_type, told
):
    media = Media(id="m1", mime_type=mime_type, filename="file", size=1000)
    content = Attachment(type=kind, media=media)
    requests, _ = drive(channel.send(part(content), connection), "uploaded_200", "sent_200")
    assert (requests[0].method, requests[0].url) == ("POST", f"{BASE}/v1/media")
    assert requests[0].headers["content-type"] == told
    assert requests[0].body.media == media
    said = body(requests[1])
    assert said[said["type"]]["id"] == "22222222-aaaa-4bbb-8ccc-000000000001"


def test_conformance_10_each_message_brings_its_own_file_so_no_id_is_stale(
    channel, connection, drive, part
):
    for _ in range(2):
        answers = ("uploaded_200", "sent_200")
        requests, _ = drive(channel.send(part(PICTURE), connection), *answers)
        assert requests[0].url == f"{BASE}/v1/media"


# --- 11: what is sent --------------------------------------------------------------------------


def test_conformance_11_a_preview_is_asked_for_beside_the_text(channel, connection, drive, part):
    exchange = channel.send(part("See https://example.org"), connection)
    (request,), _ = drive(exchange, "sent_200")
    assert body(request) == {
        "to": "15550100199",
        "recipient_type": "individual",
        "preview_url": True,
        "type": "text",
        "text": {"body": "See https://example.org"},
    }


def test_conformance_11_a_template_names_its_namespace_and_language(
    channel, connection, drive, part
):
    template = Template(name="order_ok", language="en_US", parameters={"1": "Ann"})
    (request,), _ = drive(channel.send(part(template), connection), "sent_200")
    assert body(request)["template"] == {
        "namespace": NAMESPACE,
        "name": "order_ok",
        "language": {"policy": "deterministic", "code": "en_US"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ann"}]}],
    }


def test_conformance_11_without_a_namespace_no_template_leaves(channel, connect, part):
    template = Template(name="order_ok", language="en_US")
    with pytest.raises(Permanent) as refused:
        next(channel.send(part(template), connect(namespace="")))
    assert refused.value.code == "no_namespace"


# --- 12: who is on WhatsApp ----------------------------------------------------------------------


def test_conformance_12_an_unknown_number_is_looked_up_and_written_to_as_it_is_known(
    channel, connection, drive, part
):
    answers = ("error_1006_404", "contact_valid_200", "sent_200")
    dialled = part(address="+5511987650000")
    requests, accepted = drive(channel.send(dialled, connection), *answers)
    assert body(requests[1]) == {
        "blocking": "wait",
        "contacts": ["+5511987650000"],
        "force_check": True,
    }
    assert (requests[1].method, requests[1].safe) == ("POST", True)
    assert body(requests[2])["to"] == "551187650000"
    assert accepted.address == "+15550100199"  # what the answer to the message says counts


def test_conformance_12_the_number_that_was_found_is_kept(channel, connection, drive, answer, part):
    bare = answer(200, b'{"messages":[{"id":"gBGG1"}]}')
    answers = ("error_1006_404", "contact_valid_200", bare)
    _, accepted = drive(channel.send(part(address="+5511987650000"), connection), *answers)
    assert accepted.address == "+551187650000"


def test_conformance_12_a_number_that_is_not_on_whatsapp_ends_there(
    channel, connection, drive, part
):
    with pytest.raises(RecipientGone):
        drive(channel.send(part(), connection), "error_1006_404", "contact_invalid_200")


def test_conformance_12_a_second_time_unknown_is_no_loop(channel, connection, drive, part):
    answers = ("error_1006_404", "contact_valid_200", "error_1006_404")
    with pytest.raises(Permanent):
        drive(channel.send(part(), connection), *answers)


def test_conformance_12_where_wanted_a_number_is_looked_up_before(channel, connect, drive, part):
    exchange = channel.send(part(), connect(check_contacts="always"))
    requests, _ = drive(exchange, "contact_valid_200", "sent_200")
    assert body(requests[1])["to"] == "551187650000"


def test_conformance_12_where_not_wanted_none_is(channel, connect, drive, part):
    with pytest.raises(Permanent):
        drive(channel.send(part(), connect(check_contacts="never")), "error_1006_404")


def test_conformance_12_a_number_that_is_still_looked_up_is_tried_later(
    channel, connection, drive, part
):
    with pytest.raises(Transient):
        drive(channel.send(part(), connection), "error_1006_404", "contact_processing_200")


# --- 13 and 14: refusals -------------------------------------------------------------------------


def test_conformance_13_a_closed_window_is_known_in_a_status_and_in_an_answer(
    channel, connection, drive, hear, part
):
    (receipt,) = hear("status_failed_470")
    assert (receipt.fault.code, receipt.fault.provider_code) == ("window_closed", "470")
    with pytest.raises(WindowClosed):
        drive(channel.send(part(), connection), "error_470_400")


@pytest.mark.parametrize(
    ("name", "held", "seconds"),
    [
        ("error_471_400", "bulk", 86_400),
        ("error_1015_429", "channel", 2),
        ("error_1016_503", "channel", 45),
    ],
)
def test_conformance_13_what_is_too_fast_waits_and_what_is_spam_pauses_bulk_only(
    channel, connection, drive, part, name, held, seconds
):
    with pytest.raises(RateLimited) as limited:
        drive(channel.send(part(), connection), name)
    assert (limited.value.whole_channel, limited.value.bulk_only) == (
        held == "channel",
        held == "bulk",
    )
    assert limited.value.retry_after.total_seconds() == seconds


@pytest.mark.parametrize(
    ("said", "error", "code"),
    [
        ("error_1010_200", Permanent, "bad_request"),
        ("cloud_error_400", WindowClosed, "window_closed"),
    ],
)
def test_conformance_14_errors_count_whatever_the_status_and_in_either_form(
    channel, connection, drive, part, said, error, code
):
    with pytest.raises(error) as refused:
        drive(channel.send(part(), connection), said)
    assert refused.value.code == code


#: By the fact sheet, "Errors".
CODES: list[tuple[tuple[int, ...], type[SendError], str]] = [
    ((400,), Permanent, "media_lost"),
    ((402,), AuthFailed, "billing"),
    ((408, 410), Permanent, "expired"),
    ((429,), RateLimited, "too_many_messages"),
    ((430, 432, 433), AuthFailed, "certificate"),
    ((470,), WindowClosed, "window_closed"),
    ((471,), RateLimited, "spam_rate_limit"),
    ((472,), Permanent, "experiment"),
    ((480,), Permanent, "identity_changed"),
    ((500, 1000, 1014, 1023), Transient, "provider_down"),
    ((1001,), Permanent, "too_long"),
    ((501, 1002, 1004, 1008, 1009, 1010, 1025), Permanent, "bad_request"),
    ((1005,), AuthFailed, "auth_failed"),
    ((1006,), Permanent, "not_found"),
    ((1007, 1013), RecipientGone, "not_on_whatsapp"),
    ((1011, 1017, 1018), Transient, "not_ready"),
    ((1015,), RateLimited, "rate_limited"),
    ((1016,), RateLimited, "overloaded"),
    ((1021,), Permanent, "to_self"),
    ((1022,), AuthFailed, "no_webhook"),
    ((1024,), AuthFailed, "password_change"),
    ((1026,), Permanent, "incapable"),
    ((1031,), AuthFailed, "account_restricted"),
    ((*range(2000, 2014), 2015, 2016), Permanent, "bad_template"),
]
EACH_CODE = [(code, kind, word) for codes, kind, word in CODES for code in codes]


@pytest.mark.parametrize(("code", "kind", "word"), EACH_CODE)
def test_conformance_14_each_error_code_has_its_class(answer, code, kind, word):
    said = json.dumps({"errors": [{"code": code, "title": "No"}]}).encode()
    error = faults.refusal(answer(400, said))
    assert error is not None
    assert (type(error), error.code, error.provider_code) == (kind, word, str(code))
    told = faults.fault([Error(code=code)])
    assert (told.code, told.retryable) == (word, kind.retryable)


def test_no_error_code_has_a_meaning_that_no_test_knows():
    assert {code for code, _, _ in EACH_CODE} == BY_CODE.keys()


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, Permanent, "rejected"),
        (401, AuthFailed, "auth_failed"),
        (403, AuthFailed, "no_permission"),
        (404, Permanent, "not_found"),
        (413, Permanent, "too_large"),
        (429, RateLimited, "rate_limited"),
        (500, Transient, "provider_down"),
    ],
)
def test_conformance_14_an_answer_that_is_none_of_the_clients_is_judged_by_its_status(
    answer, status, kind, word
):
    error = faults.refusal(answer(status, b"<html>No</html>"))
    assert error is not None
    assert (type(error), error.code) == (kind, word)


def test_conformance_14_an_answer_that_nobody_can_read_is_never_counted_as_sent(
    channel, connection, drive, answer, part
):
    with pytest.raises(OutcomeUnknown):
        drive(channel.send(part(), connection), answer(200, b"<html>It works!</html>"))


# --- 15: statuses --------------------------------------------------------------------------------


def test_conformance_15_statuses_are_receipts_and_a_deleted_message_stays_as_it_is(hear):
    states = [hear(f"status_{name}")[0].state for name in ("sent", "delivered", "read")]
    assert states == ["sent", "delivered", "read"]
    for name in ("deleted", "sending"):
        (event,) = hear(f"status_{name}")
        assert isinstance(event, Ignored)


def test_conformance_15_a_failure_without_a_reason_is_one(hear):
    (receipt,) = hear("status_failed_bare")
    assert receipt.fault.code == "undelivered"


# --- beside the cases ----------------------------------------------------------------------------


def test_what_is_removed_is_called_no_more_and_logged_out(channel, connection, drive):
    answers = ("settings_200", "changed_200", "changed_200")
    requests, _ = drive(channel.teardown(connection), *answers)
    assert body(requests[1]) == {"webhooks": {"url": ""}}
    assert requests[2].url == f"{BASE}/v1/users/logout"


def test_a_webhook_of_somebody_else_is_left_alone(channel, connection, drive, answer):
    said = answer("settings_200").body.replace(b"hub.example.com", b"new.example.com")
    requests, _ = drive(channel.teardown(connection), answer(200, said), "changed_200")
    assert [one.method for one in requests] == ["GET", "POST"]


def test_our_number_is_known_once_a_check_has_learnt_it(channel, connect):
    assert channel.sender(connect()) is None
    assert channel.sender(connect(facts={"wa_id": "15550100100"})) == "+15550100100"


def test_a_password_is_in_no_request_but_the_login(channel, connect, part):
    login = next(channel.send(part(), connect(tokens={})))
    assert USERNAME not in repr(login)
    assert PASSWORD not in repr(login)


# --- signs ---------------------------------------------------------------------------------


def test_a_message_is_marked_read_and_a_token_that_has_ended_replaced(channel, connection, drive):
    requests, _ = drive(
        channel.mark_read(ANN, "ABGG/1", connection),
        *("error_1005_401", "login_200", "changed_200"),
    )
    assert (requests[0].method, requests[0].url) == ("PUT", f"{BASE}/v1/messages/ABGG%2F1")
    assert [body(requests[0]), body(requests[2])] == [{"status": "read"}] * 2
    with pytest.raises(Permanent):
        drive(channel.mark_read(ANN, "ABGG1", connection), "error_1008_400")
