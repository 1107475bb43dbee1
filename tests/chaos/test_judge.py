"""The judge finds nothing wrong with a hub that kept its promises, and each broken one."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.book import Book, Heard, Talk, Texted, Written
from tests.chaos.facts import Facts, Seen, _repeats
from tests.chaos.judge import OLD, Judge, settled
from tests.chaos.texts import texts_verdict

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CHANNELS = {"sms": "S"}


def row(**values) -> Any:
    """Return something like a row of the database."""
    return SimpleNamespace(**values)


def message(number, direction, said, **more):
    content = {"type": "text", "text": said}
    about = {"channel_id": "S", "address": "+1", "external_id": None, "decision": None}
    about["conversation_id"] = "c"
    return row(id=f"m{number}", direction=direction, content=content, **{**about, **more})


def delivery(number, said, **more):
    about = {
        "state": "sent",
        "message_status": "sent",
        "external_id": f"out{number}",
        "error": None,
        "lane_until": None,
        "created_at": NOW,
        "claimed_at": NOW,
        "due_at": NOW,
        "channel_id": "S",
        "conversation_id": "c",
        "address": "+1",
    }
    content = {"type": "text", "text": said}
    return row(id=f"d{number}", message_id=f"m{number}", content=content, **{**about, **more})


def seen(number, said, **more):
    about = {"seq": number, "at": NOW.timestamp(), "address": "+1", "external_id": f"out{number}"}
    return Seen(text=said, **{**about, **more})


def receipt(**more):
    about = {"external_id": None, "reference": None, "address": None, "up_to": None}
    return row(**{**about, "channel_id": "S", "state": "delivered", **more})


@pytest.fixture
def book():
    """A customer wrote twice and sent a file; a colleague wrote once; two calls were odd."""
    book = Book(rejected={b"forged"}, malformed={b"id=nonsense"}, files={"in1": b"file"})
    book.heard[Talk("sms", "+1")] = [
        Heard(external_id="in1", answer="one"),
        Heard(external_id="in2", answer="two"),
    ]
    book.written["key"] = Written(message_id="m5", address="+1", text="three")
    book.receipts["out3"] = {"delivered"}
    return book


@pytest.fixture
def facts():
    """What a hub has that did all this well."""
    ledger = {"balanced": True, "pending": 0, "inbound_messages": 2, "receipts": 1, "applied": 3}
    return Facts(
        ledger=ledger,
        calls=[
            row(url="/w", body=b"forged", state="quarantined"),
            row(url="/w?token=t&id=nonsense", body=b"", state="dead"),
        ],
        messages=[
            message(1, "inbound", "text 1", external_id="in1"),
            message(2, "inbound", "text 2", external_id="in2"),
            message(3, "outbound", "one"),
            message(4, "outbound", "two"),
            message(5, "outbound", "three"),
        ],
        deliveries=[
            delivery(3, "one", state="delivered", message_status="delivered"),
            delivery(4, "two"),
            delivery(5, "three"),
        ],
        edits={},
        pieces=[],
        receipts=[receipt(external_id="out3")],
        files={"in1": [b"file"]},
        attempts={},
        seen=[seen(3, "one"), seen(4, "two"), seen(5, "three")],
        repeats={},
    )


def verdict(book, facts):
    return Judge(book=book, facts=facts, channels=CHANNELS).verdict()


def test_nothing_is_wrong_with_promises_that_were_kept(book, facts):
    assert verdict(book, facts) == []


UNKNOWN = delivery(4, "two", state="unknown", message_status="unknown", external_id=None)
FAILED = delivery(4, "two", state="failed", message_status="failed", error={"detail": "Refused."})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: {"ledger": {**f.ledger, "balanced": False}}, "does not balance"),
        (lambda f: {"ledger": {**f.ledger, "pending": 1}}, "pending"),
        (lambda f: {"ledger": {**f.ledger, "applied": 4}}, "4 events were applied, 3 effects"),
        (lambda f: {"messages": f.messages[1:]}, "missing ['in1']"),
        (lambda f: {"messages": [*f.messages, f.messages[1]]}, "double ['in2']"),
        (lambda f: {"messages": [f.messages[1], f.messages[0], *f.messages[2:]]}, "first ('in1'"),
        (lambda f: {"messages": [*f.messages, f.messages[3]]}, "2 answers 'two'"),
        (lambda f: {"messages": f.messages[:4]}, "became None"),
        (lambda f: {"files": {}}, "0 files of in1"),
        (lambda f: {"files": {"in1": [b"file", b"file"]}}, "2 files of in1"),
        (lambda f: {"receipts": []}, "the receipt out3 delivered is lost"),
        (lambda f: {"receipts": f.receipts * 2}, "is there 2 times"),
        (lambda f: {"deliveries": [delivery(3, "one"), *f.deliveries[1:]]}, "out3 is sent after"),
        (lambda f: {"calls": f.calls[:1]}, "a malformed call is gone"),
        (lambda f: {"calls": [*f.calls, *f.calls]}, "1 rejected, 1 more of them"),
        (lambda f: {"seen": f.seen[:2]}, "saw it 0 times"),
        (lambda f: {"seen": [*f.seen, seen(9, "two")]}, "saw it 2 times"),
        (lambda f: {"seen": [*f.seen, seen(9, "four")]}, "what nobody sent"),
        (lambda f: {"seen": [*f.seen[:2], seen(1, "three", external_id="out5")]}, "overtook"),
        (
            lambda f: {"deliveries": [f.deliveries[0], FAILED, f.deliveries[2]]},
            "d4 to +1 is failed",
        ),
        (
            lambda f: {
                "deliveries": [f.deliveries[0], UNKNOWN, f.deliveries[2]],
                "seen": [*f.seen, seen(9, "two")],
            },
            "d4 to +1 is unknown, the sandbox saw it 2 times",
        ),
    ],
)
def test_each_broken_promise_is_a_sentence(book, facts, change, complaint):
    found = verdict(book, replace(facts, **change(facts)))
    assert any(complaint in sentence for sentence in found), found


@pytest.mark.parametrize("arrived", [True, False])
def test_an_outcome_that_is_called_unknown_may_have_arrived_or_not(book, facts, arrived):
    journal = [one for one in facts.seen if arrived or one.text != "two"]
    deliveries = [facts.deliveries[0], UNKNOWN, facts.deliveries[2]]
    assert verdict(book, replace(facts, deliveries=deliveries, seen=journal)) == []


@pytest.mark.parametrize(("failed", "well"), [(True, True), (False, False)])
def test_people_answer_once_the_bot_has_failed_and_not_before(book, facts, failed, well):
    first = facts.messages[0]
    first.decision = {"fell_back": "chatbot did not answer"} if failed else {}
    facts.messages[1].decision = {"kept_with": "people"}
    messages = [one for one in facts.messages if one.id != "m4"]
    deliveries = [one for one in facts.deliveries if one.id != "d4"]
    journal = [one for one in facts.seen if one.text != "two"]
    changed = replace(facts, messages=messages, deliveries=deliveries, seen=journal)
    assert (verdict(book, changed) == []) is well


def test_a_later_message_may_overtake_one_that_held_its_lane_too_long(book, facts):
    late = seen(1, "three", external_id="out5", at=(NOW + timedelta(minutes=2)).timestamp())
    held = delivery(4, "two", lane_until=NOW + timedelta(minutes=2))
    deliveries = [facts.deliveries[0], held, facts.deliveries[2]]
    journal = [*facts.seen[:2], late]
    journal[0] = seen(0, "one", external_id="out3")
    assert verdict(book, replace(facts, deliveries=deliveries, seen=journal)) == []


def test_it_tells_how_unknown_outcomes_came_to_be_known(facts):
    attempts = {
        "d3": ["outcome_unknown"],
        "d4": ["outcome_unknown", "proven_sent"],
        "d5": ["outcome_unknown", "proven_not_sent", "accepted"],
    }
    assert settled(replace(facts, attempts=attempts)) == Counter(
        {
            "told by a receipt": 1,
            "found at the provider": 1,
            "not found at the provider, sent again": 1,
        }
    )


def test_a_kind_of_channel_on_which_nobody_was_heard_is_a_sentence(book, facts):
    found = Judge(book=book, facts=facts, channels={**CHANNELS, "mute": "M"}).verdict()
    assert found == ["nobody was heard on mute"]


def test_what_the_provider_gave_no_id_is_found_by_the_hubs_own(book, facts):
    nameless = delivery(4, "two", external_id=None)
    deliveries = [facts.deliveries[0], nameless, facts.deliveries[2]]
    for known_as, well in (("d4", True), ("out4", False)):
        journal = [facts.seen[0], seen(4, "two", external_id=known_as), facts.seen[2]]
        changed = replace(facts, deliveries=deliveries, seen=journal)
        assert (verdict(book, changed) == []) is well


MARK = NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: {}, None),
        (lambda f: {"receipts": f.receipts[1:]}, "is there 0 times"),
        (lambda f: {"receipts": [*f.receipts, f.receipts[0]]}, "is there 2 times"),
        (
            lambda f: {"receipts": [*f.receipts, receipt(address="+2", up_to=MARK)]},
            "the watermark ('+2'",
        ),
        (
            lambda f: {"deliveries": [*f.deliveries[:2], delivery(5, "three")]},
            "out5 is sent, and reached +1",
        ),
        (
            lambda f: {
                "deliveries": [
                    *f.deliveries[:2],
                    delivery(5, "three", due_at=NOW + timedelta(minutes=1)),
                ]
            },
            None,
        ),
        (
            lambda f: {
                "deliveries": [
                    *f.deliveries[:2],
                    delivered(5, "three", claimed_at=NOW + timedelta(minutes=1)),
                ]
            },
            "out5 is delivered after",
        ),
    ],
)
def test_a_watermark_speaks_of_all_that_came_before_it(book, facts, change, complaint):
    book.receipts.clear()
    book.marks["+1"].append(MARK.timestamp())
    passed = replace(
        facts,
        ledger={**facts.ledger, "receipts": 4},
        deliveries=[delivered(3, "one"), delivered(4, "two"), delivered(5, "three")],
        receipts=[receipt(address="+1", up_to=MARK), receipt(), receipt(), receipt()],
    )
    found = verdict(book, replace(passed, **change(passed)))
    assert any(complaint in one for one in found) if complaint else found == []


def delivered(number, said, **more):
    return delivery(number, said, state="delivered", message_status="delivered", **more)


ONE, TWO, LONG = "say w001", "say w002", "and so on, say w003"


@pytest.mark.parametrize(
    ("written", "found", "repeats", "complaint"),
    [
        ([ONE, TWO], [ONE, TWO], [0, 0], None),
        ([ONE, TWO], [ONE, ONE, TWO], [1, 0], None),
        ([ONE, ONE, TWO], [ONE, ONE, TWO], [0, 0, 0], None),
        ([LONG], [LONG, "[…]on, say w003"], [1], None),
        ([ONE, TWO], [TWO], [1, 1], "missing ['say w001']"),
        ([ONE, TWO], [TWO, ONE], [0, 0], "out of order: ('say w001', 'say w002')"),
        ([ONE, TWO], [ONE, TWO, ONE], [1, 0], "out of order"),
        ([ONE, ONE], [ONE], [1, 0], "written 2 times and brought at most 3 times; it is there 1"),
        ([ONE], [ONE, ONE], [0], "brought at most 1 times; it is there 2 times"),
        ([LONG], ["[…]on, say w003"], [1], "it is there 0 times, and 1 pieces"),
        ([LONG], [LONG, "[…]on, say w003"], [0], "brought at most 1 times"),
        ([ONE], [ONE, "say w009"], [9], "never told ['say w009']"),
    ],
)
def test_a_text_without_an_id_is_there_and_no_more_often_than_it_was_brought(
    written, found, repeats, complaint
):
    texted = [Texted(id=str(number), text=text) for number, text in enumerate(written)]
    counted = {str(number): count for number, count in enumerate(repeats)}
    told = list(texts_verdict("sms", texted, found, counted))
    assert any(complaint in one for one in told) if complaint else told == []


def test_what_a_centre_brought_again_is_counted_over_all_segments():
    tries = [("a", 1, ""), ("a", 2, ""), ("b", 1, "nobody is bound"), ("b", 2, ""), ("c", 1, "")]
    calls = [{"key": key, "attempt": number, "error": error} for key, number, error in tries]
    assert _repeats(calls) == {"a": 1, "b": 0, "c": 0}


@pytest.fixture
def texted(book, facts):
    """The customer wrote by SMPP, and the first message came twice: it has two answers."""
    book.heard.clear()
    book.files.clear()
    book.texted[Talk("sms", "+1")] = [
        Texted(id="t1", text="say one"),
        Texted(id="t2", text="say two"),
    ]
    messages = [
        message(1, "inbound", "say one"),
        message(2, "inbound", "say one"),
        message(6, "inbound", "say two"),
        message(3, "outbound", "answer one"),
        message(4, "outbound", "answer one"),
        message(7, "outbound", "answer two"),
        message(5, "outbound", "three"),
    ]
    deliveries = [
        delivery(3, "answer one", state="delivered", message_status="delivered"),
        delivery(4, "answer one"),
        delivery(7, "answer two"),
        delivery(5, "three"),
    ]
    return replace(
        facts,
        ledger={**facts.ledger, "inbound_messages": 3, "applied": 4},
        messages=messages,
        deliveries=deliveries,
        seen=[
            seen(3, "answer one"),
            seen(4, "answer one"),
            seen(5, "answer two", external_id="out7"),
            seen(6, "three", external_id="out5"),
        ],
        files={},
        repeats={"t1": 1},
    )


LOST_TWIN = delivery(4, "answer one", state="unknown", message_status="unknown", external_id=None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: {}, None),
        (lambda f: {"repeats": {}}, "brought at most 1 times"),
        (lambda f: {"messages": [one for one in f.messages if one.id != "m4"]}, "1 answers"),
        (lambda f: {"seen": f.seen[1:]}, "saw it 1 times"),
        (lambda f: {"seen": [*f.seen, seen(9, "answer one")]}, "saw it 3 times"),
        (
            lambda f: {
                "seen": [replace(f.seen[0], seq=9), *f.seen[1:]],
            },
            "overtook",
        ),
        (lambda f: {"deliveries": [f.deliveries[0], LOST_TWIN, *f.deliveries[2:]]}, None),
        (
            lambda f: {
                "deliveries": [f.deliveries[0], LOST_TWIN, *f.deliveries[2:]],
                "seen": [one for one in f.seen if one.external_id != "out4"],
            },
            None,
        ),
    ],
)
def test_what_came_twice_without_an_id_is_answered_twice(book, texted, change, complaint):
    found = verdict(book, replace(texted, **change(texted)))
    assert any(complaint in one for one in found) if complaint else found == []


# --- threads, pieces, and what is told again ---


@pytest.fixture
def letters():
    """What a hub has that answered two threads of one address, and wrote first to another one."""
    about = {"external_id": None, "address": "a@example.net"}
    other = {**about, "address": "b@example.net"}
    return Facts(
        ledger={"balanced": True, "pending": 0, "inbound_messages": 2, "receipts": 0, "applied": 2},
        calls=[],
        messages=[
            message(1, "inbound", "1", **{**about, "external_id": "<1>"}, conversation_id="c1"),
            message(3, "outbound", "one", **about, conversation_id="c1"),
            message(2, "inbound", "2", **{**about, "external_id": "<2>"}, conversation_id="c2"),
            message(4, "outbound", "two", **about, conversation_id="c2"),
            message(5, "outbound", "three", **other, conversation_id="c3"),
        ],
        deliveries=[
            delivery(3, "one", **{**about, "external_id": "<d3>"}, conversation_id="c1"),
            delivery(4, "two", **{**about, "external_id": "<d4>"}, conversation_id="c2"),
            delivery(5, "three", **{**other, "external_id": "<d5>"}, conversation_id="c3"),
        ],
        edits={},
        pieces=[],
        receipts=[],
        files={},
        attempts={},
        seen=[
            seen(3, "one", external_id="d3", address="a@example.net", names=["<1>"]),
            seen(4, "two", external_id="d4", address="a@example.net", names=["<2>"]),
            seen(5, "three", external_id="d5", address="b@example.net"),
        ],
        repeats={},
    )


def threads_verdict(facts):
    book = Book()
    for number, answer in (("<1>", "one"), ("<2>", "two")):
        heard = Heard(external_id=number, answer=answer)
        book.heard[Talk("email", "a@example.net", number)] = [heard]
    return Judge(
        book=book, facts=facts, channels={"email": "S"}, by_reference=frozenset({"email"})
    ).verdict()


def test_nothing_is_wrong_with_threads_that_are_kept_apart(letters):
    assert threads_verdict(letters) == []


@pytest.mark.parametrize(
    ("moved", "to", "complaint"),
    [
        (2, "c1", "missing ['<2>']"),
        (3, "c1", "0 answers 'two' to <2>"),
    ],
)
def test_what_is_in_another_thread_is_a_sentence(letters, moved, to, complaint):
    letters.messages[moved].conversation_id = to
    found = threads_verdict(letters)
    assert any(complaint in sentence for sentence in found), found


@pytest.mark.parametrize("names", [[], ["<2>"], ["<1>", "<2>"]])
def test_an_answer_that_does_not_name_its_own_thread_alone_is_a_sentence(letters, names):
    letters.seen[0] = replace(letters.seen[0], names=names)
    assert threads_verdict(letters) == [f"d3 belongs to <1> and names {names}"]


def test_an_answer_may_name_what_was_sent_without_knowing_whether_it_arrived(letters):
    letters.seen[1] = replace(letters.seen[1], names=["<2>", "<d4.seal@example.org>"])
    assert threads_verdict(letters) == []


def test_pieces_are_told_one_by_one_and_are_one_message(book, facts):
    facts.ledger["applied"] += 2
    assert verdict(book, replace(facts, pieces=["m1", "m1", None])) == []
    assert "4 effects are there" in verdict(book, replace(facts, pieces=["m1", "m1"]))[0]


def test_a_receipt_is_there_twice_where_nothing_tells_that_it_is_told_again(book, facts):
    facts.ledger.update(receipts=2, applied=4)
    twice = replace(facts, receipts=facts.receipts * 2)
    judge = Judge(book=book, facts=twice, channels=CHANNELS, retelling=frozenset({"sms"}))
    assert judge.verdict() == []


@pytest.mark.parametrize(("renumbered", "well"), [(True, True), (False, False)])
def test_a_letter_that_seems_to_be_old_has_no_answer_where_letters_got_other_numbers(
    book, facts, renumbered, well
):
    if renumbered:
        book.deeds["renumberings"] += 1
    facts.messages[1].decision = {"not_routed": OLD}
    messages = [one for one in facts.messages if one.id != "m4"]
    deliveries = [one for one in facts.deliveries if one.id != "d4"]
    journal = [one for one in facts.seen if one.text != "two"]
    changed = replace(facts, messages=messages, deliveries=deliveries, seen=journal)
    assert (verdict(book, changed) == []) is well
