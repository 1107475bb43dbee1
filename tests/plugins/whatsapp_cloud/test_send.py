"""The requests that send a part, and what their answers mean."""

import json
from datetime import timedelta
from typing import Any

import pytest

from hubbub.sdk import (
    Accepted,
    Attachment,
    AuthFailed,
    BadAddress,
    Card,
    Choices,
    Contacts,
    Draft,
    Email,
    File,
    Form,
    Location,
    MarketingRefused,
    Media,
    Multipart,
    Option,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Reaction,
    RecipientGone,
    Template,
    TemplateRefused,
    Text,
    Transient,
    Unsupported,
    WindowClosed,
)
from hubbub.sdk.whatsapp.meanings import BY_CODE
from tests.plugins.whatsapp_cloud.conftest import ANN, ANNS_ID, GRAPH, NUMBER_ID, REFERENCE, TOKEN

URL = f"{GRAPH}/{NUMBER_ID}/messages"
COMMON = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "15550100199",
    "biz_opaque_callback_data": REFERENCE,
}
PICTURE = Media(url="https://files.example.org/a.jpg", mime_type="image/jpeg")
STORED = Media(id="0123456789", mime_type="image/png", filename="plan.png", size=7)
YES_NO = Choices(
    text="Choose", options=(Option(id="yes", title="Yes"), Option(id="no", title="No"))
)


def options(*titles, description=None):
    made = (
        Option(id=f"i{number}", title=title, description=description)
        for number, title in enumerate(titles)
    )
    return Choices(text="Pick a slot", options=tuple(made))


@pytest.fixture
def send(channel, connection, drive, answer, part):
    """Send a part and return the bodies that were posted and the result."""

    def run(what="Ready at 5", *answers, via=connection, **more):
        answers = answers or ("sent_200.json",)
        replies = [answer(item) if isinstance(item, str | int) else item for item in answers]
        requests, result = drive(channel.send(part(what, **more), via), *replies)
        assert requests[-1].url == URL
        return json.loads(requests[-1].body), result

    return run


@pytest.fixture
def refused(channel, connection, answer, part):
    """Return the error that an answer to a send stands for."""

    def run(status, code=None, *, subcode=None, body=None, **headers):
        error = {"message": "Words that change", "code": code, "error_subcode": subcode}
        body = json.dumps({"error": error}).encode() if body is None else body
        exchange = channel.send(part(), connection)
        next(exchange)
        with pytest.raises(Exception) as caught:  # noqa: PT011  # the caller looks at it
            exchange.send(answer(status, body, **headers))
        return caught.value

    return run


# --- requests ------------------------------------------------------------------------------


def test_conformance_09_a_text_is_one_request(channel, connection, drive, answer, part):
    (request,), accepted = drive(channel.send(part(), connection), answer("sent_200.json"))
    assert (request.method, request.url, request.safe) == ("POST", URL, False)
    assert request.headers == {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
    }
    assert request.body == (
        b'{"messaging_product":"whatsapp","recipient_type":"individual","to":"15550100199",'
        b'"type":"text","text":{"body":"Ready at 5"},'
        b'"biz_opaque_callback_data":"dddddddddddddddddddddddddd"}'
    )
    assert accepted == Accepted(external_id="wamid.OUT0001")


