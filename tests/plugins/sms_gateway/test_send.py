"""Requests, byte for byte, and what their answers mean."""

import json
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from hubbub.sdk import (
    Accepted,
    Attachment,
    AuthFailed,
    Choices,
    Draft,
    Media,
    Option,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Reaction,
    RecipientGone,
    SendError,
    Text,
    Transient,
    Unsupported,
)
from tests.plugins.sms_gateway.conftest import NEEDED, OWN, WEBHOOK

STATUS_URL = f"{WEBHOOK}?hubbub_ref=r1&token={OWN}"
KANNEL_STATUS_URL = f"{STATUS_URL}&status=%d&ans=%A&foreign=%F&ts=%T&smsc=%i"
#: What each gateway says when it takes a message.
TAKEN = {
    "kannel": (202, "0: Accepted for delivery"),
    "kannel_query": (202, "0: Accepted for delivery"),
    "jasmin": (200, 'Success "9f2c5f6e"'),
    "playsms": (200, '{"data":[{"status":"OK","error":"0","smslog_id":"30"}]}'),
    "android_smsgate": (202, '{"id":"r1","state":"Pending","recipients":[]}'),
    "httpsms": (200, '{"status":"success","data":{"id":"h-9"}}'),
    "textbee": (201, '{"data":{"success":true,"smsBatchId":"b-9"}}'),
    "custom": (200, "whatever"),
}


@pytest.fixture
def send(channel, connect, drive, answer, part):
    """Send a text through a preset; return the one request and what it came to."""

    def sent(preset="kannel", text="Ready at 5", reply=None, *, address="+15005550006", **given):
        via = connect(preset, **given)
        exchange = channel.send(part(text, address=address), via)
        (request,), accepted = drive(exchange, answer(*(reply or TAKEN[preset])))
        return request, accepted

    return sent


def query(request):
    return parse_qsl(request.url.partition("?")[2], keep_blank_values=True)


# --- requests ------------------------------------------------------------------------------


def test_kannel_gets_everything_in_headers(send):
    request, _ = send("kannel", "Ready at 5 & +\n😀")
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:13013/cgi-bin/sendsms")
    assert request.headers == {
        "content-type": "text/plain; charset=utf-8",
        "x-kannel-username": "u",
        "x-kannel-password": "pw-canary",
        "x-kannel-from": "+15550101",
        "x-kannel-to": "+15005550006",
        "x-kannel-coding": "2",
        "x-kannel-dlr-mask": "31",
        "x-kannel-dlr-url": KANNEL_STATUS_URL,
    }
    assert request.body == "Ready at 5 & +\n😀".encode()


def test_kannel_can_get_everything_in_the_address(send):
    request, _ = send("kannel_query", "Ready & +")
    assert request.method == "GET"
    assert request.body == b""
    assert "to=%2B15005550006" in request.url
    assert query(request) == [
        ("username", "u"),
        ("password", "pw-canary"),
        ("from", "+15550101"),
        ("to", "+15005550006"),
        ("text", "Ready & +"),
        ("charset", "UTF-8"),
        ("coding", "0"),
        ("dlr-mask", "31"),
        ("dlr-url", KANNEL_STATUS_URL),
    ]


@pytest.mark.parametrize(("text", "coding"), [("Ready [5€]", "0"), ("Готово", "2"), ("`", "2")])
def test_conformance_8_the_alphabet_is_told(send, text, coding):
    request, _ = send("kannel", text)
    assert request.headers["x-kannel-coding"] == coding
    assert request.headers["content-type"].endswith("charset=utf-8")
    request, _ = send("kannel_query", text)
    assert dict(query(request))["coding"] == coding
    assert dict(query(request))["charset"] == "UTF-8"


def test_jasmin_gets_a_form(send):
    request, accepted = send("jasmin")
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:1401/send")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(request.body.decode()) == [
        ("username", "u"),
        ("password", "pw-canary"),
        ("to", "+15005550006"),
        ("from", "Acme"),
        ("coding", "0"),
        ("dlr", "yes"),
        ("dlr-level", "3"),
        ("dlr-method", "POST"),
        ("dlr-url", STATUS_URL),
        ("content", "Ready at 5"),
    ]
    assert accepted.external_id == "9f2c5f6e"


def test_jasmin_gets_other_alphabets_in_hex(send):
    request, _ = send("jasmin", "Да😀")
    form = dict(parse_qsl(request.body.decode()))
    assert (form["coding"], form["hex-content"]) == ("8", "04140430d83dde00")
    assert "content" not in form


