"""Letters are signed as RFC 6376 and RFC 8463 have it, judged by the example of the latter."""

import base64
import hashlib
import re

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hubbub import dkim
from hubbub.sdk import DomainKey, File, Letter, Media
from hubbub.sdk.mail import MailServer, posting
from hubbub.smtp.transport import _errand

#: RFC 8463, appendix A.
SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
HASH = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
PROOF = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
SIGNATURE = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r
 d=football.example.com; i=@football.example.com;\r
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r
 subject : date : message-id : from : subject : date;\r
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r
 b="""
LETTER = b"""\
From: Joe SixPack <joe@football.example.com>\r
To: Suzie Q <suzie@shopping.example.net>\r
Subject: Is dinner ready?\r
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r
\r
Hi.\r
\r
We lost the game.  Are you hungry yet?\r
\r
Joe.\r
"""


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key(private=None, **more):
    private = private or Ed25519PrivateKey.from_private_bytes(base64.b64decode(SECRET))
    named = {"domain": "football.example.com", "selector": "brisbane"} | more
    return DomainKey(private_key=pem(private), **named)


def parted(whole):
    """Return the tags of a letter's signature, what it signs in its own head, and the letter."""
    found = re.match(rb"(DKIM-Signature:(?:[^\r]|\r\n[ \t])*)\r\n", whole)
    assert found
    field = found[1]
    unfolded = re.sub(rb"\r\n[ \t]", b"", field).decode().partition(":")[2]
    tags = dict(tag.strip().split("=", 1) for tag in unfolded.split(";"))
    unsigned = field[: field.index(b" b=") + 3]
    return tags, unsigned, whole[found.end() :]


def signed_data(tags, unsigned, letter):
    """Return what a signature is about, as whoever checks it does (RFC 6376, section 3.7)."""
    fields = [dkim._relaxed(one) for one in dkim._FIELD.findall(letter.partition(b"\r\n\r\n")[0])]
    lines = []
    for name in tags["h"].replace(" ", "").split(":"):
        place = next(
            (
                n
                for n in range(len(fields) - 1, -1, -1)
                if fields[n].startswith(name.encode() + b":")
            ),
            None,
        )
        if place is not None:
            lines.append(fields.pop(place))
    return b"\r\n".join([*lines, dkim._relaxed(unsigned)])


def test_the_example_of_the_rfc_is_signed_as_it_is_there():
    data = signed_data(
        {"h": "from:to:subject:date:message-id:from:subject:date"}, SIGNATURE, LETTER
    )
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(PUBLIC))
    public.verify(base64.b64decode(PROOF), hashlib.sha256(data).digest())
    tags, _, letter = parted(dkim.signed(LETTER, key()))
    assert tags["bh"] == HASH
    assert (tags["a"], tags["c"]) == ("ed25519-sha256", "relaxed/relaxed")
    assert (tags["d"], tags["s"]) == ("football.example.com", "brisbane")
    assert letter == LETTER


def test_a_signature_is_that_of_the_key_and_of_nothing_else():
    tags, unsigned, letter = parted(dkim.signed(LETTER, key()))
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(PUBLIC))
    proof = base64.b64decode(tags["b"])
    public.verify(proof, hashlib.sha256(signed_data(tags, unsigned, letter)).digest())
    forged = letter.replace(b"dinner", b"supper")
    with pytest.raises(InvalidSignature):
        public.verify(proof, hashlib.sha256(signed_data(tags, unsigned, forged)).digest())


def test_rsa_signs_too_in_lines_that_are_not_too_long():
    private = rsa.generate_private_key(65537, 2048)
    whole = dkim.signed(LETTER, key(private))
    tags, unsigned, letter = parted(whole)
    assert tags["a"] == "rsa-sha256"
    private.public_key().verify(
        base64.b64decode(tags["b"]),
        signed_data(tags, unsigned, letter),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert max(map(len, whole.split(b"\r\n"))) < 100


def test_nobody_can_add_another_sender_or_subject():
    tags, unsigned, letter = parted(dkim.signed(LETTER, key()))
    named = tags["h"].replace(" ", "").split(":")
    assert {name: named.count(name) for name in ("from", "subject")} == {"from": 2, "subject": 2}
    more = b"From: Eve <eve@x.example>\r\n" + letter
    assert signed_data(tags, unsigned, more) != signed_data(tags, unsigned, letter)


@pytest.mark.parametrize(
    ("body", "same"),
    [
        (b"Hi.\r\n\r\n\r\n", b"Hi.\r\n"),
        (b"Hi. \t\r\n", b"Hi.\r\n"),
        (b"a \t b\r\n", b"a b\r\n"),
        (b"Hi.", b"Hi.\r\n"),
        (b"\r\n\r\n", b""),
    ],
)
def test_blanks_that_servers_change_do_no_harm(body, same):
    head = b"From: a@b.test\r\n\r\n"
    one, other = (parted(dkim.signed(head + text, key()))[0]["bh"] for text in (body, same))
    assert one == other


def test_a_large_body_is_signed_in_time():
    assert dkim.signed(b"From: a@b.test\r\n\r\n" + b"\r\n" * 5_000_000 + b" " * 5_000_000, key())


def test_other_keys_are_refused():
    with pytest.raises(ValueError, match="RSA or Ed25519"):
        dkim.signed(LETTER, key(ec.generate_private_key(ec.SECP256R1())))


def test_files_are_signed_with_their_letter_and_the_key_is_not_shown():
    pieces = (b"From: a@b.test\r\n\r\n", File(media=Media(id="m1"), filename="x"))
    letter = Letter(pieces, signed_by=key())
    request = posting(
        MailServer(host="x", port=1), sender="a@b.test", recipients=["c@d.test"], letter=letter
    )
    whole = _errand(request, lambda media: b"bytes of a file").letter
    tags, _, rest = parted(whole)
    body = base64.encodebytes(b"bytes of a file").replace(b"\n", b"\r\n")
    assert rest.partition(b"\r\n\r\n")[2] == body
    assert tags["bh"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert "PRIVATE" not in repr(letter)
