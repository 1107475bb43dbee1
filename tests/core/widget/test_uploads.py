"""Files of visitors are what they seem to be, or are not taken."""

import io
import struct
import zipfile
import zlib
from datetime import timedelta
from uuid import uuid4

import pytest

from hubbub.media import Missing
from hubbub.widget import limits, uploads


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=1, height=1):
    """A PNG of this size, but without pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IEND")


def jpeg(width, height):
    """A JPEG of this size, with a byte that fills before it is told."""
    frame = struct.pack(">HBHHB", 8, 8, height, width, 0)
    return b"\xff\xd8\xff\xff\xc0" + frame + b"\xff\xda\x00\x02pixels\xff\xd9"


def zipped(*names):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return body.getvalue()


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def upload(window, body, name, mime_type="application/octet-stream"):
    return window.web.post(
        f"/widget/{window.shop.key}/uploads",
        data={"file": (io.BytesIO(body), name, mime_type)},
        headers={"Authorization": f"Bearer {window.token}"},
    )


def say(window, media_id, caption=None):
    content = {"type": "file", "media_id": media_id, **({"caption": caption} if caption else {})}
    return window.ask("POST", "messages", {"client_id": str(uuid4()), "content": content})


@pytest.mark.parametrize(
    ("body", "name", "mime_type", "status"),
    [
        (png(), "a.png", "image/png", 201),
        (png(), "a.PNG", "text/html", 201),
        (b"%PDF-1.7\n", "a.pdf", "", 201),
        (b"a,b\n1,2\n", "a.csv", "text/csv", 201),
        (zipped("[Content_Types].xml"), "a.docx", DOCX, 201),
        (zipped("evil.exe"), "a.docx", DOCX, 415),
        (zipped("[Content_Types].xml"), "a.zip", "application/zip", 415),
        (b"MZ\x90\0" + b"\0" * 60, "a.png", "image/png", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "a.svg", "image/svg+xml", 415),
        (b"<script>x()</script>", "a.html", "text/html", 415),
        (b"<script>x()</script>", "a.html", "text/plain", 415),
        (b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)", "a.js", "text/javascript", 415),
        (png(), "a.jpg", "image/jpeg", 415),
        (png(), "a", "image/png", 415),
        (b"", "a.txt", "text/plain", 415),
        (png(10_000, 6_000), "a.png", "image/png", 413),
        (png()[:-4], "a.png", "image/png", 415),
        (jpeg(800, 600), "a.jpg", "image/jpeg", 201),
        (jpeg(65_535, 65_535), "a.jpg", "image/jpeg", 413),
        (b"MZ" + b"\0" * 200, "a.pdf", "application/pdf", 415),
        (b"a" * 1001, "a.txt", "text/plain", 413),
        (b"a" * 40_000, "a.txt", "text/plain", 413),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_case_13_files_are_taken_by_what_is_in_them(
    shop, monkeypatch, body, name, mime_type, status
):
    monkeypatch.setattr(uploads, "LARGEST", 1000)
    answer = upload(shop.visitor(), body, name, mime_type)
    assert answer.status_code == status, answer.text
    assert status == 201 or answer.json["detail"]


def test_case_13_an_archive_of_very_many_parts_is_no_document(shop, monkeypatch):
    monkeypatch.setattr(uploads, "_MOST_ENTRIES", 3)
    names = ("[Content_Types].xml", "a.xml", "b.xml", "c.xml")
    ada = shop.visitor()
    answers = [upload(ada, zipped(*names[:most]), "a.docx", DOCX) for most in (3, 4)]
    assert [one.status_code for one in answers] == [201, 415]


def test_case_13_eleven_megabytes_are_too_many(shop):
    ada = shop.visitor()
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    answer = ada.web.post(
        f"/widget/{shop.key}/uploads",
        data=part + b"a" * (11 << 20) + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        headers={"Authorization": f"Bearer {ada.token}"},
    )
    assert answer.status_code == 413
    assert shop.world.rows("select id from media") == []


def test_case_13_a_picture_that_is_a_script_too_is_served_as_a_picture_alone(shop):
    ada, body = shop.visitor(), b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)"
    say(ada, upload(ada, body, "a.gif", "text/javascript").json["media_id"])
    shop.world.provider.will((200, body))
    shop.world.work()
    (message,) = ada.ask("GET", "messages").json["messages"]
    headers = ada.web.get(message["content"]["media"]["url"]).headers
    assert headers["Content-Type"] == "image/gif"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_case_13_a_file_is_shown_to_its_visitor_alone_and_for_a_while(shop):
    ada = shop.visitor()
    body = png()
    answer = say(ada, upload(ada, body, "a.png", "image/png").json["media_id"], "Look")
    assert answer.status_code == 201
    assert answer.json["content"]["media"]["state"] == "pending"
    # A worker fetches it as it fetches every file; here the provider is the hub's own store.
    shop.world.provider.will((200, body))
    shop.world.work()
    content = ada.ask("GET", "messages").json["messages"][0]["content"]
    media = content["media"]
    assert (content["type"], content["caption"], media["state"]) == ("image", "Look", "ready")
    found = ada.web.get(media["url"])
    assert found.data == body
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in found.headers["Content-Security-Policy"]
    assert ada.web.get(media["url"].replace("sig=", "sig=x")).status_code == 404
    shop.world.clock.forward(hours=3)
    assert ada.web.get(media["url"]).status_code == 404


def test_nobody_else_sends_a_visitors_upload(shop):
    ada, eve = shop.visitor(), shop.visitor()
    media_id = upload(ada, png(), "a.png", "image/png").json["media_id"]
    assert say(eve, media_id).status_code == 404


def test_where_files_are_not_wanted_none_is_taken(shop):
    shop.open(attachments=False)
    assert upload(shop.visitor(), png(), "a.png", "image/png").status_code == 403


def stored(shop):
    return {row["id"] for row in shop.world.rows("select id from media")}


def test_an_upload_goes_once_a_message_has_its_copy_and_not_before(shop):
    ada = shop.visitor()
    media_id = upload(ada, b"My number is 123.", "a.txt", "text/plain").json["media_id"]
    say(ada, media_id)
    shop.world.clock.forward(days=2)
    uploads.forget_uploads(shop.hub)
    assert len(stored(shop)) == 2
    shop.world.provider.will((200, b"My number is 123."))
    shop.world.work()
    uploads.forget_uploads(shop.hub)
    original = media_id.partition(".")[0]
    assert len(stored(shop) - {original}) == len(stored(shop)) == 1
    with pytest.raises(Missing):
        shop.hub.media.get(original)


def test_a_visitor_fills_no_disk(shop, monkeypatch):
    monkeypatch.setattr(limits, "_FILES", ((2, timedelta(hours=1)), *limits._FILES[1:]))
    ada, bob = shop.visitor(), shop.visitor()

    def sent(window):
        return upload(window, b"a" * 900, "a.txt", "text/plain").status_code

    assert [sent(ada) for _ in range(3)] == [201, 201, 429]
    assert sent(bob) == 201
    shop.world.clock.forward(minutes=30)
    assert sent(ada) == 201
