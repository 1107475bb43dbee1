"""Files that contacts sent: looked up, then fetched from Meta's hosts alone."""

import json

import pytest

from hubbub.sdk import AuthFailed, FetchedMedia, Permanent, RateLimited, Transient
from tests.plugins.whatsapp_cloud.conftest import GRAPH, NUMBER_ID, TOKEN

REF = "711000000000001"
LOOKUP = "media_200.json"


@pytest.fixture
def fetch(channel, connection, drive, answer):
    def run(*answers, via=connection):
        replies = [answer(item) if isinstance(item, str | int) else item for item in answers]
        return drive(channel.fetch_media(REF, via), *replies)

    return run


@pytest.fixture
def at(answer, payload):
    def make(url):
        said = json.loads(payload(LOOKUP)) | {"url": url}
        return answer(LOOKUP, json.dumps(said).encode())

    return make


def test_conformance_08_a_file_is_looked_up_and_fetched_with_the_token(fetch, answer):
    (lookup, download), fetched = fetch(
        LOOKUP, answer(200, b"picture", content_type="image/png; x")
    )
    assert (lookup.method, lookup.url) == (
        "GET",
        f"{GRAPH}/{REF}?phone_number_id={NUMBER_ID}",
    )
    assert download.url == "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1"
    assert all(r.headers["authorization"] == f"Bearer {TOKEN}" for r in (lookup, download))
    assert download.headers["user-agent"].startswith("Mozilla/5.0")
    assert (download.safe, download.max_answer) == (True, 100 << 20)
    assert fetched == FetchedMedia(body=b"picture", mime_type="image/png")


def test_a_file_without_a_type_has_that_of_its_lookup(fetch, answer):
    _, fetched = fetch(LOOKUP, answer(200, b"picture"))
    assert fetched.mime_type == "image/jpeg"


@pytest.mark.parametrize("status", [401, 404, 410])
def test_conformance_08_an_address_that_expired_is_asked_for_anew(fetch, answer, status):
    requests, fetched = fetch(LOOKUP, status, LOOKUP, answer(200, b"picture"))
    assert len(requests) == 4
    assert fetched.body == b"picture"


def test_conformance_08_a_file_that_is_gone_is_lost(fetch):
    with pytest.raises(Permanent) as caught:
        fetch(LOOKUP, 404, LOOKUP, 404)
    assert caught.value.code == "media_lost"


@pytest.mark.parametrize(
    "error", [{"code": 100, "error_subcode": 33}, {"code": 100}, {"code": 131052}]
)
def test_conformance_08_a_media_id_that_is_unknown_is_lost(fetch, answer, error):
    with pytest.raises(Permanent) as caught:
        fetch(answer(400, json.dumps({"error": error}).encode()))
    assert (type(caught.value), caught.value.code) == (Permanent, "media_lost")


def test_conformance_08_a_redirect_within_meta_is_followed(fetch, answer):
    moved = answer(302, location="https://scontent.xx.fbcdn.net/1")
    requests, _ = fetch(LOOKUP, moved, answer(200, b"picture"))
    assert requests[2].url == "https://scontent.xx.fbcdn.net/1"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/1",
        "https://fbsbx.com.evil.example/1",
        "https://evilfbsbx.com/1",
        "http://lookaside.fbsbx.com/1",
        "https://lookaside.fbsbx.com@evil.example/1",
        "http://169.254.169.254/",
        "https://[",
        "file:///etc/passwd",
    ],
)
def test_conformance_08_the_token_goes_to_no_foreign_host(fetch, at, answer, url):
    with pytest.raises(Permanent) as caught:
        fetch(at(url))
    assert caught.value.code == "media_unsafe"
    with pytest.raises(Permanent):
        fetch(LOOKUP, answer(302, location=url))


def test_redirects_come_to_an_end(fetch, answer):
    moved = answer(302, location="/again")
    with pytest.raises(Permanent):
        fetch(LOOKUP, *[moved] * 4)


def test_a_simulator_hands_out_its_own_files(fetch, at, answer, connect):
    via = connect(api_base="http://127.0.0.1:9000/graph")
    _, fetched = fetch(at("http://127.0.0.1:9000/files/1"), answer(200, b"x"), via=via)
    assert fetched.body == b"x"


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((503,), Transient),
        ((429,), RateLimited),
        (("error_190_401.json",), AuthFailed),
        ((LOOKUP, 503), Transient),
        ((LOOKUP, 204), Transient),
    ],
)
def test_what_passes_is_tried_again(fetch, answers, kind):
    with pytest.raises(kind):
        fetch(*answers)
