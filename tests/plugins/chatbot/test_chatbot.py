"""Ask a bot over HTTP: the request, its signature, and every answer."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

import hubbub_chatbot
from hubbub.sdk import (
    Attachment,
    Choices,
    Email,
    HandOver,
    Headers,
    HttpResponse,
    Inquiry,
    MalformedPayload,
    Media,
    Option,
    Outcome,
    Permanent,
    Reply,
    SendError,
    Tag,
    Text,
    Transient,
    Wait,
)
from hubbub_chatbot.fields import ChatbotFields
from hubbub_chatbot.signature import key_of, signed_headers

PAYLOADS = Path(__file__).parent / "payloads"
KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BOT = hubbub_chatbot.Chatbot()
INQUIRY = Inquiry(
    message_id="01message",
    channel_id="01channel",
    channel_type="telegram",
    channel_name="Shop",
    conversation_id="01conversation",
    contact_id="01contact",
    address="+15550100",
    name="Ada",
    content=Text(text="Wo ist meine Bestellung? Größe 42"),
    received_at=datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC),
    now=datetime(2026, 1, 5, 12, 0, 3, tzinfo=UTC),
    first=True,
    callback_url="https://hub.example.com/callbacks/01delivery",
    callback_token="callback-token",
)


def fields(**changes):
    return ChatbotFields.model_validate(
        {"url": "https://bot.example.com/messages", "secret": SECRET, **changes}
    )


def ask(inquiry=INQUIRY, settings=None):
    return next(BOT.handle(inquiry, settings or fields()))


def answered(status, body=b"", settings=None):
    exchange = BOT.handle(INQUIRY, settings or fields())
    next(exchange)
    with pytest.raises(StopIteration) as stop:
        exchange.send(HttpResponse(status=status, headers=Headers(), body=body))
    return stop.value.value


def payload(name):
    return (PAYLOADS / name).read_bytes()


def verified(request, key):
    """Check a request as the specification describes, without any of the plugin's code."""
    headers = Headers(request.headers)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    mac = hmac.new(key, digestmod=hashlib.sha256)
    mac.update(signed)
    version, _, signature = headers["webhook-signature"].partition(",")
    return version == "v1" and base64.b64decode(signature) == mac.digest()


def test_the_plugin_offers_the_chatbot():
    (kind,) = hubbub_chatbot.register_route_types()

    assert (kind.type, kind.automatic) == ("chatbot", True)


def test_the_bot_is_asked_with_the_whole_message():
    request = ask()

    assert (request.method, request.url) == ("POST", "https://bot.example.com/messages")
    assert request.headers["content-type"] == "application/json"
    assert request.timeout == timedelta(seconds=10)
    assert request.safe
    assert json.loads(request.body) == json.loads(payload("question.json"))


def test_the_time_to_answer_is_a_setting():
    request = ask(settings=fields(timeout_seconds=2.5, wait_seconds=300))

    assert request.timeout == timedelta(seconds=2.5)
    assert json.loads(request.body)["callback"]["seconds"] == 300


@pytest.mark.parametrize(
    ("secret", "key"),
    [(SECRET, KEY), ("a plain secret text", b"a plain secret text"), (f" {SECRET}\n", KEY)],
)
def test_the_request_is_signed(secret, key):
    request = ask(settings=fields(secret=secret))

    assert verified(request, key)
    assert not verified(request, b"another key, quite long")
    assert not verified(replace(request, body=request.body + b" "), key)
    assert request.headers["webhook-id"] == "01message"
    assert request.headers["webhook-timestamp"] == "1767614403"


def test_the_signature_agrees_with_a_vector_computed_elsewhere():
    # printf '%s' 'msg_1.1614265330.{"test":true}' | openssl dgst -sha256 -hmac 0123456789abcdef01234567 -binary | base64
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers("msg_1", at, b'{"test":true}', SECRET)

    assert headers["webhook-signature"] == "v1,h7ZL2Xe2dKT0JCjKEqSN4eRjENDL6GBuk6NtZOxUD+Y="


@given(st.binary(max_size=200), st.binary(min_size=16, max_size=64), st.integers(0, 2**31))
def test_every_body_and_key_verifies(body, key, seconds):
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signed_headers("id", datetime.fromtimestamp(seconds, UTC), body, secret)

    assert verified(replace(ask(), headers=headers, body=body), key)


def test_handles_of_files_at_the_provider_are_not_told():
    image = Attachment(type="image", media=Media(id="1", url="https://hub/m/1", ref="secret"))
    letter = Email(subject="s", text="t", attachments=(Media(id="2", ref="secret"),))

    for content in (image, letter):
        body = ask(replace(INQUIRY, content=content)).body
        assert b"secret" not in body
        assert json.loads(body)["message"]["content"]["type"] == content.type


def test_all_actions_are_carried_out_in_order():
    outcome = answered(200, payload("answer_all_actions.json"))

    assert outcome.actions == (
        Reply(content=Text(text="Your order is on its way.")),
        Reply(
            content=Choices(
                text="Anything else?",
                options=(
                    Option(id="no", title="No"),
                    Option(id="human", title="Talk to a person"),
                ),
            )
        ),
        Tag(tag="order"),
        HandOver(to="queue", reason="Asked for a refund"),
    )
    assert outcome.why == "The bot answered."


