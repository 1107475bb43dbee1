import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hubbub.sdk import Event, from_json, to_json

UPDATES = sorted((Path(__file__).parent / "payloads" / "updates").glob("*.json"))
QUICK = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(2**70),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)


def check(telegram, connection, body, call):
    for wide in (False, True):
        found = list(telegram.parse(call(body), connection(allow_groups=wide, business=wide)))
        assert found
        for event in found:
            assert isinstance(event, Event)
            content = getattr(event, "content", None)
            assert content is None or from_json(to_json(content)) == content
    telegram.wants_ack(call(body))


@QUICK
@given(body=st.binary(max_size=200))
def test_no_bytes_make_parse_raise(telegram, connection, call, body):
    check(telegram, connection, body, call)


@QUICK
@given(value=VALUES)
def test_no_json_makes_parse_raise(telegram, connection, call, value):
    check(telegram, connection, json.dumps(value).encode(), call)


@QUICK
@given(value=VALUES, kind=st.sampled_from(["message", "callback_query", "my_chat_member", "new"]))
def test_no_update_of_a_known_kind_makes_parse_raise(telegram, connection, call, value, kind):
    body = json.dumps({"update_id": 1, kind: value}).encode()
    check(telegram, connection, body, call)


@QUICK
@given(data=st.data())
def test_no_broken_field_makes_parse_raise(telegram, connection, call, data):
    update = json.loads(data.draw(st.sampled_from(UPDATES)).read_bytes())
    place = update
    while True:
        key = data.draw(
            st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
        )
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(VALUES)
            break
        place = inner
    check(telegram, connection, json.dumps(update).encode(), call)


@pytest.mark.parametrize(
    "body",
    [
        b'{"update_id":' + b"9" * 5000 + b"}",
        b'{"update_id":1,"message":' * 2000,
        b'{"update_id":1,"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"update_id":1,"message":{"message_id":1,"date":99999999999999,"chat":{"id":1,"type":"private"}}}',
        b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"location":{"latitude":NaN,"longitude":1}}}',
        b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"text":"\\ud83d"}}',
        b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"text":"\\u0000"}}',
        b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"text":"\xff\xfe"}}',
        b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"rich_message":'
        b'{"blocks":' + b'[{"blocks":' * 90 + b"[]" + b"}]" * 90 + b"}}}",
        b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"text":"'
        + b"x" * 1_000_000
        + b'"}}',
    ],
    ids=[
        "endless number",
        "unclosed",
        "deep",
        "far future",
        "no number",
        "half a character",
        "a null character",
        "no UTF-8",
        "deep words",
        "huge",
    ],
)
def test_nasty_json_makes_nothing_raise(telegram, connection, call, body):
    check(telegram, connection, body, call)
