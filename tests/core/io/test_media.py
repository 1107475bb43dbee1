"""Files are kept whole, named by their bytes, and shown so that no browser runs them."""

import struct
import threading

import obstore
import pytest
from obstore.exceptions import GenericError

from hubbub.media import MediaStore, Missing, StoreDown, dimensions, presentation, sniff
from hubbub.sdk.errors import Permanent, Transient
from hubbub.store.types import new_id


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return MediaStore(
        f"file://{tmp_path}/a folder/media" if request.param == "file" else "memory://"
    )


def test_what_was_put_is_there_again(store):
    first, second = new_id(), new_id()

    store.put(first, b"one")
    store.put(second, bytes(300_000))

    assert store.get(first) == b"one"
    assert store.get(second) == bytes(300_000)


def test_putting_again_replaces(store):
    media_id = new_id()
    store.put(media_id, b"a longer one")
    store.put(media_id, b"short")

    assert store.get(media_id) == b"short"


def test_what_was_never_put_is_missing(store):
    with pytest.raises(Missing) as caught:
        store.get(new_id())

    assert isinstance(caught.value, Permanent)
    assert caught.value.code == "media_missing"


def test_deleting_twice_is_as_good_as_once(store):
    media_id = new_id()
    store.put(media_id, b"one")

    store.delete(media_id)
    store.delete(media_id)

    with pytest.raises(Missing):
        store.get(media_id)


@pytest.mark.parametrize(
    "media_id",
    ["", "..", "../../etc/passwd", "a/b", "0123/../../0123", "%2e%2e", "ABCDEFGHIJ", "a" * 65],
)
def test_what_is_no_id_of_ours_never_becomes_a_path(store, media_id):
    for act in (store.get, store.delete, lambda name: store.put(name, b"")):
        with pytest.raises(Missing):
            act(media_id)


def test_files_lie_in_folders_by_the_beginning_of_their_id(tmp_path):
    MediaStore(f"file://{tmp_path}/media").put("0123456789abcdef", b"one")

    assert (tmp_path / "media" / "01234" / "0123456789abcdef").read_bytes() == b"one"


def test_a_reader_sees_a_file_whole_or_not_at_all(tmp_path):
    store = MediaStore(f"file://{tmp_path}/media")
    media_id = new_id()
    bodies = {bytes([number]) * 200_000 for number in range(5)}
    store.put(media_id, min(bodies))
    done = threading.Event()

    def write():
        for _ in range(5):
            for body in bodies:
                store.put(media_id, body)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    while not done.is_set():
        seen.add(store.get(media_id))
    thread.join()

    assert seen
    assert seen <= bodies


