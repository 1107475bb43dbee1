"""The simulated WhatsApp Business API client keeps the rules of the real one."""

import base64
from typing import Any

import pytest

from hubbub.sandbox import create_sandbox
from hubbub.sandbox.onprem.telling import flat

ANN = "15550100199"


class Client:
    """Somebody who calls the client."""

    def __init__(self):
        self.http = create_sandbox().test_client()
        self.steer("clients", {"username": "demo", "password": "s3cret", "namespace": "ns"})
        self.token = self.log_in().json["users"][0]["token"]

    def log_in(self, password="s3cret"):
        proof = base64.b64encode(f"demo:{password}".encode()).decode()
        headers = {"authorization": f"Basic {proof}"}
        return self.http.post("/onprem/v1/users/login", json={}, headers=headers)

    def ask(self, method, path, body=None, **more):
        headers = {"authorization": f"Bearer {self.token}"}
        url = f"/onprem/v1/{path}"
        return self.http.open(url, method=method, json=body, headers=headers, **more)

    def refusal(self, method, path, body=None, **more):
        """Return code and status of an answer that says no."""
        answer = self.ask(method, path, body, **more)
        return answer.json["errors"][0]["code"], answer.status_code

    def steer(self, path, body):
        answer = self.http.post(f"/_sandbox/{path}", json=body)
        assert answer.status_code == 201, answer.text


@pytest.fixture
def client():
    client = Client()
    client.steer("onprem/demo/messages", {"from": ANN, "name": "Ann", "text": "Hello"})
    return client


def text(to=ANN, **more):
    return {"to": to, "type": "text", "text": {"body": "Hello"}, **more}


def template(**changes) -> dict[str, Any]:
    said = {
        "namespace": "ns",
        "name": "hello_world",
        "language": {"policy": "deterministic", "code": "en_US"},
    }
    return {"to": ANN, "type": "template", "template": {**said, **changes}}


def test_only_who_logged_in_is_served(client):
    wrong = client.log_in("other")
    assert (wrong.status_code, wrong.json["errors"][0]["code"]) == (401, 1005)
    assert client.log_in().json["users"][0]["expires_after"].endswith("+00:00")
    client.ask("POST", "users/logout", {})
    assert client.refusal("POST", "messages", text()) == (1005, 401)


def test_a_message_is_taken_and_named(client):
    answer = client.ask("POST", "messages", text(preview_url=True))
    assert answer.json["contacts"] == [{"input": ANN, "wa_id": ANN}]
    assert answer.json["messages"][0]["id"]
    assert "messaging_product" not in answer.json


@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        (text(to="1555010"), 470, None),
        (template(namespace="other"), 2001, 404),
        (template(language={"code": "en_US"}), 1008, 400),
        (template(name="no_such"), 2001, 404),
        ({"to": ANN, "type": "location", "location": {"latitude": "north"}}, 1009, 400),
        ({"to": ANN, "type": "image", "image": {"id": "none"}}, 1009, 400),
    ],
)
def test_what_breaks_a_rule_is_refused_in_the_clients_words(client, said, code, status):
    if status is None:
        client.http.patch("/_sandbox/rules", json={"whatsapp_window": "at_once"})
        status = 400
    assert client.refusal("POST", "messages", said) == (code, status)


def test_only_whom_whatsapp_knows_can_be_written_to(client):
    client.steer("onprem/demo/people", {"from": "551187650000", "dialled": ["5511987650000"]})
    client.steer("onprem/demo/people", {"from": "15550100111", "on_whatsapp": False})
    assert client.refusal("POST", "messages", text(to="5511987650000")) == (1006, 404)
    assert client.refusal("POST", "messages", text(to="15550100111")) == (1006, 404)
    asked = {"blocking": "wait", "contacts": ["+5511987650000", "+15550100111", "Ann"]}
    answers = client.ask("POST", "contacts", asked).json["contacts"]
    assert [one["status"] for one in answers] == ["valid", "invalid", "invalid"]
    assert answers[0]["wa_id"] == "551187650000"


def test_a_file_goes_up_as_its_bytes_are_and_can_be_fetched(client):
    headers = {"authorization": f"Bearer {client.token}", "content-type": "image/jpeg"}
    made = client.http.post("/onprem/v1/media", data=b"a picture", headers=headers)
    media_id = made.json["media"][0]["id"]
    fetched = client.ask("GET", f"media/{media_id}")
    assert (fetched.data, fetched.content_type) == (b"a picture", "image/jpeg")
    assert client.refusal("GET", "media/other") == (1006, 404)
    headers["content-type"] = "audio/ogg"
    assert client.http.post("/onprem/v1/media", data=b"OggS", headers=headers).status_code == 400


def test_settings_that_are_not_sent_stay(client):
    client.ask("PATCH", "settings/application", {"webhooks": {"url": "http://127.0.0.1:1/x"}})
    client.ask("PATCH", "settings/application", {"callback_persist": True})
    said = client.ask("GET", "settings/application").json["settings"]["application"]
    assert said["webhooks"]["url"] == "http://127.0.0.1:1/x"
    assert said["callback_persist"] is True


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"kind": "token_revoked"}, 1005, 401),
        ({"kind": "rate_limit"}, 1015, 429),
        ({"kind": "status", "status": 503}, 1011, 503),
        ({"kind": "status", "code": 1016}, 1016, 503),
    ],
)
def test_faults_are_told_in_the_clients_words(client, fault, code, status):
    client.steer("faults", {"operation": "Messages.send", "times": 1, **fault})
    assert client.refusal("POST", "messages", text()) == (code, status)


def test_what_is_told_is_flat_and_in_older_words():
    voice = {
        "from": ANN,
        "from_user_id": "US.1",
        "id": "1",
        "timestamp": "1",
        "type": "audio",
        "audio": {"id": "m", "voice": True},
    }
    edit = {"from": ANN, "id": "2", "timestamp": "1", "type": "edit", "edit": {}}
    status = {"id": "3", "status": "failed", "errors": [{"code": 131047, "title": "Window"}]}
    said = flat([{"messages": [voice, edit], "contacts": []}, {"statuses": [status]}])
    assert said["messages"][0] == {
        "from": ANN,
        "id": "1",
        "timestamp": "1",
        "type": "voice",
        "voice": {"id": "m"},
    }
    assert said["messages"][1]["type"] == "unknown"
    assert said["statuses"][0]["errors"][0]["code"] == 470


def test_a_message_is_marked_read(client):
    heard = client.http.post("/_sandbox/onprem/demo/messages", json={"from": ANN, "text": "Hi"})
    assert client.ask("PUT", f"messages/{heard.json['id']}", {"status": "read"}).status_code == 200
    (line,) = client.http.get("/_sandbox/outbound?kind=action").json["items"]
    assert (line["operation"], line["external_id"]) == ("Messages.read", heard.json["id"])
    assert client.refusal("PUT", "messages/nothing", {"status": "read"}) == (1009, 400)
