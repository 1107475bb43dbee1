"""Fetching the files of an MMS without giving the token away."""

import pytest

from hubbub.sdk import AuthFailed, FetchedMedia, Permanent, RateLimited, Transient

REF = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
STORAGE = "https://media.twiliocdn.com/AC1/abc"


@pytest.fixture
def fetch(channel, connection, drive):
    def run(ref, *answers, via=connection):
        return drive(channel.fetch_media(ref, via), *answers)

    return run


def test_conformance_7_the_token_is_not_shown_to_the_storage(fetch, answer):
    kept = answer(
        200, b"\xff\xd8", content_type="image/jpeg", content_disposition='inline; filename="a.jpg"'
    )
    (first, second), media = fetch(REF, answer(307, location=STORAGE), kept)
    assert first.url == REF
    assert first.headers["authorization"].startswith("Basic ")
    assert second.url == STORAGE
    assert not second.headers
    assert {first.max_answer, second.max_answer} == {25 << 20}
    assert first.safe
    assert second.safe
    assert media == FetchedMedia(body=b"\xff\xd8", mime_type="image/jpeg", filename="a.jpg")


def test_a_redirect_to_twilio_itself_does_not_get_the_token_either(fetch, answer):
    (_, second), _ = fetch(REF, answer(302, location="/other"), answer(200, b"x"))
    assert second.url == "https://api.twilio.com/other"
    assert not second.headers


def test_a_file_need_not_be_redirected(fetch, answer):
    _, media = fetch(REF, answer(200, b"x", content_type="Audio/AMR; rate=8000"))
    assert media == FetchedMedia(body=b"x", mime_type="audio/amr", filename=None)


def test_another_host_never_sees_the_token(fetch, answer):
    (request,), _ = fetch("https://eviltwilio.com/x", answer(200, b"x"))
    assert not request.headers


def test_a_simulator_may_do_without_tls(fetch, answer, connect):
    via = connect(from_number="+15005550001", api_base="http://127.0.0.1:9000")
    (request,), _ = fetch("http://127.0.0.1:9000/media/1", answer(200, b"x"), via=via)
    assert "authorization" in request.headers


@pytest.mark.parametrize(
    "ref", ["http://api.twilio.com/x", "http://elsewhere.example/x", "file:///etc/passwd", ""]
)
def test_the_token_never_travels_in_the_clear(fetch, ref):
    with pytest.raises(Permanent, match="HTTPS"):
        fetch(ref)


def test_a_redirect_away_from_tls_is_not_followed(fetch, answer):
    with pytest.raises(Permanent, match="HTTPS"):
        fetch(REF, answer(302, location="http://media.example.com/x"))


@pytest.mark.parametrize("ref", ["https://[broken", "https://[broken/x"])
def test_an_address_that_is_none_is_refused(fetch, ref):
    with pytest.raises(Permanent, match="usable address"):
        fetch(ref)


def test_a_redirect_to_nowhere_is_refused(fetch, answer):
    with pytest.raises(Permanent, match="usable address"):
        fetch(REF, answer(302, location="https://[broken"))


def test_redirects_end(fetch, answer):
    with pytest.raises(Permanent, match="circles"):
        fetch(REF, *[answer(302, location=STORAGE)] * 4)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Transient), (500, Transient), (429, RateLimited), (401, AuthFailed), (410, Permanent)],
)
def test_failures_say_whether_to_try_again(fetch, answer, status, kind):
    with pytest.raises(kind) as caught:
        fetch(REF, answer(status))
    assert type(caught.value) is kind
