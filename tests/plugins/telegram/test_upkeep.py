import json

import pytest

from hubbub.sdk import (
    AuthFailed,
    FetchedMedia,
    Headers,
    HttpResponse,
    Permanent,
    RateLimited,
    Transient,
)

BASE = "https://api.telegram.org"
BOT = BASE + "/bot5550900:AAExampleExampleExampleExampleExample/"
HUB = "https://hub.example.com/webhooks/abcdefghijklmnopqrst"
PLAIN_HUB = "http://127.0.0.1:8000/webhooks/abcdefghijklmnopqrst"
UPDATES = ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"]
#: When the error in getWebhookInfo_failing happened, and ten minutes later.
AT_ONCE = {"Date": "Thu, 01 Jan 2026 00:06:50 GMT"}
LATER = {"Date": "Thu, 01 Jan 2026 00:16:50 GMT"}


def called(requests):
    """Return method and parameters of each request."""
    return [(r.url.removeprefix(BOT), json.loads(r.body)) for r in requests]


def findings(checked):
    return {finding.code: finding for finding in checked.findings}


# --- check ---


def test_a_sound_channel_passes_and_learns_who_it_is(telegram, connection, run, answer):
    checked, requests = run(telegram.check(connection()), answer("getMe"), answer("getWebhookInfo"))
    assert called(requests) == [("getMe", {}), ("getWebhookInfo", {})]
    assert all(request.safe for request in requests)
    assert checked.ok
    assert checked.facts == {
        "bot_id": "5550900",
        "username": "shop_bot",
        "pending_updates": "0",
    }
    assert list(findings(checked)) == ["token", "webhook_url", "webhook_errors"]
    assert "https://t.me/shop_bot" in findings(checked)["token"].detail


def test_a_polling_channel_is_not_asked_about_webhooks(telegram, connection, run, answer):
    checked, requests = run(telegram.check(connection(mode="polling")), answer("getMe"))
    assert called(requests) == [("getMe", {})]
    assert checked.ok


def test_a_dead_token_is_a_finding_that_says_what_to_do(telegram, connection, run, answer):
    checked, _ = run(telegram.check(connection()), answer("401"))
    assert not checked.ok
    assert "@BotFather" in findings(checked)["token"].fix


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("getWebhookInfo_empty", "webhook_url", "no webhook is set"),
        ("getWebhookInfo_foreign", "webhook_url", "other.example.net"),
        ("getWebhookInfo_narrow", "allowed_updates", "callback_query"),
        # Telegram's default list is not told, and lacks reactions.
        ("getWebhookInfo_default", "allowed_updates", "not to send: message_reaction."),
    ],
)
def test_a_webhook_that_is_not_as_we_set_it_is_a_finding(
    telegram, connection, run, answer, *, name, code, words
):
    checked, _ = run(telegram.check(connection()), answer("getMe"), answer(name))
    finding = findings(checked)[code]
    assert not finding.ok
    assert words in finding.detail
    assert finding.fix
    assert "secret-path" not in finding.detail


def test_another_address_of_the_hub_is_not_taken_for_another_program(
    telegram, connection, run, answer
):
    ours = connection(webhook_url="https://hub.example.org/webhooks/abcdefghijklmnopqrst")
    checked, _ = run(telegram.check(ours), answer("getMe"), answer("getWebhookInfo"))
    finding = findings(checked)["webhook_url"]
    assert not finding.ok
    assert finding.detail == (
        "Telegram calls this channel at https://hub.example.com, not at https://hub.example.org."
    )
    assert "HUBBUB_PUBLIC_URL" in finding.fix


