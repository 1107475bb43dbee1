"""Every fault that is planted in the sound channel type is caught by a check made for it."""

import base64
import inspect
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from hubbub.sdk import (
    Accept,
    Accepted,
    Answer,
    Attachment,
    AuthFailed,
    Challenge,
    ChannelSettings,
    ChannelType,
    Draft,
    FetchedMedia,
    Fields,
    Finding,
    HttpRequest,
    Media,
    OutcomeUnknown,
    Permanent,
    Piece,
    RateLimited,
    Reject,
    Sender,
    Text,
    Transient,
    Unsupported,
)
from tests.core.testing.carrier import FILES, HEADER, Carrier
from tests.core.testing.suite import CarrierConformance

FAULTS: list[Any] = []


def caught_by(check):
    """Say which check catches the fault that a class plants."""

    def planted(mutant):
        FAULTS.append(pytest.param(mutant, check, id=mutant.__name__))
        return mutant

    return planted


# --- who is believed -----------------------------------------------------------------------


@caught_by("test_a_call_without_proof_is_rejected")
class BelievesEverybody(Carrier):
    def verify(self, call, connection):
        return Accept()


@caught_by("test_a_call_of_the_provider_is_accepted")
class BelievesNobody(Carrier):
    def verify(self, call, connection):
        return Reject("No.")


@caught_by("test_a_flipped_bit_of_the_signature_is_rejected")
class ComparesDecodedSignatures(Carrier):
    def fits(self, given, ours):
        try:
            return base64.b64decode(given) == base64.b64decode(ours)
        except ValueError:
            return False


@caught_by("test_a_shortened_or_lengthened_signature_is_rejected")
class ComparesOnlyTheBeginning(Carrier):
    def fits(self, given, ours):
        return bool(given) and given.startswith(ours)


@caught_by("test_odd_characters_for_a_signature_are_rejected")
class RaisesOnOddSignatures(Carrier):
    def verify(self, call, connection):
        call.headers.get(HEADER, "").encode("ascii")
        return super().verify(call, connection)


@caught_by("test_a_changed_body_under_a_good_signature_is_rejected")
class TakesAnyBodyOnceItSawTheSignature(Carrier):
    trusted: frozenset[str] = frozenset()

    def verify(self, call, connection):
        given = call.headers.get(HEADER, "")
        if given in type(self).trusted:
            return Accept()
        verdict = super().verify(call, connection)
        if verdict == Accept():
            type(self).trusted |= {given}
        return verdict


@caught_by("test_the_signature_of_another_channel_is_rejected")
class TakesAnySignature(Carrier):
    def verify(self, call, connection):
        return Accept() if call.headers.get(HEADER) else Reject("It has no signature.")


@caught_by("test_random_headers_and_queries_are_not_accepted_and_raise_nothing")
class BelievesAQuery(Carrier):
    def verify(self, call, connection):
        return Accept() if call.query else super().verify(call, connection)


@caught_by("test_a_rejection_says_why")
class RejectsInSilence(Carrier):
    def verify(self, call, connection):
        verdict = super().verify(call, connection)
        return Reject("") if isinstance(verdict, Reject) else verdict


@caught_by("test_a_handshake_is_answered_as_the_provider_wants")
class AnswersHandshakesWithItsOwnWord(Carrier):
    def greeting(self, call):
        greeting = super().greeting(call)
        return greeting and Challenge(Answer(body=b"coo"))


@caught_by("test_the_answer_to_a_handshake_is_no_page")
class AnswersHandshakesWithAPage(Carrier):
    def greeting(self, call):
        greeting = super().greeting(call)
        return greeting and Challenge(replace(greeting.answer, content_type="text/html"))


@caught_by("test_a_handshake_without_proof_is_rejected")
class AnswersHandshakesOfAnybody(Carrier):
    def verify(self, call, connection):
        return self.greeting(call) or super().verify(call, connection)


@caught_by("test_a_handshake_with_a_false_proof_is_rejected")
class AnswersHandshakesWithAnySignature(Carrier):
    def verify(self, call, connection):
        shaken = self.greeting(call) if HEADER in call.headers else None
        return shaken or super().verify(call, connection)


@caught_by("test_a_handshake_of_another_channel_is_rejected")
class AnswersHandshakesOfAllChannels(AnswersHandshakesWithAnySignature):
    pass


