"""What Twilio's own library makes of our requests, and we of the calls that it signs."""

import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given, strategies as st
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # no types
from twilio.http import HttpClient  # type: ignore[import-untyped]  # likewise
from twilio.http.response import Response  # type: ignore[import-untyped]  # likewise
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # likewise
from twilio.rest import Client  # type: ignore[import-untyped]  # likewise

from hubbub.sdk import Accept, Attachment, Media, MessageReceived, Reject, Text

SID = "AC00000000000000000000000000000009"
TOKEN = "0123456789abcdef0123456789abcdef"
WEBHOOK = "https://hub.example.com/webhooks/k1"
SERVICE = "MG00000000000000000000000000000001"
PICTURE = Media(url="https://hub.example.com/media/1.jpg", mime_type="image/jpeg")
LIBRARY = RequestValidator(TOKEN)


class Capture(HttpClient):  # type: ignore[misc]  # it has no types
    """Takes down what the library would send."""

    def __init__(self):
        super().__init__(None, False, None)  # noqa: FBT003  # its own signature
        self.asked: Any = ()

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **more):
        del headers, more
        fields = {**(params or {}), **(data or {})}
        self.asked = (method, url, {name: _text(value) for name, value in fields.items()}, auth)
        return Response(500, "{}")


def _text(value):
    if isinstance(value, list):
        (value,) = value
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def theirs():
    """Return method, address, fields and credentials of what the library would send."""

    def ask(act):
        capture = Capture()
        with pytest.raises(TwilioException):
            act(Client(SID, TOKEN, http_client=capture))
        return capture.asked

    return ask


def ours(request):
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query or request.body.decode(), keep_blank_values=True)
    bare = parts._replace(query="").geturl()
    return request.method, bare, dict(pairs), (SID, TOKEN)


def nth(exchange, *answers):
    """Return the request that comes after these answers."""
    request = next(exchange)
    for answer in answers:
        request = exchange.send(answer)
    return request


# --- requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "settings", "fields"),
    [
        (Text(text="Ü & +"), {}, {"body": "Ü & +", "from_": "+15005550001"}),
        (
            Attachment(type="image", media=PICTURE, caption="Look"),
            {},
            {"body": "Look", "from_": "+15005550001", "media_url": [PICTURE.url]},
        ),
        (
            Text(text="Hi"),
            {"messaging_service_sid": SERVICE},
            {"body": "Hi", "messaging_service_sid": SERVICE},
        ),
        (
            Text(text="Hi"),
            {"from_number": "+15005550001", "smart_encoding": True},
            {"body": "Hi", "from_": "+15005550001", "smart_encoded": True},
        ),
    ],
    ids=["text", "picture", "service", "smart encoding"],
)
def test_a_message_is_created_by_the_same_request(
    channel, connect, part, theirs, *, content, settings, fields
):
    request = next(channel.send(part(content), connect(**settings)))
    callback = f"{WEBHOOK}?d=r1#rc=5&rp=all"
    create = {"to": "+15005550006", "status_callback": callback, **fields}
    assert ours(request) == theirs(lambda client: client.messages.create(**create))


def test_messages_are_listed_by_the_same_request(channel, connection, part, theirs):
    request = next(channel.find(part(), connection))
    method, url, fields, auth = ours(request)
    asked = theirs(lambda client: client.messages.page(to="+15005550006", page_size=50))
    assert (method, url, auth) == (asked[0], asked[1], asked[3])
    assert asked[2].items() <= fields.items()


def test_account_and_number_are_read_and_changed_by_the_same_requests(
    channel, connection, answer, theirs
):
    answers = [answer("account_200.json"), answer("numbers_200.json")]
    account = theirs(lambda client: client.api.v2010.accounts(SID).fetch())
    assert ours(nth(channel.setup(connection))) == account
    number = theirs(lambda client: client.incoming_phone_numbers.page(phone_number="+15005550001"))
    assert ours(nth(channel.setup(connection), answers[0])) == number
    change = ours(nth(channel.setup(connection), *answers))
    sid = change[1].rpartition("/")[2].removesuffix(".json")
    update = {"sms_url": f"{WEBHOOK}#rc=5&rp=all", "sms_method": "POST"}
    assert change == theirs(lambda client: client.incoming_phone_numbers(sid).update(**update))


def test_a_service_is_read_and_changed_by_the_same_requests(channel, connect, answer, theirs):
    connection = connect(messaging_service_sid=SERVICE)
    answers = [answer("account_200.json"), answer("service_200.json")]
    read = ours(nth(channel.setup(connection), answers[0]))
    assert read == theirs(lambda client: client.messaging.v1.services(SERVICE).fetch())
    change = ours(nth(channel.setup(connection), *answers))
    update = {
        "inbound_request_url": f"{WEBHOOK}#rc=5&rp=all",
        "inbound_method": "POST",
        "use_inbound_webhook_on_number": False,
    }
    assert change == theirs(lambda client: client.messaging.v1.services(SERVICE).update(**update))


# --- signatures ----------------------------------------------------------------------------


@given(body=st.binary(max_size=200))
def test_json_that_the_library_signs_is_accepted(channel, connection, call, body):
    url = f"{WEBHOOK}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = LIBRARY.compute_signature(url, {})
    verified = call(body, url=url, content_type="application/json", x_twilio_signature=signature)
    assert isinstance(channel.verify(verified, connection), Accept)


def test_a_get_that_the_library_signs_is_accepted_and_read(channel, connection, call):
    query = f"MessageSid=SM1&AccountSid={SID}&From=%2B15005550006&To=%2B15005550001&Body=a+b%20c"
    url = f"{WEBHOOK}?{query}&SmsStatus=received"
    got = call(url=url, method="GET", x_twilio_signature=LIBRARY.compute_signature(url, {}))
    assert isinstance(channel.verify(got, connection), Accept)
    (event,) = channel.parse(got, connection)
    assert isinstance(event, MessageReceived)
    assert event.content == Text(text="a b c")


@given(data=st.data())
def test_one_changed_bit_is_enough_to_reject(channel, connection, call, payload, data):
    body = payload("message_text.form")
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    signature = LIBRARY.compute_signature(WEBHOOK, form)
    assert isinstance(channel.verify(call(body, x_twilio_signature=signature), connection), Accept)
    place, bit = data.draw(st.integers(0, len(signature) - 1)), data.draw(st.integers(0, 6))
    changed = signature[:place] + chr(ord(signature[place]) ^ 1 << bit) + signature[place + 1 :]
    forged = call(body, x_twilio_signature=changed)
    assert isinstance(channel.verify(forged, connection), Reject)
    words = st.text(max_size=20).filter(lambda words: words != form["Body"])
    other = urlencode(dict(form, Body=data.draw(words)), errors="surrogatepass").encode()
    assert isinstance(channel.verify(call(other, x_twilio_signature=signature), connection), Reject)
