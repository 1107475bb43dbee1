"""Give the tests of the API a client, and things to ask about."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import insert

from hubbub.api import make_api
from hubbub.connect.work import create_channel
from hubbub.deliver.work import start_conversation
from hubbub.people.tokens import create_token
from hubbub.store.session import transaction
from hubbub.store.tables import Call, Message, table
from hubbub.store.types import new_id
from tests.core.api.kit import TOKEN, build_hub


@dataclass
class Api:
    """Calls the API with a token, and checks what holds for every answer."""

    hub: Any
    client: Any
    token: str = ""

    def __call__(self, method, path, body=None, *, status=None, headers=None, raw=None):
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        more = {"json": body} if raw is None and body is not None else {}
        if raw is not None:
            more = {"data": raw, "content_type": "application/json"}
        answer = self.client.open(
            f"/api/v1{path}", method=method, headers={**given, **(headers or {})}, **more
        )
        if status is not None:
            assert answer.status_code == status, answer.get_data(as_text=True)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json"
            problem = answer.get_json()
            assert problem["status"] == answer.status_code
            assert problem["type"].startswith("https://hub.example/docs/problems/")
        return answer

    def get(self, path, status=200, **more):
        return self("GET", path, status=status, **more).get_json()

    def post(self, path, body=None, status=201, **more):
        return self("POST", path, body, status=status, **more).get_json()

    def patch(self, path, body, status=200):
        return self("PATCH", path, body, status=status).get_json()

    def delete(self, path, status=204):
        return self("DELETE", path, status=status).get_data()

    def fields(self, method, path, body=None, **more):
        """Return the fields that a 422 complains of."""
        answer = self(method, path, body, status=422, **more).get_json()
        return [error["field"] for error in answer["errors"]]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    """Hash passwords in no time; the default cost is asked for where it matters."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("hubbub.people.users._HASHER", cheap)


@pytest.fixture
def make_hub(make_settings, fake_redis, tmp_path):
    """Return hubs on a database; their engines are closed at the end."""
    made = []

    def make(url):
        plugins_file = tmp_path / "var" / "plugins.toml"
        settings = make_settings(public_url="https://hub.example", plugins_file=plugins_file)
        made.append(build_hub(settings, url, fake_redis))
        return made[-1]

    yield make
    for hub in made:
        hub.engine.dispose()


def _make_client(hub):
    """Return a client of an application that has the API alone."""
    app = Flask("test", static_folder=None)
    app.register_blueprint(make_api(hub))
    _, token = create_token(hub, name="test", actor="cli")
    return Api(hub, app.test_client(), token)


@pytest.fixture
def api(make_hub, sqlite_url):
    """A client of the API on SQLite."""
    return _make_client(make_hub(sqlite_url))


@pytest.fixture
def every_api(make_hub, database_url):
    """A client of the API on each kind of database in turn."""
    return _make_client(make_hub(database_url))


@pytest.fixture
def add_channel():
    """Create a channel and return its id."""

    def add(api, *, kind="fake", token=TOKEN, **settings):
        return create_channel(
            api.hub,
            type=kind,
            name="Support",
            credentials={"token": token},
            settings=settings,
            actor="cli",
        )

    return add


@pytest.fixture
def add_conversation():
    """Open a conversation and return its id."""

    def add(api, channel_id, address="ada"):
        with transaction(api.hub.engine) as db:
            return start_conversation(api.hub, db, channel_id=channel_id, address=address)

    return add


@pytest.fixture
def add_inbound():
    """Store an inbound message with the call that brought it, and return both ids."""

    def add(api, conversation_id, content=None, seq=1, **more):
        hub = api.hub
        about = api.get(f"/conversations/{conversation_id}")
        call_id, message_id = new_id(), new_id()
        with transaction(hub.engine) as db:
            body = json.dumps({"text": "Hello", "echo": TOKEN}).encode()
            call = {
                "id": call_id,
                "channel_id": about["channel_id"],
                "received_at": hub.now(),
                "method": "POST",
                "url": "https://hub.example/webhooks/x",
                "headers": {"content-type": "application/json", "authorization": "Basic abcdefgh"},
                "body": body,
                "state": "done",
                "reason": "",
                "events": 1,
                "applied": 1,
                "duplicate": 0,
                "ignored": 0,
                "dead": 0,
                "outcomes": [
                    {
                        "kind": "MessageReceived",
                        "key": "1",
                        "outcome": "applied",
                        "reason": "",
                        "message_id": message_id,
                    }
                ],
            }
            db.execute(insert(table(Call)).values(call))
            message = {
                "id": message_id,
                "channel_id": about["channel_id"],
                "conversation_id": conversation_id,
                "contact_id": about["contact_id"],
                "seq": seq,
                "direction": "inbound",
                "kind": "text",
                "content": content or {"type": "text", "text": "Hello"},
                "sender_address": about["address"],
                "sender_name": "Ada",
                "status": "received",
                "call_id": call_id,
                "provider_at": hub.now(),
                "created_at": hub.now(),
                **more,
            }
            db.execute(insert(table(Message)).values(message))
        return call_id, message_id

    return add