# --- what is read --------------------------------------------------------------------------


@caught_by("test_random_bytes_are_read_without_an_exception")
class RaisesOnBytesThatAreNoText(Carrier):
    def parse(self, call, connection):
        call.body.decode()
        return super().parse(call, connection)


@caught_by("test_hostile_bodies_are_read_without_an_exception")
class RaisesOnDeepNesting(Carrier):
    def parse(self, call, connection):
        if call.body.startswith(b"[[[["):
            raise RecursionError
        return super().parse(call, connection)


@caught_by("test_spoilt_calls_are_read_without_an_exception")
class RaisesOnAMissingField(Carrier):
    def event(self, item):
        item["id"]
        return super().event(item)


@caught_by("test_every_item_of_a_batch_is_read")
class LosesTheSecondItem(Carrier):
    def parse(self, call, connection):
        events = super().parse(call, connection)
        return [*events[:1], *events[2:]]


@caught_by("test_a_spoilt_item_harms_no_other")
class LosesTheSiblingsOfASpoiltItem(Carrier):
    def parse(self, call, connection):
        events = super().parse(call, connection)
        spoilt = [event for event in events if getattr(event, "key", "") == ""]
        return spoilt or events


@caught_by("test_an_unknown_kind_is_placed_and_not_lost")
class DropsUnknownKinds(Carrier):
    def parse(self, call, connection):
        return [event for event in super().parse(call, connection) if not hasattr(event, "reason")]


@caught_by("test_a_recorded_call_says_what_it_says")
class TakesPicturesForTexts(Carrier):
    def message(self, read):
        return replace(super().message(read), content=Text(text=read.text))


@caught_by("test_what_people_wrote_is_read_word_for_word")
class LosesTheCaptionItReads(Carrier):
    def message(self, read):
        message = super().message(read)
        picture = isinstance(message.content, Attachment)
        return (
            replace(message, content=replace(message.content, caption="")) if picture else message
        )


@caught_by("test_what_people_wrote_is_read_word_for_word")
class CutsTheTextItReads(Carrier):
    def message(self, read):
        return super().message(read.model_copy(update={"text": read.text[:1]}))


@caught_by("test_every_content_type_that_is_read_is_declared")
class ReadsWhatItDoesNotDeclare(Carrier):
    def message(self, read):
        content = Attachment(type="video", media=Media(ref="f"))
        return replace(super().message(read), content=content)


@caught_by("test_a_call_that_comes_twice_has_the_same_keys")
class MakesUpKeys(Carrier):
    def parse(self, call, connection):
        events = super().parse(call, connection)
        return [replace(event, key=str(call.received_at)) for event in events]


@caught_by("test_different_things_have_different_keys")
class GivesReceiptsTheKeyOfTheirMessage(Carrier):
    def key(self, read):
        return read.message or read.id


@caught_by("test_things_of_one_call_have_different_keys")
class GivesAllOfASenderOneKey(Carrier):
    def key(self, read):
        return read.sender or read.id


@caught_by("test_pieces_of_one_message_differ_even_under_one_id")
class GivesAllPiecesOneKey(Carrier):
    def leaf(self, read):
        return ""


@caught_by("test_a_gateway_that_gave_up_waiting_leaves_the_outcome_open")
class SendsAgainWhatAGatewayLost(Carrier):
    def refuse(self, response):
        if response.status in {502, 504}:
            raise Transient("The loft is shut.")
        super().refuse(response)


@caught_by("test_times_name_their_zone")
class ForgetsTheTimeZone(Carrier):
    def moment(self, read):
        return datetime(2026, 1, 1)  # noqa: DTZ001  # the fault


@caught_by("test_a_file_says_where_it_is")
class LosesTheFile(Carrier):
    def message(self, read):
        message = super().message(read)
        lost = Attachment(type="image", media=Media())
        return replace(message, content=lost) if read.file else message


@caught_by("test_a_message_says_who_wrote")
class LosesTheSender(Carrier):
    def message(self, read):
        return replace(super().message(read), sender=Sender(address=""))


@caught_by("test_who_writes_has_the_address_by_which_they_are_written_to")
class WritesAddressesInTwoWays(Carrier):
    def message(self, read):
        return replace(super().message(read), sender=Sender(address=f" {read.sender}"))