def test_playsms_gets_everything_in_the_address(send):
    request, accepted = send("playsms", "Да")
    assert request.url.startswith("http://127.0.0.1/index.php?app=ws&")
    assert query(request) == [
        ("app", "ws"),
        ("u", "u"),
        ("h", "tok-canary"),
        ("op", "pv"),
        ("to", "+15005550006"),
        ("msg", "Да"),
        ("unicode", "1"),
    ]
    assert accepted.external_id == "30"


def test_android_gets_json_with_our_id(send):
    request, accepted = send("android_smsgate", 'Say "hi"')
    assert request.url == "http://phone.example:8080/messages"
    assert request.headers["authorization"] == "Basic dTpwdy1jYW5hcnk="
    assert json.loads(request.body) == {
        "id": "r1",
        "textMessage": {"text": 'Say "hi"'},
        "phoneNumbers": ["+15005550006"],
        "withDeliveryReport": True,
    }
    assert accepted.external_id == "r1"


def test_httpsms_gets_json(send):
    request, accepted = send("httpsms")
    assert request.url == "https://api.httpsms.com/v1/messages/send"
    assert request.headers["x-api-key"] == "tok-canary"
    assert json.loads(request.body) == {
        "from": "+447700900999",
        "to": "+15005550006",
        "content": "Ready at 5",
        "request_id": "r1",
    }
    assert accepted.external_id == "h-9"


def test_textbee_gets_json_at_its_device(send):
    request, accepted = send("textbee")
    assert request.url == "https://api.textbee.dev/api/v1/gateway/devices/dev%2F1/send-sms"
    assert request.headers["x-api-key"] == "tok-canary"
    assert json.loads(request.body) == {"recipients": ["+15005550006"], "message": "Ready at 5"}
    assert accepted.external_id == "b-9"


def test_a_gateway_of_any_kind_is_described_by_templates(send):
    request, accepted = send(
        "custom",
        "Ready & waiting",
        (200, '<r code="0"><id>x-1</id></r>'),
        api_base="https://gate.example/",
        token="tok-canary",
        from_number="Acme",
        send_url="{base}/v2/{to_digits}?cb={status_url}",
        send_headers="X-Kind: sms\nX-From: {from|raw}",
        send_content_type="xml",
        send_body='<sms to="{to_national}">{text}</sms>',
        auth="bearer",
        ok_body='code="0"',
        id_from="regex:<id>([^<]+)</id>",
    )
    assert request.method == "POST"
    assert request.url.startswith("https://gate.example/v2/15005550006?cb=https%3A%2F%2Fhub.")
    assert dict(request.headers) == {
        "content-type": "text/xml; charset=utf-8",
        "x-kind": "sms",
        "x-from": "Acme",
        "authorization": "Bearer tok-canary",
    }
    assert request.body == b'<sms to="5005550006">Ready &amp; waiting</sms>'
    assert accepted.external_id == "x-1"


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        ({"auth": "basic", "username": "u", "password": "p"}, ("authorization", "Basic dTpw")),
        ({"auth": "bearer", "token": "t"}, ("authorization", "Bearer t")),
        ({"auth": "header", "auth_name": "X-Key", "token": "t"}, ("x-key", "t")),
    ],
)
def test_we_prove_ourselves_in_a_header(send, auth, shown):
    request, _ = send("custom", **auth)
    assert shown in request.headers.items()


def test_we_prove_ourselves_in_the_address(send):
    request, _ = send("custom", auth="query", auth_name="key", token="t&t")
    assert ("key", "t&t") in query(request)


@pytest.mark.parametrize(
    ("form", "to"),
    [("e164", "+15005550006"), ("digits", "15005550006"), ("national", "5005550006")],
)
def test_numbers_are_written_as_the_gateway_wants_them(send, form, to):
    request, _ = send("custom", number_format_out=form)
    assert dict(query(request))["to"] == to


def test_short_codes_are_written_as_they_are(send):
    request, _ = send("kannel", address="12345")
    assert request.headers["x-kannel-to"] == "12345"


def test_a_gateway_may_choose_the_alphabet_itself(send):
    request, _ = send("kannel", "Да", alphabet="gateway_decides")
    assert "x-kannel-coding" not in request.headers


def test_a_gateway_without_other_alphabets_gets_look_alikes_or_nothing(send):
    request, _ = send("kannel", "café “ô”", alphabet="gsm_only")
    assert request.body.decode() == 'café "o"'
    with pytest.raises(Unsupported, match="alphabet"):
        send("kannel", "Да", alphabet="gsm_only")


def test_smart_encoding_is_a_choice(send):
    assert send("kannel", "“Hi”")[0].headers["x-kannel-coding"] == "2"
    request, _ = send("kannel", "“Hi”", smart_encoding=True)
    assert (request.headers["x-kannel-coding"], request.body) == ("0", b'"Hi"')


