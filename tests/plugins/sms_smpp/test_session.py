"""A bind, second by second, with a message centre that the test plays."""

import pytest
from hypothesis import given, strategies as st

from hubbub.sdk import AuthFailed, HttpResponse, OutcomeUnknown, Over, Transient
from hubbub_sms_smpp import meanings, pdu
from hubbub_sms_smpp.pdu import Command, Malformed, Pdu
from hubbub_sms_smpp.session import SmppSessions
from tests.plugins.sms_smpp.made import Centre, connection, deliver, segment, sms, taken

ENQUIRE = Pdu(command=Command.ENQUIRE_LINK, sequence=7)


@pytest.fixture
def centre():
    centre = Centre()
    centre.opened()
    assert centre.ready()
    return centre


def part(place):
    return segment(place, b"half", reference=9)


def _first(bind) -> Pdu:
    (step,) = bind.opened(0)
    return pdu.decode(step.data)


def test_a_transceiver_is_one_bind_and_the_other_mode_two_of_which_the_first_submits():
    one = SmppSessions().begin(connection())
    two = SmppSessions().begin(connection(bind_mode="transmitter+receiver"))
    commands = [[_first(bind).command for bind in binds] for binds in (one, two)]
    assert commands == [
        [Command.BIND_TRANSCEIVER],
        [Command.BIND_TRANSMITTER, Command.BIND_RECEIVER],
    ]


def test_nothing_is_submitted_before_the_centre_let_us_in():
    centre = Centre()
    assert centre.bind.room == 0
    centre.opened()
    assert centre.bind.room == 10


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0x0D, AuthFailed),
        (0x0E, AuthFailed),
        (0x0F, AuthFailed),
        (0x05, Transient),
        (0x08, Transient),
        (0x65, Transient),
    ],
)
def test_a_refused_bind_ends_the_session_and_says_whether_to_come_again(status, kind):
    centre = Centre()
    centre.opened(status)
    assert type(centre.over().error) is kind
    assert not centre.ready()


def test_a_bind_without_an_answer_ends_the_session():
    centre = Centre()
    centre.take(centre.bind.opened(centre.now))
    centre.wait(31)
    assert isinstance(centre.over().error, Transient)


def test_a_message_is_confirmed_only_once_it_is_kept(centre):
    centre.say(deliver(sms(), 5))
    (keep,) = centre.kept()
    assert centre.written() == []
    assert keep.calls == (deliver(sms(), 5).encoded(),)
    centre.settle()
    (answer,) = centre.written()
    assert (answer.command, answer.status, answer.sequence) == (0x80000005, 0, 5)


def test_a_message_that_was_not_kept_is_to_come_again(centre):
    centre.say(deliver(sms(), 5))
    centre.settle(kept=False)
    (answer,) = centre.written()
    assert (answer.status, answer.sequence) == (meanings.NOT_KEPT, 5)


def test_what_comes_in_one_piece_is_kept_in_one_go(centre):
    centre.say(deliver(sms(b"1"), 1), ENQUIRE, deliver(sms(b"2"), 2))
    (keep,) = centre.kept()
    assert len(keep.calls) == 2
    centre.settle()
    assert [unit.sequence for unit in centre.written()] == [1, 2]


def test_what_cannot_be_read_is_kept_all_the_same(centre):
    unit = Pdu(command=Command.DELIVER_SM, sequence=3, body=b"\0\1")
    centre.say(unit)
    (keep,) = centre.kept()
    assert keep.calls == (unit.encoded(),)


def test_case_13_throttled_pauses_and_then_there_is_room_again(centre):
    submitted = centre.ask()
    centre.say(submitted.answered(meanings.THROTTLED))
    assert centre.answers()["t1"].status == meanings.THROTTLED
    assert centre.bind.room == 0
    centre.wait(1.1)
    assert centre.bind.room == 10


def test_each_time_it_is_too_much_the_pause_is_longer_until_something_is_taken(centre):
    pauses = []
    for _ in range(6):
        centre.say(centre.ask().answered(meanings.THROTTLED))
        began = centre.now
        while centre.bind.room == 0:
            centre.wait(1)
        pauses.append(centre.now - began)
    assert pauses == [1, 2, 4, 8, 15, 15]
    centre.say(taken(centre.ask()))
    centre.say(centre.ask().answered(meanings.THROTTLED))
    centre.wait(1)
    assert centre.bind.room == 10


def test_what_was_on_its_way_together_and_was_too_much_is_one_pause(centre):
    for unit in [centre.ask(f"t{number}") for number in range(10)]:
        centre.say(unit.answered(meanings.THROTTLED))
    assert centre.bind.room == 0
    centre.wait(1)
    assert centre.bind.room == 10


