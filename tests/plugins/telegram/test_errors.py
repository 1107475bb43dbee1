import json
from datetime import timedelta

import pytest

from hubbub.sdk import (
    AuthFailed,
    Headers,
    HttpResponse,
    OutcomeUnknown,
    Part,
    Permanent,
    RateLimited,
    RecipientGone,
    Text,
    Transient,
)

TOKEN = "AAExample"


@pytest.fixture
def fail(telegram, connection, refused):
    """Return the error with which a send ends after this answer."""

    def sent(error, status, body, **headers):
        sending = telegram.send(Part(content=Text(text="Hi"), address="5550001"), connection())
        answer = HttpResponse(status=status, headers=Headers(headers), body=body)
        return refused(error, sending, answer)[0]

    return sent


def refusal(code, description, **parameters):
    told = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("status", "description", "error", "code"),
    [
        (400, "Bad Request: chat not found", RecipientGone, "chat_not_found"),
        (400, "Bad Request: not enough rights to send text messages", Permanent, "no_rights"),
        (400, "Bad Request: have no rights to send a message", Permanent, "no_rights"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", Permanent, "no_rights"),
        (400, "Bad Request: TOPIC_CLOSED", Permanent, "no_rights"),
        (400, "Bad Request: message thread not found", Permanent, "no_rights"),
        (400, "Bad Request: PEER_ID_INVALID", Permanent, "bad_address"),
        (400, "Bad Request: user not found", Permanent, "bad_address"),
        (400, "Bad Request: chat_id is empty", Permanent, "bad_address"),
        (400, "Bad Request: BUSINESS_PEER_INVALID", Permanent, "business_refused"),
        (400, "Bad Request: BUSINESS_CONNECTION_INVALID", Permanent, "business_refused"),
        (400, "Bad Request: message is too long", Permanent, "too_long"),
        (400, "Bad Request: message caption is too long", Permanent, "too_long"),
        (400, "Bad Request: message text is empty", Permanent, "empty"),
        (400, "Bad Request: BUTTON_DATA_INVALID", Permanent, "bad_buttons"),
        (400, "Bad Request: reply markup is too long", Permanent, "bad_buttons"),
        (400, "Bad Request: REACTION_INVALID", Permanent, "bad_reaction"),
        (400, "Bad Request: failed to get HTTP URL content", Permanent, "bad_media_url"),
        (400, "Bad Request: wrong type of the web page content", Permanent, "bad_media_url"),
        (
            400,
            "Bad Request: wrong file identifier/HTTP URL specified",
            Permanent,
            "bad_media_url",
        ),
        (400, "Bad Request: something new", Permanent, "rejected"),
        (401, "Unauthorized", AuthFailed, "auth_failed"),
        (401, "Unauthorized: invalid token specified", AuthFailed, "auth_failed"),
        (403, "Forbidden: bot was blocked by the user", RecipientGone, "blocked"),
        (403, "FORBIDDEN: BOT WAS BLOCKED BY THE USER", RecipientGone, "blocked"),
        (403, "Forbidden: user is deactivated", RecipientGone, "deactivated"),
        (
            403,
            "Forbidden: bot can't initiate conversation with a user",
            RecipientGone,
            "not_started",
        ),
        (403, "Forbidden: bot can't send messages to the bot", RecipientGone, "forbidden"),
        (403, "Forbidden: bot was kicked from the group chat", RecipientGone, "removed_from_chat"),
        (
            403,
            "Forbidden: bot is not a member of the supergroup chat",
            RecipientGone,
            "removed_from_chat",
        ),
        (403, "Forbidden: the group chat was deleted", RecipientGone, "removed_from_chat"),
        (404, "Not Found", AuthFailed, "auth_failed"),
        (404, "Not Found: method not found", Permanent, "unknown_method"),
        (413, "Request Entity Too Large", Permanent, "too_large"),
        (418, "Something new", Permanent, "rejected"),
        (421, "Misdirected Request: unallowed token", AuthFailed, "auth_failed"),
        (500, "Internal Server Error: restart", Transient, "temporary"),
        (502, "Bad Gateway", Transient, "temporary"),
    ],
)
def test_a_refusal_stands_for_an_error(fail, status, description, error, code):
    failed = fail(error, status, refusal(status, description))
    assert failed.code == code
    assert failed.provider_code == str(status)
    assert failed.detail.endswith(f"Telegram said: {description}")


def test_the_number_in_the_body_outranks_the_status(fail):
    assert fail(RecipientGone, 200, refusal(403, "Forbidden: user is deactivated"))


def test_a_long_description_is_cut(fail):
    assert len(fail(Permanent, 400, refusal(400, "x" * 5000)).detail) < 500


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (302, Transient, "unexpected_answer"),
        (400, Transient, "unexpected_answer"),
        (401, AuthFailed, "auth_failed"),
        # A proxy's page says nothing about the person.
        (403, Transient, "unexpected_answer"),
        (404, Transient, "unexpected_answer"),
        (413, Permanent, "too_large"),
        (500, Transient, "unexpected_answer"),
        (502, OutcomeUnknown, "unexpected_answer"),
        (504, OutcomeUnknown, "unexpected_answer"),
    ],
)
@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b'{"ok":true,"result":true}'])
def test_what_is_no_answer_of_the_bot_api_is_judged_by_its_status(fail, status, error, code, body):
    assert fail(error, status, body).code == code


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        (refusal(429, "Too Many Requests: retry after 7", retry_after=7), {}, 7),
        (refusal(429, "Too Many Requests"), {"Retry-After": "9"}, 9),
        (b"<html>", {"Retry-After": "9"}, 9),
        (b"<html>", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 5),
        (b"<html>", {"Retry-After": "-1"}, 5),
        (b"<html>", {}, 5),
        (refusal(429, "Too Many Requests", retry_after=10**12), {}, 86_400),
    ],
)
def test_a_limit_says_how_long_to_wait(fail, body, headers, seconds):
    assert fail(RateLimited, 429, body, **headers).retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 413, 421, 429, 500])
@pytest.mark.parametrize("body", [b"<html>", refusal(0, "")])
def test_no_error_shows_the_token(telegram, connection, run, status, body):
    sending = telegram.send(Part(content=Text(text="Hi"), address="5550001"), connection())
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever it is
        run(sending, HttpResponse(status=status, headers=Headers(), body=body))
    assert TOKEN not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
