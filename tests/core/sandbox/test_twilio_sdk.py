"""Twilio's own library must get on with the sandbox."""

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # has no types
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # has no types
from twilio.rest import Client  # type: ignore[import-untyped]  # likewise

ACCOUNT = "AC" + "0" * 31 + "9"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "+12025550100"
CUSTOMER = "+12065550107"
SERVICE = "MG" + "1" * 32


class ToSandbox(TwilioHttpClient):  # type: ignore[misc]  # likewise
    """Sends to the sandbox what is meant for Twilio's hosts."""

    def __init__(self, url):
        super().__init__()
        self.url = f"{url}/twilio"

    def request(self, method, url, *args, **kwargs):
        path = url.split("/", 3)[3]
        return super().request(method, f"{self.url}/{path}", *args, **kwargs)


@pytest.fixture
def client(sandbox, twilio):
    to_sandbox = ToSandbox(sandbox.url)
    yield Client(ACCOUNT, AUTH_TOKEN, http_client=to_sandbox)
    to_sandbox.session.close()


def test_it_creates_and_fetches_a_message(sandbox, client):
    message = client.messages.create(to=CUSTOMER, from_=NUMBER, body="Ready at 5")
    assert (message.status, message.direction) == ("queued", "outbound-api")
    assert [line["external_id"] for line in sandbox.sent()] == [message.sid]
    fetched = client.messages(message.sid).fetch()
    assert (fetched.body, fetched.date_created is None) == ("Ready at 5", False)


def test_it_lists_messages_over_pages(client, twilio):
    for number in range(5):
        twilio.text(str(number))
    found = client.messages.list(to=NUMBER, page_size=2)
    assert [message.body for message in found] == ["4", "3", "2", "1", "0"]


def test_it_reads_errors(client):
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to="12", from_=NUMBER, body="x")
    assert (caught.value.code, caught.value.status) == (21211, 400)


def test_it_reads_the_account_and_its_balance(client):
    assert client.api.v2010.accounts(ACCOUNT).fetch().status == "active"
    assert client.balance.fetch().currency == "USD"


def test_it_finds_and_changes_a_number(client):
    [number] = client.incoming_phone_numbers.list(phone_number=NUMBER)
    changed = number.update(sms_url="https://hub.example/w")
    assert changed.sms_url == "https://hub.example/w"


def test_it_changes_a_messaging_service(sandbox, client):
    sandbox.http.post("/_sandbox/accounts", json={"sid": ACCOUNT, "services": [{"sid": SERVICE}]})
    service = client.messaging.v1.services(SERVICE)
    assert service.fetch().inbound_request_url is None
    changed = service.update(inbound_request_url="https://hub.example/w")
    assert changed.inbound_request_url == "https://hub.example/w"


def test_it_sends_a_picture_and_lists_it(client, hub):
    hub.resources["/cup.png"] = ("image/png", b"\x89PNG")
    url = f"{hub.url}/cup.png"
    message = client.messages.create(to=CUSTOMER, from_=NUMBER, body="Blue", media_url=[url])
    assert (message.sid[:2], message.num_media) == ("MM", "1")


def test_it_reads_and_deletes_what_a_customer_sent(client, twilio):
    media = [{"data": "iVBORw0KGgo=", "content_type": "image/png"}]
    sid = twilio.text("Look", media=media)["sid"]
    [file] = client.messages(sid).media.list()
    assert file.content_type == "image/png"
    assert client.messages(sid).media(file.sid).delete()
    assert client.messages(sid).media.list() == []
    assert client.messages(sid).delete()
    with pytest.raises(TwilioRestException):
        client.messages(sid).fetch()


@pytest.mark.parametrize(("days", "found"), [(-1, 1), (1, 0)])
def test_it_lists_what_came_after_a_time(client, twilio, days, found):
    twilio.text()
    after = datetime.now(UTC) + timedelta(days=days)
    messages = client.messages.list(to=NUMBER, date_sent_after=after)
    assert len(messages) == found


def test_it_sends_by_a_service(sandbox, client):
    services = [{"sid": SERVICE, "numbers": [NUMBER]}]
    sandbox.http.post("/_sandbox/accounts", json={"sid": ACCOUNT, "services": services})
    message = client.messages.create(to=CUSTOMER, messaging_service_sid=SERVICE, body="Hi")
    assert (message.status, message.messaging_service_sid) == ("accepted", SERVICE)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "rate_limit"}, 20429),
        ({"kind": "token_revoked"}, 20003),
        ({"kind": "status", "status": 500}, 20500),
        ({"kind": "status", "code": 21610}, 21610),
    ],
)
def test_it_understands_what_goes_wrong(sandbox, client, fault, code):
    sandbox.fault(provider="twilio", operation="Messages.create", **fault)
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=CUSTOMER, from_=NUMBER, body="x")
    assert caught.value.code == code