SAID: dict[str, tuple[Any, dict[str, Any]]] = {
    "a text with a link": (
        Text(text="See https://example.org"),
        {"type": "text", "text": {"preview_url": True, "body": "See https://example.org"}},
    ),
    "a picture by link": (
        Attachment(type="image", media=PICTURE, caption="The plan"),
        {"type": "image", "image": {"link": PICTURE.url, "caption": "The plan"}},
    ),
    "a document by link": (
        Attachment(type="document", media=Media(url="https://f.example/a", filename="a.pdf")),
        {"type": "document", "document": {"link": "https://f.example/a", "filename": "a.pdf"}},
    ),
    "a place": (
        Location(latitude=48.1, longitude=11.5, name="Test Cafe", address="Main St 1"),
        {
            "type": "location",
            "location": {
                "latitude": 48.1,
                "longitude": 11.5,
                "name": "Test Cafe",
                "address": "Main St 1",
            },
        },
    ),
    "a bare place": (
        Location(latitude=0, longitude=0),
        {"type": "location", "location": {"latitude": 0, "longitude": 0}},
    ),
    "contacts": (
        Contacts(contacts=(Card(name="Bob Test", phones=("+15550100111",), emails=("b@e.org",)),)),
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Bob Test", "first_name": "Bob"},
                    "phones": [{"phone": "+15550100111"}],
                    "emails": [{"email": "b@e.org"}],
                }
            ],
        },
    ),
    "a reaction": (
        Reaction(emoji="👍", target_external_id="wamid.IN0001"),
        {"type": "reaction", "reaction": {"message_id": "wamid.IN0001", "emoji": "👍"}},
    ),
    "a reaction taken back": (
        Reaction(emoji="", target_external_id="wamid.IN0001"),
        {"type": "reaction", "reaction": {"message_id": "wamid.IN0001", "emoji": ""}},
    ),
    "buttons": (
        YES_NO,
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "body": {"text": "Choose"},
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                        {"type": "reply", "reply": {"id": "no", "title": "No"}},
                    ]
                },
            },
        },
    ),
    "a list": (
        options("09:00", "10:00", description="Room 1"),
        {
            "type": "interactive",
            "interactive": {
                "type": "list",
                "body": {"text": "Pick a slot"},
                "action": {
                    "button": "☰",
                    "sections": [
                        {
                            "rows": [
                                {"id": "i0", "title": "09:00", "description": "Room 1"},
                                {"id": "i1", "title": "10:00", "description": "Room 1"},
                            ]
                        }
                    ],
                },
            },
        },
    ),
    "a template": (
        Template(name="hello", language="en_US"),
        {"type": "template", "template": {"name": "hello", "language": {"code": "en_US"}}},
    ),
}


@pytest.mark.parametrize("kind", SAID)
def test_conformance_09_each_type_is_the_documented_request(send, kind):
    content, said = SAID[kind]
    body, _ = send(content)
    assert body == COMMON | said


def test_conformance_06_a_user_id_is_the_recipient_and_there_is_no_to(send):
    body, accepted = send(address=ANNS_ID)
    assert body["recipient"] == ANNS_ID
    assert "to" not in body
    # Who hides their number will go on to write without it.
    assert accepted.address is None


def test_a_quotation_is_the_context_and_never_of_a_reaction(send):
    body, _ = send(reply_to_external_id="wamid.IN0001")
    assert body["context"] == {"message_id": "wamid.IN0001"}
    body, _ = send(SAID["a reaction"][0], reply_to_external_id="wamid.IN0001")
    assert "context" not in body


def test_another_version_and_base_can_be_used(channel, connect, part):
    via = connect(api_base="http://127.0.0.1:9000/graph/", graph_version="v26.0")
    request = next(channel.send(part(), via))
    assert request.url == f"http://127.0.0.1:9000/graph/v26.0/{NUMBER_ID}/messages"


# --- files ---------------------------------------------------------------------------------


def test_a_stored_file_is_uploaded_first(channel, connection, drive, answer, part):
    content = Attachment(type="image", media=STORED, caption="The plan")
    (upload, request), accepted = drive(
        channel.send(part(content), connection),
        answer("uploaded_200.json"),
        answer("sent_200.json"),
    )
    assert (upload.method, upload.url, upload.safe) == ("POST", f"{GRAPH}/{NUMBER_ID}/media", True)
    assert upload.headers == {"authorization": f"Bearer {TOKEN}"}
    assert upload.body == Multipart(
        (
            ("messaging_product", "whatsapp"),
            ("type", "image/png"),
            ("file", File(STORED, "plan.png")),
        )
    )
    image = {"id": "822000000000001", "caption": "The plan"}
    assert json.loads(request.body) == COMMON | {"type": "image", "image": image}
    assert accepted.external_id == "wamid.OUT0001"