@caught_by("test_a_message_with_an_id_counts_once")
class ForgetsTheKey(Carrier):
    def message(self, read):
        return replace(super().message(read), key=None)


@caught_by("test_another_id_is_another_message")
class KnowsMessagesByTheirTime(Carrier):
    def key(self, read):
        return f"{read.kind}:{read.at}"


@caught_by("test_the_same_id_is_the_same_message")
class KnowsMessagesByTheirWords(Carrier):
    def key(self, read):
        return f"{read.kind}:{read.id}:{read.text}"


@caught_by("test_a_piece_says_of_what_and_alone_asks_for_nothing")
class LosesWhatAPieceIsOf(Carrier):
    def message(self, read):
        return replace(super().message(read), piece=Piece(of="", number=1, total=2))


@caught_by("test_a_piece_says_of_what_and_alone_asks_for_nothing")
class TakesAPieceForAWord(Carrier):
    def message(self, read):
        piece = Piece(of=read.id, number=1, total=2)
        return replace(super().message(read), piece=piece, opt_out=True)


@caught_by("test_a_receipt_names_what_was_sent")
class LosesTheIdOfAReceipt(Carrier):
    def receipt(self, read):
        return replace(super().receipt(read), external_id=None)


@caught_by("test_a_receipt_of_a_failure_says_why")
class FailsWithoutAReason(Carrier):
    def receipt(self, read):
        return replace(super().receipt(read), fault=None)


@caught_by("test_receipts_say_the_same_in_whatever_order_they_come")
class NeverStepsBack(Carrier):
    """The hub's table does that; a type that does it too depends on what it read before."""

    def __init__(self):
        self.read = False

    def receipt(self, read):
        receipt = super().receipt(read)
        self.read = self.read or read.state == "read"
        return replace(receipt, state="read") if self.read else receipt


# --- purity --------------------------------------------------------------------------------


@caught_by("test_nothing_is_kept_between_calls")
class KeepsACount(Carrier):
    def __init__(self):
        self.calls = 0

    def parse(self, call, connection):
        self.calls += 1
        return super().parse(call, connection)


@caught_by("test_parse_says_the_same_again")
class SeesDuplicatesItself(Carrier):
    def __init__(self):
        self.seen = set()

    def parse(self, call, connection):
        fresh = [
            event
            for event in super().parse(call, connection)
            if getattr(event, "key", None) not in self.seen
        ]
        self.seen |= {event.key for event in fresh}
        return fresh


@caught_by("test_one_call_does_not_colour_the_next")
class RemembersTheLastSender(Carrier):
    def __init__(self):
        self.last = None

    def event(self, item):
        event = super().event(item)
        self.last, last = item, self.last
        return replace(event, key=f"after:{last['id']}") if last and last["id"] == "m7" else event


@caught_by("test_one_channel_does_not_colour_another")
class RemembersTheFirstChannel(Carrier):
    def __init__(self):
        self.first = None

    def verify(self, call, connection):
        self.first = self.first or connection
        return super().verify(call, self.first)


@caught_by("test_two_sends_at_a_time_do_not_mix")
class KeepsThePartItSends(Carrier):
    def __init__(self):
        self.parts = []

    def request(self, part, connection):
        self.parts.append(part)
        return super().request(self.parts[0], connection)


@caught_by("test_reading_and_rendering_open_nothing")
class ReadsAFile(Carrier):
    def parse(self, call, connection):
        Path(__file__).read_bytes()
        return super().parse(call, connection)


# --- what is sent --------------------------------------------------------------------------


@caught_by("test_no_part_is_over_the_limit")
class SplitsOverTheLimit(Carrier):
    def render(self, draft, part, connection):
        return (replace(part, content=draft.content),)


@caught_by("test_no_word_is_lost_where_a_text_is_split")
class CutsInsteadOfSplitting(Carrier):
    def render(self, draft, part, connection):
        return super().render(draft, part, connection)[:1]


@caught_by("test_a_long_caption_is_not_lost")
class DropsLongCaptions(Carrier):
    def render(self, draft, part, connection):
        content = draft.content
        if isinstance(content, Attachment) and len(content.caption or "") > 40:
            draft = Draft(content=replace(content, caption=None))
        return super().render(draft, part, connection)


