"""What Meta's own SDK, made from its published specification, makes of our requests and answers."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from facebook_business import apiconfig
from facebook_business.adobjects.application import Application
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookBadObjectError, FacebookRequestError
from facebook_business.session import FacebookSession

from hubbub.sdk import Attachment, Choices, Media, Option, SendError, Text
from tests.plugins.messenger.conftest import (
    ANN,
    APP_ID,
    APP_SECRET,
    PAGE_ID,
    PAYLOADS,
    PROOF,
    REFERENCE,
    TOKEN,
)

YES_NO = (Option(id="yes", title="Yes"), Option(id="no", title="No"))
FOUR = tuple(Option(id=f"i{number}", title=f"Slot {number}") for number in range(4))
CARDS = (Option(id="a", title="Room 1", description="09:00"),)
PICTURE = Media(url="https://files.example.org/p.jpg", mime_type="image/jpeg")


class Wire:
    """Takes what the SDK would send, and answers from a file."""

    def __init__(self):
        self.sent = []
        self.answer = "sent_200.json"

    def send(self, request, **kwargs):
        self.sent.append(request)
        response = requests.Response()
        response.status_code = int(self.answer.removesuffix(".json").rpartition("_")[2])
        response._content = (PAYLOADS / self.answer).read_bytes()
        response.request = request
        return response

    def close(self):
        pass


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def meta(wire, monkeypatch):
    """Return the SDK, strict about what the specification does not name."""
    monkeypatch.setitem(apiconfig.ads_api_config, name="STRICT_MODE", value=True)
    session = FacebookSession(APP_ID, APP_SECRET, TOKEN)
    session.requests.mount("https://", wire)
    yield FacebookAdsApi(session, api_version="v25.0")
    session.requests.close()


def said(request):
    """Return the path and the parameters of a request, wherever they stand in it."""
    url = urlsplit(request.url)
    body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
    given = dict(parse_qsl(url.query)) | dict(parse_qsl(body))
    # The SDK has the token among the parameters, and every object as JSON.
    assert given.pop("access_token", TOKEN) == TOKEN
    return request.method, url.path, {name: _plain(value) for name, value in given.items()}


def unknown(request, names):
    """Return those of the parameters that the specification does not name."""
    return {name for name in names if not request._param_checker.is_valid_key(name)}


def _plain(value):
    return json.loads(value) if value.startswith(("{", "[")) else value


def ours(request):
    url = urlsplit(request.url)
    return request.method, url.path, dict(parse_qsl(url.query)) | json.loads(request.body)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (Text(text="Ready at 5 ä 😀"), {}),
        (Text(text="Late"), {"past_window": True}),
        (Text(text="News"), {"bulk": True}),
        (Text(text="Yes"), {"reply_to_external_id": "m_TEST-1"}),
        (Choices(text="Sure?", options=YES_NO), {}),
        (Choices(text="When?", options=FOUR), {}),
        (Choices(text="", options=CARDS), {}),
        (Attachment(type="image", media=PICTURE), {}),
    ],
)
def test_a_message_is_what_the_specification_takes(
    channel, connection, part, meta, wire, *, content, more
):
    request = next(channel.send(part(content, **more), connection))
    method, path, parameters = ours(request)
    assert parameters.pop("appsecret_proof") == PROOF
    # The specification takes a tag for an object; Meta's own examples write a text.
    tag = {"tag": parameters.pop("tag")} if "tag" in parameters else {}
    page = Page(PAGE_ID, api=meta)
    assert unknown(page.create_message(pending=True), parameters | tag) == set()
    page.create_message(params=parameters)
    theirs = said(wire.sent[0])
    assert theirs == (method, path, {**parameters, "appsecret_proof": PROOF})
    assert parameters["message"]["metadata"] == REFERENCE


def test_a_parameter_or_a_value_that_the_specification_lacks_is_noticed(meta):
    page = Page(PAGE_ID, api=meta)
    assert unknown(page.create_message(pending=True), {"quote", "reply_to"}) == {"quote"}
    for wrong in ({"messaging_type": "SHOUT"}, {"recipient": "somebody"}):
        with pytest.raises(FacebookBadObjectError):
            page.create_message(params=wrong)


@pytest.mark.parametrize(
    ("sign", "action"),
    [("typing", Page.SenderAction.typing_on), ("mark_read", Page.SenderAction.mark_seen)],
)
def test_what_is_shown_is_among_the_sender_actions(channel, connection, sign, action):
    body = json.loads(next(getattr(channel, sign)(ANN, "m_1", connection)).body)
    assert body["sender_action"].upper() == action


def test_every_webhook_field_is_one_of_the_specification(channel, connection, meta, wire, answer):
    exchange = channel.setup(connection)
    next(exchange)
    request = exchange.send(answer("webhooks_200.json"))
    fields = dict(parse_qsl(urlsplit(request.url).query))["subscribed_fields"].split(",")
    wire.answer = "ok_200.json"
    Page(PAGE_ID, api=meta).create_subscribed_app(params={"subscribed_fields": fields})
    method, path, parameters = said(wire.sent[0])
    assert (method, path) == (request.method, urlsplit(request.url).path)
    assert parameters["subscribed_fields"] == fields
    with pytest.raises(FacebookBadObjectError):
        Page(PAGE_ID, api=meta).create_subscribed_app(params={"subscribed_fields": ["gossip"]})


def test_the_webhook_is_registered_as_the_specification_says(
    channel, connection, meta, wire, answer
):
    exchange = channel.setup(connection)
    next(exchange)
    request = exchange.send(answer(200, b'{"data":[]}'))
    given = dict(parse_qsl(urlsplit(request.url).query))
    assert given.pop("access_token") == f"{APP_ID}|{APP_SECRET}"
    wire.answer = "ok_200.json"
    wanted = {**given, "fields": given["fields"].split(",")}
    Application(APP_ID, api=meta).create_subscription(params=wanted)
    method, path, _ = said(wire.sent[0])
    assert (method, path) == (request.method, urlsplit(request.url).path)


def test_a_tear_down_is_the_specification_s(channel, connection, meta, wire):
    request = next(channel.teardown(connection))
    wire.answer = "ok_200.json"
    Page(PAGE_ID, api=meta).delete_subscribed_apps()
    assert said(wire.sent[0])[:2] == (request.method, urlsplit(request.url).path)


@pytest.mark.parametrize(
    "name", ["error_190_401.json", "error_window_403.json", "error_unavailable_400.json"]
)
def test_a_refusal_is_read_alike(channel, connection, part, answer, meta, wire, *, name):
    wire.answer = name
    with pytest.raises(FacebookRequestError) as theirs:
        Page(PAGE_ID, api=meta).create_message(params={"recipient": {"id": ANN}})
    exchange = channel.send(part(), connection)
    next(exchange)
    with pytest.raises(SendError) as error:
        exchange.send(answer(name))
    code, subcode = theirs.value.api_error_code(), theirs.value.api_error_subcode()
    assert error.value.provider_code == f"{code}/{subcode}"
