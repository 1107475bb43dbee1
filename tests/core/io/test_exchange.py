"""Driving a plugin: its errors are judged, what was said is recorded, and no secret stays."""

import dataclasses
import json
import pickle
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from hubbub.exchange import MOST_REQUESTS, run
from hubbub.redact import Redactor
from hubbub.sdk.content import Media
from hubbub.sdk.errors import (
    AuthFailed,
    HubError,
    MalformedPayload,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Transient,
)
from hubbub.sdk.values import File, Headers, HttpRequest, HttpResponse, Multipart
from hubbub.transport import NotSent

CANARY = "1234567:canary/Canary+canary"
GET = HttpRequest(method="GET", url="https://api.example/me", safe=True)
POST = HttpRequest(method="POST", url="https://api.example/send")
OK = HttpResponse(status=200, headers=Headers({"X-A": "b"}), body=b'{"ok":true}')


class Provider:
    """A transport that gives the scripted answers, or raises them."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def perform(self, request, *, files):
        assert callable(files)
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def drive():
    """Run an exchange against scripted answers."""

    def drive(exchange, *answers, secrets=(CANARY,), clock=lambda: 0.0):
        return run(
            exchange,
            Provider(*answers),
            redact=Redactor(secrets),
            files=lambda media: media.id.encode(),
            clock=clock,
        )

    return drive


def asking(*requests, error=None):
    """Yield ``requests`` one after the other, then raise ``error`` or return the answers."""
    answers = {}
    for number, request in enumerate(requests):
        answers[number] = yield request
    if error is not None:
        raise error
    return list(answers.values())


def test_answers_go_into_the_plugin_and_its_result_comes_out(drive):
    ran = drive(asking(GET, POST), OK, dataclasses.replace(OK, status=201))

    assert ran.error is None
    assert [answer.status for answer in ran.value] == [200, 201]


def test_an_exchange_without_requests_is_run_too(drive):
    ran = drive(asking())

    assert (ran.value, ran.error, ran.exchanges) == ([], None, [])


def test_what_was_said_is_recorded_with_its_duration(drive):
    ticks = iter([0.0, 1.0, 1.25, 2.0])

    ran = drive(
        asking(dataclasses.replace(POST, headers={"X-B": "c"}, body=b"hello")),
        OK,
        clock=lambda: next(ticks),
    )

    assert ran.duration_ms == 2000
    assert ran.exchanges == [
        {
            "request": {
                "method": "POST",
                "url": "https://api.example/send",
                "headers": {"X-B": "c"},
                "body": "hello",
            },
            "response": {"status": 200, "headers": {"x-a": "b"}, "body": '{"ok":true}'},
            "error": None,
            "duration_ms": 250,
        }
    ]


def test_a_request_that_failed_is_recorded_with_the_reason(drive):
    ran = drive(asking(POST), NotSent("api.example cannot be reached."))

    [entry] = ran.exchanges
    assert (entry["response"], entry["error"]) == (None, "api.example cannot be reached.")


@pytest.mark.parametrize(
    "error",
    [
        AuthFailed("401", provider_code="190"),
        RateLimited("429", retry_after=timedelta(seconds=3)),
        Permanent("400"),
        OutcomeUnknown("unreadable"),
    ],
)
def test_the_error_that_a_plugin_raises_is_its_result(drive, error):
    ran = drive(asking(POST, error=error), OK)

    assert ran.value is None
    assert ran.error is error


@pytest.mark.parametrize("error", [NotSent("no"), OutcomeUnknown("lost"), Transient("later")])
def test_an_error_of_the_transport_goes_through_the_plugin_and_out(drive, error):
    seen = []

    def plugin():
        try:
            yield POST
        except HubError as raised:
            seen.append(raised)
            raise

    ran = drive(plugin(), error)

    assert seen == [error]
    assert ran.error is error


def test_a_plugin_may_react_to_an_error_of_the_transport(drive):
    def plugin():
        try:
            yield POST
        except NotSent:
            answer = yield dataclasses.replace(POST, url="https://fallback.example/")
        return answer.status

    ran = drive(plugin(), NotSent("no"), OK)

    assert (ran.value, ran.error) == (200, None)
    assert [entry["error"] for entry in ran.exchanges] == ["no", None]


@pytest.mark.parametrize(
    ("requests", "answers", "kind"),
    [
        ([], [], Permanent),
        ([GET], [OK], Permanent),
        ([POST], [OK], OutcomeUnknown),
        ([POST, GET], [OK, OK], OutcomeUnknown),
        ([GET, POST], [OK, OK], OutcomeUnknown),
    ],
)
def test_a_plugin_that_fails_is_harmless_only_before_it_changed_anything(
    drive, requests, answers, kind
):
    with capture_logs() as logs:
        ran = drive(asking(*requests, error=KeyError("text of a customer")), *answers)

    assert type(ran.error) is kind
    assert ran.error.code == "plugin_error"
    assert ran.error.detail.startswith("The plugin failed: KeyError.")
    assert [entry["error"] for entry in logs] == ["KeyError"]
    assert "test_exchange.py" in logs[0]["traceback"]
    assert "text of a customer" not in str(logs)


@pytest.mark.parametrize(
    ("transports", "kind"),
    [
        (NotSent("no"), Permanent),
        (Permanent("refused", code="refused"), Permanent),
        (OutcomeUnknown("lost"), OutcomeUnknown),
    ],
)
def test_a_plugin_that_fails_over_an_error_is_judged_by_what_may_have_arrived(
    drive, transports, kind
):
    def plugin():
        try:
            yield POST
        except HubError:
            raise RuntimeError from None

    with capture_logs():
        ran = drive(plugin(), transports)

    assert type(ran.error) is kind
    assert ran.error.code == "plugin_error"


@pytest.mark.parametrize(("requests", "kind"), [([GET], Permanent), ([POST], OutcomeUnknown)])
def test_an_unreadable_answer_is_unknown_only_where_something_changed(drive, requests, kind):
    ran = drive(asking(*requests, error=MalformedPayload("no id in it")), OK)

    assert type(ran.error) is kind
    assert ran.error.code == "malformed_payload"
    assert "no id in it" in ran.error.detail


@pytest.mark.parametrize(("request_", "kind"), [(GET, Permanent), (POST, OutcomeUnknown)])
def test_a_transport_that_fails_in_an_unforeseen_way_proves_nothing(drive, request_, kind):
    with capture_logs():
        ran = drive(asking(request_), ZeroDivisionError())

    assert type(ran.error) is kind


@pytest.mark.parametrize(
    ("request_", "kind"), [(GET, Permanent), (POST, OutcomeUnknown)], ids=["safe", "unsafe"]
)
def test_an_exchange_without_end_is_cut_off(drive, request_, kind):
    closed = []

    def plugin():
        try:
            while True:
                yield request_
        finally:
            closed.append(True)

    ran = drive(plugin(), *[OK] * 20)

    assert type(ran.error) is kind
    assert (len(ran.exchanges), closed) == (MOST_REQUESTS, [True])


def test_as_many_requests_as_allowed_are_no_error(drive):
    ran = drive(asking(*[GET] * MOST_REQUESTS), *[OK] * MOST_REQUESTS)

    assert ran.error is None


@pytest.mark.parametrize(
    "exchange", [None, "accepted", iter([POST])], ids=["none", "text", "iterator"]
)
def test_what_is_no_exchange_is_an_error_of_the_plugin(drive, exchange):
    with capture_logs():
        ran = drive(exchange, OK)

    assert ran.error.code == "plugin_error"


def test_what_is_no_request_is_an_error_of_the_plugin(drive):
    with capture_logs():
        ran = drive(asking("https://api.example/"), OK)

    assert isinstance(ran.error, Permanent)
    assert ran.exchanges == []


def test_an_interrupt_is_not_swallowed(drive):
    with pytest.raises(KeyboardInterrupt):
        drive(asking(POST), KeyboardInterrupt())


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", ""),
        ("gr\u00fc\u00dfe".encode(), "gr\u00fc\u00dfe"),
        (b"\x89PNG\r\n\x1a\n", "<8 bytes>"),
        (b"text\0more", "<9 bytes>"),
        ("\u20ac".encode() * 3000, "\u20ac" * 1333 + "... (9000 bytes)"),
    ],
)
def test_bodies_are_recorded_bounded_and_as_text_where_they_are(drive, body, shown):
    ran = drive(asking(dataclasses.replace(POST, body=body)), dataclasses.replace(OK, body=body))

    [entry] = ran.exchanges
    assert entry["request"]["body"] == entry["response"]["body"] == shown


def test_no_record_grows_with_what_the_provider_says(drive):
    flood = HttpResponse(
        status=200,
        headers=Headers({f"x-{number}": "y" * 10_000 for number in range(100)}),
        body=b"z" * 1_000_000,
    )

    ran = drive(asking(dataclasses.replace(POST, url="https://x.example/" + "a" * 100_000)), flood)

    assert len(json.dumps(ran.exchanges)) < 40_000
    assert len(ran.exchanges[0]["response"]["body"]) <= 4096


def test_a_form_is_recorded_by_its_fields(drive):
    form = Multipart(
        fields=(
            ("chat_id", "5"),
            ("token", "hush"),
            ("photo", File(Media(id="m", size=1234), "cat.jpg")),
            ("other", File(Media(id="n"), f"{CANARY}.jpg")),
        )
    )

    ran = drive(asking(dataclasses.replace(POST, body=form)), OK)

    assert ran.exchanges[0]["request"]["body"].split("\n") == [
        "chat_id: 5",
        "token: ***",
        "photo: <cat.jpg, 1234 bytes>",
        "other: <***.jpg>",
    ]


def test_a_file_is_recorded_by_its_name_and_size(drive):
    file = File(Media(id="m", size=1234), f"{CANARY}.jpg")

    ran = drive(asking(dataclasses.replace(POST, body=file)), OK)

    assert ran.exchanges[0]["request"]["body"] == "<***.jpg, 1234 bytes>"


def _everywhere(canary):
    request = HttpRequest(
        method="POST",
        url=f"https://api.example/bot{canary}/send?token={canary}",
        headers={"Authorization": f"Bearer {canary}", "X-Note": canary},
        body=json.dumps({"a": canary, "b": "x" * 3980, canary: 1}).encode() + canary.encode() * 9,
    )
    response = HttpResponse(
        status=400,
        headers=Headers({"Set-Cookie": canary, "X-Echo": canary}),
        body=b"y" * 3980 + canary.encode(),  # across the limit of what is recorded
    )
    return request, response


@pytest.mark.parametrize(
    "error",
    [
        Permanent(f"Bad token {CANARY}", provider_code=CANARY),
        MalformedPayload(f"Unreadable: {CANARY}"),
        ValueError(CANARY),
        None,
    ],
    ids=["send error", "hub error", "bug", "none"],
)
@pytest.mark.parametrize("fails", [False, True])
def test_a_secret_is_nowhere_in_what_comes_out(drive, error, fails):
    request, response = _everywhere(CANARY)

    def plugin():
        try:
            yield request
        except OutcomeUnknown as lost:
            if error is None:
                raise
            raise error from lost
        if error is not None:
            raise error
        return "fine"

    with capture_logs() as logs:
        ran = drive(plugin(), OutcomeUnknown(f"lost {CANARY}") if fails else response)

    shown = json.dumps(ran.exchanges) + repr(ran) + repr(logs) + str(_of(ran.error))
    for part in ("canary", "Canary"):
        assert part not in shown
    assert "***" in shown


def _of(error):
    """Everything that an error carries with it."""
    if error is None:
        return None
    assert error.__traceback__ is None
    assert error.__cause__ is None
    assert error.__context__ is None
    return error.args, vars(error), pickle.dumps(error.args)
