"""The requests that send a part, and what their answers mean."""

import json
from datetime import timedelta

import pytest

from hubbub.sdk import (
    Accepted,
    Attachment,
    AuthFailed,
    BadAddress,
    Choices,
    Contacts,
    Draft,
    File,
    Location,
    Media,
    Multipart,
    Option,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Reaction,
    RecipientGone,
    Text,
    Transient,
    Unsupported,
    WindowClosed,
)
from tests.plugins.messenger.conftest import ANN, GRAPH, PAGE_ID, PROOF, REFERENCE, TOKEN

URL = f"{GRAPH}/{PAGE_ID}/messages?appsecret_proof={PROOF}"
PICTURE = Media(url="https://files.example.org/p.jpg", mime_type="image/jpeg")
STORED = Media(id="0123456789", mime_type="image/png", filename="plan.png", size=7)


def options(count, *, title="Slot", text="Pick one", description=None):
    made = (
        Option(id=f"i{number}", title=f"{title} {number}", description=description)
        for number in range(count)
    )
    return Choices(text=text, options=tuple(made))


@pytest.fixture
def send(channel, connection, drive, answer, part):
    """Send a part; return the body that was posted, without what all have, and the result."""

    def run(what="Ready at 5", *answers, via=connection, **more):
        answers = answers or ("sent_200.json",)
        replies = [answer(item) if isinstance(item, str | int) else item for item in answers]
        requests, result = drive(channel.send(part(what, **more), via), *replies)
        assert requests[-1].url == URL
        body = json.loads(requests[-1].body)
        assert body["recipient"] == {"id": ANN}
        assert body["message"].pop("metadata") == REFERENCE
        return body, result

    return run


@pytest.fixture
def refused(channel, connection, answer, part):
    """Return the error that an answer to a send stands for."""

    def run(status, code=None, subcode=None, *, body=None, more=None, **headers):
        error = {"message": "Words that change", "code": code, "error_subcode": subcode}
        said = json.dumps({"error": error | (more or {})}).encode()
        exchange = channel.send(part(), connection)
        next(exchange)
        with pytest.raises(Exception) as caught:  # noqa: PT011  # the caller looks at it
            exchange.send(answer(status, said if body is None else body, **headers))
        return caught.value

    return run


@pytest.fixture
def parts(channel, connection, part):
    """Return what a draft becomes."""

    def run(content, **more):
        rendered = channel.render(Draft(content=content, **more), part(), connection)
        return [one.content for one in rendered]

    return run


# --- requests ------------------------------------------------------------------------------


def test_conformance_11_a_text_is_one_request(channel, connection, drive, answer, part):
    (request,), accepted = drive(channel.send(part(), connection), answer("sent_200.json"))
    assert (request.method, request.url, request.safe) == ("POST", URL, False)
    assert request.headers == {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
    }
    assert request.body == (
        b'{"recipient":{"id":"7770001112223334"},"messaging_type":"RESPONSE",'
        b'"message":{"text":"Ready at 5","metadata":"dddddddddddddddddddddddddd"}}'
    )
    assert accepted == Accepted(external_id="m_TEST-OUT-1")


def test_conformance_11_a_text_is_split_at_2000(parts):
    assert parts(Text(text="ä" * 2000)) == [Text(text="ä" * 2000)]
    assert [len(one.text) for one in parts(Text(text="ä" * 2001))] == [2000, 1]


def test_conformance_11_a_file_and_what_stands_below_it_are_two_messages(parts):
    content = Attachment(type="image", media=PICTURE, caption="The plan")
    assert parts(content) == [Attachment(type="image", media=PICTURE), Text(text="The plan")]


@pytest.mark.parametrize(
    ("kind", "mime_type", "said"),
    [
        ("image", "image/jpeg", "image"),
        ("image", "image/webp", "file"),
        ("sticker", "image/png", "image"),
        ("voice", "audio/mp4", "audio"),
        ("audio", "audio/mpeg", "audio"),
        ("video", "video/mp4", "video"),
        ("video", "video/quicktime", "file"),
        ("document", "application/pdf", "file"),
        ("image", None, "image"),
    ],
)
def test_conformance_11_a_file_goes_by_its_address(send, kind, mime_type, said):
    media = Media(url=PICTURE.url, mime_type=mime_type)
    body, _ = send(Attachment(type=kind, media=media))
    payload = {"url": PICTURE.url, "is_reusable": False}
    assert body["message"] == {"attachment": {"type": said, "payload": payload}}


