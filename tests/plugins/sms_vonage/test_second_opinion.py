"""What Vonage's own libraries make of our requests, and of the tokens that we make and take."""

import json
from urllib.parse import parse_qsl

import pytest
from vonage_http_client import Auth, HttpClient
from vonage_jwt import JwtClient, verify_signature
from vonage_messages import Messages
from vonage_messages.models import (
    MmsAudio,
    MmsFile,
    MmsImage,
    MmsResource,
    MmsVcard,
    MmsVideo,
    Sms,
    SmsOptions,
)
from vonage_sms import Sms as SmsApi, SmsMessage

from hubbub.sdk import Accept, Attachment, Media, Reject
from hubbub_sms_vonage.signature import legacy_signature
from tests.plugins.sms_vonage.conftest import (
    API_SECRET,
    APPLICATION,
    KEY,
    REFERENCE,
    SIGNATURE_SECRET,
    WEBHOOK,
)

TRACKING = {"client_ref": REFERENCE, "webhook_url": WEBHOOK, "webhook_version": "v1"}
FILE = MmsResource(url="https://h.example/f", caption="Look")
VCARD = Media(url="https://h.example/f", mime_type="text/vcard")


class Captured(Exception):
    """Holds what the library would have sent."""


class Capture:
    """Stands in for the library's session."""

    def request(self, **asked):
        raise Captured(asked)

    def mount(self, *args):
        pass


@pytest.fixture
def theirs():
    """Return method, address and body of what a library would send."""

    def ask(act, **auth):
        client = HttpClient(Auth(api_key=KEY, api_secret=API_SECRET, **auth))
        client._session = Capture()
        with pytest.raises(Captured) as caught:
            act(client)
        (asked,) = caught.value.args
        said = asked.get("json") or asked.get("data")
        given = {name: value for name, value in said.items() if value is not None}
        return asked["method"], asked["url"], given

    return ask


@pytest.fixture
def application(private_pem):
    return {"application_id": APPLICATION, "private_key": private_pem}


def ours(request):
    return request.method, request.url, json.loads(request.body)


@pytest.mark.parametrize("text", ["Ready at 5", "Ü & + 😀"])
def test_a_text_is_the_same_request(channel, connection, part, theirs, application, text):
    message = Sms(
        to="447700900001",
        from_="447700900000",
        text=text,
        sms=SmsOptions(encoding_type="auto"),
        **TRACKING,
    )
    asked = theirs(lambda client: Messages(client).send(message), **application)
    assert ours(next(channel.send(part(text), connection))) == asked


@pytest.mark.parametrize(
    ("kind", "media", "message", "field"),
    [
        ("image", Media(url=FILE.url), MmsImage, "image"),
        ("audio", Media(url=FILE.url), MmsAudio, "audio"),
        ("video", Media(url=FILE.url), MmsVideo, "video"),
        ("document", VCARD, MmsVcard, "vcard"),
        ("document", Media(url=FILE.url), MmsFile, "file"),
    ],
)
def test_a_file_is_the_same_request(
    channel, connect, part, theirs, application, *, kind, media, message, field
):
    via = connect(from_number="12025550100", facts={"mms": "yes"})
    file = part(Attachment(type=kind, media=media, caption="Look"), address="+12065550107")
    wanted = message(to="12065550107", from_="12025550100", **{field: FILE}, **TRACKING)
    asked = theirs(lambda client: Messages(client).send(wanted), **application)
    assert ours(next(channel.send(file, via))) == asked


def test_a_text_of_the_sms_api_is_the_same_request(channel, legacy, part, theirs):
    message = SmsMessage(
        to="447700900001",
        from_="447700900000",
        text="я",
        type="unicode",
        client_ref=REFERENCE,
        callback=WEBHOOK,
    )
    method, url, data = theirs(lambda client: SmsApi(client).send(message))
    request = next(channel.send(part("я"), legacy))
    form = dict(parse_qsl(request.body.decode()))
    assert (request.method, request.url, form) == (method, url, data)


def test_our_token_has_the_claims_of_theirs(channel, connection, part, private_pem):
    def parts(token):
        from jwt import decode, get_unverified_header

        claims = decode(token, options={"verify_signature": False})
        return get_unverified_header(token), claims.keys(), claims["exp"] - claims["iat"]

    header = next(channel.send(part(), connection)).headers["authorization"]
    theirs = JwtClient(APPLICATION, private_pem).generate_application_jwt().decode()
    assert parts(header.removeprefix("Bearer ")) == parts(theirs)


def test_the_library_and_we_agree_about_the_secret_of_a_webhook(channel, connection, signed):
    for secret, kind in ((SIGNATURE_SECRET, Accept), ("x" * 39, Reject)):
        heard = signed("message_text.json", secret=secret)
        token = heard.headers["authorization"].removeprefix("Bearer ")
        assert verify_signature(token, SIGNATURE_SECRET) is (kind is Accept)
        assert isinstance(channel.verify(heard, connection), kind)


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_the_library_signs_calls_of_the_sms_api_as_we_do(method):
    said = {"text": "a=b & c", "to": "447700900000", "timestamp": "1767268800"}
    auth = Auth(KEY, signature_secret=SIGNATURE_SECRET, signature_method=method)
    assert auth.sign_params(dict(said)) == legacy_signature(said, SIGNATURE_SECRET, method)
