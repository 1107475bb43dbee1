"""Files that lie elsewhere are fetched, or it is said why not and whether they may come yet."""

import pytest

from hubbub.fetch import file_at
from hubbub.sdk import Headers, HttpResponse, Permanent, Transient

URL = "https://away.example/a.pdf"


class Elsewhere:
    """Servers that answer by address."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def perform(self, request, *, files):
        self.asked.append(request)
        status, body, headers = self.answers[request.url]
        return HttpResponse(status=status, headers=Headers(headers), body=body)


def test_a_file_is_fetched_from_where_it_was_moved_to():
    moved = (302, b"", {"location": "/b.pdf"})
    there = Elsewhere({URL: moved, "https://away.example/b.pdf": (200, b"%PDF", {})})
    assert file_at(there, f"{URL}#page=2", most=7) == b"%PDF"
    assert [(one.safe, one.max_answer) for one in there.asked] == [(True, 7)] * 2


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((404, b"", {}), Permanent, "the server answers 404"),
        ((503, b"", {}), Transient, "the server answers 503"),
        ((429, b"", {}), Transient, "the server answers 429"),
        ((302, b"", {"location": URL}), Permanent, "again and again"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_whether_it_may_come_yet(answer, error, words):
    with pytest.raises(error, match=words):
        file_at(Elsewhere({URL: answer}), URL, most=7)