def test_conformance_11_a_stored_file_is_uploaded_and_sent_by_its_id(
    channel, connection, drive, answer, part
):
    content = Attachment(type="image", media=STORED)
    replies = answer("uploaded_200.json"), answer("sent_200.json")
    (upload, request), _ = drive(channel.send(part(content), connection), *replies)
    assert upload.url == f"{GRAPH}/{PAGE_ID}/message_attachments?appsecret_proof={PROOF}"
    assert upload.safe
    assert upload.body == Multipart(
        (
            ("message", '{"attachment":{"type":"image","payload":{"is_reusable":true}}}'),
            ("filedata", File(STORED, "plan.png")),
        )
    )
    assert json.loads(request.body)["message"]["attachment"] == {
        "type": "image",
        "payload": {"attachment_id": "888000111"},
    }


def test_conformance_11_no_id_is_kept_so_that_none_can_be_too_old(
    channel, connection, drive, answer, part
):
    content = Attachment(type="image", media=STORED)
    for _ in range(2):
        replies = answer("uploaded_200.json"), answer("sent_200.json")
        requests, _ = drive(channel.send(part(content), connection), *replies)
        assert len(requests) == 2


def test_an_upload_that_fails_sends_nothing(channel, connection, drive, answer, part):
    exchange = channel.send(part(Attachment(type="image", media=STORED)), connection)
    next(exchange)
    with pytest.raises(Transient) as caught:
        exchange.send(answer(400, b'{"error":{"code":100,"error_subcode":2018047}}'))
    assert caught.value.code == "media_upload"


def test_a_file_that_is_too_large_or_nowhere_is_refused_before_anything_is_asked(
    channel, connection, part
):
    large = Media(id="1", mime_type="video/mp4", size=26 << 20)
    for media, code in ((large, "too_large"), (Media(), "no_media")):
        with pytest.raises(Unsupported) as caught:
            next(channel.send(part(Attachment(type="video", media=media)), connection))
        assert caught.value.code == code


def test_conformance_11_up_to_three_options_are_buttons(send):
    body, _ = send(options(3))
    payload = body["message"]["attachment"]["payload"]
    assert payload["template_type"] == "button"
    assert payload["text"] == "Pick one"
    assert payload["buttons"][2] == {"type": "postback", "title": "Slot 2", "payload": "i2"}


@pytest.mark.parametrize("choices", [options(4), options(13), options(2, text="x" * 641)])
def test_conformance_11_more_options_or_words_are_quick_replies(send, parts, choices):
    assert parts(choices) == [choices]
    message = send(choices)[0]["message"]
    assert message["text"] == choices.text
    assert len(message["quick_replies"]) == len(choices.options)
    assert message["quick_replies"][0] == {
        "content_type": "text",
        "title": "Slot 0",
        "payload": "i0",
    }


def test_conformance_11_options_with_descriptions_are_cards_below_the_text(send, parts):
    choices = options(10, description="d" * 90)
    assert parts(choices) == [Text(text="Pick one"), choices]
    payload = send(choices)[0]["message"]["attachment"]["payload"]
    assert payload["template_type"] == "generic"
    assert len(payload["elements"]) == 10
    assert payload["elements"][1] == {
        "title": "Slot 1",
        "subtitle": "d" * 80,
        "buttons": [{"type": "postback", "title": "Slot 1", "payload": "i1"}],
    }


@pytest.mark.parametrize(
    "choices",
    [
        options(14),
        options(11, description="d"),
        options(2, title="x" * 20),
        Choices(text="?", options=(Option(id="x" * 1001, title="A"),)),
        Choices(text="?", options=(Option(id="a", title="A"), Option(id="a", title="B"))),
        Choices(text="?", options=(Option(id="", title="A"),)),
    ],
)
def test_conformance_11_options_that_do_not_fit_become_a_menu(
    parts, channel, connection, part, *, choices
):
    (menu,) = parts(choices)
    assert menu.text.startswith(f"{choices.text}\n\n1. ")
    with pytest.raises(Unsupported):
        next(channel.send(part(choices), connection))