@pytest.mark.parametrize("verb", ["put", "get", "delete"])
def test_a_store_that_fails_is_worth_another_try_and_tells_no_credentials(store, monkeypatch, verb):
    def fail(*_):
        raise GenericError("https://bucket.example/?X-Amz-Credential=canary")

    monkeypatch.setattr(obstore, verb, fail)
    arguments = (new_id(), b"") if verb == "put" else (new_id(),)

    with pytest.raises(StoreDown) as caught:
        getattr(store, verb)(*arguments)

    assert isinstance(caught.value, Transient)
    assert "HUBBUB_MEDIA_URL" in caught.value.detail
    assert "canary" not in caught.value.detail


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + b"\x08\x06\0\0\0"
GIF = b"GIF89a" + struct.pack("<HH", 320, 200) + b"\xf7\0\0"
JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    + b"\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
    + b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, 600, 800, 1) + b"\x01\x11\0"
)  # fmt: skip
VP8 = b"RIFF\0\0\0\0WEBPVP8 " + bytes(7) + b"\x9d\x01\x2a" + struct.pack("<HH", 0x4000 | 176, 144)
VP8L = b"RIFF\0\0\0\0WEBPVP8L" + bytes(4) + b"\x2f" + struct.pack("<I", 385 | 394 << 14)
VP8X = (
    b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (399).to_bytes(3, "little") + (299).to_bytes(3, "little")
)
MP4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"
OGG = b"OggS\0\x02" + bytes(22) + b"\x01\x13OpusHead"
ZIP = b"PK\x03\x04\x14\0\0\0" + bytes(40)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("body", "declared", "mime_type"),
    [
        (PNG, None, "image/png"),
        (PNG, "image/jpeg", "image/png"),
        (PNG, "text/html", "image/png"),
        (GIF, "", "image/gif"),
        (JPEG, None, "image/jpeg"),
        (VP8, None, "image/webp"),
        (b"%PDF-1.7\n", "text/html", "application/pdf"),
        (MP4, None, "video/mp4"),
        (MP4, "audio/mp4", "audio/mp4"),
        (MP4, "text/html", "video/mp4"),
        (OGG, "audio/ogg; codecs=opus", "audio/ogg"),
        (b"#!AMR\n" + bytes(20), None, "audio/amr"),
        (ZIP, "application/zip", "application/zip"),
        (ZIP, DOCX, DOCX),
        (ZIP, "text/html", "application/zip"),
        (b"hello", "text/plain", "text/plain"),
        (b"hello", "Text/Plain; charset=utf-8", "text/plain"),
        (b"a,b\n", "text/csv", "text/csv"),
        (b"a\0b", "text/plain", "application/octet-stream"),
        (b"hello", None, "application/octet-stream"),
        (b"hello", "image/png", "application/octet-stream"),
        (HTML, "text/html", "application/octet-stream"),
        (HTML, "application/xhtml+xml", "application/octet-stream"),
        (SVG, "image/svg+xml", "application/octet-stream"),
        (SVG, "image/png", "application/octet-stream"),
        (SVG, "text/plain", "text/plain"),
        (b"", "text/plain", "text/plain"),
        (b"", "nonsense\r\nx: y", "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_bytes_say_what_a_file_is(body, declared, mime_type):
    assert sniff(body, declared) == mime_type


@pytest.mark.parametrize(
    ("mime_type", "shown"),
    [
        ("image/png", ("image/png", "inline")),
        ("image/jpeg", ("image/jpeg", "inline")),
        ("audio/ogg; codecs=opus", ("audio/ogg", "inline")),
        ("video/mp4", ("video/mp4", "inline")),
        ("application/pdf", ("application/pdf", "attachment")),
        ("text/plain", ("text/plain; charset=utf-8", "attachment")),
        ("text/html", ("application/octet-stream", "attachment")),
        ("TEXT/HTML", ("application/octet-stream", "attachment")),
        ("image/svg+xml", ("application/octet-stream", "attachment")),
        ("application/xhtml+xml", ("application/octet-stream", "attachment")),
        ("text/xml", ("application/octet-stream", "attachment")),
        ("application/javascript", ("application/octet-stream", "attachment")),
        ("image/png\r\nx: y", ("application/octet-stream", "attachment")),
        ("application/x-unheard-of", ("application/octet-stream", "attachment")),
        ("", ("application/octet-stream", "attachment")),
        (None, ("application/octet-stream", "attachment")),
    ],
)
def test_only_what_no_browser_runs_is_shown_inline(mime_type, shown):
    assert presentation(mime_type) == shown


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (PNG, (640, 480)),
        (GIF, (320, 200)),
        (JPEG, (800, 600)),
        (VP8, (176, 144)),
        (VP8L, (386, 395)),
        (VP8X, (400, 300)),
        (MP4, None),
        (b"", None),
        (b"\xff\xd8\xff\xd9", None),
        (b"\xff\xd8nonsense", None),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_first_bytes(body, size):
    assert dimensions(body) == size


@pytest.mark.parametrize("body", [PNG, GIF, JPEG, VP8, VP8L, VP8X])
def test_a_picture_that_is_cut_off_has_no_size_and_does_no_harm(body):
    sizes = {dimensions(body[:length]) for length in range(len(body))}

    assert sizes <= {None, dimensions(body)}


def test_a_jpeg_of_empty_segments_ends():
    assert dimensions(b"\xff\xd8" + b"\xff\xe0\0\0" * 10_000) is None