def test_an_upload_that_is_refused_sends_nothing(channel, connection, answer, part):
    exchange = channel.send(part(Attachment(type="image", media=STORED)), connection)
    next(exchange)
    with pytest.raises(AuthFailed):
        exchange.send(answer("error_190_401.json"))


@pytest.mark.parametrize(
    ("kind", "media", "field", "extras"),
    [
        ("image", {"mime_type": "image/webp"}, "document", {"filename": "document.webp"}),
        (
            "image",
            {"mime_type": "image/jpeg", "size": 6 << 20},
            "document",
            {"filename": "document.jpg"},
        ),
        ("image", {}, "image", {}),
        ("voice", {"mime_type": "audio/ogg"}, "audio", {"voice": True}),
        ("voice", {"mime_type": "audio/mpeg"}, "audio", {}),
        ("audio", {"mime_type": "audio/aac"}, "audio", {}),
        ("audio", {"mime_type": "audio/wav"}, "document", {"filename": "document"}),
        ("video", {"mime_type": "video/mp4"}, "video", {}),
        ("video", {"mime_type": "video/webm"}, "document", {"filename": "document"}),
        ("sticker", {"mime_type": "image/webp"}, "sticker", {}),
        ("sticker", {"mime_type": "image/png"}, "image", {}),
        ("document", {"mime_type": "application/pdf"}, "document", {"filename": "document.pdf"}),
    ],
)
def test_a_file_that_does_not_fit_its_kind_goes_as_another(send, kind, media, field, extras):
    body, _ = send(Attachment(type=kind, media=Media(url="https://f.example/a", **media)))
    assert body["type"] == field
    assert body[field] == {"link": "https://f.example/a"} | extras


@pytest.mark.parametrize("media", [{"size": 101 << 20, "url": "https://f.example/a"}, {}])
def test_a_file_that_cannot_go_at_all_is_refused_before_any_request(
    channel, connection, part, media
):
    content = Attachment(type="document", media=Media(**media))
    with pytest.raises(Unsupported):
        next(channel.send(part(content), connection))


@pytest.mark.parametrize("content", [Form(fields={"a": "b"}), Email(subject="a", text="b")])
def test_what_whatsapp_cannot_say_is_unsupported(channel, connection, part, content):
    with pytest.raises(Unsupported):
        next(channel.send(part(content), connection))


# --- fitting -------------------------------------------------------------------------------


@pytest.fixture
def render(channel, connection, part):
    def run(content, **more):
        parts = channel.render(Draft(content=content, **more), part(), connection)
        return [piece.content for piece in parts]

    return run


def test_a_long_text_is_split_at_4096_characters(render):
    assert [len(piece.text) for piece in render(Text(text="w" * 5000))] == [4096, 904]


def test_a_long_caption_travels_as_a_text(render):
    file = Attachment(type="image", media=PICTURE, caption="w" * 1025)
    assert [content.type for content in render(file)] == ["image", "text"]


@pytest.mark.parametrize("name", ["", "  "])
def test_a_contact_without_a_name_is_called_by_its_number(send, name):
    body, _ = send(Contacts(contacts=(Card(name=name, phones=("+15550100111",), emails=()),)))
    (card,) = body["contacts"]
    assert card["name"] == {"formatted_name": "+15550100111", "first_name": "+15550100111"}


def test_a_contact_of_which_nothing_is_known_is_refused(channel, connection, part):
    nobody = Contacts(contacts=(Card(name=" ", phones=(), emails=()),))
    with pytest.raises(Unsupported):
        next(channel.send(part(nobody), connection))


@pytest.mark.parametrize("kind", ["audio", "voice", "sticker"])
def test_what_has_no_caption_is_followed_by_a_text(render, kind):
    file = Attachment(type=kind, media=PICTURE, caption="Listen")
    assert render(file) == [Attachment(type=kind, media=PICTURE), Text(text="Listen")]