def test_a_text_before_options_that_is_too_long_goes_ahead(parts):
    choices = options(5, text=f"{'a' * 1500} {'b' * 1500}")
    before, last = parts(choices)
    assert before == Text(text="a" * 1500)
    assert (last.text, last.options) == ("b" * 1500, choices.options)


def test_what_messenger_does_not_know_is_put_in_words(parts):
    (place,) = parts(Location(latitude=48.1, longitude=11.5, name="Cafe"))
    assert place == Text(text="Cafe\nhttps://maps.google.com/?q=48.1,11.5")
    (cards,) = parts(Contacts(contacts=()))
    assert isinstance(cards, Text)
    with pytest.raises(Unsupported):
        parts(Reaction(emoji="👍", target_external_id="m_1"))


def test_only_the_first_part_quotes(channel, connection, part, send):
    draft = Draft(content=Text(text="x" * 2001), reply_to_external_id="m_TEST-1")
    first, second = channel.render(draft, part(), connection)
    assert first.reply_to_external_id == "m_TEST-1"
    assert second.reply_to_external_id is None
    assert send("x", reply_to_external_id="m_TEST-1")[0]["reply_to"] == {"mid": "m_TEST-1"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, {"messaging_type": "RESPONSE"}),
        ({"bulk": True}, {"messaging_type": "UPDATE"}),
        ({"past_window": True}, {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}),
    ],
)
def test_conformance_12_what_kind_of_message_it_is(send, more, said):
    body, _ = send("Sorry for the delay", **more)
    assert {name: body[name] for name in ("messaging_type", "tag") if name in body} == said


def test_conformance_12_people_have_a_week_where_the_app_has_the_feature(channel, connect):
    day, week = timedelta(days=1), timedelta(days=7)
    without, having = connect(), connect(human_agent_enabled=True)
    assert [channel.window(without, person) for person in (False, True)] == [day, day]
    assert [channel.window(having, person) for person in (False, True)] == [day, week]


@pytest.mark.parametrize(("sign", "action"), [("typing", "typing_on"), ("mark_read", "mark_seen")])
def test_what_people_do_is_shown_by_a_request_of_its_own(
    channel, connection, drive, answer, sign, action
):
    show = getattr(channel, sign)
    (request,), _ = drive(show(ANN, "m_1", connection), answer(200, b"{}"))
    assert json.loads(request.body) == {"recipient": {"id": ANN}, "sender_action": action}
    exchange = show(ANN, "m_1", connection)
    next(exchange)
    with pytest.raises(Permanent):
        exchange.send(answer(400, b'{"error":{"code":100}}'))


def test_an_address_is_a_page_scoped_id(channel, connection):
    assert channel.address(f" {ANN} ", connection) == ANN
    for text in ("+15550100199", "ann", "", "٣"):
        with pytest.raises(BadAddress):
            channel.address(text, connection)


def test_a_name_is_asked_for_and_made_up_where_meta_is_silent(channel, connection, drive, answer):
    (request,), name = drive(channel.profile(ANN, connection), answer("profile_200.json"))
    assert request.url == (f"{GRAPH}/{ANN}?fields=first_name,last_name&appsecret_proof={PROOF}")
    assert name == "Ann Test"
    for silent in (answer(200, b"{}"), answer(403, b'{"error":{"code":200}}')):
        assert drive(channel.profile(ANN, connection), silent)[1] == "Messenger user 3334"
    for failing, error in (
        ("error_190_401.json", AuthFailed),
        ("error_proof_400.json", AuthFailed),
        ("error_limit_400.json", Transient),
    ):
        exchange = channel.profile(ANN, connection)
        next(exchange)
        with pytest.raises(error):
            exchange.send(answer(failing))


# --- refusals --------------------------------------------------------------------------------

