"""Each condition by itself: what it accepts, what it refuses, how it reads."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from hubbub.route import Subject, fold
from hubbub.route.rules import Invalid, decide, read_route_set
from hubbub.sdk.content import Text, from_json

NOON = "2026-01-05T12:00:00+00:00"  # a Monday
BERLIN = "Europe/Berlin"


def subject(content, *, address="+15550100", first=False, at=NOON):
    if isinstance(content, str):
        content = {"type": "text", "text": content}
    return Subject(
        content=from_json(content),
        address=address,
        name=None,
        first=first,
        at=datetime.fromisoformat(at).astimezone(UTC),
    )


def considered(when, message):
    routes = [{"name": "Rule", "when": when, "to": {"type": "inbox"}}]
    return decide(read_route_set(1, routes), message).considered[0]


def matches(when, message):
    return considered(when, message).matched


def errors_of(when):
    with pytest.raises(Invalid) as caught:
        considered(when, subject("hello"))
    return dict(caught.value.errors)


@pytest.mark.parametrize(
    ("test", "text", "expected"),
    [
        ({"contains": "price"}, "What is the PRICE?", True),
        ({"contains": "price"}, "priceless", True),
        ({"contains": "price"}, "What does it cost?", False),
        ({"contains": ["price", "cost"]}, "What does it cost?", True),
        ({"contains": "opening hours"}, "your opening\n   hours, please", True),
        ({"contains": "straße"}, "in der STRASSE", True),
        ({"contains": "caf\u00e9"}, "CAFE\u0301", True),
        ({"equals": "stop"}, "  Stop\n", True),
        ({"equals": "stop"}, "stop it", False),
        ({"equals": ["stop", "end"]}, "END", True),
        ({"starts_with": "re:"}, " RE: your mail", True),
        ({"starts_with": "re:"}, "more: mail", False),
        ({"word": "hi"}, "Hi, there", True),
        ({"word": "hi"}, "this", False),
        ({"word": "hi"}, "hi_there", False),
        ({"word": ["agent", "human"]}, "a human!", True),
        ({"word": "new york"}, "to New  York?", True),
        ({"word": "c++"}, "I write C++ code", True),
        ({"word": "größe"}, "welche Größe?", True),
        ({"matches": r"^order\s+\d+$"}, "Order 66", True),
        ({"matches": r"^order\s+\d+$"}, "my order 66", False),
        ({"matches": ["a+b", "c{2}"]}, "xccx", True),
        ({"contains": "price", "starts_with": "what"}, "What price?", True),
        ({"contains": "price", "starts_with": "what"}, "The price?", False),
    ],
)
def test_text_is_compared_without_regard_to_case_and_blanks(test, text, expected):
    assert matches({"text": test}, subject(text)) is expected


IMAGE = {"type": "image", "media": {"id": "1"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"type": "text", "text": "the price"}, True),
        ({**IMAGE, "caption": "the price"}, True),
        (IMAGE, False),
        ({"type": "choice", "id": "1", "title": "The price"}, True),
        ({"type": "email", "subject": "Price", "text": "Hello"}, True),
        ({"type": "email", "subject": "Hello", "text": "Your price?"}, True),
        ({"type": "email", "subject": "Hello", "text": "No\n> Price?", "visible": "No"}, False),
        ({"type": "location", "latitude": 1, "longitude": 2, "name": "price"}, False),
        ({"type": "reaction", "emoji": "price", "target_external_id": "1"}, False),
    ],
)
def test_the_words_of_a_message_are_its_text_caption_title_or_letter(content, expected):
    assert matches({"text": {"contains": "price"}}, subject(content)) is expected


@pytest.mark.parametrize(
    "test",
    [{"contains": "x"}, {"equals": "x"}, {"word": "x"}, {"matches": ".*"}, {"matches": "^$"}],
)
def test_a_message_without_words_matches_no_text_condition(test):
    assert not matches({"text": test}, subject(IMAGE))
    assert matches({"not": {"text": test}}, subject(IMAGE))


def test_a_pattern_survives_half_a_surrogate_pair():
    half = Subject(
        content=Text(text="x\ud800y"), address="1", name=None, first=False, at=datetime.now(UTC)
    )

    assert matches({"text": {"matches": "^x.y$"}}, half)


@pytest.mark.parametrize(
    ("when", "message", "expected"),
    [
        ({"content_type": "image"}, subject(IMAGE), True),
        ({"content_type": ["image", "video"]}, subject(IMAGE), True),
        ({"content_type": ["text"]}, subject(IMAGE), False),
        ({"sender": {"equals": "Ada@Example.com"}}, subject("x", address="ada@example.com"), True),
        ({"sender": {"equals": "ada"}}, subject("x", address="ada@example.com"), False),
        ({"sender": {"starts_with": ["+49", "+43"]}}, subject("x", address="+43123"), True),
        ({"sender": {"starts_with": "+49"}}, subject("x", address="+43123"), False),
        ({"first_message": True}, subject("x", first=True), True),
        ({"first_message": True}, subject("x", first=False), False),
        ({"first_message": False}, subject("x", first=False), True),
        ({"first_message": False}, subject("x", first=True), False),
        (
            {"choice": {"equals": "yes"}},
            subject({"type": "choice", "id": "yes", "title": "Y"}),
            True,
        ),
        (
            {"choice": {"equals": "yes"}},
            subject({"type": "choice", "id": "Yes", "title": "Y"}),
            False,
        ),
        ({"choice": {"equals": ["a", "yes"]}}, subject("yes"), False),
        ({"command": "start"}, subject("/start"), True),
        ({"command": "/Start"}, subject("/START campaign-7"), True),
        ({"command": "start"}, subject("/start@hubbub_bot now"), True),
        ({"command": ["help", "start"]}, subject("/help"), True),
        ({"command": "start"}, subject("/started"), False),
        ({"command": "start"}, subject({"type": "system", "event": "started"}), True),
        ({"command": "start"}, subject({"type": "system", "event": "joined"}), False),
        ({"command": "help"}, subject({"type": "system", "event": "started"}), False),
        ({"command": "start"}, subject("please /start"), False),
        ({"command": "start"}, subject("start"), False),
    ],
)
def test_the_other_conditions(when, message, expected):
    assert matches(when, message) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, True),
        ({"text": {"contains": "a"}, "content_type": "text"}, True),
        ({"text": {"contains": "a"}, "content_type": "image"}, False),
        ({"all": [{"text": {"contains": "a"}}, {"text": {"contains": "b"}}]}, True),
        ({"all": [{"text": {"contains": "a"}}, {"text": {"contains": "z"}}]}, False),
        ({"any": [{"text": {"contains": "z"}}, {"text": {"contains": "b"}}]}, True),
        ({"any": [{"text": {"contains": "z"}}, {"text": {"contains": "y"}}]}, False),
        ({"not": {"text": {"contains": ["z", "y"]}}}, True),
        ({"not": {"text": {"contains": ["z", "b"]}}}, False),
        ({"not": {"text": {"contains": "a"}, "content_type": "image"}}, True),
        ({"not": {"any": [{"text": {"contains": "z"}}, {"content_type": "text"}]}}, False),
        ({"not": {"not": {"text": {"contains": "a"}}}}, True),
    ],
)
def test_conditions_combine(when, expected):
    assert matches(when, subject("a b")) is expected


def test_a_rule_without_conditions_takes_every_message():
    route_set = read_route_set(1, [{"name": "All", "to": {"type": "inbox"}}])

    assert decide(route_set, subject("anything")).route_id == "rule-1"


OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
NIGHT = {"days": ["fri"], "from": "22:00", "to": "06:00"}


@pytest.mark.parametrize(
    ("time", "at", "expected"),
    [
        (OFFICE, "2026-01-05T09:00+01:00", True),
        (OFFICE, "2026-01-05T08:59+01:00", False),
        (OFFICE, "2026-01-05T16:59:59+01:00", True),
        (OFFICE, "2026-01-05T17:00+01:00", False),
        (OFFICE, "2026-01-04T12:00+01:00", False),  # a Sunday
        (NIGHT, "2026-01-09T22:00+01:00", True),
        (NIGHT, "2026-01-10T05:59+01:00", True),  # Saturday morning is still Friday night
        (NIGHT, "2026-01-10T06:00+01:00", False),
        (NIGHT, "2026-01-10T22:00+01:00", False),
        (NIGHT, "2026-01-09T05:00+01:00", False),
        ({"days": "sun"}, "2026-01-04T00:00+01:00", True),
        ({"days": "sun"}, "2026-01-04T23:59+01:00", True),
        ({"days": "sun"}, "2026-01-05T00:00+01:00", False),
        ({"from": "18:00", "to": "00:00"}, "2026-01-05T23:59+01:00", True),
        ({"from": "18:00", "to": "00:00"}, "2026-01-06T00:00+01:00", False),
        # Summer time begins on 29 March 2026 at 2:00, which becomes 3:00.
        ({"from": "09:00", "to": "17:00"}, "2026-03-28T08:00+00:00", True),
        ({"from": "09:00", "to": "17:00"}, "2026-03-29T07:00+00:00", True),
        ({"from": "09:00", "to": "17:00"}, "2026-03-28T07:00+00:00", False),
        ({"from": "02:00", "to": "03:00"}, "2026-03-29T00:59+00:00", False),
        ({"from": "02:00", "to": "03:00"}, "2026-03-29T01:00+00:00", False),
        # It ends on 25 October 2026 at 3:00, which becomes 2:00: that hour comes twice.
        ({"from": "02:00", "to": "03:00"}, "2026-10-25T00:30+00:00", True),
        ({"from": "02:00", "to": "03:00"}, "2026-10-25T01:30+00:00", True),
        ({"from": "02:00", "to": "03:00"}, "2026-10-25T02:00+00:00", False),
        (NIGHT, "2026-10-24T04:30+02:00", True),
    ],
)
def test_times_go_by_the_clock_on_the_wall(time, at, expected):
    assert matches({"time": {**time, "zone": BERLIN}}, subject("x", at=at)) is expected


@pytest.mark.parametrize(
    ("when", "field"),
    [
        ({"text_contains": "price"}, "text_contains"),
        ({"text": {"containing": "price"}}, "text.containing"),
        ({"text": {}}, "text"),
        ({"text": "price"}, "text"),
        ({"text": None}, ""),
        ({"text": {"contains": ""}}, "text.contains.0"),
        ({"text": {"contains": "  "}}, "text.contains"),
        ({"text": {"contains": []}}, "text.contains"),
        ({"text": {"contains": 5}}, "text.contains"),
        ({"text": {"contains": ["a", 5]}}, "text.contains.1"),
        ({"text": {"contains": "x" * 501}}, "text.contains.0"),
        ({"text": {"matches": "a("}}, "text.matches"),
        ({"text": {"matches": "(?=x)"}}, "text.matches"),
        ({"text": {"matches": r"(a)\1"}}, "text.matches"),
        ({"text": {"matches": "\ud800"}}, "text.matches.0"),
        ({"content_type": "picture"}, "content_type.0"),
        ({"content_type": "template"}, "content_type.0"),
        ({"content_type": []}, "content_type"),
        ({"sender": {"contains": "x"}}, "sender.contains"),
        ({"first_message": "yes"}, "first_message"),
        ({"first_message": 1}, "first_message"),
        ({"choice": {}}, "choice.equals"),
        ({"command": "two words"}, "command"),
        ({"command": "/"}, "command"),
        ({"language": "de"}, "language"),
        ({"all": []}, "all"),
        ({"any": [{}]}, "any.0"),
        ({"not": {}}, "not"),
        ({"all_": [{"text": {"contains": "x"}}]}, "all_"),
        ({"any": [{"text": {"contains": "x"}}, {"oops": 1}]}, "any.1.oops"),
        ({"time": {"zone": BERLIN}}, "time"),
        ({"time": {"days": ["mon"]}}, "time.zone"),
        ({"time": {"days": ["monday"], "zone": BERLIN}}, "time.days.0"),
        ({"time": {"from": "09:00", "zone": BERLIN}}, "time"),
        ({"time": {"from": "9:00", "to": "17:00", "zone": BERLIN}}, "time.from"),
        ({"time": {"from": "09:00", "to": "24:00", "zone": BERLIN}}, "time.to"),
        ({"time": {"from": "09:00", "to": "09:00", "zone": BERLIN}}, "time"),
        ({"time": {"days": ["mon"], "zone": "Berlin"}}, "time.zone"),
        ({"time": {"days": ["mon"], "zone": "../../etc/passwd"}}, "time.zone"),
        ({"time": {"days": ["mon"], "zone": ""}}, "time.zone"),
    ],
)
def test_what_would_be_ignored_or_never_work_is_refused_with_its_field(when, field):
    errors = errors_of(when)

    assert set(errors) == {f"routes.0.when.{field}".rstrip(".")}
    assert not any(message.startswith("Value error") for message in errors.values())


@pytest.mark.parametrize(
    "when",
    [
        {"any": [{"text": {"contains": "x"}}] * 500},
        {"text": {"contains": ["x"] * 101}},
    ],
)
def test_a_condition_of_unreasonable_size_is_refused(when):
    assert errors_of(when)


def test_deep_nesting_is_refused_before_anything_recurses():
    when: dict[str, object] = {"text": {"contains": "x"}}
    for _ in range(5000):
        when = {"not": when}

    assert "too large" in errors_of(when)["routes.0.when"]


def test_the_refusal_of_a_pattern_says_what_is_wrong_with_it():
    assert "missing ): a(" in errors_of({"text": {"matches": "a("}})["routes.0.when.text.matches"]


@pytest.mark.parametrize(
    ("when", "what", "saw"),
    [
        (
            {"text": {"contains": ["Price", "cost"]}},
            "the text contains “price” or “cost”",
            "“Hello”",
        ),
        ({"not": {"text": {"word": "hi"}}}, "the text does not have the word “hi”", "“Hello”"),
        ({"command": "start"}, "the command is /start", "“Hello”"),
        ({"content_type": ["image", "video"]}, "the content is image or video", "text"),
        ({"command": ["start", "help"]}, "the command is /start or /help", "“Hello”"),
        ({"sender": {"starts_with": "+1"}}, "the sender starts with “+1”", "+15550100"),
        ({"first_message": False}, "it is not their first message", "a later message"),
        ({"choice": {"equals": "a"}}, "the choice is “a”", "no choice"),
        (
            {"time": {**OFFICE, "zone": BERLIN}},
            "the time is mon tue wed thu fri 09:00 to 17:00 in Europe/Berlin",
            "mon 13:00 in Europe/Berlin",
        ),
        (
            {"time": {"days": "sun", "zone": BERLIN}},
            "the time is sun in Europe/Berlin",
            "mon 13:00 in Europe/Berlin",
        ),
        (
            {"any": [{"text": {"equals": "a"}, "content_type": "text"}, {"text": {"equals": "b"}}]},
            "(the text is “a” and the content is text) or the text is “b”",
            "“Hello”; text",
        ),
    ],
)
def test_a_condition_says_what_it_wanted_and_what_it_saw(when, what, saw):
    (looked,) = considered(when, subject("Hello")).conditions

    assert (looked.what, looked.saw) == (what, saw)


def test_an_image_without_words_is_shown_as_such():
    (looked,) = considered({"text": {"contains": "x"}}, subject(IMAGE)).conditions

    assert looked.saw == "no text"


def test_an_opened_chat_is_shown_as_such():
    opened = subject({"type": "system", "event": "started", "detail": "campaign-7"})
    (looked,) = considered({"command": "start"}, opened).conditions

    assert looked.saw == "the chat was opened"


def test_what_a_decision_keeps_is_bounded():
    when = {"text": {"contains": ["y" * 400]}, "sender": {"equals": "z"}}
    rule = considered(when, subject("word " * 5000, address="a" * 900))

    assert all(len(one.what) <= 200 and len(one.saw) <= 82 for one in rule.conditions)


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_that_is_compared(text):
    once = fold(text)

    assert matches({"text": {"equals": text}}, subject(text)) if once else True
    assert "  " not in once
    assert once == once.strip()