def test_accents_typed_apart_are_composed(send):
    assert send("kannel", "cafe\u0301")[0].body == "café".encode()


def test_a_hub_without_public_address_asks_for_no_report(channel, connect, drive, answer, part):
    exchange = channel.send(part(), connect("kannel", webhook_url=""))
    (request,), _ = drive(exchange, answer(*TAKEN["kannel"]))
    assert "x-kannel-dlr-url" not in request.headers


def test_answers_are_capped_and_in_time(send):
    request, _ = send("kannel", timeout_s=3)
    assert (request.max_answer, request.timeout) == (65536, timedelta(seconds=3))
    assert send("kannel")[0].timeout == timedelta(seconds=15)


def test_no_text_becomes_a_header(send):
    with pytest.raises(Unsupported, match="line break"):
        send("custom", "a\r\nb", send_headers="X-Text: {text|raw}")


# --- parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("letter", "room"), [("a", 1530), ("я", 670), ("€", 760)])
def test_what_kannel_would_drop_becomes_another_message(channel, connect, part, letter, room):
    draft = Draft(content=Text(text=letter * (room + 1)))
    pieces = channel.render(draft, part(), connect())
    assert [len(piece.content.text) for piece in pieces] == [room, 1]


def test_words_are_not_cut(channel, connect, part):
    words = "слово " * 30
    pieces = channel.render(Draft(content=Text(text=words)), part(), connect(max_parts=2))
    assert " ".join(piece.content.text for piece in pieces).split() == words.split()
    assert len(pieces) == 2


def test_attachments_are_links_and_options_are_numbered(channel, connect, part):
    picture = Attachment(type="image", media=Media(url="https://s.example/a.png"), caption="Blue")
    (piece,) = channel.render(Draft(content=picture), part(), connect())
    assert piece.content.text == "Blue\nhttps://s.example/a.png"
    menu = Choices(text="When?", options=(Option(id="a", title="Today"),))
    (piece,) = channel.render(Draft(content=menu), part(), connect())
    assert piece.content.text == "When?\n\n1. Today"


def test_what_sms_cannot_say_is_refused(channel, connect, part):
    with pytest.raises(Unsupported, match="reaction"):
        next(channel.send(part(Reaction(emoji="👍", target_external_id="x")), connect()))


# --- answers -------------------------------------------------------------------------------


def test_kannel_names_no_id_so_ours_counts(send):
    _, accepted = send("kannel")
    assert accepted == Accepted(external_id="r1", note="about 1 segment; 0: Accepted for delivery")


def test_kannel_queueing_for_later_is_told(send):
    _, accepted = send("kannel", "a" * 161, (202, "3: Queued for later delivery"))
    assert accepted.note == "about 2 segments; 3: Queued for later delivery"


def test_another_number_from_kannel_is_accepted_and_told(send):
    assert "4: Something" in send("kannel", reply=(202, "4: Something"))[1].note


def test_conformance_11_an_id_that_android_knows_already_is_success(send):
    _, accepted = send("android_smsgate", reply=(409, '{"message":"exists"}'))
    assert accepted.external_id == "r1"


ANSWERS = [
    ("kannel", 400, "Missing receiver number, rejected", Permanent, "bad_request"),
    ("kannel", 400, "Sender missing and no global set, rejected", Permanent, "bad_request"),
    ("kannel", 400, "DLR-Mask field misformed, rejected", Permanent, "bad_request"),
    (
        "kannel",
        400,
        "Number(s) has/have been denied by white- and/or black-lists.",
        Permanent,
        "bad_address",
    ),
    ("kannel", 403, "Authorization failed for sendsms", AuthFailed, "auth_failed"),
    ("kannel", 403, "Not routable. Do not try again.", Permanent, "no_route"),
    ("kannel", 404, "Unknown request.", AuthFailed, "wrong_address"),
    ("kannel", 503, "Temporal failure, try again later.", Transient, "gateway_busy"),
    ("kannel", 202, "<html>Log in</html>", OutcomeUnknown, "outcome_unknown"),
    ("kannel", 202, "", OutcomeUnknown, "outcome_unknown"),
    ("kannel", 301, "", OutcomeUnknown, "outcome_unknown"),
    ("jasmin", 400, 'Error "Argument [to] has an invalid value"', Permanent, "bad_request"),
    ("jasmin", 403, 'Error "Authentication failure for username:u"', AuthFailed, "auth_failed"),
    ("jasmin", 403, 'Error "Cannot charge: not enough credit"', AuthFailed, "no_credit"),
    ("jasmin", 412, 'Error "No route found"', Permanent, "no_route"),
    ("jasmin", 500, 'Error "Cannot send"', Transient, "gateway_busy"),
    ("jasmin", 200, 'Error "Whatever"', Permanent, "rejected"),
    ("playsms", 200, '{"status":"ERR","error":"100"}', AuthFailed, "auth_failed"),
    ("playsms", 200, '{"status":"ERR","error":"102"}', Permanent, "bad_request"),
    ("playsms", 200, '{"status":"ERR","error":"103"}', AuthFailed, "no_credit"),
    ("playsms", 200, '{"status":"ERR","error":"106"}', AuthFailed, "auth_failed"),
    ("playsms", 200, '{"status":"ERR","error":"200"}', Permanent, "rejected"),
    ("playsms", 200, '{"status":"ERR","error":"201"}', Permanent, "bad_request"),
    ("android_smsgate", 400, '{"message":"bad"}', Permanent, "rejected"),
    ("android_smsgate", 401, "", AuthFailed, "auth_failed"),
    ("android_smsgate", 202, "{}", OutcomeUnknown, "outcome_unknown"),
    ("android_smsgate", 202, "[" * 100_000, OutcomeUnknown, "outcome_unknown"),
    ("httpsms", 400, "{}", Permanent, "bad_request"),
    ("httpsms", 401, "{}", AuthFailed, "auth_failed"),
    ("httpsms", 422, "{}", Permanent, "bad_request"),
    ("httpsms", 500, "{}", Transient, "gateway_busy"),
    ("textbee", 429, "{}", RateLimited, "rate_limited"),
    ("textbee", 402, "{}", AuthFailed, "no_credit"),
]


