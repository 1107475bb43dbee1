"""A hub with a chat window on it, and visitors."""

import re
from uuid import uuid4

import pytest

from hubbub.connect import work as connect
from hubbub.people.sessions import cookie_name, open_session
from hubbub.people.users import add_user
from hubbub.web import create_app
from tests.services.world import make_world

SECTIONS = "[plugins.webchat]\n"


class Window:
    """A visitor's window, as the hub sees it."""

    def __init__(self, shop, **headers):
        self.shop = shop
        self.web = shop.app.test_client()
        self.headers = headers
        self.token = None

    def session(self, **body):
        answer = self.ask("POST", "session", {"token": self.token, **body}, proven=False)
        if answer.status_code == 200:
            self.token = answer.json["token"]
        return answer

    def ask(self, method, name, body=None, *, proven=True, **more):
        headers = dict(self.headers)
        if proven:
            headers["Authorization"] = f"Bearer {self.token}"
        return self.web.open(
            f"/widget/{self.shop.key}/{name}", method=method, json=body, headers=headers, **more
        )

    def write(self, text="Hello", client_id=None, **more):
        body = {"client_id": client_id or str(uuid4()), "content": {"type": "text", "text": text}}
        return self.ask("POST", "messages", {**body, **more})

    def texts(self):
        found = self.ask("GET", "messages").json["messages"]
        return [one["content"].get("text") for one in found]


class Shop:
    """A hub with a webchat channel."""

    def __init__(self, world):
        self.world = world
        self.hub = world.hub
        self.app = create_app(hub=world.hub)
        self.key = ""
        self.channel_id = ""

    def open(self, credentials=None, **settings):
        self.channel_id = connect.create_channel(
            self.hub,
            type="webchat",
            name="Shop",
            credentials=credentials or {},
            settings=settings,
            actor="cli",
        )
        self.key = self.world.line(self.channel_id).webhook_key
        return self

    def visitor(self, **body):
        window = Window(self)
        assert window.session(**body).status_code == 200
        return window

    def answer(self, text, conversation_id=None):
        """Let somebody here answer, and all the work that follows be done."""
        from hubbub.deliver.work import submit
        from hubbub.sdk import Text
        from hubbub.store.session import transaction

        conversation_id = conversation_id or self.world.one("select id from conversations")["id"]
        with transaction(self.hub.engine) as db:
            message_id = submit(
                self.hub,
                db,
                conversation_id=conversation_id,
                content=Text(text=text),
                author="api:t1",
            )
        self.deliver()
        return message_id

    def deliver(self):
        from hubbub.deliver.actors import nudge_deliver

        nudge_deliver(self.hub)
        self.world.work()

    def status(self, message_id):
        return self.world.one("select status from messages where id = :id", id=message_id)["status"]


@pytest.fixture
def shop(settings, engine, fake_redis, tmp_path):
    """A hub on a fresh database with a webchat channel that has no settings."""
    from hubbub import process

    yield Shop(make_world(settings, engine, fake_redis, tmp_path, sections=SECTIONS)).open()
    process.stop_couriers()


@pytest.fixture
def admin(shop):
    """The console in front of somebody who may change everything; ``fill`` sends a form."""
    person = add_user(
        shop.hub, email="admin@example.org", password="long enough", role="admin", actor="cli"
    )
    client = shop.app.test_client()
    client.set_cookie(cookie_name(shop.hub.settings), open_session(shop.hub, person))
    token = re.findall(r'name="form_token" value="([^"]*)"', client.get("/account").text)[0]

    def post(path, **form):
        return client.post(path, data={**form, "form_token": token})

    client.fill = post
    return client
