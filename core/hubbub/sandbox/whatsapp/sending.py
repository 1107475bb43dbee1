"""Take messages, as ``POST /<number>/messages`` does."""

from dataclasses import dataclass
from typing import Final

from hubbub.sandbox.journal import Sent
from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.whatsapp import codes, media, receipts, templates, webhooks, window
from hubbub.sandbox.whatsapp.state import Cloud, Media, Message, Number, Person, new_wamid
from hubbub.sandbox.whatsapp.wire import File, Header, Outgoing, Reading, TemplateBody, read
from hubbub.sandbox.wsgi import Ask, Json

_FILES: Final = frozenset({"image", "audio", "video", "document", "sticker"})


def receive(cloud: Cloud, number: Number, ask: Ask) -> Json:
    """Take what the hub says: a message, or that it read one. Raises `Refused`."""
    said = ask.json
    return mark_read(cloud, number, said) if "status" in said else send(cloud, number, said)


def send(cloud: Cloud, number: Number, said: Json, *, came: Json | None = None) -> Json:
    """Take a message; ``came`` is how it came, where that was in other words. Raises `Refused`."""
    outgoing = read(Outgoing, said)
    with cloud.world.lock:
        person = _recipient(cloud, number, outgoing)
        message = _Draft(cloud, number, person, outgoing).message()
        flaw = window.flaw(cloud, number, message)
        _place(number, message, arrives=flaw is None)
    cloud.world.sent.add(_line(cloud, number, message, came or said))
    _fetch_links(cloud, number, message, outgoing, flaw)
    named = {"id": message.id}
    if outgoing.template:
        named["message_status"] = "accepted"
    return {
        "messaging_product": codes.PRODUCT,
        "contacts": [_known_as(person, outgoing)],
        "messages": [named],
    }


def _recipient(cloud: Cloud, number: Number, outgoing: Outgoing) -> Person:
    """Return to whom it goes: where both are given, ``to`` wins."""
    if outgoing.to:
        digits = outgoing.to.removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):  # noqa: PLR2004  # E.164
            raise Refused(codes.BAD_VALUE, f"Recipient phone number {outgoing.to} is not valid.")
        if digits == number.digits:
            raise Refused(codes.TO_SELF, "Recipient and sender phone number are the same.")
        return cloud.person(digits)
    person = cloud.by_user_id(outgoing.recipient)
    if person is None:
        raise Refused(codes.BAD_VALUE, f"Recipient {outgoing.recipient} is not known.")
    return person


def _known_as(person: Person, outgoing: Outgoing) -> Json:
    said: Json = {"input": outgoing.to or outgoing.recipient, "user_id": person.user_id}
    return said if person.hides_number else said | {"wa_id": person.wa_id}


@dataclass(frozen=True)
class _Draft:
    """A message that is well formed, and may still name what is not there."""

    cloud: Cloud
    number: Number
    person: Person
    outgoing: Outgoing

    def message(self) -> Message:
        """Return it as it is kept. Raises `Refused`."""
        outgoing = self.outgoing
        if outgoing.reaction and not self._knows(outgoing.reaction.message_id):
            raise Refused(codes.BAD_VALUE, "There is no such message to react to in this chat.")
        content = outgoing.model_dump(exclude_unset=True)[outgoing.type]
        message = Message(
            person=self.person,
            mine=False,
            kind=outgoing.type,
            content=content,
            status="accepted",
            id=new_wamid(),
            callback_data=outgoing.biz_opaque_callback_data,
            # A message that is not there any more is not shown; it is no reason to refuse.
            quoted=outgoing.context.message_id if outgoing.context else "",
        )
        if outgoing.template:
            self._fill_in(message, outgoing.template)
        if shown := shown_file(outgoing, message):
            found = media.uploaded(self.cloud, self.number, shown[1])
            message.files = (found.file_id,) if found else ()
        return message

    def _knows(self, wamid: str) -> bool:
        known = self.number.messages.get(wamid)
        return known is not None and known.person is self.person

    def _fill_in(self, message: Message, said: TemplateBody) -> None:
        template = templates.chosen(self.number.account.templates, said)
        message.filled = templates.fill_in(template, said)
        message.category = template.category
        if template.category == "AUTHENTICATION" and not self.outgoing.to:
            raise Refused(codes.NOT_BY_USER_ID, "Authentication templates need a phone number.")


def shown_file(outgoing: Outgoing, message: Message) -> tuple[str, File] | None:
    """Return as what a message shows a file, and the file; None where it shows none."""
    if outgoing.type in _FILES:
        return outgoing.type, outgoing.body
    if message.filled:
        return message.filled.file
    header = getattr(outgoing.interactive, "header", None)
    if isinstance(header, Header) and header.type != "text":
        return header.type, getattr(header, header.type)
    return None


def _place(number: Number, message: Message, *, arrives: bool) -> None:
    """Keep a message; a reaction stands at what it is about."""
    if message.kind == "reaction" and isinstance(message.content, dict):
        number.messages[message.id] = message
        target = number.messages.get(message.content["message_id"])
        if target is not None and arrives:
            target.reactions[False] = message.content["emoji"]
        return
    number.keep(message)


def _fetch_links(
    cloud: Cloud, number: Number, message: Message, outgoing: Outgoing, flaw: int | None
) -> None:
    """Let the file be looked at in its own time, and then the message go on."""
    shown = shown_file(outgoing, message)
    if shown is None or flaw is not None:
        receipts.carry(cloud, number, message, flaw)
        return

    def looked() -> None:
        kind, file = shown
        found = cloud.media.get(file.id) if file.id else media.fetched(cloud, number, file.link)
        usable = found is not None and media.fits(cloud, found, kind, file)
        if isinstance(found, Media):
            message.files = (found.file_id,)
        receipts.carry(cloud, number, message, None if usable else codes.BAD_MEDIA)

    cloud.world.lanes.put(("whatsapp-file", message.id), looked)


def _line(cloud: Cloud, number: Number, message: Message, said: Json) -> Sent:
    return Sent(
        provider=cloud.provider,
        endpoint=number.id,
        operation="Messages.send",
        kind="action" if message.kind == "reaction" else "message",
        address=message.person.address,
        external_id=message.id,
        text=webhooks.text_of(message),
        params=said,
    )


def mark_read(cloud: Cloud, number: Number, said: Json) -> Json:
    """Take that a message was read, and all before it. Raises `Refused`."""
    reading = read(Reading, said)
    with cloud.world.lock:
        message = number.messages.get(reading.message_id)
        if message is None or not message.mine:
            raise Refused(codes.BAD_VALUE, f"Nobody sent you a message {reading.message_id}.")
        chat = number.chat(message.person)
        for one in chat.before(message):
            one.status = "read by the business"
        if reading.typing_indicator:
            chat.show_typing()
    sent = Sent(
        provider=cloud.provider,
        endpoint=number.id,
        operation="Messages.read",
        kind="action",
        address=message.person.address,
        external_id=message.id,
        params=said,
    )
    cloud.world.sent.add(sent)
    return {"success": True}
