from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubbub.sdk import Call, Connection, Headers, HttpResponse
from hubbub_telegram.channel import Telegram
from hubbub_telegram.fields import TelegramFields

PAYLOADS = Path(__file__).parent / "payloads"
TOKEN = "5550900:AAExampleExampleExampleExampleExample"
SECRET = "s" * 48


@pytest.fixture
def telegram():
    return Telegram()


@pytest.fixture
def payload():
    """Return the bytes of a payload file."""
    return lambda name: (PAYLOADS / f"{name}.json").read_bytes()


@pytest.fixture
def connection():
    """Return a connection with these settings."""

    def make(
        *,
        webhook_url="https://hub.example.com/webhooks/abcdefghijklmnopqrst",
        facts=None,
        **settings,
    ):
        return Connection(
            channel_id="c1",
            name="Shop",
            fields=TelegramFields.model_validate(
                {"credentials": {"token": TOKEN}, "settings": settings}
            ),
            webhook_url=webhook_url,
            webhook_secret=SECRET,
            facts={"bot_id": "5550900", "username": "shop_bot"} if facts is None else facts,
        )

    return make


@pytest.fixture
def call():
    """Return a webhook call with this body."""

    def make(body, *, method="POST", headers=None):
        given = {"X-Telegram-Bot-Api-Secret-Token": SECRET} if headers is None else headers
        return Call(
            method=method,
            url="https://hub.example.com/webhooks/abcdefghijklmnopqrst",
            headers=Headers({"Content-Type": "application/json", **given}),
            body=body,
            received_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    return make


@pytest.fixture
def events(telegram, connection, call, payload):
    """Return the events of an update file."""

    def read(name, **settings):
        return list(telegram.parse(call(payload(f"updates/{name}")), connection(**settings)))

    return read


@pytest.fixture
def event(events):
    """Return the only event of an update file."""

    def read(name, **settings):
        (only,) = events(name, **settings)
        return only

    return read


@pytest.fixture
def answer(payload):
    """Return an answer file as a response; its name says the status, 200 if it has no number."""

    def make(name, *, headers=None):
        number = name[:3]
        return HttpResponse(
            status=int(number) if number.isdigit() else 200,
            headers=Headers(headers or {}),
            body=payload(f"answers/{name}"),
        )

    return make


@pytest.fixture
def run():
    """Drive an exchange with these responses; return what it returned and the requests it made."""

    def drive(exchange, *responses):
        requests = []
        waiting = list(responses)
        try:
            requests.append(next(exchange))
            while True:
                requests.append(exchange.send(waiting.pop(0)))
        except StopIteration as stop:
            assert not waiting, "It asked less than expected."
            return stop.value, requests

    return drive


@pytest.fixture
def refused(run):
    """Drive an exchange that must raise this error; return the error and its requests."""

    def drive(error, exchange, *responses):
        requests = []

        def watched():
            response = None
            while True:
                try:
                    request = exchange.send(response)
                except StopIteration as stop:
                    return stop.value
                requests.append(request)
                response = yield request

        with pytest.raises(error) as caught:
            run(watched(), *responses)
        assert type(caught.value) is error
        return caught.value, requests

    return drive


@pytest.fixture
def send(telegram, connection, run, answer):
    """Send a part; these answer files are what Telegram says."""

    def sent(what, *answers, **settings):
        return run(telegram.send(what, connection(**settings)), *map(answer, answers))

    return sent
