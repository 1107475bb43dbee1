"""Carry letters: what the hub hands in to people, and what people write to the hub."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox import client
from hubbub.sandbox.email import reports
from hubbub.sandbox.email.reading import Shown, read
from hubbub.sandbox.email.state import Account, Mail, Post
from hubbub.sandbox.email.writing import Draft, Written, as_html, received, write
from hubbub.sandbox.journal import Called, Sent
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json, Upload

Receipt = Literal["bounced", "delayed", "delivered", "read", "away", "complaint"]
RECEIPTS: Final[tuple[str, ...]] = get_args(Receipt)
_HOST: Final = "mx.sandbox.test"
#: What becomes of a letter to an address that begins so, beside what `smtp` refuses.
_LATER: Final[Mapping[str, Receipt]] = {"bounce": "bounced", "delayed": "delayed", "away": "away"}
_ACTIONS: Final[Mapping[str, reports.Action]] = {
    "bounced": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
}
_ARRIVAL_KINDS: Final = frozenset({"drop_before", "duplicate_webhooks", "slow"})


class Attached(BaseModel):
    """A file of a letter."""

    model_config = ConfigDict(extra="forbid")

    filename: str
    mime_type: str = "application/octet-stream"
    data: str

    def upload(self) -> Upload:
        """Return it as the page's files are."""
        return Upload(self.filename, self.mime_type, base64.b64decode(self.data, validate=True))


class Writing(BaseModel):
    """A letter that a person writes."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from", pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    name: str = ""
    #: Empty: where an answer goes, else the account.
    to: str = ""
    cc: str = ""
    subject: str = ""
    text: str = ""
    #: HTML beside the text: of our making, or as it stands here.
    html: bool | str = False
    files: list[Attached] = []
    #: The id of the letter that is answered, and whether it is quoted.
    answers: str = ""
    quoted: bool = True
    message_id: str = ""
    headers: dict[str, str] = {}


class Telling(BaseModel):
    """What became of a letter of the hub's."""

    model_config = ConfigDict(extra="forbid")

    id: str
    status: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a server is told of a letter that it is handed."""

    account: Account
    sender: str
    recipients: tuple[str, ...]
    raw: bytes


def local_part(address: str) -> str:
    """Return what is before the @ and before a ``+``."""
    return address.lower().partition("@")[0].partition("+")[0]


def accept(post: Post, envelope: Envelope) -> str:
    """Take a letter of the hub's for everybody it goes to; return the id of the last copy."""
    shown = read(envelope.raw)
    if post.world.rules.email_files_sent:
        filed = envelope.account.folder("Sent").add(envelope.raw, at=time.time())
        filed.flags = frozenset({"\\Seen"})
    copies = [_copied(post, envelope, shown, to) for to in envelope.recipients]
    post.changed(envelope.account)
    return copies[-1].id


def bring(post: Post, account: Account, writing: Writing) -> Mail:
    """Carry a person's letter to the hub's mailbox. Raises `NoSuchThing`, `ValueError`."""
    answered = account.mail(writing.answers) if writing.answers else None
    written = write(_draft(account, writing, answered))
    shown = read(written.raw)
    if not any(post.at(one) for one in shown.to):
        raise ValueError(f"Nobody but {account.address} is reached here.")
    mail = Mail(
        id=post.new_id(),
        message_id=written.message_id,
        customer=writing.sender.lower(),
        mine=True,
        at=time.time(),
        raw=written.raw,
        # What the person typed; the quote below it is for the other side.
        shown=replace(shown, text=writing.text),
        status="on its way",
    )
    _keep(post, account, mail)
    _arrive(post, account, mail)
    return mail


def tell(post: Post, account: Account, telling: Telling) -> Mail:
    """Let servers or the person's mail program tell what became of a letter of the hub's."""
    mail = account.mail(telling.id)
    if mail.mine:
        raise NoSuchThing(f"The hub did not send the letter {telling.id}.")
    written, back = _told(account, mail, telling.status)
    if back:  # else nobody wants to hear of it
        deliver(post, (back,), written.raw, sender="")
    mail.status = telling.status
    mail.problem = telling.status in {"bounced", "complaint"}
    return mail


def unsubscribe(post: Post, account: Account, mail: Mail) -> int | None:
    """Leave the mailing list by one click, as mail programs do (RFC 8058)."""
    if not mail.shown.unsubscribe:
        raise NoSuchThing("The letter has no link to leave a mailing list by one click.")
    url, body = mail.shown.unsubscribe, b"List-Unsubscribe=One-Click"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    began = time.monotonic()
    answer = client.call("POST", url, headers=headers, body=body, timeout=30)
    post.world.calls.add(
        Called(
            provider="email",
            endpoint=account.address,
            kind="unsubscribe",
            key=mail.message_id,
            attempt=1,
            url=url,
            body=body.decode(),
            status=answer.status,
            answer=answer.body[:2000].decode("utf-8", "replace"),
            error=answer.error,
            duration_ms=round((time.monotonic() - began) * 1000, 1),
        )
    )
    mail.status = "left the mailing list" if answer.accepted else "the link does not work"
    return answer.status


