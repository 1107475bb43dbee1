"""A made-up provider that has a little of everything, and a channel type that serves it well.

Faults are planted in it by overriding a method: see ``test_planted_faults.py``.
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import Field, SecretStr, ValidationError

from hubbub.sdk import (
    Accept,
    Accepted,
    Answer,
    Attachment,
    AuthFailed,
    BadAddress,
    Bounds,
    Capabilities,
    Challenge,
    ChannelSettings,
    ChannelType,
    Checked,
    Choices,
    Fault,
    FetchedMedia,
    Fields,
    Finding,
    HttpRequest,
    Ignored,
    Limit,
    Media,
    MediaRule,
    MessageReceived,
    MessageTemplate,
    OutcomeUnknown,
    Permanent,
    Piece,
    RateLimited,
    ReceiptReceived,
    RecipientGone,
    Reject,
    Sender,
    TemplateStatus,
    Text,
    Transient,
    Unreadable,
    Unsupported,
    Wire,
)

BASE = "https://api.carrier.example"
FILES = "https://files.carrier.example"
HEADER = "x-carrier-signature"


class Credentials(Fields):
    key: SecretStr = Field(title="API key")
    signing_key: SecretStr = Field(title="Signing key")


class CarrierFields(Fields):
    credentials: Credentials
    settings: ChannelSettings = ChannelSettings()


class Item(Wire):
    kind: str
    id: str = Field(min_length=1)
    sender: str = Field("", alias="from")
    text: str = ""
    file: str = ""
    at: int = Field(0, ge=0, le=1 << 33)
    state: str = ""
    message: str = ""
    #: Of how many leaves it is one, and which.
    leaf: int = 0
    leaves: int = 0


def signature(key, body):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


class Carrier(ChannelType[CarrierFields]):
    type = "carrier"
    label = "Carrier"
    description = "Messages by carrier pigeon."
    icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M4 4h9"/></svg>'
    fields = CarrierFields
    bounds = Bounds(seconds=5, memory=1 << 30)
    capabilities = Capabilities(
        inbound=frozenset({"text", "image"}),
        outbound=frozenset({"text", "image", "choices"}),
        text_limit=60,
        caption_limit=40,
        options=3,
        media={"image": MediaRule(max_size=1_000_000)},
        receipts=frozenset({"delivered", "read"}),
        limits=(Limit.per_second(5),),
        registers_webhook=True,
        replies=True,
        finds=True,
        templates=True,
    )

    # --- in --------------------------------------------------------------------------------

    def address(self, text, connection):
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise BadAddress("A pigeon flies to a number, such as 4711.")
        return digits

    def account(self, connection):
        return connection.facts.get("loft")

    def verify(self, call, connection):
        given = call.headers.get(HEADER, "").encode("utf-8", "replace")
        key = connection.fields.credentials.signing_key.get_secret_value()
        if self.fits(given, signature(key, call.body).encode()):
            return self.greeting(call) or Accept()
        return Reject("The header X-Carrier-Signature does not fit.")

    def greeting(self, call):
        """Return the answer to a handshake; None where ``call`` is none."""
        greeting = call.body.removeprefix(b"greeting:")
        return Challenge(Answer(body=greeting)) if greeting != call.body else None

    def fits(self, given, ours):
        return hmac.compare_digest(given, ours)

    def parse(self, call, connection):
        try:
            items = json.loads(call.body)["items"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return [Unreadable(reason="The body has no list of items.")]
        if not isinstance(items, list):
            return [Unreadable(reason="The items are no list.")]
        return [self.event(item) for item in items]

    def event(self, item):
        try:
            read = Item.model_validate(item)
        except ValidationError:
            return Unreadable(reason="An item is not as documented.")
        match read.kind:
            case "message" if read.sender:
                return self.message(read)
            case "receipt" if read.state in {"delivered", "read", "failed"} and read.message:
                return self.receipt(read)
            case "message" | "receipt":
                return Unreadable(reason="An item is not whole.")
        return self.stranger(read)

    def message(self, read):
        content: Any = Text(text=read.text)
        if read.file:
            content = Attachment(type="image", media=Media(ref=read.file), caption=read.text)
        return MessageReceived(
            key=self.key(read),
            external_id=read.id,
            sender=Sender(address=read.sender),
            content=content,
            provider_at=self.moment(read),
            piece=self.piece(read),
        )

    def piece(self, read):
        if not 1 <= read.leaf <= read.leaves <= 255:
            return None
        return Piece(of=str(read.at), number=read.leaf, total=read.leaves)

    def key(self, read):
        return ":".join(filter(None, (read.kind, read.id, self.leaf(read))))

    def leaf(self, read):
        return str(read.leaf or "")

    def moment(self, read):
        return datetime.fromtimestamp(read.at, UTC)

    def receipt(self, read):
        fault = Fault(code="lost", detail="A hawk came.") if read.state == "failed" else None
        return ReceiptReceived(
            key=self.key(read), state=read.state, external_id=read.message, fault=fault
        )

    def stranger(self, read):
        return Ignored(reason=f"Of no interest: {read.kind}.", key=self.key(read))

    # --- out -------------------------------------------------------------------------------

    def send(self, part, connection):
        return (yield from self.deliver(part, connection))

    def deliver(self, part, connection):
        response = yield self.request(part, connection)
        self.refuse(response)
        return self.accepted(response)

    def request(self, part, connection):
        quoted = part.reply_to_external_id
        body = {
            "to": part.address,
            "reference": part.reference,
            "quotes": quoted,
            **self.words(part.content),
        }
        return self.asking("POST", f"/birds/{quote(part.address, safe='')}", connection, body)

    def words(self, content):
        match content:
            case Text(text=text):
                return {"text": text}
            case Attachment(media=media, caption=caption):
                return {"file": media.url, "text": caption or ""}
            case Choices(text=text, options=options):
                return {"text": text, "options": [self.option(one) for one in options]}
        raise Unsupported(f"A pigeon carries no {content.type}.")

    def option(self, option):
        return {"ring": option.id, "title": option.title, "small print": option.description}

    def asking(self, method, path, connection, body=None, **more):
        base = connection.fields.settings.api_base or BASE
        headers = self.proof(connection)
        if body is None:
            return HttpRequest(method=method, url=base + path, headers=headers, safe=True, **more)
        return HttpRequest.json(method, base + path, body, headers=headers, **more)

    def proof(self, connection):
        return {"authorization": f"Bearer {connection.fields.credentials.key.get_secret_value()}"}

    def refuse(self, response):
        """Raise what the answer stands for, unless it says yes."""
        status = response.status
        if status == 429:
            raise RateLimited("The loft is full.", retry_after=self.wait(response))
        if status == 401:
            raise AuthFailed("The loft does not know the key.")
        if status == 410:
            raise RecipientGone("Nobody lives there any more.", provider_code="410")
        if status in {502, 504}:
            raise OutcomeUnknown("The loft's keeper does not know.", provider_code=str(status))
        if status >= 500:
            raise Transient("The loft is shut.", provider_code=str(status))
        if status != 200:
            raise Permanent("The loft refuses.", provider_code=str(status))

    def wait(self, response):
        told = response.headers.get("retry-after", "")
        seconds = int(told[:5]) if told.isascii() and told.isdigit() else 5
        return timedelta(seconds=max(1, seconds))

    def accepted(self, response):
        return Accepted(external_id=self.bird(response, OutcomeUnknown))

    def bird(self, response, error):
        try:
            bird = response.json()["bird"]
        except (ValueError, KeyError, TypeError, RecursionError):
            bird = None
        if not bird or not isinstance(bird, str):
            raise error("The answer cannot be read.")
        return bird

    # --- beside ----------------------------------------------------------------------------

    def find(self, part, connection):
        response = yield self.asking("GET", f"/references/{part.reference}", connection)
        if response.status == 404:
            return None
        if response.status != 200:
            raise OutcomeUnknown("The loft does not say.")
        return self.accepted(response)

    def check(self, connection):
        response = yield self.asking("GET", "/loft", connection)
        try:
            self.refuse(response)
        except AuthFailed as error:
            return Checked(findings=(self.wrong(error.detail, connection),))
        self.bird(response, Transient)
        finding = Finding(code="key", ok=True, detail="The loft knows the key.")
        return Checked(findings=(finding,), facts={"loft": "7"})

    def wrong(self, detail, connection):
        return Finding(code="key", ok=False, detail=detail, fix="Copy the key from the loft.")

    def setup(self, connection):
        response = yield self.asking("PUT", "/hook", connection, self.hook(connection))
        self.refuse(response)
        return (yield from self.check(connection))

    def hook(self, connection):
        return {"url": connection.webhook_url}

    def teardown(self, connection):
        response = yield self.asking("DELETE", "/hook", connection, {})
        self.refuse(response)

    def templates(self, connection):
        response = yield self.asking("GET", "/letters", connection)
        self.refuse(response)
        return tuple(self.letter(one) for one in self.letters(response))

    def letters(self, response):
        try:
            return response.json()["letters"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Transient("The answer cannot be read.") from None

    def letter(self, name):
        return MessageTemplate(name=name, language="en", status=TemplateStatus.APPROVED)

    def fetch_media(self, ref, connection):
        response = yield self.file(ref, connection)
        if response.status == 302:
            response = yield self.file(response.headers["location"], connection)
        self.refuse(response)
        return FetchedMedia(body=response.body)

    def file(self, url, connection):
        headers = self.proof(connection) if self.is_ours(url) else {}
        return HttpRequest(method="GET", url=url, headers=headers, safe=True)

    def is_ours(self, url):
        return url.startswith(f"{FILES}/")

    def wants_ack(self, call):
        return b'"urgent"' in call.body

    def acknowledge(self, call, connection):
        self.refuse((yield self.asking("POST", "/thanks", connection, {})))

    def mark_read(self, address, external_id, connection):
        self.refuse((yield self.asking("POST", "/read", connection, {"up_to": external_id})))

    def typing(self, address, external_id, connection):
        del external_id
        self.refuse((yield self.asking("POST", "/cooing", connection, {"to": address})))
