"""Let the standard library write letters, and read the same as it does from sound ones."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from hubbub_email.files import file_bytes
from tests.plugins.email.letters import PAYLOADS, read

TEXTS = ["short", "Grüße aus Köln\n\nzwei Absätze", "日本語の本文です。" * 40, "x" * 500]
SOUND = ["name_rfc2231", "name_continued", "name_encoded_word", "name_raw_utf8", "alternative",
         "related_inline", "related_start", "apple_mixed", "signed", "forwarded_as_file", "bare_lf",
         "boundary_inner_unclosed", "boundary_prefix", "end_missing"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("cte", ["quoted-printable", "base64"])
def test_what_the_standard_library_writes_is_read_back(text, cte):
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = f"Betreff: {text[:300]}".replace("\n", " ")
    message["From"] = "Jörg Müller <jm@example.org>"
    message["To"] = "a@b.example, Ünal <c@d.example>"
    message.set_content(text, cte=cte)
    message.add_alternative("<p>Rich</p>", subtype="html")
    message.add_attachment(
        bytes(range(256)), maintype="application", subtype="x", filename=f"Datei {text[:40]}.bin"
    )

    whole = message.as_bytes()
    found = read(whole)

    assert found.text == text
    assert found.subject == " ".join(str(message["Subject"]).split())
    assert found.sender is not None
    assert (found.sender.address, found.sender.name) == ("jm@example.org", "Jörg Müller")
    assert [(box.address, box.name) for box in found.to] == [
        ("a@b.example", ""),
        ("c@d.example", "Ünal"),
    ]
    (file,) = found.files
    assert file_bytes(whole, file.place) == bytes(range(256))
    assert file.name == " ".join(f"Datei {text[:40]}.bin".split())


@pytest.mark.parametrize("name", SOUND)
def test_sound_letters_have_the_parts_that_the_standard_library_finds(name):
    whole = (PAYLOADS / f"{name}.eml").read_bytes()
    theirs = message_from_bytes(whole, policy=policy.default)
    names = [part.get_filename() for part in theirs.walk() if part.get_filename()]

    assert {file.name for file in read(whole).files} >= set(names)
    assert read(whole).subject == theirs["subject"]