def deliver(
    post: Post,
    to: tuple[str, ...],
    raw: bytes,
    *,
    sender: str,
    fetched: Callable[[], None] | None = None,
) -> None:
    """Put a letter into the mailbox of each account that ``to`` names; nobody else has one.

    ``fetched`` is called when somebody first fetches it there.
    """
    with post.world.lock:
        reached = {
            account.address: (account, one) for one in to if (account := post.at(one)) is not None
        }
        for account, one in reached.values():
            top = received(sender, one, _HOST)
            account.folder("INBOX").add(top + raw, at=time.time(), fetched=fetched)
    for account, _ in reached.values():
        post.changed(account)


def _copied(post: Post, envelope: Envelope, shown: Shown, to: str) -> Mail:
    account = envelope.account
    mail = Mail(
        id=post.new_id(),
        message_id=shown.message_id,
        customer=to.lower(),
        mine=False,
        at=time.time(),
        raw=envelope.raw,
        shown=shown,
        envelope_sender=envelope.sender,
        status="in the mailbox",
    )
    _keep(post, account, mail)
    post.world.sent.add(
        Sent(
            provider="email",
            endpoint=account.address,
            operation="smtp.dot",
            kind="message",
            address=to,
            external_id=shown.message_id,
            text=shown.text,
            params=_params(envelope, mail),
        )
    )
    deliver(post, (to,), envelope.raw, sender=envelope.sender)
    if status := _LATER.get(local_part(to)):
        telling = Telling(id=mail.id, status=status)
        _later(post, account, telling)
    return mail


def _keep(post: Post, account: Account, mail: Mail) -> None:
    files = [*mail.shown.files, Upload("letter.eml", "message/rfc822", mail.raw)]
    mail.files = tuple(
        post.world.files.put(name=one.name, mime_type=one.mime_type, data=one.data) for one in files
    )
    with post.world.lock:
        account.mails[mail.id] = mail


def _params(envelope: Envelope, mail: Mail) -> Json:
    return {
        "subject": mail.shown.subject,
        "from": mail.shown.sender,
        "envelope_from": envelope.sender,
        "recipients": list(envelope.recipients),
        "references": list(mail.shown.references),
        "reply_to": mail.shown.reply_to,
        "files": [{"name": one.name, "path": f"/media/{one.id}"} for one in mail.files],
        "id": mail.id,
    }


def _later(post: Post, account: Account, telling: Telling) -> None:
    def job() -> None:
        if post.accounts.get(account.address) is account:
            tell(post, account, telling)

    delay = post.world.rules.email_told_after
    post.world.lanes.put(("email", account.address), job, delay=delay)


def _draft(account: Account, writing: Writing, answered: Mail | None) -> Draft:
    shown = answered.shown if answered else None
    html = as_html(writing.text) if writing.html is True else writing.html or ""
    return Draft(
        sender=writing.sender,
        name=writing.name,
        to=writing.to or (shown.reply_to if shown and not _own(answered) else account.address),
        cc=writing.cc,
        subject=writing.subject,
        text=writing.text,
        html=html,
        files=[file.upload() for file in writing.files],
        answers=shown,
        quoted=writing.quoted,
        message_id=writing.message_id,
        headers=writing.headers,
    )


def _own(answered: Mail | None) -> bool:
    """Whether somebody goes on after a letter of their own."""
    return answered is not None and answered.mine


def _arrive(post: Post, account: Account, mail: Mail) -> None:
    fault = post.world.faults.pick(
        _ARRIVAL_KINDS, "email", "webhook", address=mail.customer, text=mail.shown.text
    )
    kind = fault.kind if fault else ""
    if kind == "drop_before":
        return

    def job() -> None:
        _put(post, account, mail, times=2 if kind == "duplicate_webhooks" else 1)

    if fault and kind == "slow":
        post.world.lanes.put(("email", account.address), job, delay=fault.waits(1))
    else:
        job()


def _put(post: Post, account: Account, mail: Mail, *, times: int) -> None:
    arrived = time.monotonic()

    def fetched() -> None:
        mail.status = "the hub has it"
        post.world.calls.add(
            Called(
                provider="email",
                endpoint=account.address,
                kind="message",
                key=mail.message_id,
                attempt=1,
                url="imap",
                body=mail.raw.decode("utf-8", "replace"),
                status=200,
                duration_ms=round((time.monotonic() - arrived) * 1000, 1),
            )
        )

    for _ in range(times):
        deliver(post, mail.shown.to, mail.raw, sender=mail.customer, fetched=fetched)


def _told(account: Account, mail: Mail, status: Receipt) -> tuple[Written, str]:
    """Return what is written, and to whom."""
    customer, back = mail.customer, mail.envelope_sender
    match status:
        case "read":
            to = mail.shown.receipt_to or mail.shown.reply_to
            return reports.displayed(mail.shown, sender=customer, to=to), to
        case "away":
            to = "" if mail.shown.automatic else back
            return reports.away(mail.shown, sender=customer, to=to), to
        case "complaint":
            to = account.address
            return reports.complaint(mail.raw, sender=back, to=to, customer=customer), to
    written = reports.bounce(mail.raw, sender=back, to=customer, action=_ACTIONS[status])
    return written, back