@caught_by("test_options_beyond_the_limit_become_a_menu")
class DropsTheOptions(Carrier):
    def render(self, draft, part, connection):
        text = getattr(draft.content, "text", None)
        return super().render(Draft(content=Text(text=text)) if text else draft, part, connection)


@caught_by("test_at_most_the_first_part_quotes")
class QuotesWithEveryPart(Carrier):
    def render(self, draft, part, connection):
        parts = super().render(draft, part, connection)
        return tuple(replace(one, reply_to_external_id=draft.reply_to_external_id) for one in parts)


@caught_by("test_parts_go_where_the_message_goes")
class LosesTheReference(Carrier):
    def render(self, draft, part, connection):
        return super().render(draft, replace(part, reference=""), connection)


@caught_by("test_everything_is_rendered_or_unsupported")
class CannotSayWhatItDeclares(Carrier):
    def render(self, draft, part, connection):
        if draft.content.type == "image":
            raise Unsupported("No pictures today.")
        return super().render(draft, part, connection)


@caught_by("test_what_is_declared_is_sent")
class SendsOnlyTexts(Carrier):
    def words(self, content):
        return {"text": content.text}


@caught_by("test_the_words_are_in_the_request")
class SendsNoWords(Carrier):
    def words(self, content):
        return {}


@caught_by("test_all_that_is_said_is_in_the_requests")
class SendsTheFirstWordAlone(Carrier):
    def words(self, content):
        words = super().words(content)
        return {**words, "text": words["text"].partition(" ")[0]}


@caught_by("test_all_that_is_said_is_in_the_requests")
class LosesTheCaptionItSends(Carrier):
    def words(self, content):
        words = super().words(content)
        return {**words, "text": ""} if isinstance(content, Attachment) else words


@caught_by("test_a_file_is_in_the_requests")
class SendsTheCaptionWithoutTheFile(Carrier):
    def words(self, content):
        return {name: word for name, word in super().words(content).items() if name != "file"}


@caught_by("test_all_that_options_say_is_in_the_requests")
class SendsOnlyTheFirstOption(Carrier):
    def words(self, content):
        first = getattr(content, "options", ())[:1]
        return super().words(replace(content, options=first) if first else content)


@caught_by("test_all_that_options_say_is_in_the_requests")
class CutsTitlesToALetter(Carrier):
    def option(self, option):
        return super().option(replace(option, title=option.title[:1]))


@caught_by("test_all_that_options_say_is_in_the_requests")
class CutsLongTitles(Carrier):
    def option(self, option):
        return super().option(replace(option, title=option.title[:20]))


@caught_by("test_all_that_options_say_is_in_the_requests")
class LosesDescriptions(Carrier):
    def option(self, option):
        return super().option(replace(option, description=None))


@caught_by("test_each_option_can_be_told_from_the_others")
class GivesAllOptionsOneId(Carrier):
    def option(self, option):
        return super().option(replace(option, id="x"))


@caught_by("test_a_quotation_is_in_the_request")
class QuotesNothing(Carrier):
    def request(self, part, connection):
        return super().request(replace(part, reply_to_external_id=None), connection)


@caught_by("test_a_quotation_is_in_the_request")
class QuotesAlwaysTheSame(Carrier):
    def request(self, part, connection):
        quoted = "b1" if part.reply_to_external_id else None
        return super().request(replace(part, reply_to_external_id=quoted), connection)


@caught_by("test_the_reference_by_which_it_is_found_is_in_the_request")
class SendsNoReference(Carrier):
    def request(self, part, connection):
        return super().request(replace(part, reference=""), connection)


@caught_by("test_the_reference_by_which_it_is_found_is_in_the_request")
class HearsOfAReferenceThatItNeverSent(SendsNoReference):
    capabilities = replace(Carrier.capabilities, finds=False)

    def receipt(self, read):
        return replace(super().receipt(read), reference="0" * 26)


@caught_by("test_a_hostile_address_reaches_no_other_place")
class DoesNotQuoteTheAddress(Carrier):
    def request(self, part, connection):
        return self.asking("POST", f"/birds/{part.address}", connection, {})


@caught_by("test_a_hostile_text_stays_a_text")
class PutsTextIntoAHeader(Carrier):
    def request(self, part, connection):
        request = super().request(part, connection)
        headers = {**request.headers, "x-words": getattr(part.content, "text", "")}
        return replace(request, headers=headers)


