"""Letters put together from what makes reading hard."""

from hypothesis import given, settings, strategies as st

from hubbub_email.files import file_bytes
from tests.plugins.email.letters import PAYLOADS, read

FRAGMENTS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0", b"\xff", b"\xe4\xbd", b"--b", b"--b--", b"--c",
    b"Content-Type: ", b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=c", b"text/html",
    b"text/plain; charset=", b"utf-7", b"iso-2022-jp", b"message/rfc822", b"message/delivery-status",
    b"multipart/report; boundary=b", b"multipart/related; boundary=b; start=", b"text/calendar",
    b"application/ms-tnef", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"x-uuencode",
    b"From: ", b"To: ", b"Subject: ", b"Date: ", b"Message-ID: ", b"References: ", b"a@b.example", b"<", b">",
    b'"', b"(", b")", b",", b";", b":", b"=", b"?", b"=?utf-8?B?", b"=?x?q?", b"?=", b"*0*=", b"filename",
    b"Action: failed", b"Status: 5.1.1", b"BEGIN:VEVENT", b"END:VEVENT", b'SUMMARY;X="', b"<div>", b"</div>",
    b'<img src="cid:x">', b"<!--", b"-->", b"&", b"> ", b"-- ", b"begin 644 x", b"words", b"99999999999",
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(b"".join))
def test_no_letter_stops_the_reader(whole):
    check(whole)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(PAYLOADS.glob("*.eml"))),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(FRAGMENTS)), min_size=1, max_size=8),
)
def test_nothing_put_into_a_letter_stops_the_reader(path, additions):
    whole = path.read_bytes()
    for place, fragment in additions:
        at = int(place * len(whole))
        whole = whole[:at] + fragment + whole[at:]
    check(whole)


def check(whole):
    found = read(whole)
    for file in found.files:
        assert len(file_bytes(whole, file.place)) == file.size
