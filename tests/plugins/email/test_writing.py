"""What is written is a letter that others read as it was meant."""

import email
import email.policy
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from hubbub.sdk import File, Media
from hubbub_email.writing import Writing, answer_to, letter

#: As long as Outlook's.
LONG_ID = f"<{'a' * 40}.{'b' * 46}@prod.outlook.example>"


def writing(**more):
    plain: dict[str, Any] = {
        "sender": "support@shop.example",
        "recipient": "ann@a.example",
        "subject": "Your order",
        "text": "It is on its way.",
        "message_id": "<ref.mac@shop.example>",
        "written_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "reference": "ref.mac",
    }
    return Writing(**(plain | more))


def raw(**more):
    pieces = letter(writing(**more)).pieces
    return b"".join(piece if isinstance(piece, bytes) else b"RklMRQ==\r\n" for piece in pieces)


def read(**more):
    return email.message_from_bytes(raw(**more), policy=email.policy.default)


def test_without_a_name_there_is_the_address_alone():
    assert b"From: support@shop.example\r\n" in raw()


def test_a_letter_says_who_writes_to_whom_about_what_and_when():
    message = read(sender_name="Shop, Support", reply_to="support+c_1.m@shop.example")

    assert message["From"] == '"Shop, Support" <support@shop.example>'
    assert message["To"] == "ann@a.example"
    assert message["Reply-To"] == "support+c_1.m@shop.example"
    assert message["Subject"] == "Your order"
    assert parsedate_to_datetime(message["Date"]) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert message["Message-ID"] == "<ref.mac@shop.example>"
    assert message["X-Hubbub-Id"] == "ref.mac"
    assert message["MIME-Version"] == "1.0"
    assert message.get_content() == "It is on its way.\r\n"


@pytest.mark.parametrize(
    "text", ["Grüße aus Köln", "こんにちは、世界", "🎉" * 40, "x" * 3000, ".\r\n.\r\n", "From here"]
)
def test_any_text_arrives_as_it_was_in_seven_bits_and_short_lines(text):
    data = raw(text=text)

    assert read(text=text).get_content().splitlines() == text.splitlines()
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_any_subject_and_name_arrives_as_it_was():
    message = read(subject="Größe 42 — 👟 " * 9, sender_name="Jürgen Müller")

    assert message["Subject"] == ("Größe 42 — 👟 " * 9).strip()
    assert message["From"].addresses[0].display_name == "Jürgen Müller"


def test_html_stands_beside_the_text():
    message = read(html="<p>It is <b>on its way</b>.</p>")

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_files_are_left_to_the_hub_and_their_names_arrive():
    files = (
        Media(id="m1", mime_type="application/pdf", filename="Rechnung Nº 7 für Jürgen.pdf"),
        Media(id="m2", mime_type="image/png", filename="../../etc/passwd"),
        Media(id="m3"),
    )
    pieces = letter(writing(attachments=files)).pieces
    message = read(attachments=files)

    assert [piece.media.id for piece in pieces if isinstance(piece, File)] == ["m1", "m2", "m3"]
    assert message.get_content_type() == "multipart/mixed"
    attached = list(message.iter_attachments())
    assert [part.get_filename() for part in attached] == [
        "Rechnung Nº 7 für Jürgen.pdf",
        ".._.._etc_passwd",
        "file",
    ]
    assert [part.get_content_type() for part in attached] == [
        "application/pdf",
        "image/png",
        "application/octet-stream",
    ]
    assert [part.get_payload(decode=True) for part in attached] == [b"FILE"] * 3


def test_conformance_10_ids_of_the_thread_are_never_broken():
    data = raw(earlier=["<first@a.example>", LONG_ID])

    assert f"In-Reply-To: {LONG_ID}\r\n".encode() in data
    assert b"References: <first@a.example>\r\n " + LONG_ID.encode() in data


def test_of_a_long_thread_the_ends_are_named():
    ids = [f"<{number}@a.example>" for number in range(100)]

    named = read(earlier=ids)["References"].split()

    assert named == [*ids[:20], *ids[-20:]]


def test_conformance_10_a_link_to_unsubscribe_is_never_broken():
    link = f"https://hub.example/u/{'t' * 200}"

    data = raw(unsubscribe=link, automatic="generated")

    assert f"<{link}>\r\n".encode() in data
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data
    assert b"Precedence: bulk\r\n" in data


@pytest.mark.parametrize(
    ("automatic", "said"),
    [(None, None), ("replied", "auto-replied"), ("generated", "auto-generated")],
)
def test_only_what_nobody_wrote_calls_itself_automatic(automatic, said):
    message = read(automatic=automatic)

    assert message["Auto-Submitted"] == said
    assert message["X-Auto-Response-Suppress"] == (said and "All")


@pytest.mark.parametrize(
    "evil", ["\r\nBcc: all@a.example", "\n", "\r", "\0", "\u2028", "\u202e", "\x0b"]
)
def test_conformance_14_nothing_breaks_out_of_a_header(evil):
    file = Media(id="m1", mime_type="image/png", filename=f"a{evil}b.png")
    message = read(subject=f"a{evil}b", sender_name=f"a{evil}b", attachments=(file,))

    assert "Bcc" not in message
    assert message["Subject"].startswith("a ")
    assert evil not in message["From"].addresses[0].display_name
    [attached] = message.iter_attachments()
    assert evil not in attached.get_filename()


@pytest.mark.parametrize(
    "subject",
    ["=?utf-8?q?a=0D=0ABcc:_x?=", "a =?utf-8?B?w7w=?= b", "x" * 2000, "a " + "x" * 1200 + " b"],
)
def test_a_subject_arrives_as_it_was_however_it_looks(subject):
    assert read(subject=subject)["Subject"] == subject
    assert max(map(len, raw(subject=subject).split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("subject", "answer"),
    [("Hello", "Re: Hello"), ("Re: Hello", "Re: Hello"), ("RE: Hello", "RE: Hello"), ("", "Re:")],
)
def test_an_answer_says_so_once(subject, answer):
    assert answer_to(subject) == answer


def test_a_picture_that_the_html_shows_stands_beside_it_and_other_files_below():
    files = (
        Media(id="m1", mime_type="application/pdf", filename="bill.pdf"),
        Media(id="m2", mime_type="image/png", filename="logo.png", cid="logo@shop"),
        Media(id="m3", mime_type="image/png", filename="unused.png", cid="other@shop"),
    )
    given = {"html": '<p><img src="cid:logo@shop"></p>', "attachments": files}
    message = read(**given)

    body, *others = message.iter_parts()
    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_filename() for part in others] == ["bill.pdf", "unused.png"]
    _, related = body.iter_parts()
    assert related.get_content_type() == "multipart/related"
    page, picture = related.iter_parts()
    assert page.get_content_type() == "text/html"
    assert picture["Content-ID"] == "<logo@shop>"
    assert picture.get_content_disposition() == "inline"
    pieces = letter(writing(**given)).pieces
    assert [piece.media.id for piece in pieces if isinstance(piece, File)] == ["m2", "m1", "m3"]


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed", "x", "a/b/c", "a b/c", ""])
def test_what_base64_may_not_hold_is_just_a_file(kind):
    (part,) = read(attachments=(Media(id="m1", mime_type=kind),)).iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == b"FILE"


def test_a_letter_whose_time_nobody_knows_has_none():
    assert read(written_at=None)["Date"] is None