@caught_by("test_a_send_is_not_marked_safe")
class CallsASendSafe(Carrier):
    def request(self, part, connection):
        return replace(super().request(part, connection), safe=True)


@caught_by("test_requests_are_sound")
class WaitsForEver(Carrier):
    def request(self, part, connection):
        return replace(super().request(part, connection), timeout=timedelta(hours=1))


@caught_by("test_the_base_address_can_be_changed")
class IgnoresTheBaseAddress(Carrier):
    def asking(self, method, path, connection, body=None, **more):
        settings = ChannelSettings()
        fields = connection.fields.model_copy(update={"settings": settings})
        connection = replace(connection, fields=fields)
        return super().asking(method, path, connection, body, **more)


# --- what is answered ----------------------------------------------------------------------


@caught_by("test_too_many_requests_are_no_failure")
class TakesThrottlingForAFailure(Carrier):
    def refuse(self, response):
        if response.status == 429:
            raise Permanent("The loft is full.")
        super().refuse(response)


@caught_by("test_the_header_retry_after_is_heeded")
class IgnoresTheWait(Carrier):
    def wait(self, response):
        return timedelta(seconds=1)


@caught_by("test_an_odd_retry_after_still_waits")
class BelievesTheWaitIsANumber(Carrier):
    def wait(self, response):
        return timedelta(seconds=int(response.headers.get("retry-after", "5")))


@caught_by("test_a_wait_is_as_long_as_the_provider_named")
class WaitsTwiceAsLong(Carrier):
    def wait(self, response):
        return super().wait(response) * 2


@caught_by("test_an_error_of_the_server_is_not_for_good")
class GivesUpOnAServerError(Carrier):
    def refuse(self, response):
        if response.status != 200:
            raise Permanent("The loft refuses.")


@caught_by("test_a_refused_login_stops_the_channel")
class TakesAFalseKeyForARefusal(Carrier):
    def refuse(self, response):
        try:
            super().refuse(response)
        except AuthFailed as error:
            raise Permanent(error.detail) from None


@caught_by("test_a_refusal_has_the_right_class")
class ForgetsThatSomebodyIsGone(Carrier):
    def refuse(self, response):
        if response.status == 410:
            raise Permanent("Nobody lives there any more.")
        super().refuse(response)


@caught_by("test_a_refusal_is_explained")
class RefusesInSilence(Carrier):
    def refuse(self, response):
        if response.status != 200:
            raise Permanent


@caught_by("test_no_other_status_counts_as_accepted")
class LooksAtTheBodyAlone(Carrier):
    def refuse(self, response):
        """Take every answer that names a bird for a yes."""


@caught_by("test_a_yes_that_cannot_be_read_is_an_unknown_outcome")
class TriesAgainWhatItCannotRead(Carrier):
    def accepted(self, response):
        return Accepted(external_id=self.bird(response, Permanent))


@caught_by("test_a_random_answer_is_no_crash")
class BelievesEveryAnswer(Carrier):
    def accepted(self, response):
        return Accepted(external_id=response.json()["bird"])


@caught_by("test_what_may_have_arrived_is_not_sent_again")
class RetriesWhatMayHaveBeenSent(Carrier):
    def send(self, part, connection):
        try:
            return (yield from self.deliver(part, connection))
        except OutcomeUnknown:
            return (yield from self.deliver(part, connection))


@caught_by("test_a_lost_answer_is_an_unknown_outcome")
class TakesALostAnswerForARefusal(Carrier):
    def send(self, part, connection):
        try:
            return (yield from self.deliver(part, connection))
        except OutcomeUnknown as error:
            raise Permanent(error.detail) from None


@caught_by("test_a_refused_message_is_not_sent_on")
class RetriesByItself(Carrier):
    def send(self, part, connection):
        try:
            return (yield from self.deliver(part, connection))
        except RateLimited:
            return (yield from self.deliver(part, connection))


# --- beside --------------------------------------------------------------------------------


@caught_by("test_a_check_changes_nothing")
class ChangesThingsInACheck(Carrier):
    def check(self, connection):
        yield self.asking("POST", "/touch", connection, {})
        return (yield from super().check(connection))


