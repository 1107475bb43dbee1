"""Check that all of what a message says is in the requests that carry it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hubbub.sdk import (
    Choices,
    Content,
    Draft,
    File,
    HttpRequest,
    Letter,
    Multipart,
    Part,
    to_json,
)
from hubbub.testing.applies import has_a_provider, only_where
from hubbub.testing.exchanges import spoken
from hubbub.testing.given import Given

#: What says how a content is built, and not what it says.
_FRAME: Final = frozenset({"type", "media", "target_external_id"})


def _offers(suite: Given) -> bool:
    return suite.kind.capabilities.options > 0


def _quotes(suite: Given) -> bool:
    return suite.kind.capabilities.replies


@only_where(has_a_provider)
class WholenessChecks(Given):
    """``render`` and ``send`` together: between them nothing is lost."""

    def test_all_that_is_said_is_in_the_requests(self, carried_content: Content) -> None:
        self._check_words(carried_content)

    def test_a_file_is_in_the_requests(self, carried_content: Content) -> None:
        media: Any = getattr(carried_content, "media", None)
        if media is not None:
            requests = self._requests(self._fitted(carried_content))
            named = any(media.url in spoken(one) or media in _files(one) for one in requests)
            assert named, f"Of {carried_content.type} neither bytes nor address are sent."

    @only_where(_offers)
    def test_all_that_options_say_is_in_the_requests(self, offered: Choices) -> None:
        self._check_words(offered)

    @only_where(_offers)
    def test_each_option_can_be_told_from_the_others(self, offered: Choices) -> None:
        for part in self._fitted(offered):
            if isinstance(part.content, Choices):
                said = " ".join(map(spoken, self._requests((part,))))
                ids = [option.id for option in part.content.options]
                lost = [name for name in ids if name not in said]
                assert not lost, f"The ids {lost} are lost: whose option was picked?"

    @only_where(_quotes)
    def test_a_quotation_is_in_the_request(self) -> None:
        first = self.external_id
        second = first[:-1] + ("1" if first[-1] == "2" else "2")
        parts = [self.part(reply_to_external_id=quoted) for quoted in (None, first, second)]
        plain, quoting, another = ([spoken(one) for one in self._requests((p,))] for p in parts)
        assert quoting != plain, "Which message it quotes is lost, and capabilities.replies is set."
        assert quoting != another, "Whichever message it quotes, the request is the same."

    def test_the_reference_by_which_it_is_found_is_in_the_request(self) -> None:
        part = self.part()
        if self._goes_by_reference(part):
            requests = self._requests((part,))
            sent = any(part.reference in _all(one) for one in requests)
            assert sent, "Receipts or find go by our reference, but it is not sent."

    def _check_words(self, content: Content) -> None:
        said = " ".join(map(spoken, self._requests(self._fitted(content))))
        lost = [words for words in _words(to_json(content)) if words not in said]
        assert not lost, f"Of {content.type} this is in no request: {lost}."

    def _goes_by_reference(self, part: Part) -> bool:
        events = (event for one in self.recordings() for event in self.events(self.call(one)))
        if any(getattr(event, "reference", None) for event in events):
            return True
        if not (self.kind.capabilities.finds and self.found):
            return False
        _, asked = self.ran(self.kind.find(part, self.connection()), self.found)
        return any(part.reference in _all(one) for one in asked.requests)

    def _fitted(self, content: Content) -> tuple[Part, ...]:
        return tuple(self.kind.render(Draft(content=content), self.part(), self.connection()))

    def _requests(self, parts: tuple[Part, ...]) -> list[HttpRequest]:
        """Return what is asked of the provider to send ``parts``."""
        sent = (self.send(*self.answers_to(part.content.type), part=part)[1] for part in parts)
        return [request for transport in sent for request in transport.requests]


def _words(value: object, name: str = "") -> Iterator[str]:
    """Yield what a person reads of a content's JSON: the id of an option is none of it."""
    match value:
        case Mapping():
            for key, item in value.items():
                if key not in _FRAME and not (name == "options" and key == "id"):
                    yield from _words(item, str(key))
        case list():
            for item in value:
                yield from _words(item, name)
        case str() | float():
            yield str(value)


def _files(request: HttpRequest) -> list[Any]:
    match request.body:
        case File(media=media):
            return [media]
        case Multipart(fields=fields):
            return [field.media for _, field in fields if isinstance(field, File)]
        case Letter(pieces=pieces):
            return [piece.media for piece in pieces if isinstance(piece, File)]
    return []


def _all(request: HttpRequest) -> str:
    return " ".join((spoken(request), *request.headers.values()))
