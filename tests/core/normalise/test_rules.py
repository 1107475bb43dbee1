"""What of an event is stored."""

from datetime import UTC, datetime

import pytest

from hubbub.api.render import _file
from hubbub.normalise.rules import take_media
from hubbub.sdk import Attachment, Email, Media
from hubbub.sdk.content import to_json

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [
        Attachment(type="document", media=Media(ref="r", filename="invoice.pdf")),
        Email(subject="x", text="x", attachments=(Media(ref="r", filename="invoice.pdf"),)),
    ],
)
def test_a_message_keeps_the_names_of_its_files_by_which_it_is_found(content):
    taken, _ = take_media(content, channel_id="c", message_id="m", now=NOW)
    assert "invoice.pdf" in str(to_json(taken))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Bu\u0308ro\u202f1.pdf", "B\xfcro 1.pdf"),
        ("bill\u202efdp.exe", "billfdp.exe"),
        ("..\\..\\a\nb\x07.txt", "a b.txt"),
        ("x" * 300, "x" * 200),
        ("\u202e/", None),
    ],
)
def test_the_name_of_a_file_is_kept_as_it_can_be_shown_and_typed(told, kept):
    content = Attachment(type="document", media=Media(ref="r", filename=told))
    taken, rows = take_media(content, channel_id="c", message_id="m", now=NOW)
    assert isinstance(taken, Attachment)
    assert (taken.media.filename, rows[0]["filename"]) == (kept, kept)


def test_a_picture_keeps_the_name_by_which_its_letter_shows_it():
    content = Email(
        subject="x", text="x", attachments=(Media(ref="call:1-2-", cid="logo@x"), Media(ref="r"))
    )

    taken, rows = take_media(content, channel_id="c", message_id="m", now=NOW)

    assert isinstance(taken, Email)
    assert [media.cid for media in taken.attachments] == ["logo@x", None]
    assert [media.id for media in taken.attachments] == [row["id"] for row in rows]


def test_the_api_shows_that_name_where_there_is_one(world):
    assert _file(world.hub, {"cid": "logo@x"}, {})["cid"] == "logo@x"
    assert "cid" not in _file(world.hub, {}, {})