@caught_by("test_what_is_wrong_comes_with_its_mending")
class DoesNotSayHowToMend(Carrier):
    def wrong(self, detail, connection):
        return Finding(code="key", ok=False, detail=detail)


@caught_by("test_a_refused_login_is_found")
class FindsEverythingWell(Carrier):
    def refuse(self, response):
        """Find nothing wrong."""

    def bird(self, response, error):
        return "b1"


@caught_by("test_the_set_up_names_our_webhook")
class RegistersAnotherAddress(Carrier):
    def hook(self, connection):
        return {"url": "https://hub.example.com/"}


@caught_by("test_a_set_up_that_fails_is_told")
class RegistersBlindly(Carrier):
    def setup(self, connection):
        yield self.asking("PUT", "/hook", connection, self.hook(connection))
        return (yield from self.check(connection))

    def check(self, connection):
        found = super().check(connection)
        request = next(found)
        response = yield request
        try:
            return found.send(response)
        except StopIteration as stop:
            good = tuple(replace(one, ok=True) for one in stop.value.findings)
            return replace(stop.value, findings=good)


@caught_by("test_a_file_that_is_not_there_is_no_file")
class TakesAnErrorPageForAFile(Carrier):
    def fetch_media(self, ref, connection):
        response = yield self.asking("GET", "/files", connection)
        return FetchedMedia(body=response.body)


@caught_by("test_a_file_on_another_host_is_asked_for_without_credentials")
class ShowsTheKeyToAnyHost(Carrier):
    def is_ours(self, url):
        return True


@caught_by("test_a_file_on_another_host_is_asked_for_without_credentials")
class ShowsTheKeyToHostsThatLookAlike(Carrier):
    def is_ours(self, url):
        return url.startswith(FILES)


@caught_by("test_a_file_on_another_host_is_asked_for_without_credentials")
class PutsTheKeyIntoTheAddressOfAnyHost(Carrier):
    def file(self, url, connection):
        key = connection.fields.credentials.key.get_secret_value()
        return HttpRequest(method="GET", url=f"{url}?key={key}", safe=True)


@caught_by("test_a_redirect_to_another_host_is_followed_without_credentials")
class TakesTheKeyAlongWhereItIsSent(Carrier):
    def fetch_media(self, ref, connection):
        response = yield self.file(ref, connection)
        if response.status == 302:
            moved = response.headers["location"]
            headers = self.proof(connection)
            response = yield HttpRequest(method="GET", url=moved, headers=headers, safe=True)
        self.refuse(response)
        return FetchedMedia(body=response.body)


@caught_by("test_an_answer_that_names_another_host_learns_no_credentials")
class GoesWithTheKeyWhereAnAnswerSays(Carrier):
    def fetch_media(self, ref, connection):
        where = yield self.file(ref, connection)
        headers = self.proof(connection)
        response = yield HttpRequest(
            method="GET", url=where.json()["url"], headers=headers, safe=True
        )
        return FetchedMedia(body=response.body)


@caught_by("test_a_list_of_templates_that_breaks_off_is_none")
class TakesAnErrorPageForAnEmptyList(Carrier):
    def letters(self, response):
        return ()


@caught_by("test_templates_are_listed_once_each")
class ListsAllTemplatesUnderOneName(Carrier):
    def letter(self, name):
        return super().letter("letter")


@caught_by("test_no_answer_proves_nothing")
class TakesNoAnswerForANo(Carrier):
    def find(self, part, connection):
        response = yield self.asking("GET", "/references", connection)
        return self.accepted(response) if response.status == 200 else None


@caught_by("test_the_set_up_can_be_undone")
class ForgetsToUnregister(Carrier):
    def teardown(self, connection):
        yield from ()


@caught_by("test_the_set_up_names_our_webhook")
class HasNoSetUp(Carrier):
    setup = ChannelType.setup


# --- secrets -------------------------------------------------------------------------------


class _Bare(Fields):
    key: str = Field(title="API key", json_schema_extra={"writeOnly": True})
    signing_key: str = Field(title="Signing key", json_schema_extra={"writeOnly": True})


class _Open(Fields):
    key: str = Field(title="API key")
    signing_key: str = Field(title="Signing key")


