"""A channel type for tests of the core: its wire format is what the test needs, no more.

A call is ``{"items": [...]}``, signed by the header ``x-parrot-signature``. An item with ``from`` is a
message, one with ``status`` a receipt; ``{"bad": ...}`` cannot be read.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from hubbub.sdk import (
    Accept,
    Accepted,
    AddressChanged,
    AddressState,
    Answer,
    Answers,
    Attachment,
    AuthFailed,
    Capabilities,
    ChannelType,
    Checked,
    Fault,
    FetchedMedia,
    Fields,
    Finding,
    ForAccount,
    HttpRequest,
    Ignored,
    Limit,
    Media,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessageTemplate,
    OutcomeUnknown,
    Permanent,
    Piece,
    RateLimited,
    Reaction,
    ReceiptReceived,
    ReceiptState,
    RecipientGone,
    Reject,
    SeenSettings,
    Sender,
    SentElsewhere,
    Template,
    TemplateChanged,
    TemplateRefused,
    TemplateStatus,
    Text,
    Transient,
    Unreadable,
    UnsupportedContent,
    hookimpl,
)


class Credentials(Fields):
    secret: str = Field(json_schema_extra={"writeOnly": True})


class Settings(SeenSettings):
    perch: str = ""
    #: Those of one flock have the same templates.
    flock: str = ""


_TEMPLATES = {"hello": TemplateStatus.APPROVED, "bye": TemplateStatus.PENDING}


class ParrotFields(Fields):
    credentials: Credentials
    settings: Settings = Settings()


class Parrot(ChannelType[ParrotFields]):
    type = "parrot"
    label = "Parrot"
    fields = ParrotFields
    capabilities = Capabilities(
        inbound=frozenset({"text", "image", "unsupported"}),
        outbound=frozenset({"text", "image", "template"}),
        text_limit=100,
        caption_limit=20,
        receipts=frozenset({"delivered", "read"}),
        watermarks=True,
        replies=True,
        finds=True,
        templates=True,
        limits=(Limit(scope="channel", count=1000, per=timedelta(seconds=1), burst=1000),),
    )

    def account(self, connection):
        return connection.fields.settings.perch or None

    def family(self, connection):
        return f"family {connection.fields.credentials.secret}"

    def verify(self, call, connection):
        _explode(call.headers.get("x-parrot-signature"))
        if call.headers.get("x-parrot-signature") != connection.fields.credentials.secret:
            return Reject("The header x-parrot-signature is not ours.")
        return Accept(Answer(body=b"squawk"))

    def parse(self, call, connection):
        try:
            items = json.loads(call.body)["items"]
        except (ValueError, KeyError, TypeError):
            yield Unreadable(reason="The body is not what a parrot says.")
            return
        for item in items:
            yield _event(item)

    def send(self, part, connection):
        response = yield HttpRequest.json(
            "POST",
            "http://parrot.test/send",
            {
                "to": part.address,
                "ref": part.reference,
                **_said(part.content),
                **(_placed(part) if self.capabilities.threads else {}),
            },
            headers={"authorization": connection.fields.credentials.secret},
        )
        return _accepted(response)

    def find(self, part, connection):
        response = yield HttpRequest.json(
            "GET",
            f"http://parrot.test/find/{part.reference}",
            {"others": sorted(part.others)},
            safe=True,
        )
        if response.status == 404:
            return None
        if response.status != 200:
            raise OutcomeUnknown("The parrot cannot tell.")
        return Accepted(external_id=response.json()["id"])

    def check(self, connection):
        response = yield HttpRequest.json("GET", "http://parrot.test/check", {}, safe=True)
        if response.status == 401:
            raise AuthFailed("The parrot does not know us.")
        return Checked(findings=(Finding(code="alive", ok=True, detail="It talks."),))

    setup = check

    def templates(self, connection):
        yield HttpRequest.json("GET", "http://parrot.test/templates", {}, safe=True)
        flock = connection.fields.settings.flock
        return tuple(
            MessageTemplate(name=name, language="en", status=status, external_id=f"{flock}-{name}")
            for name, status in _TEMPLATES.items()
        )

    def teardown(self, connection):
        yield HttpRequest.json("POST", "http://parrot.test/bye", {})

    def fetch_media(self, ref, connection):
        response = yield HttpRequest.json("GET", f"http://parrot.test/file/{ref}", {}, safe=True)
        if response.status != 200:
            raise Transient("The file is not there yet.")
        name = ref if "." in ref else None
        return FetchedMedia(body=response.body, mime_type="image/png", filename=name)

    def mark_read(self, address, external_id, connection):
        return _sign("read", address, external_id)

    def typing(self, address, external_id, connection):
        return _sign("typing", address, external_id)


@hookimpl
def register_channel_types():
    return [Parrot()]


def _explode(how):
    if how == "explode":
        raise RuntimeError("The parrot is broken.")
    if how == "exit":
        raise SystemExit(1)


def _sign(what, address, external_id):
    body = {"to": address, "after": external_id}
    response = yield HttpRequest.json("POST", f"http://parrot.test/{what}", body)
    if response.status != 200:
        raise Permanent("The parrot does not care.", code="rejected")


def _said(content):
    if isinstance(content, Attachment):
        return {"image": content.media.url, "caption": content.caption}
    if isinstance(content, Template):
        return {"template": content.name}
    return {"text": content.text}


def _accepted(response):
    if response.status == 200:
        return Accepted(external_id=response.json()["id"])
    if response.status == 401:
        raise AuthFailed("The parrot does not know us.", provider_code="401")
    if response.status == 410:
        raise RecipientGone("The perch is empty.", opted_out=True)
    if response.status == 412:
        raise TemplateRefused("The parrot has unlearnt it.")
    if response.status == 429:
        raise RateLimited("Too much talk.", retry_after=timedelta(seconds=7))
    if response.status >= 500:
        raise Transient("The parrot sleeps.", provider_code=str(response.status))
    raise Permanent("The parrot refuses.", provider_code=str(response.status))


def _placed(part):
    """Return where a part belongs."""
    return {
        "in": part.conversation_id,
        "after": [one.external_id for one in part.earlier],
        "automatic": part.automatic,
    }


def _event(item: Any) -> Any:
    match item:
        case {"explode": how}:
            _explode(how)
        case {"bad": why} | {"ignore": why}:
            return Unreadable(reason=str(why)) if "bad" in item else Ignored(reason=why)
        case (
            {"for": _} | {"up_to": _} | {"said": _} | {"template": _} | {"ponder": _} | {"learn": _}
        ):
            return _beside(item)
        case {"status": status}:
            fault = (
                Fault(
                    code="refused",
                    detail="No.",
                    provider_code="9",
                    template="unlearnt" in item,
                    address=item.get("about"),
                )
                if status == "failed"
                else None
            )
            return ReceiptReceived(
                key=item.get("key", f"status:{item.get('id') or item.get('ref')}:{status}"),
                state=ReceiptState(status),
                external_id=item.get("id"),
                reference=item.get("ref"),
                fault=fault,
                provider_at=datetime.fromisoformat(item["at"]) if "at" in item else None,
            )
        case {"edit": external_id, "text": text}:
            return MessageEdited(
                key=item.get("key", f"edit:{external_id}:{text}"),
                external_id=external_id,
                content=Text(text=text),
            )
        case {"delete": external_id}:
            return MessageDeleted(key=f"delete:{external_id}", external_id=external_id)
        case {"address": address}:
            return AddressChanged(
                key=item["key"],
                address=address,
                state=AddressState(item.get("state", "ok")),
                moved_to=item.get("moved_to"),
                marketing=item.get("marketing"),
            )
    return MessageReceived(
        key=item.get("key") or (f"message:{item['id']}" if "id" in item else None),
        sender=Sender(address=item["from"], name=item.get("name"), also=item.get("also")),
        content=_content(item),
        external_id=item.get("id"),
        reply_to_external_id=item.get("reply_to"),
        reply_address=item.get("group"),
        reply_name=item.get("group_name"),
        provider_at=datetime.fromisoformat(item["at"]) if "at" in item else None,
        opt_out=item.get("opt_out"),
        not_routed=item.get("not_routed", ""),
        historical=item.get("historical", False),
        piece=_piece(item) if "piece" in item else None,
        answers=_answers(**item.get("answers", {})),
    )


def _answers(conversation=None, refs=(), ids=(), *, doubted=False):
    return Answers(
        conversation_id=conversation,
        references=tuple(refs),
        external_ids=tuple(ids),
        doubted=doubted,
    )


def _piece(item):
    of, number, total = item["piece"]
    patience = timedelta(seconds=item.get("patience", 300))
    return Piece(of=of, number=number, total=total, patience=patience)


def _beside(item: Any) -> Any:
    """Return what few providers tell."""
    match item:
        case {"ponder": steps}:
            return Ignored(reason=str(sum(range(steps))))
        case {"learn": size}:
            return Ignored(reason=str(len(bytes(size))))
        case {"status": status, "up_to": up_to, "to": address}:
            return ReceiptReceived(
                key=f"{status}:{address}:{up_to}",
                state=ReceiptState(status),
                address=address,
                up_to=datetime.fromisoformat(up_to),
            )
        case {"said": external_id, "to": address, "text": text}:
            return SentElsewhere(
                key=f"message:{external_id}",
                address=address,
                content=Text(text=text),
                external_id=external_id,
                by=item.get("by", ""),
            )
        case {"template": name}:
            status = TemplateStatus(item["status"]) if "status" in item else None
            return TemplateChanged(name=name, language="en", status=status, reason="Why.")
    return ForAccount(account=item["for"])


def _content(item):
    if "image" in item:
        return Attachment(type="image", media=Media(ref=item["image"]), caption=item.get("text"))
    if "reaction" in item:
        return Reaction(emoji=item["reaction"], target_external_id=item["to"])
    if "kind" in item:
        return UnsupportedContent(provider_type=item["kind"])
    return Text(text=item["text"])
