"""Write letters and hand them to the mail server."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from hubbub.sdk import (
    Accepted,
    Attachment,
    DomainKey,
    Email,
    Exchange,
    HttpRequest,
    HttpResponse,
    Letter,
    OutcomeUnknown,
    Part,
    Permanent,
    SendError,
    Text,
    Unsupported,
)
from hubbub.sdk.mail import Posted, posted, posting
from hubbub_email import tokens
from hubbub_email.access import Access
from hubbub_email.addresses import sound
from hubbub_email.fields import EmailConnection
from hubbub_email.manifest import LARGEST_FILES
from hubbub_email.markup import text_with_links
from hubbub_email.replies import error_of, is_login
from hubbub_email.servers import envelope_sender, outgoing
from hubbub_email.texts import clean
from hubbub_email.tokens import Purpose
from hubbub_email.writing import Writing, answer_to, letter

#: What others wrote as an id, and can stand in a header as it is.
_ID: Final = re.compile(r"<[!-;=?-~]{1,900}>")

#: What the codes of refusals begin with that hold for now (RFC 5321).
_FOR_NOW: Final = 4
_SES: Final = re.compile(r"email-smtp(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com")
_SES_ID: Final = re.compile(r"\bOk ([0-9a-f]{16}-[0-9a-f-]{36}-[0-9]{6})\b")


def send(part: Part, connection: EmailConnection) -> Exchange[Accepted]:
    """Hand over one letter; the Message-ID that it travels with is its name from then on.

    Raises the `hubbub.sdk.SendError` that the server's reply stands for.
    """
    access, writing = Access(connection), compose(part, connection)
    whole = _written(writing, connection)
    recipients = (part.only,) if part.only else writing.recipients

    def request(token: str) -> HttpRequest:
        return posting(
            outgoing(connection, token),
            sender=envelope_sender(connection, part.reference),
            recipients=recipients,
            letter=whole,
        )

    try:
        said = yield from access.ask(request, _read, is_login)
        error = error_of(said, recipients[0])
        if error is not None:
            raise error
    except SendError as failed:
        # The token that was replaced may be worth nothing any more.
        failed.renewed = access.renewed
        raise
    return Accepted(
        external_id=_rewritten(said, connection) or writing.message_id,
        note=_note(said),
        put_off=tuple(_put_off(said)),
        renewed=access.renewed,
    )


def _note(said: Posted) -> str:
    """Return what the server said: also of those who get no copy."""
    later = set(_put_off(said))
    refused = (
        f"No copy for {who}{' yet' if who in later else ''}: {reply.text[:200]}"
        for who, reply in said.refused.items()
    )
    return "\n".join([said.reply.text[:200], *refused])[:2000]


def _put_off(said: Posted) -> Iterator[str]:
    """Yield who gets no copy for now."""
    return (who for who, reply in said.refused.items() if reply.code // 100 == _FOR_NOW)


def _rewritten(said: Posted, connection: EmailConnection) -> str:
    """Return the Message-ID that the server gives in place of ours; empty where it keeps that.

    Source: Amazon SES Developer Guide, "Header fields": its Message-ID overrides any other, and
    stands in the answer to the letter.
    """
    server = _SES.fullmatch(connection.fields.settings.smtp.host)
    named = _SES_ID.search(said.reply.text)
    if not (server and named):
        return ""
    place = "email" if server[1] == "us-east-1" else server[1]
    return f"<{named[1]}@{place}.amazonses.com>"


def compose(part: Part, connection: EmailConnection) -> Writing:
    """Return what the letter is to say. Raises `Unsupported`."""
    settings, key = connection.fields.settings, tokens.key_of(connection.webhook_secret)
    said = _said(part)
    _check_size(said)
    answers_to = settings.reply_to or settings.from_address
    if settings.plus_addressing and part.conversation_id:
        answers_to = tokens.reply_address(answers_to, part.conversation_id, key)
    return Writing(
        sender=settings.from_address,
        sender_name=settings.from_name,
        recipient=_deliverable(part.address),
        cc=tuple(_deliverable(one.address) for one in said.cc),
        bcc=tuple(_deliverable(one.address) for one in said.bcc),
        reply_to=answers_to if answers_to != settings.from_address else "",
        subject=said.subject or _subject(part, connection),
        text=said.text,
        html=said.html,
        attachments=said.attachments,
        message_id=tokens.message_id(part.reference, settings.domain, key),
        earlier=_earlier(part, settings.domain, key),
        written_at=part.created_at,
        reference=tokens.seal(Purpose.DELIVERY, part.reference, key),
        automatic=_automatic(part),
        unsubscribe=part.unsubscribe_url,
    )


def _deliverable(text: str) -> str:
    address = sound(text)
    if not address or '"' in address:
        raise Permanent("This is no address that a letter can be sent to.", code="bad_address")
    return address


def _said(part: Part) -> Email:
    """Return the content of ``part`` as a letter without subject, or with its own."""
    match part.content:
        case Email(text=text, html=page) as email:
            words = clean(text) or (text_with_links(page) if page else "")
            return Email(
                subject=email.subject,
                text=words,
                html=clean(page) if page else None,
                attachments=email.attachments,
                cc=email.cc,
                bcc=email.bcc,
            )
        case Text(text=text):
            return Email(subject="", text=clean(text))
        case Attachment(media=media, caption=caption):
            return Email(subject="", text=clean(caption or ""), attachments=(media,))
    raise Unsupported(f"A letter cannot say {part.content.type!r}.")


def _check_size(said: Email) -> None:
    size = sum(media.size or 0 for media in said.attachments)
    if size > LARGEST_FILES:
        most = LARGEST_FILES // 1_000_000
        why = (
            f"The letter's files have {size / 1e6:.1f} MB together; {most} MB may go in one letter."
        )
        raise Permanent(why, code="too_large")


def _subject(part: Part, connection: EmailConnection) -> str:
    """Return the subject of what brings none: that of the letter before it."""
    subjects = [one.subject for one in part.earlier if one.subject.strip()]
    if subjects:
        return answer_to(subjects[-1])
    settings = connection.fields.settings
    # Not the channel's own name: that is for people here alone.
    return settings.default_subject or f"Message from {settings.from_name or settings.from_address}"


def _earlier(part: Part, domain: str, key: bytes) -> Sequence[str]:
    """Return the ids that the letter names, what it answers last.

    What may have arrived did so under the id that we gave it.
    """
    ids = [
        one.external_id
        or (tokens.message_id(one.reference, domain, key) if one.reference else None)
        for one in part.earlier
    ]
    if part.reply_to_external_id:
        ids = [*(one for one in ids if one != part.reply_to_external_id), part.reply_to_external_id]
    return [one for one in ids if one and _ID.fullmatch(one)]


def _automatic(part: Part) -> Literal["replied", "generated"] | None:
    if part.bulk or not part.automatic:
        return "generated" if part.bulk else None
    return "replied" if any(one.inbound for one in part.earlier) else "generated"


def _written(writing: Writing, connection: EmailConnection) -> Letter:
    try:
        written = letter(writing)
    except ValueError as error:
        raise Permanent(f"The letter cannot be written: {error}.", code="bad_letter") from None
    return Letter(written.pieces, signed_by=_domain_key(connection))


def _domain_key(connection: EmailConnection) -> DomainKey | None:
    fields = connection.fields
    if not fields.credentials.dkim_private_key:
        return None
    return DomainKey(
        domain=fields.settings.dkim_domain or fields.settings.domain,
        selector=fields.settings.dkim_selector,
        private_key=fields.credentials.dkim_private_key,
    )


def _read(response: HttpResponse) -> Posted:
    try:
        return posted(response)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise OutcomeUnknown("What came of the letter cannot be read.") from None
