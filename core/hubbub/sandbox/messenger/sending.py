"""Take messages and signs, as ``POST /<page>/messages`` does. Source: "Send API"."""

import json
from typing import Final

from hubbub.sandbox.journal import Sent
from hubbub.sandbox.messenger import codes, media, receipts, webhooks, window
from hubbub.sandbox.messenger.state import Attachment, Cloud, Message, Page, Person, new_mid
from hubbub.sandbox.messenger.wire import Body, FileAttachment, Outgoing, Upload, read
from hubbub.sandbox.meta.apps import parameters
from hubbub.sandbox.wsgi import Ask, Json

_PROOFS: Final = frozenset({"access_token", "appsecret_proof"})


def receive(cloud: Cloud, page: Page, ask: Ask) -> Json:
    """Take what the hub says. Raises `Refused`."""
    said = said_in(ask)
    outgoing = read(Outgoing, said)
    person = _recipient(cloud, page, outgoing.recipient.id)
    if outgoing.message is None:
        return _show(cloud, page, person, outgoing, said)
    with cloud.world.lock:
        window.check(cloud, page, person, outgoing)
    # No lock is held while the file is fetched.
    attachment = _attached(cloud, page, outgoing.message, ask)
    message = Message(
        person=person,
        mine=False,
        content=said["message"],
        status="sent",
        id=new_mid(),
        app_id=page.app.id,
        quoted=outgoing.reply_to.mid if outgoing.reply_to else "",
        files=(attachment.file_id,) if attachment else (),
    )
    with cloud.world.lock:
        page.keep(message)
    cloud.world.sent.add(_line(page, message, said))
    receipts.carry(cloud, page, message)
    answer = {"recipient_id": person.psid, "message_id": message.id}
    if attachment and _is_reusable(outgoing.message):
        answer["attachment_id"] = media.keep(page, attachment)
    return answer


def upload(cloud: Cloud, page: Page, ask: Ask) -> Json:
    """Take a file for later messages. Raises `Refused`."""
    said = read(Upload, said_in(ask))
    attachment = media.take(cloud, page, said.message.attachment, ask.files.get("filedata"))
    return {"attachment_id": media.keep(page, attachment)}


def said_in(ask: Ask) -> Json:
    """Return what a request says: in JSON, or in a form whose values may be JSON."""
    given = {name: value for name, value in parameters(ask).items() if name not in _PROOFS}
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _recipient(cloud: Cloud, page: Page, psid: str) -> Person:
    with cloud.world.lock:
        if psid not in page.people and cloud.world.rules.messenger_first_contact:
            raise codes.unknown_person()
        return page.person(psid)


def _attached(cloud: Cloud, page: Page, body: Body, ask: Ask) -> Attachment | None:
    if not isinstance(body.attachment, FileAttachment):
        return None
    return media.take(cloud, page, body.attachment, ask.files.get("filedata"))


def _is_reusable(body: Body) -> bool:
    attached = body.attachment
    return isinstance(attached, FileAttachment) and attached.payload.is_reusable


def _show(cloud: Cloud, page: Page, person: Person, outgoing: Outgoing, said: Json) -> Json:
    if outgoing.sender_action == "mark_seen":
        for message in person.messages:
            if message.mine and not message.unsent:
                message.status = "seen by the Page"
    else:
        person.show_typing(on=outgoing.sender_action == "typing_on")
    sent = Sent(
        provider="messenger",
        endpoint=page.id,
        operation="Messages.action",
        kind="action",
        address=person.psid,
        external_id="",
        text=outgoing.sender_action or "",
        params=said,
    )
    cloud.world.sent.add(sent)
    return {"recipient_id": person.psid}


def _line(page: Page, message: Message, said: Json) -> Sent:
    return Sent(
        provider="messenger",
        endpoint=page.id,
        operation="Messages.send",
        kind="message",
        address=message.person.psid,
        external_id=message.id,
        text=webhooks.text_of(message),
        params=said,
    )