@pytest.mark.parametrize(
    ("headers", "before", "ok"),
    [
        pytest.param(AT_ONCE, "0", False, id="fresh and growing"),
        pytest.param(AT_ONCE, "3", True, id="fresh, but catching up"),
        pytest.param(AT_ONCE, "junk", False, id="fresh and unknown before"),
        pytest.param(LATER, "0", True, id="long over"),
        pytest.param({}, "0", False, id="nobody knows the time"),
        pytest.param({"Date": "junk"}, "0", False, id="nobody can read the time"),
    ],
)
def test_only_fresh_errors_with_a_growing_queue_are_a_fault(
    telegram, connection, run, answer, *, headers, before, ok
):
    own = connection(facts={"pending_updates": before})
    failing = answer("getWebhookInfo_failing", headers=headers)
    checked, _ = run(telegram.check(own), answer("getMe"), failing)
    assert findings(checked)["webhook_errors"].ok is ok
    assert checked.facts["pending_updates"] == "3"


@pytest.mark.parametrize(
    ("name", "ok", "word"),
    [("getMe", True, "/setprivacy"), ("getMe_no_groups", False, "/setjoingroups")],
)
def test_groups_are_looked_at_where_they_are_switched_on(
    telegram, connection, run, answer, *, name, ok, word
):
    own = connection(allow_groups=True, mode="polling")
    checked, _ = run(telegram.check(own), answer(name))
    assert findings(checked)["groups"].ok is ok
    assert word in findings(checked)["groups"].fix


def test_a_provider_out_of_order_is_no_finding(telegram, connection, refused):
    broken = HttpResponse(status=502, headers=Headers(), body=b"<html>")
    refused(Transient, telegram.check(connection()), broken)


def test_a_limit_on_a_call_without_a_chat_holds_the_channel(telegram, connection, refused, answer):
    error, _ = refused(RateLimited, telegram.check(connection()), answer("429"))
    assert error.whole_channel


# --- set-up ---


def test_setup_registers_the_webhook_and_checks(telegram, connection, run, answer):
    answers = [answer(name) for name in ("true", "getMe", "getWebhookInfo")]
    checked, requests = run(telegram.setup(connection()), *answers)
    assert called(requests) == [
        (
            "setWebhook",
            {
                "url": HUB,
                "secret_token": "s" * 48,
                "allowed_updates": UPDATES,
                "max_connections": 20,
            },
        ),
        ("getMe", {}),
        ("getWebhookInfo", {}),
    ]
    assert checked.ok


@pytest.mark.parametrize(
    "settings",
    [{"mode": "polling"}, {"webhook_url": PLAIN_HUB}, {"webhook_url": PLAIN_HUB, "mode": ""}],
)
def test_setup_makes_way_for_polling(telegram, connection, run, answer, *, settings):
    checked, requests = run(telegram.setup(connection(**settings)), answer("true"), answer("getMe"))
    assert called(requests) == [("deleteWebhook", {}), ("getMe", {})]
    assert checked.ok


def test_an_explicit_webhook_is_tried_even_where_our_address_is_not_https(
    telegram, connection, run, answer
):
    own = connection(mode="webhook", webhook_url=PLAIN_HUB)
    answers = [answer(name) for name in ("400_webhook", "getMe", "getWebhookInfo_empty")]
    checked, requests = run(telegram.setup(own), *answers)
    assert called(requests)[0][1]["url"] == PLAIN_HUB
    finding = findings(checked)["webhook_url"]
    assert not finding.ok
    assert "An HTTPS URL must be provided" in finding.detail
    assert "HUBBUB_PUBLIC_URL" in finding.fix
    assert [f.code for f in checked.findings].count("webhook_url") == 1


def test_setup_with_a_dead_token_says_so_once(telegram, connection, run, answer):
    checked, _ = run(telegram.setup(connection()), answer("401"), answer("401"))
    assert list(findings(checked)) == ["token"]
    assert not checked.ok


# --- teardown ---


def test_teardown_removes_our_webhook(telegram, connection, run, answer):
    answers = [answer("getWebhookInfo"), answer("true")]
    _, requests = run(telegram.teardown(connection()), *answers)
    assert called(requests) == [("getWebhookInfo", {}), ("deleteWebhook", {})]


