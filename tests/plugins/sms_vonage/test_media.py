"""Fetching the files of inbound MMS."""

import pytest

from hubbub.sdk import Permanent, SendError


@pytest.fixture
def fetch(channel, connection, drive, answer):
    def run(ref, reply=None, via=connection):
        reply = reply or answer(200, b"GIF89a", content_type="image/gif")
        (request,), file = drive(channel.fetch_media(ref, via), reply)
        assert (request.method, request.url, request.safe) == ("GET", ref, True)
        return request.headers, file

    return run


def test_a_file_at_vonage_is_fetched_with_our_token(fetch):
    headers, file = fetch("https://api-us.nexmo.com/v3/media/1")
    assert headers["authorization"].startswith("Bearer ey")
    assert (file.body, file.mime_type) == (b"GIF89a", "image/gif")


@pytest.mark.parametrize("ref", ["https://carrier.example/1", "https://evilnexmo.com/1"])
def test_a_file_elsewhere_is_fetched_without_our_token(fetch, ref):
    assert fetch(ref)[0] == {}


def test_a_file_of_a_simulator_may_do_without_tls(fetch, connect):
    via = connect(api_base="http://127.0.0.1:9000/vonage")
    assert "authorization" in fetch("http://127.0.0.1:9000/vonage/media/1", via=via)[0]


@pytest.mark.parametrize("ref", ["http://api.nexmo.com/1", "http://[x", "file:///etc/passwd"])
def test_a_file_at_an_unsafe_address_is_not_fetched(channel, connection, ref):
    with pytest.raises(Permanent):
        next(channel.fetch_media(ref, connection))


@pytest.mark.parametrize(("status", "code"), [(404, "media_missing"), (302, "media_unavailable")])
def test_a_file_that_is_not_there_says_so(fetch, answer, status, code):
    with pytest.raises(SendError) as caught:
        fetch("https://api-us.nexmo.com/v3/media/1", answer(status))
    assert caught.value.code == code
