"""A sandbox that listens on loopback, and a hub that takes down what it is told."""

import base64
import json
import smtplib
import threading
from collections import deque
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote

import pytest
from imapclient import IMAPClient

from hubbub.sandbox import SandboxConfig, live

BOT = 5550900
TOKEN = f"{BOT}:{'A' * 35}"
ADA = {"id": 5550001, "first_name": "Ada", "last_name": "Example"}
ACCOUNT = "AC" + "0" * 31 + "9"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "+12025550100"
CUSTOMER = "+12065550107"

#: Longer than anything here takes; reached only where a test fails.
PATIENCE = 30


@dataclass(frozen=True)
class Told:
    """One webhook as the hub got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def update(self):
        return json.loads(self.body)

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Says:
    """What the hub answers."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Hub:
    """A web server that keeps what it is sent, and answers as it is told to."""

    def __init__(self, url):
        self.url = url
        self.told: list[Told] = []
        self.next_answers: deque[Says] = deque()
        self.usual_answer = Says()
        self.resources: dict[str, tuple[str, bytes]] = {}
        #: What Meta's handshake has to know.
        self.verify_token = "a-word-that-the-hub-made"
        self._changed = threading.Condition()

    def take(self, told):
        with self._changed:
            self.told.append(told)
            self._changed.notify_all()
            return self.next_answers.popleft() if self.next_answers else self.usual_answer

    def wait(self, count, *, path=""):
        """Return what came in for a path, once there is as much of it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._for(path)) >= count, PATIENCE)
            return self._for(path)

    def _for(self, path):
        return [told for told in self.told if told.path.startswith(path)]


class Telegram:
    """The hub's side and the customer's side of one bot."""

    def __init__(self, http):
        self.http = http

    def call(self, method, *, token=TOKEN, **params):
        return self.http.post(f"/telegram/bot{token}/{method}", json=params)

    def result(self, method, **params):
        answer = self.call(method, **params)
        assert answer.status_code == 200, answer.text
        return answer.json["result"]

    def write(self, text="Hi", *, sender=ADA, **more):
        body = {"from": sender, **({} if text is None else {"text": text}), **more}
        return self.post("messages", body)

    def post(self, action, body):
        answer = self.http.post(f"/_sandbox/telegram/{TOKEN}/{action}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json


class Twilio:
    """The hub's side and the customer's side of one account."""

    base = f"/twilio/2010-04-01/Accounts/{ACCOUNT}"

    def __init__(self, http):
        self.http = http

    def request(self, method, path, *, auth=(ACCOUNT, AUTH_TOKEN), **more):
        return self.http.open(path, method=method, auth=auth, **more)

    def create(self, *, auth=(ACCOUNT, AUTH_TOKEN), **params):
        form = {"To": CUSTOMER, "From": NUMBER, "Body": "Ready at 5", **params}
        form = {name: value for name, value in form.items() if value is not None}
        return self.request("POST", f"{self.base}/Messages.json", auth=auth, data=form)

    def fetch(self, sid):
        return self.request("GET", f"{self.base}/Messages/{sid}.json").json

    def text(self, body="Is it ready?", *, sender=CUSTOMER, **more):
        content = {"from": sender, "to": NUMBER, "body": body, **more}
        answer = self.http.post(f"/_sandbox/twilio/{ACCOUNT}/messages", json=content)
        assert answer.status_code == 201, answer.text
        return answer.json


class WhatsApp:
    """The hub's side and the customer's side of one number."""

    number = "100200300400500"
    account = "900800700600500"
    app = "12345"
    secret = "f1c71710f1c71710f1c71710f1c71710"
    token = "EAAFictitiousToken0123456789"
    graph = "/whatsapp/v25.0"

    def __init__(self, http):
        self.http = http

    def register(self, **changes):
        body = {
            "phone_number_id": self.number,
            "business_account_id": self.account,
            "app_id": self.app,
            "app_secret": self.secret,
            "access_token": self.token,
            "display_phone_number": "+1 555-010-0100",
            **changes,
        }
        answer = self.http.post("/_sandbox/numbers", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def ask(self, method, path, body=None, *, token=token, **more):
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.open(
            f"{self.graph}/{path}", method=method, json=body, headers=headers, **more
        )

    def send(self, *, to="15550100199", **said):
        kind = next(name for name in said if name != "recipient")
        body = {"messaging_product": "whatsapp", "type": kind, **said}
        body |= {"to": to} if to else {}
        return self.ask("POST", f"{self.number}/messages", body)

    def text(self, words="Ready at 5", **more):
        return self.send(text={"body": words}, **more)

    def act(self, action, **body):
        body = {"from": "+15550100199", **body}
        answer = self.http.post(f"/_sandbox/whatsapp/{self.number}/{action}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def tell(self, **telling):
        path = f"/_sandbox/whatsapp/{self.number}/receipts"
        answer = self.http.post(path, json=telling)
        assert answer.status_code == 201, answer.text


class Messenger:
    """The hub's side and the customer's side of one Page."""

    page = "300300300300300"
    app = "400400400400"
    secret = "f1c71710f1c71710f1c71710f1c71710"
    token = "EAAFictitiousPageToken0123456789"
    graph = "/messenger/v25.0"
    ann = "7770001112223334"

    def __init__(self, http):
        self.http = http

    def register(self, **changes):
        body = {
            "page_id": self.page,
            "app_id": self.app,
            "app_secret": self.secret,
            "page_access_token": self.token,
            "name": "Shop",
            **changes,
        }
        answer = self.http.post("/_sandbox/pages", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def ask(self, method, path, body=None, *, token=token, **more):
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.open(
            f"{self.graph}/{path}", method=method, json=body, headers=headers, **more
        )

    def as_app(self, method, path, **said):
        said |= {"access_token": f"{self.app}|{self.secret}"} | said
        return self.http.open(f"{self.graph}/{path}", method=method, query_string=said)

    def send(self, message, **more):
        body = {"recipient": {"id": self.ann}, "messaging_type": "RESPONSE", "message": message}
        return self.ask("POST", f"{self.page}/messages", body | more)

    def text(self, words="Ready at 5", **more):
        return self.send({"text": words}, **more)

    def act(self, action, **body):
        body = {"from": self.ann, **body}
        answer = self.http.post(f"/_sandbox/messenger/{self.page}/{action}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def as_page(self, action, **body):
        answer = self.http.post(f"/_sandbox/messenger/{self.page}/{action}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json


class Mail:
    """A mailbox at the mail provider: the hub's side and the side of people."""

    address = "support@example.com"
    password = "pässword"
    ann = "ann@example.net"

    def __init__(self, http):
        self.http = http
        self._ports = {}

    def register(self, **more):
        body = {"address": self.address, "password": self.password, **more}
        answer = self.http.post("/_sandbox/mailboxes", json=body)
        assert answer.status_code == 201, answer.text
        self._ports = answer.json
        return answer.json

    def smtp(self):
        """Return a session that is not logged in."""
        return smtplib.SMTP("127.0.0.1", self._ports["smtp_port"], timeout=PATIENCE)

    def imap(self):
        """Return a connection that is logged in."""
        client = self.stranger()
        client.plain_login(self.address, self.password)
        return client

    def stranger(self):
        """Return a connection that is not logged in."""
        client = IMAPClient("127.0.0.1", self._ports["imap_port"], ssl=False, timeout=PATIENCE)
        client.normalise_times = False
        return client

    def logged_in(self):
        session = self.smtp()
        session.ehlo("hub.test")
        proof = base64.b64encode(f"\0{self.address}\0{self.password}".encode()).decode()
        assert session.docmd("AUTH", f"PLAIN {proof}")[0] == 235
        return session

    def send(self, *to, letter=None, sender=address):
        """Hand a letter in; return what the server says to it."""
        with self.logged_in() as session:
            session.sendmail(sender, to or (self.ann,), letter or self.letter())

    def letter(self, *heads, text="Ready at 5", number=1, subject="Your order"):
        lines = [
            "From: Shop <support@example.com>",
            f"To: {self.ann}",
            f"Subject: {subject}",
            f"Message-ID: <{number}@example.com>",
            "Date: Sat, 28 Nov 2026 10:00:00 +0000",
            *heads,
        ]
        return "\r\n".join([*lines, "", text, ""]).encode()

    def act(self, action, expect=201, **body):
        answer = self.http.post(f"/_sandbox/email/{self.address}/{action}", json=body)
        assert answer.status_code == expect, answer.text
        return answer.json

    def write(self, text="Where is it?", **more):
        return self.act("messages", **{"from": self.ann, "text": text, **more})

    def inbox(self, folder="INBOX"):
        """Return the letters of a folder, parsed; lines end as Python's do."""
        with self.imap() as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
        return [
            message_from_bytes(one[b"BODY[]"].replace(b"\r\n", b"\n"), policy=default)
            for _, one in sorted(found.items())
        ]