def test_only_the_first_part_quotes(channel, connection, part):
    draft = Draft(content=Text(text="w" * 5000), reply_to_external_id="wamid.IN0001")
    parts = channel.render(draft, part(), connection)
    assert [piece.reply_to_external_id for piece in parts] == ["wamid.IN0001", None]


@pytest.mark.parametrize(
    ("choices", "kind"),
    [
        (options("a", "b", "c"), "button"),
        (options("a" * 20), "button"),
        (options("a", "b", "c", "d"), "list"),
        (options("a" * 21), "list"),
        (options("a", description="more"), "list"),
        (options(*"abcdefghij"), "list"),
    ],
)
def test_conformance_09_options_are_buttons_or_a_list(send, render, choices, kind):
    assert render(choices) == [choices]
    body, _ = send(choices)
    assert body["interactive"]["type"] == kind


@pytest.mark.parametrize(
    "choices", [options(*"abcdefghijk"), options("a" * 25), options("a", "a"), options("")]
)
def test_conformance_09_options_beyond_the_limits_are_a_numbered_menu(
    channel, connection, part, render, choices
):
    (menu,) = render(choices)
    assert menu.text.startswith("Pick a slot\n\n1. ")
    with pytest.raises(Unsupported):
        next(channel.send(part(choices), connection))


def test_a_long_question_goes_before_its_options(render):
    long = Choices(text="w" * 1025, options=YES_NO.options)
    assert [content.type for content in render(long)] == ["text", "choices"]


@pytest.mark.parametrize("ids", [("a" * 201, "b"), ("a", "a"), ("", "b")])
def test_ids_that_whatsapp_does_not_take_are_short_keys(send, ids):
    made = tuple(Option(id=key, title=f"T{n}") for n, key in enumerate(ids))
    body, _ = send(Choices(text="Choose", options=made))
    buttons = body["interactive"]["action"]["buttons"]
    assert [button["reply"]["id"] for button in buttons] == ["o:0", "o:1"]


def test_a_long_description_is_cut(send):
    body, _ = send(options("a", description="w" * 80))
    (section,) = body["interactive"]["action"]["sections"]
    assert section["rows"][0]["description"] == "w" * 72


# --- templates -----------------------------------------------------------------------------


def components(send, **parameters):
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    body, _ = send(Template(name="order_ok", language="en_US", parameters=named))
    return body["template"].get("components")


def test_numbered_parameters_go_in_order(send):
    assert components(send, **{"2": "42", "1": "Ann"}) == [
        {
            "type": "body",
            "parameters": [{"type": "text", "text": "Ann"}, {"type": "text", "text": "42"}],
        }
    ]


def test_named_parameters_keep_their_names(send):
    assert components(send, order_no="42") == [
        {
            "type": "body",
            "parameters": [{"type": "text", "parameter_name": "order_no", "text": "42"}],
        }
    ]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("header", {"type": "text", "text": "X"}),
        ("header.name", {"type": "text", "parameter_name": "name", "text": "X"}),
        ("header.image", {"type": "image", "image": {"link": "X"}}),
        ("header.video", {"type": "video", "video": {"link": "X"}}),
        ("header.document", {"type": "document", "document": {"link": "X"}}),
    ],
)
def test_a_header_is_a_text_or_a_file(send, name, parameter):
    assert components(send, **{name: "X"}) == [{"type": "header", "parameters": [parameter]}]


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [
        ("url", {"type": "text", "text": "track/42"}),
        ("quick_reply", {"type": "payload", "payload": "track/42"}),
        ("copy_code", {"type": "coupon_code", "coupon_code": "track/42"}),
    ],
)
def test_a_button_gets_what_it_needs(send, kind, parameter):
    button = {"type": "button", "sub_type": kind, "index": "1", "parameters": [parameter]}
    assert components(send, **{f"button.1.{kind}": "track/42"}) == [button]