MEANT = [
    (400, 190, 460, AuthFailed, "auth_failed"),
    (400, 190, None, AuthFailed, "auth_failed"),
    (400, 102, None, AuthFailed, "auth_failed"),
    (401, 190, 463, AuthFailed, "auth_failed"),
    (403, 10, 2018278, WindowClosed, "window_closed"),
    (403, 10, 2018065, WindowClosed, "window_closed"),
    (403, 10, 2018108, RecipientGone, "not_receiving"),
    (403, 10, 1893063, AuthFailed, "restricted"),
    (403, 10, 2018300, Permanent, "other_app"),
    (403, 10, None, AuthFailed, "no_permission"),
    (403, 200, None, AuthFailed, "no_permission"),
    (403, 230, None, AuthFailed, "no_permission"),
    (400, 200, 2018028, AuthFailed, "no_access"),
    (400, 200, 2018027, AuthFailed, "no_access"),
    (400, 200, 1545041, RecipientGone, "unavailable"),
    (400, 551, 1545041, RecipientGone, "unavailable"),
    (400, 551, None, RecipientGone, "unavailable"),
    (400, 100, 2018001, Permanent, "unknown_person"),
    (400, 100, 1893061, Permanent, "retired_tag"),
    (400, 100, 2018109, Permanent, "too_large"),
    (400, 100, 2018008, Transient, "media_upload"),
    (400, 100, 2018074, Transient, "media_upload"),
    (400, 100, 33, AuthFailed, "unknown_page"),
    (400, 100, None, Permanent, "bad_request"),
    (500, 1, None, Transient, "provider_down"),
    (400, 2, None, Transient, "provider_down"),
    (400, 1200, None, Transient, "provider_down"),
    (503, 99999, None, Transient, "provider_down"),
    (400, 1, 99, Permanent, "bad_request"),
    (400, 1, 1357046, Permanent, "bad_request"),
    (400, 4, None, RateLimited, "rate_limited"),
    (400, 4, 2018022, RateLimited, "rate_limited"),
    (400, 613, None, RateLimited, "rate_limited"),
    (400, 32, None, RateLimited, "rate_limited"),
    (400, 80006, None, RateLimited, "rate_limited"),
    (400, 4, 2018354, Permanent, "frequency"),
    (400, 9, 2018352, Permanent, "frequency"),
    (400, 368, None, AuthFailed, "account_restricted"),
    (400, 2635, None, AuthFailed, "old_version"),
    (400, 4711, None, Permanent, "rejected"),
    (418, 4711, None, Permanent, "rejected"),
]


@pytest.mark.parametrize(("status", "code", "subcode", "kind", "word"), MEANT)
def test_each_refusal_has_a_class_and_a_word(refused, status, code, subcode, kind, word):
    error = refused(status, code, subcode)
    assert type(error) is kind
    assert error.code == word
    assert error.provider_code == (f"{code}/{subcode}" if subcode else str(code))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthFailed),
        (403, AuthFailed),
        (404, AuthFailed),
        (413, Permanent),
        (429, RateLimited),
        (500, Transient),
        (502, OutcomeUnknown),
        (504, OutcomeUnknown),
        (422, Permanent),
    ],
)
def test_a_refusal_that_is_not_meta_s_goes_by_its_status(refused, status, kind):
    assert type(refused(status, body=b"<html>")) is kind


def test_a_secret_that_does_not_prove_the_token_is_mended_by_people(refused, payload):
    error = refused(400, body=payload("error_proof_400.json"))
    assert (type(error), error.code) == (AuthFailed, "wrong_secret")


def test_an_unknown_error_that_passes_by_itself_is_tried_again(refused):
    assert isinstance(refused(400, 4711, more={"is_transient": True}), Transient)


def test_what_a_person_needs_to_know_is_in_the_detail(refused):
    error = refused(400, 190, 460, more={"fbtrace_id": "AbC"})
    assert "password changed" in error.detail
    assert "new token" in error.detail
    assert "[AbC]" in error.detail


def test_conformance_14_meta_says_how_long_to_wait(refused):
    usage = json.dumps({PAGE_ID: [{"estimated_time_to_regain_access": 7}]})
    waits = [
        refused(400, 613).retry_after,
        refused(429, 4, retry_after="30").retry_after,
        refused(400, 80006, x_business_use_case_usage=usage).retry_after,
    ]
    assert waits == [timedelta(minutes=2), timedelta(seconds=30), timedelta(minutes=7)]
    assert refused(400, 613).whole_channel


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"message_id":""}', b"\xff"])
def test_a_good_answer_that_names_no_message_leaves_the_outcome_unknown(refused, body):
    assert isinstance(refused(200, body=body), OutcomeUnknown)