class Sandbox:
    """A sandbox and the ways to talk to it."""

    def __init__(self, running):
        self.url = running.url
        self.world = running.world
        self.http = running.app.test_client()
        self.telegram = Telegram(self.http)
        self.twilio = Twilio(self.http)
        self.whatsapp = WhatsApp(self.http)
        self.messenger = Messenger(self.http)
        self.mail = Mail(self.http)

    def fault(self, **fault):
        answer = self.http.post("/_sandbox/faults", json=fault)
        assert answer.status_code == 201, answer.text
        return answer.json

    def sent(self, **query):
        answer = self.http.get("/_sandbox/outbound", query_string=query)
        return answer.json["items"]

    def calls(self, count=0, **query):
        """Return the webhook calls, once there are as many."""
        found = self.http.get("/_sandbox/calls", query_string=query).json
        while len(found["items"]) < count:
            since = found["next"]
            more = self.http.get(
                "/_sandbox/calls", query_string={**query, "since": since, "wait": PATIENCE}
            ).json
            if not more["items"]:
                break
            found = {"items": found["items"] + more["items"], "next": more["next"]}
        return found["items"]

    def rules(self, **rules):
        answer = self.http.patch("/_sandbox/rules", json=rules)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def sandbox():
    with live(SandboxConfig(retry_base=0.001)) as running:
        yield Sandbox(running)


