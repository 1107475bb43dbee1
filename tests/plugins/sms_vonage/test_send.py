"""The requests that send a part by the Messages API, and what their answers mean."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from hubbub.sdk import (
    Accepted,
    Attachment,
    AuthFailed,
    Draft,
    Location,
    Media,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Reaction,
    RecipientGone,
    Text,
    Transient,
    Unsupported,
)
from hubbub_sms_vonage.meanings import MESSAGES
from tests.plugins.sms_vonage.conftest import API_SECRET, APPLICATION, KEY, REFERENCE, WEBHOOK

URL = "https://api.nexmo.com/v1/messages"
SENT = "00000000-0000-4000-8000-000000000002"
PICTURE = Attachment(
    type="image", media=Media(url="https://hub.example.com/media/1.png"), caption="The plan"
)
TRACKING = {"client_ref": REFERENCE, "webhook_url": WEBHOOK, "webhook_version": "v1"}


@pytest.fixture
def send(channel, connection, drive, answer, part):
    """Send a part and return the bodies that were posted and the result."""

    def run(what="Ready at 5", *answers, via=connection, **more):
        answers = answers or ("sent_202.json",)
        replies = [answer(item) if isinstance(item, str | int) else item for item in answers]
        requests, result = drive(channel.send(part(what, **more), via), *replies)
        assert all((request.method, request.url) == ("POST", URL) for request in requests)
        return [json.loads(request.body) for request in requests], result

    return run


@pytest.fixture
def american(connect):
    """A number that carries MMS, as a check found."""
    return connect(from_number="12025550100", facts={"mms": "yes"})


# --- requests ------------------------------------------------------------------------------


def test_a_text_is_one_request(channel, connection, drive, answer, part):
    (request,), accepted = drive(channel.send(part(), connection), answer("sent_202.json"))
    assert (request.method, request.url, request.safe) == ("POST", URL, False)
    assert request.headers.keys() == {"authorization", "content-type"}
    assert request.headers["content-type"] == "application/json"
    assert request.body == (
        b'{"channel":"sms","message_type":"text","to":"447700900001","from":"447700900000",'
        b'"text":"Ready at 5","client_ref":"dddddddddddddddddddddddddd",'
        b'"webhook_url":"https://hub.example.com/webhooks/k1","webhook_version":"v1",'
        b'"sms":{"encoding_type":"auto"}}'
    )
    assert accepted == Accepted(external_id=SENT, note="about 1 segment")


def test_the_application_proves_itself_for_a_quarter_of_an_hour(
    channel, connection, part, public_pem
):
    before = datetime.now(UTC).replace(microsecond=0)
    headers = [next(channel.send(part(), connection)).headers["authorization"] for _ in range(2)]
    tokens = [header.removeprefix("Bearer ") for header in headers]
    assert jwt.get_unverified_header(tokens[0]) == {"alg": "RS256", "typ": "JWT"}
    first, second = (jwt.decode(token, public_pem, algorithms=["RS256"]) for token in tokens)
    assert first.keys() == {"application_id", "iat", "jti", "exp"}
    assert first["application_id"] == APPLICATION
    assert first["exp"] == first["iat"] + 900
    assert before.timestamp() <= first["iat"] <= datetime.now(UTC).timestamp()
    assert first["jti"] != second["jti"]


def test_without_private_key_the_account_proves_itself(channel, connect, part):
    request = next(channel.send(part(), connect(private_key="")))
    basic = b64encode(f"{KEY}:{API_SECRET}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {basic}"


def test_the_api_base_can_be_a_region_or_a_simulator(channel, connect, part):
    for base in ("https://api-eu.nexmo.com", "http://127.0.0.1:9000/vonage"):
        request = next(channel.send(part(), connect(api_base=f"{base}/")))
        assert request.url == f"{base}/v1/messages"


@pytest.mark.parametrize("given", ["+447700900000", "447700900000", "+44 7700 900000"])
def test_conformance_12_numbers_go_out_without_plus(send, connect, given):
    (body,), _ = send(via=connect(from_number=given))
    assert (body["to"], body["from"]) == ("447700900001", "447700900000")


@pytest.mark.parametrize("given", ["Acme Shop", "AcmeShop"])
def test_conformance_12_a_name_goes_out_without_blanks(send, connect, given):
    (body,), _ = send(via=connect(from_number=given))
    assert body["from"] == "AcmeShop"


def test_a_number_sends_as_itself_whatever_was_written_to(send):
    (body,), _ = send(our_address="+447700900999")
    assert body["from"] == "447700900000"


def test_conformance_14_vonage_chooses_the_alphabet_and_we_predict_the_count(send):
    (body,), accepted = send("😀" * 36)
    assert body["sms"] == {"encoding_type": "auto"}
    assert accepted.note == "about 2 segments"


def test_accents_typed_apart_are_composed(send):
    (body,), _ = send("cafe\u0301")
    assert body["text"] == "café"


def test_registered_ids_are_sent_where_given(send, connect):
    (body,), _ = send(via=connect(entity_id="E1", content_id="C1"))
    assert body["sms"] == {"encoding_type": "auto", "entity_id": "E1", "content_id": "C1"}


def test_a_hub_without_public_address_asks_for_no_status(send, connect):
    (body,), _ = send(via=connect(webhook_url=""))
    assert "webhook_url" not in body
    assert body["client_ref"] == REFERENCE


def test_a_long_text_is_cut_by_us_only_beyond_3200_characters(channel, connection, part, send):
    (whole,) = channel.render(Draft(content=Text(text="w" * 3200)), part(), connection)
    assert len(send(whole.content)[0][0]["text"]) == 3200
    pieces = channel.render(Draft(content=Text(text="word " * 640 + "x")), part(), connection)
    assert [piece.content.text for piece in pieces] == [("word " * 640).rstrip(), "x"]


def test_a_place_is_put_into_words(channel, connection, part):
    place = Draft(content=Location(latitude=52.5, longitude=13.4, name="Office"))
    (piece,) = channel.render(place, part(), connection)
    assert piece.content.text.startswith("Office\nhttps://")


@pytest.mark.parametrize(
    ("what", "more", "reason"),
    [
        ("a" * 3201, {}, "3201 characters, but Vonage takes at most 3200"),
        (Reaction(emoji="👍", target_external_id="1"), {}, "cannot carry 'reaction'"),
        (Attachment(type="image", media=Media()), {}, "has no address"),
        ("Hi", {"address": "AcmeShop"}, "numbers only"),
        ("Hi", {"address": "12345"}, "numbers only"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(
    channel, connection, part, what, more, reason
):
    with pytest.raises(Unsupported, match=reason):
        next(channel.send(part(what, **more), connection))


# --- MMS -----------------------------------------------------------------------------------


def test_a_picture_goes_as_mms_between_american_numbers(send, american):
    (body,), accepted = send(PICTURE, via=american, address="+12065550107")
    assert body == {
        "channel": "mms",
        "message_type": "image",
        "to": "12065550107",
        "from": "12025550100",
        "image": {"url": "https://hub.example.com/media/1.png", "caption": "The plan"},
        **TRACKING,
    }
    assert accepted == Accepted(external_id=SENT, note="MMS")


@pytest.mark.parametrize(
    ("kind", "mime_type", "theirs"),
    [
        ("image", None, "image"),
        ("video", None, "video"),
        ("audio", None, "audio"),
        ("voice", None, "audio"),
        ("document", "application/pdf", "file"),
        ("document", "text/vcard", "vcard"),
        ("sticker", None, "file"),
    ],
)
def test_each_kind_of_file_has_its_type(send, american, kind, mime_type, theirs):
    file = Attachment(type=kind, media=Media(url="https://h.example/f", mime_type=mime_type))
    (body,), _ = send(file, via=american, address="+12065550107")
    assert (body["message_type"], body[theirs]) == (theirs, {"url": "https://h.example/f"})


@pytest.mark.parametrize(
    ("address", "via"),
    [
        ("+447700900001", {"from_number": "12025550100", "facts": {"mms": "yes"}}),
        ("+12065550107", {"from_number": "12025550100", "facts": {"mms": "no"}}),
        ("+12065550107", {"from_number": "12025550100"}),
        ("+12065550107", {"from_number": "447700900000", "facts": {"mms": "yes"}}),
    ],
)
def test_where_mms_cannot_work_a_file_goes_as_a_link(send, connect, address, via):
    (body,), _ = send(PICTURE, via=connect(**via), address=address)
    assert body["channel"] == "sms"
    assert body["text"] == "The plan\nhttps://hub.example.com/media/1.png"


def test_a_file_that_vonage_refuses_goes_as_a_link(send, american):
    replies = ("refused_1380_422.json", "sent_202.json")
    bodies, accepted = send(PICTURE, *replies, via=american, address="+12065550107")
    assert [body["channel"] for body in bodies] == ["mms", "sms"]
    assert bodies[1]["text"] == "The plan\nhttps://hub.example.com/media/1.png"
    assert accepted.external_id == SENT


def test_a_link_that_does_not_fit_is_not_tried(send, american):
    long = Attachment(type="image", media=PICTURE.media, caption="a" * 3180)
    with pytest.raises(Permanent) as caught:
        send(long, "refused_1380_422.json", via=american, address="+12065550107")
    assert caught.value.code == "media_refused"


# --- answers -------------------------------------------------------------------------------


def test_conformance_10_throttling_pauses_the_whole_channel_as_long_as_asked(send, answer):
    with pytest.raises(RateLimited) as caught:
        send("x", answer("refused_429.json", retry_after="15"))
    error = caught.value
    assert (error.retry_after, error.whole_channel) == (timedelta(seconds=15), True)


@pytest.mark.parametrize("retry_after", ["", "soon", "0", "²"])
def test_an_unusable_pause_becomes_the_usual_one(send, answer, retry_after):
    with pytest.raises(RateLimited) as caught:
        send("x", answer(429, retry_after=retry_after))
    assert caught.value.retry_after == timedelta(seconds=2)


def test_conformance_13_a_lack_of_credit_stops_the_channel_and_says_so(send):
    with pytest.raises(AuthFailed) as caught:
        send("x", "refused_402.json")
    assert caught.value.code == "no_credit"
    assert "top it up" in caught.value.detail


def test_what_vonage_has_already_counts_as_sent(send):
    _, accepted = send("x", "refused_1320_422.json")
    assert accepted == Accepted(external_id=REFERENCE, note="Vonage had it already")


def test_an_error_quotes_vonage_and_says_what_to_do(send):
    with pytest.raises(Permanent) as caught:
        send("x", "refused_1420_422.json")
    assert (caught.value.code, caught.value.provider_code) == ("sender_unusable", "1420")
    assert caught.value.detail.startswith("Vonage: The from parameter is invalid")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"message_uuid": ""}', b"\xff"])
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(send, answer, body):
    with pytest.raises(OutcomeUnknown):
        send("x", answer(202, body))


@pytest.mark.parametrize("status", [200, 302, 502, 504])
def test_who_answers_in_place_of_vonage_leaves_the_outcome_unknown(send, status):
    with pytest.raises(OutcomeUnknown):
        send("x", status)


HTTP = [
    ("refused_401.json", AuthFailed, "auth_failed"),
    ("refused_unprovisioned_401.json", AuthFailed, "not_enabled"),
    (403, AuthFailed, "account_inactive"),
    (404, AuthFailed, "wrong_address"),
    (422, Permanent, "rejected"),
    (500, Transient, "provider_down"),
    (503, Transient, "provider_down"),
]


@pytest.mark.parametrize(("reply", "kind", "word"), HTTP)
def test_each_http_status_has_its_class(send, reply, kind, word):
    with pytest.raises(kind) as caught:
        send("x", reply)
    assert (type(caught.value), caught.value.code) == (kind, word)


#: The fact sheet's table, row by row.
CODES = {
    RateLimited: [1000, 1241, 1472, 1460],
    Transient: [1030, 1100, 1220, 1180, 1230, 1331],
    RecipientGone: [1040, 1170, 1430, 1431, 1300, 1310, 1050, 1190, 1200, 1260, 1240],
    AuthFailed: [1060, 1080, 1140, 1070],
    Permanent: [
        *(1010, 1020, 1021, 1022, 1090, 1130, 1150, 1400, 1410, 1440, 1450, 1451),
        *(1120, 1420, 1242, 1476, 1160, 1210, 1270, 1280, 1282, 1290, 2001, 1250, 1251, 1330),
        *(1340, 1350, 1370, 1461, 1360, 1380, 1381, 1382, 1470, 1473, 1474, 1475),
        *(1480, 1481, 1482, 1483, 1484),
    ],
}


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes]
)
def test_each_code_has_its_class(send, answer, kind, code):
    problem = {"type": f"https://developer.vonage.com/api-errors/messages#{code}", "title": "Oh"}
    with pytest.raises(kind) as caught:
        send("x", answer(422, json.dumps(problem).encode()))
    assert type(caught.value) is kind
    assert caught.value.provider_code == str(code)


def test_no_code_has_a_meaning_that_no_test_knows():
    assert MESSAGES.keys() == {code for codes in CODES.values() for code in codes}


def test_a_daily_share_is_waited_for_by_its_conversation_alone(send, answer):
    with pytest.raises(RateLimited) as caught:
        send("x", answer(422, b'{"title": "1460"}'))
    assert (caught.value.retry_after, caught.value.whole_channel) == (timedelta(hours=6), False)


def test_only_who_opted_out_is_marked_so(send, answer):
    marks = {}
    for code in (1240, 1050):
        with pytest.raises(RecipientGone) as caught:
            send("x", answer(422, json.dumps({"title": str(code)}).encode()))
        marks[code] = caught.value.opted_out
    assert marks == {1240: True, 1050: False}
