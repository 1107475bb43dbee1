"""Check that files of contacts are fetched whole, and that no credential goes astray on the way."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hubbub.sdk import ATTACHMENT_TYPES, FetchedMedia, Headers, HttpRequest, HttpResponse
from hubbub.testing.applies import does, has_a_provider, only_where
from hubbub.testing.exchanges import is_planned, spoken
from hubbub.testing.given import Given
from hubbub.testing.recorded import answer

_PAGE: Final = b"<html>It works!</html>"
#: A host that is not the provider's.
_ELSEWHERE: Final = "elsewhere.example"
_FILE: Final = f"https://{_ELSEWHERE}/cup.jpg"
#: An address in JSON, whose slashes may be escaped.
_ADDRESS: Final = re.compile(rb'https?:(?:\\?/){2}[^"\s]+')
#: What proves to a provider who asks.
_PROOFS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


def _reads_files(suite: Given) -> bool:
    return bool(suite.kind.capabilities.inbound & ATTACHMENT_TYPES)


_fetching = only_where(does("fetch_media"), _reads_files)


@only_where(has_a_provider)
class FileChecks(Given):
    """``fetch_media``."""

    @_fetching
    def test_a_file_is_fetched(self) -> None:
        exchange = self.kind.fetch_media(self._ref(), self.connection())
        ran, _ = self.ran(exchange, self.told("fetched"))
        media: Any = ran.value
        assert isinstance(media, FetchedMedia), f"The file is not fetched: {ran.error!r}."
        assert media.body == self.fetched[-1].body, "Other bytes than those answered came out."

    @_fetching
    def test_fetching_a_file_changes_nothing(self) -> None:
        requests = self._asked(self._ref(), self.told("fetched"))
        assert all(one.safe for one in requests), "A request is not marked safe."

    @_fetching
    def test_a_file_that_is_not_there_is_no_file(self) -> None:
        for status in (401, 403, 404, 410, 429, 500):
            exchange = self.kind.fetch_media(self._ref(), self.connection())
            ran, _ = self.ran(exchange, (answer(status, _PAGE),))
            assert is_planned(ran.error), f"HTTP {status} is {ran.value or ran.error!r}."

    @_fetching
    def test_a_file_on_another_host_is_asked_for_without_credentials(self) -> None:
        for ref in _astray(self._ref()):
            self._check_discreet(self._asked(ref, self.told("fetched")), "the message")

    @_fetching
    def test_a_redirect_to_another_host_is_followed_without_credentials(self) -> None:
        *before, last = self.told("fetched")
        answers = (*before, answer(302, location=_FILE), last)
        self._check_discreet(self._asked(self._ref(), answers), "a redirect")

    @_fetching
    def test_an_answer_that_names_another_host_learns_no_credentials(self) -> None:
        answers = tuple(_naming_another_host(one) for one in self.told("fetched"))
        self._check_discreet(self._asked(self._ref(), answers), "an answer")

    def _asked(self, ref: str, answers: tuple[HttpResponse, ...]) -> list[HttpRequest]:
        _, transport = self.ran(self.kind.fetch_media(ref, self.connection()), answers)
        return transport.requests

    def _check_discreet(self, requests: list[HttpRequest], who: str) -> None:
        secrets = self.secrets(self.connection())
        for request in requests:
            host = urlsplit(request.url).hostname or ""
            if not f".{host}".endswith(f".{_ELSEWHERE}"):
                continue
            told = " ".join((unquote(request.url), spoken(request), *request.headers.values()))
            proofs = _PROOFS & {name.lower() for name in request.headers}
            assert not proofs, f"Where {who} says, on {host}, it sends {proofs}."
            leaked = any(secret in told for secret in secrets)
            assert not leaked, f"Where {who} says, on {host}, it sends a credential."

    def _ref(self) -> str:
        for recorded in self.recordings():
            for event in self.events(self.call(recorded)):
                media = getattr(getattr(event, "content", None), "media", None)
                if media is not None and media.ref:
                    return str(media.ref)
        raise AssertionError("No recorded call brings a file with a ref to fetch.")


def _astray(ref: str) -> Iterator[str]:
    """Yield ``ref`` on other hosts, also such as look like its own; a ref that is none as it is."""
    parts = urlsplit(ref)
    if parts.scheme not in {"http", "https"}:
        yield ref
        return
    yield _FILE
    for netloc in (_ELSEWHERE, f"{parts.netloc}.{_ELSEWHERE}", f"{parts.netloc}@{_ELSEWHERE}"):
        yield parts._replace(netloc=netloc).geturl()
    yield f"https://{_ELSEWHERE}/{parts.netloc}{parts.path}"


def _naming_another_host(response: HttpResponse) -> HttpResponse:
    body = _ADDRESS.sub(_FILE.encode(), response.body)
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return replace(response, headers=Headers(headers), body=body)