@pytest.fixture
def telegram(sandbox):
    return sandbox.telegram


@pytest.fixture
def twilio(sandbox):
    """An account with one number; receipts come at once."""
    sandbox.rules(twilio_sent_after=0, twilio_delivered_after=0)
    account = {"sid": ACCOUNT, "auth_token": AUTH_TOKEN, "numbers": [NUMBER]}
    assert sandbox.http.post("/_sandbox/accounts", json=account).status_code == 201
    return sandbox.twilio


@pytest.fixture
def whatsapp(sandbox):
    """A number; nothing is told of its messages but what the test tells."""
    sandbox.rules(whatsapp_receipts=False)
    sandbox.whatsapp.register()
    return sandbox.whatsapp


@pytest.fixture
def messenger(sandbox):
    """A Page; nothing is told of its messages but what the test tells."""
    sandbox.rules(messenger_receipts=False)
    sandbox.messenger.register()
    return sandbox.messenger


@pytest.fixture
def mail(sandbox):
    """A mailbox at the mail provider; what comes later comes at once."""
    sandbox.rules(email_told_after=0)
    sandbox.mail.register()
    return sandbox.mail


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]  # for the handler
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.hub  # type: ignore[attr-defined]  # likewise
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hooked(telegram, hub):
    """A bot whose webhook is the hub."""
    telegram.result("setWebhook", url=f"{hub.url}/webhooks/abc", secret_token="s3cret_-token")
    return telegram


@pytest.fixture
def texted(twilio, sandbox, hub):
    """A number whose webhook is the hub."""
    hub.usual_answer = Says(200, b"<Response/>", (("Content-Type", "text/xml"),))
    body = {"number": NUMBER, "url": f"{hub.url}/webhooks/sms?a=b%20c"}
    assert sandbox.http.post(f"/_sandbox/twilio/{ACCOUNT}/webhook", json=body).status_code == 201
    return twilio


@pytest.fixture
def whatsapped(whatsapp, hub):
    """A number whose webhook is the hub."""
    asked = {"override_callback_uri": f"{hub.url}/wa", "verify_token": hub.verify_token}
    for path, body in (
        (f"{whatsapp.account}/subscribed_apps", {}),
        (whatsapp.number, {"webhook_configuration": asked}),
    ):
        assert whatsapp.ask("POST", path, body).json == {"success": True}
    return whatsapp


@pytest.fixture
def messaged(messenger, hub):
    """A Page whose webhook is the hub."""
    fields = [
        "messages,messaging_postbacks,messaging_referrals,messaging_optins,message_deliveries",
        "message_reads,message_echoes,message_reactions,message_edits,messaging_handovers,standby",
    ]
    asked = {"object": "page", "callback_url": f"{hub.url}/fb", "verify_token": hub.verify_token}
    for answer in (
        messenger.as_app(
            "POST", f"{messenger.app}/subscriptions", fields=",".join(fields), **asked
        ),
        messenger.ask(
            "POST", f"{messenger.page}/subscribed_apps?subscribed_fields={','.join(fields)}"
        ),
    ):
        assert answer.json == {"success": True}
    return messenger


@pytest.fixture
def names():
    """What the tests and this file must agree on."""
    return {
        "token": TOKEN,
        "bot": BOT,
        "ada": ADA,
        "account": ACCOUNT,
        "auth_token": AUTH_TOKEN,
        "number": NUMBER,
        "customer": CUSTOMER,
        "page_bot": f"telegram:{BOT}",
        "page_number": quote(f"twilio:{ACCOUNT}:{NUMBER}"),
    }


@pytest.fixture
def says():
    """How a hub answers: status, body, headers."""
    return Says


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        hub = self.server.hub  # type: ignore[attr-defined]  # set by the fixture
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(hub.take(Told(self.path, dict(self.headers), body)))

    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = dict(parse_qsl(query))
        if "hub.challenge" in asked:
            knows = asked["hub.verify_token"] == self.server.hub.verify_token  # type: ignore[attr-defined]  # set by the fixture
            self._answer(Says(200, asked["hub.challenge"].encode()) if knows else Says(403))
            return
        found = self.server.hub.resources.get(path)  # type: ignore[attr-defined]  # likewise
        if found is None:
            self._answer(Says(404))
            return
        self._answer(Says(200, found[1], (("Content-Type", found[0]),)))

    def _answer(self, says):
        self.send_response(says.status)
        for name, value in says.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(says.body)))
        self.end_headers()
        self.wfile.write(says.body)

    def log_message(self, format, *args):
        """Say nothing."""
