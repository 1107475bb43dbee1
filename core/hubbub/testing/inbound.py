"""Check that what a provider tells is read whole, once, and as what it is."""

import pickle
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, permutations
from typing import Any, Final

from hubbub.sdk import (
    ATTACHMENT_TYPES,
    Attachment,
    Event,
    Ignored,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Unreadable,
    UnsupportedContent,
    to_json,
)
from hubbub.testing.applies import only_where
from hubbub.testing.given import Given
from hubbub.testing.recorded import Recorded, said

_TIMES: Final = ("provider_at", "edited_at", "deleted_at")
_SEVERAL: Final = 2


class InboundChecks(Given):
    """``parse``, on calls as the provider makes them."""

    def test_a_recorded_call_says_what_it_says(self, recorded: Recorded) -> None:
        heard = tuple(said(event) for event in self.events(self.call(recorded)))
        assert heard == recorded.says, f"It is read as {heard}."

    def test_everything_that_is_read_is_an_event(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            assert isinstance(event, Event), f"parse yields {event!r}."

    @only_where(lambda suite: suite.channel_type.bounds)
    def test_what_is_read_within_bounds_can_be_carried(self, recorded: Recorded) -> None:
        call = self.call(recorded)
        try:
            pickle.dumps((self.kind, call, self.connection()))
            carried = pickle.loads(pickle.dumps(self.events(call)))  # noqa: S301  # just written
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise AssertionError(
                f"A type with bounds is read in another process, and cannot be carried: {error}."
            ) from None
        assert carried == self.events(call), "What is read is another thing once it is carried."

    def test_every_declared_content_type_is_recorded(self) -> None:
        seen = {said(event) for event in self._all_events()}
        missing = self.kind.capabilities.inbound - seen
        assert not missing, f"No recorded call of your test brings {missing}."

    def test_every_content_type_that_is_read_is_declared(self) -> None:
        messages = [event for event in self._all_events() if isinstance(event, MessageReceived)]
        known = self.kind.capabilities.inbound | {"unsupported"}
        strange = {message.content.type for message in messages} - known
        assert not strange, f"{strange} is read, but the manifest does not say so."

    def test_every_declared_receipt_is_recorded(self) -> None:
        seen = {event.state for event in self._all_events() if isinstance(event, ReceiptReceived)}
        missing = {ReceiptState(name) for name in self.kind.capabilities.receipts} - seen
        assert not missing, f"No recorded call of your test brings the receipts {missing}."

    def test_a_message_says_who_wrote(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            if isinstance(event, MessageReceived):
                assert event.sender.address.strip(), f"{event} comes from nobody."
                assert event.sender.name != "", "A name that nobody told is None."

    def test_ids_are_texts_or_absent(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            for name in ("key", "external_id", "reply_to_external_id", "reference"):
                value = getattr(event, name, None)
                assert value is None or (isinstance(value, str) and value), (
                    f"{name} is {value!r}: an id is a text, or None."
                )

    def test_times_name_their_zone(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            for value in (getattr(event, name, None) for name in _TIMES):
                assert value is None or _is_aware(value), f"{value!r} names no time zone."

    def test_a_file_says_where_it_is(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            content: Any = getattr(event, "content", None)
            if isinstance(content, Attachment):
                assert content.media.ref or content.media.url, "A file can never be fetched."
                assert content.type in ATTACHMENT_TYPES, f"No file is a {content.type}."

    def test_what_people_wrote_is_read_word_for_word(self, recorded: Recorded) -> None:
        read = [text for event in self.events(self.call(recorded)) for text in _texts(event)]
        lost = [words for words in recorded.words if not any(words in text for text in read)]
        assert not lost, f"Of what was written, this is not in what is read: {lost}."

    def test_texts_and_captions_are_recorded_with_their_words(self) -> None:
        worded = {kind for one in self.recordings() if one.words for kind in one.says}
        can = self.kind.capabilities
        assert "text" in worded or "text" not in can.inbound, (
            "No recorded text of your test says what was written in it (Recorded.words)."
        )
        captioned = can.inbound & ATTACHMENT_TYPES if can.caption_limit else frozenset()
        assert worded & captioned or not captioned, (
            "No recorded file of your test says what was written below it (Recorded.words)."
        )

    def test_a_piece_says_of_what_and_alone_asks_for_nothing(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            if isinstance(event, MessageReceived) and event.piece is not None:
                assert event.piece.of, f"{event} does not say what it is a piece of."
                assert event.opt_out is None, f"{event} is no whole word."

    # --- once ------------------------------------------------------------------------------

    def test_a_call_that_comes_twice_has_the_same_keys(self, recorded: Recorded) -> None:
        call = self.call(recorded)
        later = replace(call, received_at=self.received_at + timedelta(days=1), id="another")
        first, again = _keys(self.events(call)), _keys(self.events(later))
        assert first == again, f"Repeated, its keys are {again} instead of {first}."

    def test_pieces_of_one_message_differ_even_under_one_id(self) -> None:
        pieces = [
            (recorded, message)
            for recorded in self.recordings()
            if (message := self._keyed_message(recorded)) and message.piece
        ]
        for (_, first), (recorded, second) in combinations(pieces, 2):
            if first.external_id and second.external_id:
                same = _saying(recorded, second.external_id, first.external_id)
                again = self._keyed_message(same)
                assert again is None or again.key != first.key, (
                    f"Pieces that the provider gives one id are one: their key is {first.key}."
                )

    def test_different_things_have_different_keys(self) -> None:
        keyed: dict[str, Event] = {}
        for recorded in self.inbound.values():
            for event in self.events(self.call(recorded)):
                key = getattr(event, "key", None)
                if key is not None:
                    other = keyed.setdefault(key, event)
                    assert other == event, f"{key!r} is the key of {other} and of {event}."

    def test_things_of_one_call_have_different_keys(self, recorded: Recorded) -> None:
        keys = [key for key in _keys(self.events(self.call(recorded))) if key is not None]
        assert len(keys) == len(set(keys)), f"Two things of one call share a key: {keys}."

    def test_a_message_with_an_id_counts_once(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            named = isinstance(event, MessageReceived) and event.external_id is not None
            key = getattr(event, "key", None)
            assert key or not named, f"{event} has an id and no key: brought again, it is two."

    def test_another_id_is_another_message(self, recorded: Recorded) -> None:
        message = self._keyed_message(recorded)
        id_ = recorded.id or (message.external_id if message else None)
        if message is None or not id_:
            return
        other = _saying(recorded, id_, _other(id_))
        assert other != recorded, f"Say by which id the provider knows {message} (Recorded.id)."
        another = self._keyed_message(other)
        assert another is None or another.key != message.key, (
            f"{message.key!r} is the key of {id_!r} and of {_other(id_)!r}: one of them is lost."
        )

    @only_where(lambda suite: suite.one_id_one_message)
    def test_the_same_id_is_the_same_message(self, recorded: Recorded) -> None:
        # What the provider has as one may be several of ours: a text with files.
        known = {(event.external_id, event.key) for event in self._named(recorded)}
        ids = {external_id for external_id, _ in known}
        for words in recorded.words:
            for other in self._named(_saying(recorded, words, _other(words))):
                same = other.external_id not in ids or (other.external_id, other.key) in known
                assert same, (
                    f"Worded anew, the message {other.external_id!r} has the key {other.key!r}: "
                    "it is two."
                )

    def _named(self, recorded: Recorded) -> list[MessageReceived]:
        """Return the messages in a call that have ids."""
        return [
            event
            for event in self.events(self.call(recorded))
            if isinstance(event, MessageReceived) and event.external_id
        ]

    # --- receipts --------------------------------------------------------------------------

    def test_a_receipt_names_what_was_sent(self) -> None:
        for receipt in self._receipts():
            if receipt.up_to is None:
                assert receipt.external_id or receipt.reference, f"{receipt} is about nothing."
            else:
                assert receipt.address, f"{receipt} does not say whose watermark it is."
                assert self.kind.capabilities.watermarks, (
                    "Say capabilities.watermarks: there are some."
                )

    def test_a_receipt_of_a_failure_says_why(self) -> None:
        failed = [one for one in self._receipts() if one.state == ReceiptState.FAILED]
        for receipt in failed:
            assert receipt.fault, f"{receipt} does not say why."
            assert receipt.fault.code, f"{receipt} has no code."
            assert receipt.fault.detail, f"{receipt} explains nothing."

    def test_receipts_say_the_same_in_whatever_order_they_come(self) -> None:
        calls = [
            self.call(recorded)
            for recorded in self.inbound.values()
            if any(words.startswith("receipt") for words in recorded.says)
        ]
        heard = {at: self.events(call) for at, call in enumerate(calls[:4])}
        for order in permutations(heard):
            kind = self.kind
            for at in order:
                again = list(kind.parse(calls[at], self.connection()))
                assert again == heard[at], f"After others, {heard[at]} is read as {again}."

    # --- what is odd -----------------------------------------------------------------------

    def test_an_unknown_kind_is_placed_and_not_lost(self) -> None:
        events = self.events(self.call(self.unknown))
        assert events, "What it does not know leaves no trace: yield Ignored, or a message."
        for event in events:
            unknown = isinstance(getattr(event, "content", None), UnsupportedContent)
            named = isinstance(event, Ignored | Unreadable)
            assert unknown or named, f"What is unknown became {event}."

    def test_what_is_ignored_says_why(self, recorded: Recorded) -> None:
        for event in self.events(self.call(recorded)):
            if isinstance(event, Ignored | Unreadable):
                assert event.reason.strip(), f"{event} does not say why."

    @only_where(lambda suite: suite.batch)
    def test_every_item_of_a_batch_is_read(self) -> None:
        batch: Any = self.batch
        events = self.events(self.call(batch))
        assert len(events) >= _SEVERAL, f"Of a batch only {events} was read."
        assert tuple(map(said, events)) == batch.says, f"The batch is read as {events}."

    @only_where(lambda suite: suite.batch)
    def test_a_spoilt_item_harms_no_other(self) -> None:
        whole: Any = self.batch
        broken = self.broken_batch
        assert broken, "Say in your test how a batch with one spoilt item looks (broken_batch)."
        read = self.events(self.call(broken))
        assert any(isinstance(event, Unreadable) for event in read), "Nothing is unreadable."
        expected = _keys(self.events(self.call(whole)))
        survivors = [key for key in _keys(read) if key in expected]
        assert len(survivors) >= len(expected) - 1, f"Of {expected} only {survivors} are left."

    def _keyed_message(self, recorded: Recorded) -> MessageReceived | None:
        """Return the first message with a key that ``recorded`` brings, if any."""
        events = self.events(self.call(recorded))
        found = (one for one in events if isinstance(one, MessageReceived) and one.key)
        return next(found, None)

    def _all_events(self) -> list[Event]:
        return [event for one in self.recordings() for event in self.events(self.call(one))]

    def _receipts(self) -> list[ReceiptReceived]:
        return [event for event in self._all_events() if isinstance(event, ReceiptReceived)]


def _keys(events: list[Event]) -> list[str | None]:
    return [getattr(event, "key", None) for event in events]


def _texts(event: Event) -> list[str]:
    content: Any = getattr(event, "content", None)
    values = to_json(content).values() if content else ()
    return [value for value in values if isinstance(value, str)]


def _is_aware(value: datetime) -> bool:
    return value.utcoffset() is not None


def _other(text: str) -> str:
    """Return ``text`` with another last letter or digit; nothing where it has none."""
    for at in range(len(text) - 1, -1, -1):
        if text[at].isascii() and text[at].isalnum():
            return f"{text[:at]}{'1' if text[at] != '1' else '2'}{text[at + 1 :]}"
    return ""


def _saying(recorded: Recorded, before: str, after: str) -> Recorded:
    """Return ``recorded`` as if it had said ``after`` instead of ``before``, if it says that."""
    if not after:
        return recorded
    body = recorded.body.replace(before.encode(), after.encode())
    return replace(recorded, body=body, query=recorded.query.replace(before, after))
