"""A picture loses where it was taken and whatever else is no picture."""

import struct
import zlib

import pytest

from hubbub.widget.metadata import Broken, without_metadata

PLACE = b"52.5200 N 13.4050 E"


def jpeg(*segments):
    whole = b"".join(
        b"\xff" + kind + struct.pack(">H", 2 + len(data)) + data for kind, data in segments
    )
    return b"\xff\xd8" + whole + b"\xff\xda\x00\x02picture\xff\xd9"


def exif(order, orientation):
    mark, sign = (b"II*\0", "<") if order == "II" else (b"MM\0*", ">")
    entries = struct.pack(f"{sign}HHIHH", 0x0112, 3, 1, orientation, 0)
    gps = struct.pack(f"{sign}HHII", 0x8825, 4, 1, 0x5EC2E7)
    return b"Exif\0\0" + mark + struct.pack(f"{sign}IH", 8, 2) + entries + gps + b"\0\0\0\0"


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def riff(kind, data):
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def webp(*chunks):
    whole = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


HEAD, PIXELS, END = chunk(b"IHDR", b"\0" * 13), chunk(b"IDAT", b"pixels"), chunk(b"IEND")


def test_case_13_a_photo_loses_where_it_was_taken_and_keeps_how_it_is_turned():
    for order in ("II", "MM"):
        body = jpeg((b"\xe0", b"JFIF\0"), (b"\xe1", exif(order, 6)), (b"\xfe", b"a comment"))
        clean = without_metadata(body, "image/jpeg")
        assert b"a comment" not in clean
        assert struct.pack("<I", 0x5EC2E7) not in clean
        assert struct.pack(">I", 0x5EC2E7) not in clean
        assert struct.pack(">HHIH", 0x0112, 3, 1, 6) in clean
        assert clean.endswith(b"picture\xff\xd9")
        assert without_metadata(clean, "image/jpeg") == clean


@pytest.mark.parametrize("kind", [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"])
def test_case_13_a_png_loses_what_is_written_beside_it_and_after_it(kind):
    body = png(HEAD, chunk(kind, PLACE), PIXELS, END) + b"PK\3\4 an archive"
    assert without_metadata(body, "image/png") == png(HEAD, PIXELS, END)


def test_case_13_a_webp_loses_what_is_written_beside_it_and_after_it():
    def head(flags):
        return riff(b"VP8X", bytes([flags]) + b"\0" * 9)

    picture = riff(b"VP8L", b"odd")
    body = webp(head(0x1C), picture, riff(b"EXIF", PLACE), riff(b"XMP ", PLACE)) + b"more"
    assert without_metadata(body, "image/webp") == webp(head(0x10), picture)


@pytest.mark.parametrize(
    ("mime_type", "body"),
    [
        ("image/jpeg", b"\xff\xd8"),
        ("image/jpeg", b"\xff\xd8\xff"),
        ("image/jpeg", b"\xff\xd8\xff\xe1\xff\xff"),
        ("image/jpeg", b"\xff\xd8\xff\xe1\x00\x00"),
        ("image/png", png(HEAD)),
        ("image/png", png(HEAD) + b"\xff\xff\xff\xffIDAT"),
        ("image/webp", webp(riff(b"VP8L", b"odd"))[:-2]),
        ("image/webp", b"RIFF\xff\xff\xff\xffWEBP"),
    ],
)
def test_of_a_broken_picture_nobody_knows_what_is_in_it(mime_type, body):
    with pytest.raises(Broken):
        without_metadata(body, mime_type)


@pytest.mark.parametrize(
    ("mime_type", "body"),
    [
        ("image/webp", webp(riff(b"VP8X", b""))),
        ("text/plain", b"\xff\xd8\xff\xe1"),
        ("image/gif", b""),
    ],
)
def test_what_is_no_such_picture_stays_as_it_is(mime_type, body):
    assert without_metadata(body, mime_type) == body


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"", jpeg((b"\xe1", PLACE)), id="a second picture after the end"),
        pytest.param(b"", b"MotionPhoto" + PLACE, id="a film after the end"),
        pytest.param(b"\xff\xff\xe1" + struct.pack(">H", 2 + len(PLACE)) + PLACE, b"", id="filled"),
        pytest.param(
            b"\xff\x01\xff\xe1" + struct.pack(">H", 2 + len(PLACE)) + PLACE, b"", id="alone"
        ),
    ],
)
def test_a_place_is_found_wherever_it_hides(before, after):
    whole = jpeg()
    hidden = whole[:2] + before + whole[2:] + after
    assert PLACE not in without_metadata(hidden, "image/jpeg")


def test_a_place_between_two_scans_goes_and_both_scans_stay():
    place = b"\xff\xe1" + struct.pack(">H", 2 + len(PLACE)) + PLACE
    scans = [b"\xff\xda\x00\x02first\xff\x00\xff\xd0on", b"\xff\xda\x00\x02second\xff\xd9"]
    clean = without_metadata(b"\xff\xd8" + place.join(scans), "image/jpeg")
    assert clean == b"\xff\xd8" + b"".join(scans)
