"""Which piece of a long text a header or a word names."""

from datetime import timedelta

import pytest

from hubbub.sdk import Piece
from hubbub.sdk.sms import piece, piece_of_header

PATIENCE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("header", "of", "number", "total"),
    [
        ("050003cc0301", "204", 1, 3),
        ("0608041234ff02", "4660", 2, 255),
        ("0b0504158a00000003070202", "7", 2, 2),
    ],
)
def test_a_header_names_a_piece(header, of, number, total):
    expected = Piece(of=of, number=number, total=total, patience=PATIENCE)
    assert piece_of_header(bytes.fromhex(header), PATIENCE) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        "0504158a0000",
        "050003cc0101",
        "050003cc0200",
        "050003cc0203",
        "040003cc02",
        "0500",
    ],
)
def test_other_headers_name_none(header):
    assert piece_of_header(bytes.fromhex(header), PATIENCE) is None


@pytest.mark.parametrize(
    ("of", "number", "total"),
    [("", "1", "2"), ("7", "", "2"), ("7", "1", ""), ("7", "1", "1"), ("7", "²", "3")],
)
def test_words_that_say_too_little_name_none(of, number, total):
    assert piece(of, number, total, PATIENCE) is None