@pytest.mark.parametrize(("preset", "status", "body", "kind", "code"), ANSWERS)
def test_answers_become_errors(send, preset, status, body, kind, code):
    with pytest.raises(SendError) as caught:
        send(preset, reply=(status, body))
    assert (type(caught.value), caught.value.code) == (kind, code)
    if not isinstance(caught.value, OutcomeUnknown):
        assert caught.value.provider_code == str(status)
        assert caught.value.detail.endswith(".")


def test_conformance_2_a_success_with_an_error_text_is_what_the_rules_say(send):
    with pytest.raises(RecipientGone) as caught:
        send(
            "custom",
            reply=(200, "ERR 13 number does not exist"),
            ok_body="^OK",
            error_map="200 no credit -> credit\n* number does not exist -> gone",
        )
    assert caught.value.detail == (
        "The gateway: ERR 13 number does not exist. The number cannot be reached."
    )
    with pytest.raises(Permanent, match="does not accept it: ERR 1"):
        send("custom", reply=(200, "ERR 1"), ok_body="^OK")


def test_conformance_9_only_credentials_stop_the_channel(send):
    with pytest.raises(AuthFailed):
        send("kannel", reply=(403, "Authorization failed for sendsms"))
    with pytest.raises(Permanent) as caught:
        send("kannel", reply=(403, "Not routable. Do not try again."))
    assert not isinstance(caught.value, AuthFailed)


@pytest.mark.parametrize(
    ("told", "pause"), [("7", 7), ("", 30), ("soon", 30), ("0", 30), ("999999", 3600)]
)
def test_a_pause_is_as_long_as_the_gateway_says(channel, connect, drive, answer, part, told, pause):
    exchange = channel.send(part(), connect())
    with pytest.raises(RateLimited) as caught:
        drive(exchange, answer(429, "slow", retry_after=told))
    assert caught.value.retry_after == timedelta(seconds=pause)
    assert caught.value.whole_channel


@pytest.mark.parametrize(
    ("id_from", "found"),
    [
        ("header:X-Id", "h1"),
        ("regex:id=(\\w+)", "a1"),
        ("none", "r1"),
    ],
)
def test_the_id_stands_where_the_settings_say(
    channel, connect, drive, answer, part, id_from, found
):
    exchange = channel.send(part(), connect("custom", id_from=id_from))
    _, accepted = drive(exchange, answer(200, "id=a1", x_id="h1"))
    assert accepted.external_id == found


def test_an_answer_without_its_id_leaves_the_outcome_unknown(send):
    with pytest.raises(OutcomeUnknown, match="names no id"):
        send("custom", reply=(200, "{}"), id_from="json:/data/0/id")


def test_only_what_knows_our_id_may_be_sent_again(channel, connect, drive, part):
    assert drive(channel.find(part(), connect("android_smsgate"))) == ([], None)
    with pytest.raises(OutcomeUnknown, match="Kannel cannot be asked"):
        drive(channel.find(part(), connect("kannel")))


@pytest.mark.parametrize("preset", NEEDED)
def test_no_secret_is_in_an_error(send, preset):
    with pytest.raises(SendError) as caught:
        send(preset, reply=(400, "no"))
    assert "canary" not in caught.value.detail