@pytest.mark.parametrize(
    "parameters",
    [
        {"1": ""},
        {"1": "  "},
        {"1": "a", "3": "b"},
        {"1": "a", "name": "b"},
        {"0": "a"},
        {"header": "a", "header.image": "https://f.example/a"},
    ],
)
def test_conformance_14_unusable_parameters_are_refused_locally(
    channel, connection, part, parameters
):
    content = Template(name="order_ok", language="en_US", parameters=parameters)
    with pytest.raises(Unsupported) as caught:
        next(channel.send(part(content), connection))
    assert caught.value.code == "bad_parameters"


def test_a_template_that_meta_holds_back_says_so(send, answer, payload):
    said = json.loads(payload("sent_200.json"))
    said["messages"][0]["message_status"] = "held_for_quality_assessment"
    _, accepted = send(SAID["a template"][0], answer(200, json.dumps(said).encode()))
    assert accepted.note == "held for quality assessment"


# --- addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("+15550100199", ANN),
        ("15550100199", ANN),
        ("0015550100199", ANN),
        (" +1 (555) 010-0199 ", ANN),
        ("+44 (0)7700 900001", "+447700900001"),
        # WhatsApp's own form is never corrected.
        ("+5215512345678", "+5215512345678"),
        ("+5491112345678", "+5491112345678"),
        (ANNS_ID, ANNS_ID),
        ("US.ENT.abc123", "US.ENT.abc123"),
    ],
)
def test_a_contact_has_one_address_however_it_is_typed(channel, connection, given, address):
    assert channel.address(given, connection) == address


@pytest.mark.parametrize(
    "given", ["", "Ann", "12345", "+0123456789", "us.123", "+1555010019900000"]
)
def test_what_can_be_no_address_is_refused(channel, connection, given):
    with pytest.raises(BadAddress):
        channel.address(given, connection)


def test_the_number_that_whatsapp_knows_is_learnt_from_the_answer(send, answer, payload):
    said = json.loads(payload("sent_200.json"))
    said["contacts"][0] = {"input": "5511987654321", "wa_id": "551187654321"}
    reply = answer(200, json.dumps(said).encode())
    _, accepted = send("Hi", reply, address="+5511987654321")
    assert accepted.address == "+551187654321"


def test_we_write_from_the_number_that_a_check_learnt(channel, connect, connection):
    known = connect(facts={"display_phone_number": "+1 555-010-0100"})
    assert channel.sender(known) == "+15550100100"
    assert channel.sender(connection) is None
    assert channel.account(known) == NUMBER_ID


# --- refusals ------------------------------------------------------------------------------