def _fields(credentials):
    return type(
        "CarrierFields",
        (Fields,),
        {
            "__annotations__": {"credentials": credentials, "settings": ChannelSettings},
            "settings": ChannelSettings(),
        },
    )


@caught_by("test_no_secret_is_in_the_repr_of_the_channel")
class ShowsTheKeyInItsRepr(Carrier):
    fields = _fields(_Bare)


@caught_by("test_the_credentials_hold_a_secret_that_the_hub_can_recognise")
class HasCredentialsThatAnybodyMaySee(Carrier):
    fields = _fields(_Open)


@caught_by("test_no_secret_is_in_an_error")
class QuotesTheKeyInAnError(Carrier):
    def send(self, part, connection):
        try:
            return (yield from self.deliver(part, connection))
        except Permanent as error:
            key = connection.fields.credentials.key.get_secret_value()
            raise type(error)(f"The key {key} was refused.") from None


@caught_by("test_no_secret_is_in_a_finding")
class QuotesTheKeyInAFinding(Carrier):
    def wrong(self, detail, connection):
        key = connection.fields.credentials.key.get_secret_value()
        return Finding(code="key", ok=False, detail=f"{key} is wrong.", fix="Copy it again.")


@caught_by("test_no_secret_is_in_a_rejection")
class NamesTheKeyItExpected(Carrier):
    def verify(self, call, connection):
        key = connection.fields.credentials.signing_key.get_secret_value()
        verdict = super().verify(call, connection)
        return Reject(f"It is not signed with {key}.") if verdict != Accept() else verdict


@caught_by("test_nothing_secret_is_logged_or_printed")
class LogsTheKey(Carrier):
    def request(self, part, connection):
        request = super().request(part, connection)
        logging.getLogger(__name__).debug("asking with %s", request.headers)
        return request


@caught_by("test_no_message_is_logged_or_printed")
class PrintsWhatIsSaid(Carrier):
    def request(self, part, connection):
        print("sending", part)  # noqa: T201  # the fault
        return super().request(part, connection)


@caught_by("test_no_secret_is_in_what_is_read")
class PutsTheKeyIntoAFileAddress(Carrier):
    def parse(self, call, connection):
        key = connection.fields.credentials.key.get_secret_value()
        events = super().parse(call, connection)
        return [
            replace(event, content=Attachment(type="image", media=Media(url=f"https://x/{key}")))
            if hasattr(event, "content")
            else event
            for event in events
        ]


@caught_by("test_the_icon_is_a_small_drawing_without_scripts")
class HasAnIconThatRuns(Carrier):
    icon = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@caught_by("test_the_files_that_it_carries_have_rules")
class HasNoRulesForFiles(Carrier):
    capabilities = replace(Carrier.capabilities, media={})


@caught_by("test_every_declared_content_type_is_recorded")
class DeclaresWhatNobodyEverSaw(Carrier):
    capabilities = replace(Carrier.capabilities, inbound=frozenset({"text", "image", "voice"}))


@caught_by("test_what_is_read_within_bounds_can_be_carried")
class ReadsWhatCannotBeCarried(Carrier):
    def parse(self, call, connection):
        local = type("Local", (str,), {})
        return [
            replace(event, key=local(event.key)) if getattr(event, "key", None) else event
            for event in super().parse(call, connection)
        ]


@caught_by("test_every_declared_receipt_is_recorded")
class DeclaresAReceiptThatNobodyEverSaw(Carrier):
    capabilities = replace(Carrier.capabilities, receipts=frozenset({"sent"}))


# --- the run -------------------------------------------------------------------------------


@pytest.mark.parametrize(("mutant", "check"), FAULTS)
def test_the_fault_is_caught(mutant, check):
    assert failure(Carrier, check) is None
    assert failure(mutant, check) is not None


def test_every_fault_is_another_one():
    assert len({fault.values[0] for fault in FAULTS}) == len(FAULTS) > 60


def failure(channel_type, check):
    """Run one check for all its cases; return how it failed, or None."""
    suite = type("Suite", (CarrierConformance,), {"channel_type": channel_type})()
    run = getattr(suite, check)
    names = list(inspect.signature(run).parameters)
    for values in product(*(suite.cases()[name].values() for name in names)):
        try:
            run(*values)
        except Exception as error:  # noqa: BLE001  # in any way
            return error
    return None