@pytest.mark.parametrize("name", ["getWebhookInfo_foreign", "getWebhookInfo_empty", "401"])
def test_teardown_leaves_alone_what_is_not_ours(telegram, connection, run, answer, *, name):
    _, requests = run(telegram.teardown(connection()), answer(name))
    assert called(requests) == [("getWebhookInfo", {})]


# --- files ---


def file_answer(status=200, **headers):
    return HttpResponse(status=status, headers=Headers(headers), body=b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("told", "mime_type"),
    [
        ({}, None),
        ({"Content-Type": "application/octet-stream"}, None),
        ({"Content-Type": "image/jpeg; q=1"}, "image/jpeg"),
    ],
)
def test_a_file_is_asked_for_and_fetched(telegram, connection, run, answer, *, told, mime_type):
    fetching = telegram.fetch_media("Ag2", connection())
    fetched, (ask, get) = run(fetching, answer("getFile"), file_answer(**told))
    assert called([ask]) == [("getFile", {"file_id": "Ag2"})]
    assert get.method == "GET"
    assert get.url == BOT.replace("/bot", "/file/bot") + "photos/file%201.jpg"
    assert get.max_answer == 20 * 1024 * 1024
    assert get.safe
    assert fetched == FetchedMedia(body=b"\xff\xd8\xff", mime_type=mime_type, filename="file 1.jpg")


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("400_big_file", Permanent, "too_large"),
        ("400_wrong_file", Transient, "file_unavailable"),
        ("getFile_no_path", Transient, "file_unavailable"),
        ("401", AuthFailed, "auth_failed"),
    ],
)
def test_a_file_that_telegram_does_not_name_fails(
    telegram, connection, refused, answer, *, name, error, code
):
    failed, _ = refused(error, telegram.fetch_media("Ag2", connection()), answer(name))
    assert failed.code == code


def test_a_link_that_ran_out_is_asked_for_again_later(telegram, connection, refused, answer):
    fetching = telegram.fetch_media("Ag2", connection())
    failed, _ = refused(Transient, fetching, answer("getFile"), file_answer(404))
    assert "AAExample" not in failed.detail


# --- small signals ---


@pytest.fixture
def pressed(call, payload):
    """Return the call that tells of a pressed button."""
    return call(payload("updates/callback_query"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("callback_query", True), ("callback_query_game", True), ("message_text", False)],
)
def test_only_buttons_want_to_be_answered(telegram, call, payload, name, wanted):
    assert telegram.wants_ack(call(payload(f"updates/{name}"))) is wanted


@pytest.mark.parametrize("body", [b'{"update_id":1,"text":"callback_query"}', b'"callback_query"'])
def test_the_mere_word_wants_no_answer(telegram, call, body):
    assert not telegram.wants_ack(call(body))


@pytest.mark.parametrize("name", ["true", "400_old_query"])
def test_a_button_is_answered_and_too_late_does_not_matter(
    telegram, connection, run, answer, pressed, *, name
):
    _, requests = run(telegram.acknowledge(pressed, connection()), answer(name))
    assert called(requests) == [
        ("answerCallbackQuery", {"callback_query_id": "4382bfdwdsb323b2d9"})
    ]


def test_other_trouble_with_a_button_is_told(telegram, connection, refused, answer, pressed):
    refused(AuthFailed, telegram.acknowledge(pressed, connection()), answer("401"))


def test_nothing_is_answered_where_no_button_was_pressed(telegram, connection, run, call, payload):
    _, requests = run(telegram.acknowledge(call(payload("updates/message_text")), connection()))
    assert requests == []


def test_typing_is_shown(telegram, connection, run, answer):
    _, requests = run(telegram.typing("-100123/7", "-100123:1", connection()), answer("true"))
    assert called(requests) == [
        ("sendChatAction", {"chat_id": -100123, "message_thread_id": 7, "action": "typing"})
    ]
