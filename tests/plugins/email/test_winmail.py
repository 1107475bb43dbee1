"""winmail.dat, into which Outlook puts files. Source: [MS-OXTNEF]."""

import base64
import struct

import pytest

from hubbub_email import winmail
from hubbub_email.files import MOST_FILES, file_bytes
from tests.plugins.email.letters import letter, read

_FILE_BEGINS, _FILE_NAME, _FILE_BODY = 0x00069002, 0x00018010, 0x0006800F


def _attribute(name: int, body: bytes) -> bytes:
    return struct.pack("<BII", 2, name, len(body)) + body + struct.pack("<H", sum(body) % 65536)


def packed(*files: tuple[bytes, bytes]) -> bytes:
    """Return a winmail.dat with these files, names and bodies."""
    body = struct.pack("<IH", 0x223E9F78, 1)
    for name, content in files:
        body += _attribute(_FILE_BEGINS, bytes(14))
        body += _attribute(_FILE_NAME, name + b"\0")
        body += _attribute(_FILE_BODY, content)
    return body


def wrapped(body: bytes) -> bytes:
    head = (
        b"--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return letter(
        "Content-Type: multipart/mixed; boundary=b",
        body=b"--b\r\n\r\nwords\r\n" + head + base64.encodebytes(body) + b"\r\n--b--\r\n",
    )


def test_the_files_in_it_are_files_of_the_letter():
    whole = wrapped(packed((b"plan.txt", b"one"), (b"..\\evil.exe", b"two")))
    files = read(whole).files
    assert [(file.name, file.size) for file in files] == [("plan.txt", 3), ("evil.exe", 3)]
    assert [file_bytes(whole, file.place) for file in files] == [b"one", b"two"]


def test_of_a_letter_that_multiplies_the_rest_is_in_the_letter_itself():
    one = packed(*[(b"%d.txt" % number, b"x") for number in range(100)])
    parts = wrapped(one).partition(b"\r\n--b--")[0]
    again = wrapped(one).partition(b"words\r\n")[2].partition(b"\r\n--b--")[0]
    files = read(parts + (b"\r\n" + again) * 5 + b"\r\n--b--\r\n").files
    assert len(files) == MOST_FILES + 1
    assert files[-1].mime_type == "message/rfc822"


def test_without_the_library_it_is_a_file(monkeypatch):
    monkeypatch.setattr(winmail, "AVAILABLE", False)
    whole = wrapped(packed((b"plan.txt", b"one")))
    (file,) = read(whole).files
    assert (file.name, file.mime_type) == ("winmail.dat", "application/ms-tnef")
    assert file_bytes(whole, file.place) == packed((b"plan.txt", b"one"))


@pytest.mark.parametrize("step", [2, 3, 5, 7, 11, 13])
def test_a_damaged_one_stays_a_file_or_yields_what_can_be_read(step):
    damaged = bytearray(packed((b"plan.txt", b"one" * 50)))
    damaged[6::step] = bytes((byte * 5 + 77) % 256 for byte in damaged[6::step])
    assert read(wrapped(bytes(damaged))).files
