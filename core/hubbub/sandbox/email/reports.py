"""Write what mail programs and servers say of a letter: bounces, receipts, complaints."""

from email.utils import make_msgid
from typing import Final, Literal

from hubbub.sandbox.email.reading import Shown, head
from hubbub.sandbox.email.writing import Draft, Written, now, write

Action = Literal["failed", "delayed", "delivered"]
#: Status (RFC 3463) and what a server said to us, for each action (RFC 3464).
_SAID: Final = {
    "failed": ("5.1.1", "550 5.1.1 <{to}>: Recipient address rejected: User unknown"),
    "delayed": ("4.4.1", "450 4.4.1 connect to the server of {to}: Connection timed out"),
    "delivered": ("2.0.0", "250 2.0.0 Ok: delivered"),
}
_SUBJECTS: Final = {
    "failed": "Undelivered Mail Returned to Sender",
    "delayed": "Delayed Mail (still being retried)",
    "delivered": "Successful Mail Delivery Report",
}


def bounce(original: bytes, *, sender: str, to: str, action: Action) -> Written:
    """Tell ``sender`` what became of a letter to ``to`` (RFC 3464)."""
    host = to.rpartition("@")[2]
    status, said = _SAID[action]
    fields = (
        f"Reporting-MTA: dns; mx.{host}\r\nArrival-Date: {now()}\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nOriginal-Recipient: rfc822;{to}\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; mx.{host}\r\nDiagnostic-Code: smtp; {said.format(to=to)}\r\n"
    )
    return _report(
        sender=f"Mail Delivery System <MAILER-DAEMON@{host}>",
        to=sender,
        subject=_SUBJECTS[action],
        kind="delivery-status",
        text=f"This is the mail system at host mx.{host}.\r\n\r\n<{to}>: {said.format(to=to)}\r\n",
        fields=fields,
        last=("text/rfc822-headers", head(original)),
    )


def displayed(original: Shown, *, sender: str, to: str) -> Written:
    """Tell the other side that its letter was read (RFC 8098)."""
    fields = (
        "Reporting-UA: sandbox; Letters\r\n"
        f"Original-Recipient: rfc822;{sender}\r\nFinal-Recipient: rfc822;{sender}\r\n"
        f"Original-Message-ID: {original.message_id}\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n"
    )
    return _report(
        sender=sender,
        to=to,
        subject=f"Read: {original.subject}",
        kind="disposition-notification",
        text="Your letter was displayed. Whether it was read or understood nobody can say.\r\n",
        fields=fields,
        more=f"In-Reply-To: {original.message_id}\r\nReferences: {original.message_id}\r\n",
    )


def complaint(original: bytes, *, sender: str, to: str, customer: str) -> Written:
    """Tell that somebody calls a letter unwanted, as their mail provider does (RFC 5965)."""
    host = customer.rpartition("@")[2]
    fields = (
        "Feedback-Type: abuse\r\nUser-Agent: Sandbox/1.0\r\nVersion: 1\r\n"
        f"Original-Mail-From: <{sender}>\r\nOriginal-Rcpt-To: <{customer}>\r\n"
        f"Arrival-Date: {now()}\r\nReported-Domain: {sender.rpartition('@')[2]}\r\n"
    )
    return _report(
        sender=f"Feedback loop <fbl@{host}>",
        to=to,
        subject="Email feedback report",
        kind="feedback-report",
        text="This is a report of an unwanted letter.\r\n",
        fields=fields,
        last=("message/rfc822", original),
    )


def away(original: Shown, *, sender: str, to: str) -> Written:
    """Answer as somebody's mail program does while they are away (RFC 3834)."""
    return write(
        Draft(
            sender=sender,
            to=to,
            subject=f"Automatic reply: {original.subject}",
            text="I am out of the office and will be back on Monday.",
            answers=original,
            quoted=False,
            headers={"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"},
        )
    )


def _report(
    *,
    sender: str,
    to: str,
    subject: str,
    kind: str,
    text: str,
    fields: str,
    more: str = "",
    last: tuple[str, bytes] | None = None,
) -> Written:
    message_id = make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
    boundary = f"=_{message_id.strip('<>').partition('@')[0]}"
    parts = [("text/plain; charset=us-ascii", text.encode()), (f"message/{kind}", fields.encode())]
    if last is not None:
        parts.append(last)
    heads = (
        f"From: {sender}\r\nTo: {to}\r\n"
        f"{_subject(subject)}"
        f"Date: {now()}\r\nMessage-ID: {message_id}\r\n{more}"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind};\r\n boundary="{boundary}"\r\n\r\n'
    )
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {mime}\r\n\r\n".encode() + content + b"\r\n"
        for mime, content in parts
    )
    return Written(message_id, heads.encode() + body + f"--{boundary}--\r\n".encode())


def _subject(subject: str) -> str:
    # Folded and encoded as any letter's, which may be in any language.
    raw = write(Draft(sender="a@b.invalid", to="", subject=subject)).raw.decode()
    start = raw.index("Subject:")
    end = raw.index("\r\nDate:")
    return raw[start:end] + "\r\n"