def test_case_15_a_unit_cut_in_two_with_a_pause_is_read(centre):
    data = deliver(sms(), 5).encoded()
    centre.hear(data[:21])
    assert centre.steps == []
    centre.wait(3)
    centre.hear(data[21:])
    assert centre.kept()[0].calls == (data,)


def test_case_15_an_unbind_of_the_centre_is_answered_and_ends_the_session(centre):
    centre.say(Pdu(command=Command.UNBIND, sequence=8))
    (answer,) = centre.written()
    assert (answer.command, answer.sequence) == (0x80000006, 8)
    assert isinstance(centre.over().error, Transient)


def test_enquire_link_is_answered_at_once(centre):
    centre.say(ENQUIRE)
    (answer,) = centre.written()
    assert (answer.command, answer.sequence) == (0x80000015, 7)


@pytest.mark.parametrize("command", [0x0B, 0x102, 0x103, 0x7F])
def test_what_is_unknown_is_answered_by_generic_nack_and_the_session_goes_on(centre, command):
    centre.say(Pdu(command=command, sequence=4))
    (nack,) = centre.written()
    assert (nack.command, nack.status, nack.sequence) == (0x80000000, 0x03, 4)
    assert centre.over() is None


def test_silence_is_broken_by_enquire_link_and_without_an_answer_ended(centre):
    centre.wait(29)
    assert centre.written() == []
    centre.wait(2)
    assert [unit.command for unit in centre.written()] == [Command.ENQUIRE_LINK]
    centre.wait(10)
    assert centre.written() == []
    centre.wait(21)
    assert centre.over().error.code == "no_answer"


def test_an_answered_enquire_link_keeps_the_session(centre):
    centre.wait(31)
    (asked,) = centre.written()
    centre.say(asked.answered())
    centre.wait(29)
    assert centre.steps == []


def test_the_window_is_never_exceeded():
    centre = Centre(window=2)
    centre.opened()
    first, _ = centre.ask("a"), centre.ask("b")
    assert centre.bind.room == 0
    centre.say(taken(first))
    assert centre.bind.room == 1


def test_answers_find_their_requests_in_whatever_order_they_come(centre):
    first, second = centre.ask("a"), centre.ask("b")
    centre.say(taken(second, "2"), taken(first, "1"))
    bodies = {ticket: pdu.decode(answer.body).body for ticket, answer in centre.answers().items()}
    assert bodies == {"a": b"1\0", "b": b"2\0"}


def test_a_message_without_an_answer_in_time_has_an_unknown_outcome(centre):
    submitted = centre.ask()
    centre.wait(31)
    assert isinstance(centre.answers()["t1"], OutcomeUnknown)
    # Is anybody there at all?
    assert [unit.command for unit in centre.written()] == [Command.ENQUIRE_LINK]
    centre.say(taken(submitted))
    assert centre.answers() == {}


def test_a_generic_nack_answers_what_it_names(centre):
    submitted = centre.ask()
    centre.say(pdu.nack(submitted.sequence, 0x03))
    assert centre.answers()["t1"].status == 0x03


def test_what_is_no_smpp_ends_the_session(centre):
    centre.hear(b"HTTP/1.1 400 Bad Request\r\n")
    assert isinstance(centre.over().error, Transient)


def test_leave_is_taken_by_unbind(centre):
    centre.steps = []
    centre.take(centre.bind.closing(centre.now))
    (unbind,) = centre.written()
    assert unbind.command == Command.UNBIND
    centre.say(unbind.answered())
    assert centre.over() == Over()


def test_each_segment_is_a_call_of_its_own_and_confirmed_once_it_is_kept(centre):
    centre.say(deliver(part(2), 1), deliver(part(1), 2))
    (keep,) = centre.kept()
    assert keep.calls == (deliver(part(2), 1).encoded(), deliver(part(1), 2).encoded())
    centre.settle()
    assert [(unit.sequence, unit.status) for unit in centre.written()] == [(1, 0), (2, 0)]


# --- whatever comes ------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_whatever_comes_in_whatever_pieces_nothing_is_raised(pieces):
    centre = Centre()
    centre.opened()
    for piece in pieces:
        centre.hear(piece)
        if centre.kept():
            centre.settle()
        if centre.over():
            break


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=200))
def test_whatever_unit_comes_it_is_answered_or_nothing_happens(command, status, body):
    centre = Centre()
    centre.opened()
    ticket = centre.ask()
    centre.say(Pdu(command=command, status=status, sequence=ticket.sequence, body=body))
    for answer in centre.answers().values():
        assert isinstance(answer, HttpResponse)
    for unit in centre.written():
        assert unit.command & 0x80000000 or unit.command == Command.ENQUIRE_LINK


def test_a_unit_that_says_to_be_too_long_or_too_short_is_not_waited_for():
    for length in (0, 15, (1 << 16) + 1, 0xFFFFFFFF):
        with pytest.raises(Malformed):
            list(pdu.Framer().feed(length.to_bytes(4, "big")))