CLASSES = {
    AuthFailed: "0 102 190 3 10 200 250 299 368 131031 131042 131044 131045 133010 131037 131005 2635",
    Transient: "1 2 131000 131016 133004 131053",
    RateLimited: "4 80007 613 17 130429 131056 131048 131064 131057 133016 132069",
    WindowClosed: "131047",
    RecipientGone: "131026",
    MarketingRefused: "131050",
    Permanent: "130497 100 131008 131009 131021 131051 131030 131049 130472 131052 131062 "
    "131063 132068 135000 137000",
    TemplateRefused: "132000 132001 132005 132007 132008 132012 132015 132016",
}
CODES = [(int(code), kind) for kind, codes in CLASSES.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_each_error_code_has_its_class(refused, code, kind):
    error = refused(400, code)
    assert type(error) is kind
    assert error.provider_code == str(code)


def test_every_error_code_that_we_know_is_in_that_table():
    assert {code for code in BY_CODE if not 200 < code < 299} == {
        code for code, _ in CODES if not 200 < code < 299
    }


@pytest.mark.parametrize("subcode", [None, 460, 463])
def test_conformance_13_a_dead_token_stops_the_channel(refused, subcode):
    error = refused(401, 190, subcode=subcode)
    assert (type(error), error.code) == (AuthFailed, "auth_failed")
    assert ("expired" in error.detail) is (subcode == 463)


def test_conformance_11_a_closed_window_is_never_tried_again(channel, connection, answer, part):
    exchange = channel.send(part(), connection)
    next(exchange)
    with pytest.raises(WindowClosed) as caught:
        exchange.send(answer("error_131047_400.json"))
    error = caught.value
    assert (error.code, error.provider_code, error.retryable) == ("window_closed", "131047", False)
    assert "24 hours have passed" in error.detail


@pytest.mark.parametrize(
    ("code", "seconds", "whole_channel"),
    [(130429, 3, True), (131056, 6, False), (80007, 120, True), (131048, 3600, True)],
)
def test_conformance_12_a_limit_waits_and_a_pair_limit_holds_up_nobody_else(
    refused, code, seconds, whole_channel
):
    error = refused(400, code)
    assert error.retry_after == timedelta(seconds=seconds)
    assert error.whole_channel is whole_channel


def test_conformance_12_http_429_waits_as_long_as_it_says(refused):
    error = refused(429, body=b"slow down", retry_after="17")
    assert (type(error), error.retry_after) == (RateLimited, timedelta(seconds=17))


@pytest.mark.parametrize(
    ("usage", "wait"),
    [
        ('{"9":[{"type":"whatsapp","estimated_time_to_regain_access":5}]}', timedelta(minutes=5)),
        ('{"9":[{"estimated_time_to_regain_access":999999}]}', timedelta(hours=24)),
        ('{"9":[{"estimated_time_to_regain_access":999999999999999999999}]}', timedelta(hours=24)),
        ('{"9":[{"estimated_time_to_regain_access":"soon"}]}', timedelta(minutes=2)),
        ("[1]", timedelta(minutes=2)),
        ("{", timedelta(minutes=2)),
    ],
)
def test_the_usage_of_the_account_says_how_long_to_wait(refused, usage, wait):
    assert refused(400, 80007, x_business_use_case_usage=usage).retry_after == wait


def test_a_number_that_the_token_may_not_use_stops_the_channel(refused):
    error = refused(400, 100, subcode=33)
    assert (type(error), error.code) == (AuthFailed, "unknown_number")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Permanent),
        (401, AuthFailed),
        (403, AuthFailed),
        (404, AuthFailed),
        (413, Permanent),
        (500, Transient),
        (503, Transient),
        (502, OutcomeUnknown),
        (504, OutcomeUnknown),
    ],
)
def test_an_answer_that_is_none_of_the_graph_api_is_judged_by_its_status(refused, status, kind):
    assert type(refused(status, body=b"<html>")) is kind


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Permanent), (500, Transient), (429, RateLimited)]
)
def test_an_unknown_code_is_judged_by_its_status(refused, status, kind):
    assert type(refused(status, 999999)) is kind


def test_details_may_be_a_plain_text(refused):
    body = b'{"error":{"code":131009,"message":"m","error_data":"Plain words"}}'
    assert "Plain words" in refused(400, body=body).detail


@pytest.mark.parametrize("body", [b"", b"{}", b'{"messages":[]}', b'{"messages":[{"id":""}]}'])
def test_conformance_15_an_answer_without_an_id_is_unknown(refused, body):
    assert type(refused(200, body=body)) is OutcomeUnknown


def test_no_error_shows_the_token(refused):
    assert TOKEN not in str(refused(401, 190))


# --- signs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "more"),
    [("mark_read", {}), ("typing", {"typing_indicator": {"type": "text"}})],
)
def test_what_people_do_is_shown_by_the_message_that_they_read(
    channel, connection, drive, answer, sign, more
):
    show = getattr(channel, sign)
    (request,), _ = drive(show(ANN, "wamid.IN0001", connection), answer("ok_200.json"))
    assert request.url == URL
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.IN0001",
        **more,
    }
    with pytest.raises(AuthFailed):
        drive(show(ANN, "wamid.IN0001", connection), answer("error_190_401.json"))
