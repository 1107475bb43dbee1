"""What the kit cannot ask of a channel whose provider is the hub itself."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from hubbub.sdk import Headers, HttpResponse
from hubbub.testing import REFERENCE
from hubbub_webchat.channel import Webchat, WebchatFields
from tests.plugins.webchat.test_conformance import TestWebchat as Kit


def ended(exchange, *answers):
    """What an exchange returns, and the requests that it made."""
    requests = []
    try:
        request = next(exchange)
        while True:
            requests.append(request)
            request = exchange.send(answers[len(requests) - 1])
    except StopIteration as end:
        return end.value, requests


def test_what_is_stored_is_sent_and_nobody_is_asked():
    accepted, requests = ended(Webchat().send(Kit().part(), Kit().connection()))
    assert (accepted.external_id, requests) == (REFERENCE, [])


def test_a_visitors_file_is_fetched_from_the_hub():
    answer = HttpResponse(status=0, headers=Headers(), body=b"bytes")
    fetched, requests = ended(Webchat().fetch_media("01abc", Kit().connection()), answer)
    assert fetched.body == b"bytes"
    assert [request.url for request in requests] == ["upload:01abc"]


@pytest.mark.parametrize(
    ("url", "origins", "fine"),
    [
        ("https://hub.example.com/w", ["https://a.example"], [True, True]),
        ("http://127.0.0.1:8000/w", [], [True, True]),
        ("http://localhost:8000/w", [], [True, True]),
        ("http://hub.example.com/w", ["https://a.example"], [True, False]),
        ("http://127.0.0.1.example.com/w", ["https://a.example"], [True, False]),
    ],
)
def test_a_check_says_what_strangers_could_do(url, origins, fine):
    connection = replace(Kit().connection(allowed_origins=origins), webhook_url=url)
    for ask in (Webchat().check, Webchat().setup):
        checked, requests = ended(ask(connection))
        assert [finding.ok for finding in checked.findings] == fine
        assert requests == []
        assert bool(origins) == (not checked.findings[0].fix)


@pytest.mark.parametrize(
    "settings",
    [
        {"allowed_origins": ["example.com"]},
        {"allowed_origins": ["https://example.com/path"]},
        {"allowed_origins": ["https://exam ple.com; script-src *"]},
        {"allowed_origins": ["*"]},
        {"allowed_origins": ["javascript://x"]},
        {"theme": {"color": "red"}},
        {"theme": {"color": "#12345g"}},
        {"locale": "../en"},
        {"greetings": [{"id": "a b", "content": "x"}]},
        {"greetings": [{"id": "a", "content": ""}]},
        {"hours": {"timezone": "Nowhere/Land"}},
        {"prechat": {"fields": [{"name": "Email", "label": "x"}]}},
    ],
)
def test_settings_that_would_harm_are_refused(settings):
    with pytest.raises(ValidationError):
        WebchatFields.model_validate({"settings": settings})


def test_a_short_secret_is_refused():
    with pytest.raises(ValidationError):
        WebchatFields.model_validate({"credentials": {"identity_secret": "short"}})


def test_without_a_word_a_channel_is_sound():
    assert WebchatFields.model_validate({}).settings.locale == "en"