def test_a_bot_may_answer_later():
    assert answered(202, settings=fields(wait_seconds=90)).actions == (Wait(seconds=90),)


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b'{"actions": []}')])
def test_a_bot_may_have_nothing_to_say(status, body):
    outcome = answered(status, body)

    assert outcome.actions == ()
    assert not outcome.passed


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, Transient),
        (502, Transient),
        (503, Transient),
        (408, Transient),
        (425, Transient),
        (429, Transient),
        (301, Permanent),
        (400, Permanent),
        (401, Permanent),
        (404, Permanent),
        (410, Permanent),
        (201, Permanent),
    ],
)
def test_any_other_status_is_an_error_that_says_whether_to_ask_again(status, error):
    with pytest.raises(SendError) as caught:
        answered(status, b"secret details")

    assert type(caught.value) is error
    assert caught.value.provider_code == str(status)
    assert str(status) in caught.value.detail
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("body", [b"", b"OK", b"\xff", b"[" * 100_000, b"null"])
def test_an_answer_that_is_not_the_json_is_permanent(body):
    with pytest.raises(Permanent) as caught:
        answered(200, body)

    assert caught.value.code == "bad_answer"


REPLY = {"type": "reply", "text": "Hi"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "the answer"),
        ({}, "actions"),
        ({"actions": "reply"}, "actions"),
        ({"actions": [REPLY], "more": 1}, "more"),
        ({"actions": [REPLY] * 21}, "actions"),
        ({"actions": [{}]}, "actions.0"),
        ({"actions": [{"type": "dance"}]}, "actions.0"),
        ({"actions": [REPLY, {"type": "reply"}]}, "actions.1: Give either 'text' or 'content'."),
        ({"actions": [{**REPLY, "content": {"type": "text", "text": "Hi"}}]}, "actions.0"),
        ({"actions": [{"type": "reply", "text": ""}]}, "actions.0.text"),
        ({"actions": [{"type": "reply", "text": 5}]}, "actions.0.text"),
        ({"actions": [{**REPLY, "oops": 1}]}, "actions.0.oops"),
        (
            {"actions": [{"type": "reply", "content": {"type": "text"}}]},
            "actions.0.content.text: Field required.",
        ),
        ({"actions": [{"type": "reply", "content": {"type": "oops"}}]}, "actions.0.content"),
        (
            {"actions": [{"type": "reply", "content": {"type": "system", "event": "x"}}]},
            "actions.0.content: 'system' cannot be sent to a contact.",
        ),
        ({"actions": [{"type": "tag"}]}, "actions.0.tag: Field required."),
        ({"actions": [{"type": "tag", "tag": "x" * 51}]}, "actions.0.tag"),
        ({"actions": [{"type": "hand_over", "to": "user:1"}]}, "actions.0.to"),
        ({"actions": [{"type": "hand_over", "reason": None}]}, "actions.0.reason"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_place_now_and_later(answer, said):
    with pytest.raises(MalformedPayload) as later:
        BOT.resume(INQUIRY, fields(), answer)
    with pytest.raises(Permanent) as now:
        answered(200, json.dumps(answer).encode())

    assert later.value.detail.startswith(said)
    assert later.value.detail in now.value.detail


def test_an_answer_through_the_callback_is_read_the_same_way():
    outcome = BOT.resume(INQUIRY, fields(), json.loads(payload("answer_all_actions.json")))

    assert outcome == replace(
        answered(200, payload("answer_all_actions.json")), why="The bot answered later."
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["actions", "type", "text", "content", "tag", "to"]), inner, max_size=3
        )
    ),
)


@given(JSON)
def test_whatever_arrives_is_an_outcome_or_refused(answer):
    try:
        outcome = BOT.resume(INQUIRY, fields(), answer)
    except MalformedPayload as error:
        assert error.detail  # noqa: PT017  # either end is right
    else:
        assert isinstance(outcome, Outcome)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "bot.example.com"}, "url"),
        ({"url": "ftp://bot.example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:password@bot.example.com"}, "url"),
        ({"url": "https://bot.example.com/a b"}, "url"),
        ({"url": "https://bot.example.com/\u0000"}, "url"),
        ({"url": "https://[bot"}, "url"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_not base64!"}, "secret"),
        ({"secret": "whsec_c2hvcnQ="}, "secret"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": 61}, "timeout_seconds"),
        ({"wait_seconds": 90_000}, "wait_seconds"),
        ({"team": "x"}, "team"),
    ],
)
def test_wrong_settings_are_refused_by_field_without_being_quoted(changes, field):
    with pytest.raises(ValidationError) as caught:
        fields(**changes)

    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
    assert "password@" not in str(caught.value)
    assert "c2hvcnQ" not in str(caught.value)


def test_the_secret_is_hidden_and_marked_for_the_form():
    assert SECRET not in repr(fields())
    assert ChatbotFields.model_json_schema()["properties"]["secret"]["writeOnly"] is True


def test_a_secret_is_base64_only_behind_its_prefix():
    assert key_of(SECRET) == KEY
    assert key_of(SECRET.removeprefix("whsec_")) == SECRET.removeprefix("whsec_").encode()
