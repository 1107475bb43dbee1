import io

import pytest

from hubbub.api import media as media_views

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (2).to_bytes(4) + (3).to_bytes(4) + bytes(9)


def _upload(api, body=PNG, name="cat.png", field="file", mime=None, status=201):
    file = (io.BytesIO(body), name, mime) if mime else (io.BytesIO(body), name)
    answer = api.client.post(
        "/api/v1/media",
        data={field: file},
        headers={"Authorization": f"Bearer {api.token}"},
    )
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def _fetch(api, url, **more):
    return api.client.get(url.removeprefix("https://hub.example"), **more)


def test_an_upload_is_kept_and_can_be_fetched_by_its_signed_address(every_api):
    file = _upload(every_api)
    assert file == {
        "id": file["id"],
        "url": file["url"],
        "mime_type": "image/png",
        "filename": "cat.png",
        "size": len(PNG),
        "state": "ready",
    }
    answer = _fetch(every_api, file["url"])
    assert answer.get_data() == PNG
    assert answer.content_type == "image/png"


def test_without_signature_or_token_nothing_is_handed_out(api):
    file = _upload(api)
    bare = file["url"].partition("?")[0]
    assert _fetch(api, bare).status_code == 401
    assert _fetch(api, f"{bare}?sig=wrong").status_code == 401
    assert _fetch(api, f"{bare}?sig=%C3%A4").status_code == 401
    token = {"Authorization": f"Bearer {api.token}"}
    assert _fetch(api, bare, headers=token).status_code == 200
    other = _upload(api)["url"].partition("?")[2]
    assert _fetch(api, f"{bare}?{other}").status_code == 401


@pytest.mark.parametrize(
    ("body", "name", "mime"),
    [
        (b"<html><script>alert(1)</script>", "page.html", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "icon.svg", "image/svg+xml"),
        (b"<script>", "cat.png", "image/png"),
    ],
)
def test_what_a_browser_could_run_is_an_attachment_of_no_type(api, body, name, mime):
    answer = _fetch(api, _upload(api, body, name, mime=mime)["url"])
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("", None),
        ("Übung \u2028 \u202e.png", "Übung .png"),
        ("x" * 300, "x" * 200),
    ],
)
def test_the_name_of_a_file_is_made_harmless(api, name, kept):
    file = _upload(api, name=name)
    assert file["filename"] == kept
    header = _fetch(api, file["url"]).headers["Content-Disposition"]
    assert header.isascii()


def test_a_file_over_the_limit_is_413(api, monkeypatch):
    monkeypatch.setattr(media_views, "UPLOAD_LIMIT", 10)
    assert _upload(api, status=413)["type"].endswith("/too-large")


def test_an_empty_file_is_refused_at_once(api):
    [error] = _upload(api, b"", status=422)["errors"]
    assert (error["field"], error["message"]) == ("file", "The file is empty.")


def test_an_upload_needs_a_field_named_file_in_a_form(api):
    assert _upload(api, field="image", status=422)["errors"][0]["field"] == "file"
    assert api("POST", "/media", {"file": "x"}, status=415)


def test_an_upload_is_sent_by_its_id(api, add_channel):
    file = _upload(api)
    body = {
        "channel_id": add_channel(api),
        "to": {"address": "ada"},
        "content": {"type": "image", "media": {"id": file["id"]}, "caption": "A cat"},
    }
    shown = api.post("/messages", body, status=202)["content"]["media"]
    assert shown == {**file, "width": 2, "height": 3}


def test_an_unknown_file_is_404(api):
    token = {"Authorization": f"Bearer {api.token}"}
    assert _fetch(api, "/api/v1/media/nothing", headers=token).status_code == 404
