import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hubbub.sdk import Accept, Answer, Connection, Reject


def test_a_call_with_our_secret_is_accepted_with_an_empty_200(telegram, connection, call):
    verdict = telegram.verify(call(b"{}"), connection())
    assert verdict == Accept(Answer(status=200, body=b""))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({"X-Telegram-Bot-Api-Secret-Token": ""}, id="empty"),
        pytest.param({"X-Telegram-Bot-Api-Secret-Token": "s" * 47}, id="too short"),
        pytest.param({"X-Telegram-Bot-Api-Secret-Token": "S" * 48}, id="other case"),
        pytest.param({"X-Telegram-Bot-Api-Secret-Token": "ß\udcff" * 24}, id="odd characters"),
    ],
)
def test_a_call_without_our_secret_is_rejected(telegram, connection, call, headers):
    verdict = telegram.verify(call(b"{}", headers=headers), connection())
    assert isinstance(verdict, Reject)
    assert "X-Telegram-Bot-Api-Secret-Token" in verdict.reason
    assert "s" * 10 not in verdict.reason


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_other_secret_is_let_in(telegram, connection, call, data):
    right = "s" * 48
    place, bit = data.draw(st.integers(0, 47)), data.draw(st.integers(0, 7))
    flipped = right[:place] + chr(ord(right[place]) ^ 1 << bit) + right[place + 1 :]
    secret = data.draw(st.just(flipped) | st.text(max_size=100).filter(lambda text: text != right))
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    body = data.draw(st.binary(max_size=50))
    assert isinstance(telegram.verify(call(body, headers=headers), connection()), Reject)


def test_the_header_may_be_written_in_any_case(telegram, connection, call):
    headers = {"x-TELEGRAM-bot-api-secret-token": "s" * 48}
    assert isinstance(telegram.verify(call(b"{}", headers=headers), connection()), Accept)


def test_a_call_that_is_no_post_is_rejected(telegram, connection, call):
    assert isinstance(telegram.verify(call(b"{}", method="GET"), connection()), Reject)


@pytest.mark.parametrize("given", ["", "anything"])
def test_a_channel_without_a_secret_accepts_nothing(telegram, connection, call, given):
    whole = connection()
    bare = Connection(
        channel_id="c1", name="Shop", fields=whole.fields, webhook_url=whole.webhook_url
    )
    headers = {"X-Telegram-Bot-Api-Secret-Token": given}
    assert isinstance(telegram.verify(call(b"{}", headers=headers), bare), Reject)
