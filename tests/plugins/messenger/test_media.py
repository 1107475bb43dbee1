"""Files that contacts sent: fetched from Meta's hosts alone, without the token."""

import pytest

from hubbub.sdk import FetchedMedia, Permanent, RateLimited, Transient

REF = "https://scontent.xx.fbcdn.net/v/p.jpg?oe=6A"


@pytest.fixture
def fetch(channel, connection, drive, answer):
    def run(*answers, ref=REF, via=connection):
        replies = [answer(item) if isinstance(item, int) else item for item in answers]
        return drive(channel.fetch_media(ref, via), *replies)

    return run


def test_a_file_is_fetched_without_the_token(fetch, answer):
    (request,), fetched = fetch(answer(200, b"picture", content_type="image/jpeg; x"))
    assert (request.method, request.url, request.safe) == ("GET", REF, True)
    assert list(request.headers) == ["user-agent"]
    assert fetched == FetchedMedia(body=b"picture", mime_type="image/jpeg")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_is_too_old_means_that_the_file_is_lost(fetch, status):
    with pytest.raises(Permanent) as caught:
        fetch(status)
    assert caught.value.code == "media_lost"


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (500, Transient), (503, Transient), (204, Transient)]
)
def test_what_may_pass_is_tried_again(fetch, status, kind):
    with pytest.raises(kind):
        fetch(status)


@pytest.mark.parametrize(
    "ref",
    [
        "https://evil.example/p.jpg",
        "http://cdn.fbsbx.com/p.jpg",
        "https://fbsbx.com.evil.example/p.jpg",
        "https://evilfbsbx.com/p.jpg",
        "https://cdn.fbsbx.com@evil.example/p.jpg",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ],
)
def test_conformance_15_another_host_is_not_asked(fetch, ref):
    with pytest.raises(Permanent) as caught:
        fetch(ref=ref)
    assert caught.value.code == "media_unsafe"


def test_conformance_15_a_redirect_to_another_host_is_not_followed(fetch, answer):
    with pytest.raises(Permanent) as caught:
        fetch(answer(302, location="https://evil.example/p.jpg"))
    assert caught.value.code == "media_unsafe"


def test_a_redirect_within_meta_is_followed_a_few_times(fetch, answer):
    moved = answer(302, location="https://lookaside.fbsbx.com/p.jpg")
    requests, fetched = fetch(moved, answer(200, b"picture"))
    assert requests[1].url == "https://lookaside.fbsbx.com/p.jpg"
    assert fetched.body == b"picture"
    with pytest.raises(Permanent):
        fetch(moved, moved, moved, moved)


def test_a_simulator_hands_out_its_own_files(fetch, connect, answer):
    via = connect(api_base="http://127.0.0.1:9999/graph")
    _, fetched = fetch(answer(200, b"x"), ref="http://127.0.0.1:9999/files/1", via=via)
    assert fetched.body == b"x"
