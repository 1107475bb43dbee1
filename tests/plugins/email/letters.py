"""Letters for tests: files, and such as are too large for files."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hubbub_email.letter import Arrival, Letter, read_letter

PAYLOADS = Path(__file__).parent / "payloads"
ARRIVAL = Arrival(
    folder="INBOX", uidvalidity=7, uid=42, internaldate=datetime(2026, 3, 2, 9, 20, tzinfo=UTC)
)


def raw(name: str) -> bytes:
    return (PAYLOADS / f"{name}.eml").read_bytes()


def read(letter: str | bytes) -> Letter:
    return read_letter(raw(letter) if isinstance(letter, str) else letter, ARRIVAL)


def letter(*fields: str | bytes, body: bytes = b"words") -> bytes:
    """Return a letter with these fields beside those that every letter has."""
    usual = (
        b"Message-ID: <one@example.org>",
        b"From: Ada Berg <ada@example.org>",
        b"To: support@example.com",
        b"Date: Mon, 02 Mar 2026 10:15:00 +0100",
    )
    given = [one.encode() if isinstance(one, str) else one for one in fields]
    named = {one.partition(b":")[0].lower() for one in given}
    left = [one for one in usual if one.partition(b":")[0].lower() not in named]
    return b"\r\n".join([*left, *given, b"", body])


def html(source: str) -> bytes:
    return letter("Content-Type: text/html; charset=utf-8", body=source.encode())


_MIXED = "Content-Type: multipart/mixed; boundary=b"
_PART = b"--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n"


_PAGE = b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>words</p>" * 10_000 + b"\r\n"
_BESIDE = (
    b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    + _PAGE.replace(b"--b", b"--c")
    + b"--c--\r\n"
)


def _nested(depth: int) -> bytes:
    inner = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    return letter("Subject: Deep").rpartition(b"\r\n\r\n")[0] + b"\r\n" + inner + b"\r\nwords"


def _large_file() -> bytes:
    body = base64.encodebytes(bytes(range(256)) * 40_000)
    head = b"--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return letter(_MIXED, body=_PART + head + body + b"--b--\r\n")


def _report(recipients: int) -> bytes:
    block = b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    body = _PART + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + block * recipients
    return letter("Content-Type: multipart/report; boundary=b", body=body + b"--b--\r\n")


def _invites() -> bytes:
    event = b"BEGIN:VEVENT\r\nSUMMARY:x\r\nDTSTART:20260101\r\nEND:VEVENT\r\n"
    return letter("Content-Type: text/calendar", body=event * 20_000)


def _boundaries() -> bytes:
    """Return parts in parts whose boundaries are as long as a line may be."""
    names = [b"%02d" % level + b"x" * 30_000 for level in range(48)]
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="' + name + b'"\r\n\r\n--' + name + b"\r\n"
        for name in names
    )
    head = letter("Subject: Deep").rpartition(b"\r\n\r\n")[0] + b"\r\n"
    return head + opened + (b"\r\n\r\nwords\r\n--" + names[-1] + b"\r\n") * 400


_RULES = (
    b"--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n\r\n"
    + b"-" * 1999
    + b"x\r\nFrom: ada@example.org\r\nSent: 2026-03-02\r\nTo: bob@example.org\r\n"
)


#: Made to exhaust whoever reads them; each must be read in two seconds.
LARGE: dict[str, Callable[[], bytes]] = {
    "a subject of 500 kB": lambda: letter(b"Subject: " + b"words and more " * 33_000),
    "a folded subject of 500 kB": lambda: letter(b"Subject: " + b"words\r\n and more " * 33_000),
    "a subject of 40,000 encoded words": lambda: letter(b"Subject: " + b"=?utf-8?q?a?= " * 40_000),
    "a subject of opened words": lambda: letter(b"Subject: " + b"=?utf-8?q?" * 30_000),
    "4,000 recipients": lambda: letter(b"To: " + b"Ada Berg <ada@example.org>,\r\n " * 4_000),
    "50,000 fields": lambda: letter(*[b"X-Field: words"] * 50_000),
    "one field of 10 MB": lambda: letter(b"X-Field: " + b"x" * 10_000_000),
    "20,000 parts": lambda: letter(_MIXED, body=_PART * 20_000),
    "parts 1,000 deep": lambda: _nested(1_000),
    "a sender of 10,000 brackets": lambda: letter(b"From: " + b"(" * 10_000),
    "a sender of quotes": lambda: letter(b"From: " + b'"' * 30_001),
    "senders of quotes that do not end": lambda: letter(
        b'From: "' + b'\\"' * 16_000, *[b'Delivered-To: "' + b'\\"' * 15_000] * 6
    ),
    "senders of blanks": lambda: letter(
        b"From: a" + b" " * 32_000 + b">", *[b"Delivered-To: a" + b" " * 31_000 + b">"] * 6
    ),
    "a subject in 2,000 pieces of no charset": lambda: letter(
        b"Subject: " + b"\xa4\xa5 =?x?q?a?= " * 2_000
    ),
    "a subject of 2,000 words of no charset": lambda: letter(
        b"Subject: " + b"=?x?q?=A4=A5?= =?y?q?=A4=A5?=" * 1_000
    ),
    "boundaries of 30 kB": _boundaries,
    "texts below long rules": lambda: letter(_MIXED, body=_RULES * 40),
    "an id of brackets": lambda: letter(b"Message-ID: " + b"<" * 30_000),
    "100,000 references": lambda: letter(b"References: " + b"<a@b.example>\r\n " * 100_000),
    "a file name in 5,000 pieces": lambda: letter(
        b"Content-Disposition: attachment" + b"".join(b"; filename*%d=x" % n for n in range(5_000))
    ),
    "parameters of open quotes": lambda: letter(b'Content-Type: text/plain; a="' + b';a="' * 8_000),
    "nothing but delimiters": lambda: letter(_MIXED, body=b"\r\n--b" * 500_000),
    "what are almost delimiters": lambda: letter(_MIXED, body=b"\n--" * 2_000_000),
    "a file of 10 MB": _large_file,
    "a text of 10 MB": lambda: letter(body=b"words and more\n" * 700_000),
    "17 million lines": lambda: letter(body=b"a\n" * 17_000_000),
    "a line of 10 MB": lambda: letter(body=b"words " * 1_700_000),
    "a text of blanks": lambda: letter(body=b" " * 1_000_000),
    "a text of blank lines": lambda: letter(body=b"\n" * 1_000_000),
    "a text of quotes": lambda: letter(body=b"> words\n" * 100_000),
    "a text of half quotes": lambda: letter(body=b"> words\nmore\n" * 9_000),
    "a text of introductions": lambda: letter(
        body=b"On Mon, 2 Mar 2026 at 10:15 wrote:\n\n" * 9_000
    ),
    "a text of labels": lambda: letter(body=b"From: ada@example.org 2026\n" * 19_000),
    "a text of colons": lambda: letter(body=b"a:" * 500_000),
    "a text of dashes": lambda: letter(body=b"- " * 500_000),
    "broken quoted-printable": lambda: letter(
        "Content-Transfer-Encoding: quoted-printable", body=b"=" * 1_000_000
    ),
    "broken base64": lambda: letter("Content-Transfer-Encoding: base64", body=b"=a" * 1_000_000),
    "50,000 nested divs": lambda: html("<div>" * 50_000 + "words"),
    "50,000 misnested spans": lambda: html("<span><div></span></div>" * 50_000 + "words"),
    "200 kB of comments": lambda: html("<!--" * 50_000),
    "a table of 5,000 rows": lambda: html("<table>" + "<tr><td>a<td>b" * 5_000 + "</table>"),
    "a megabyte of brackets": lambda: html("<" * 1_000_000),
    "a megabyte of ampersands": lambda: html("&" * 1_000_000),
    "a megabyte of paragraphs": lambda: html("<p>a" * 250_000),
    "an attribute of a megabyte": lambda: html(f'<p title="{"x" * 1_000_000}">words</p>'),
    "styles of a megabyte": lambda: html(f'<p style="{"color:red;" * 100_000}">words</p>'),
    "a hundred pages": lambda: letter(_MIXED, body=_PAGE * 100),
    "a hundred pages beside texts": lambda: letter(_MIXED, body=_BESIDE * 100),
    "a report on 10,000 recipients": lambda: _report(10_000),
    "20,000 invitations": _invites,
}
