"""In the console it is seen what of a visitor is proven, and what somebody merely typed."""

import re

import pytest

from hubbub.people.sessions import cookie_name, open_session
from hubbub.people.users import add_user
from tests.core.widget.conftest import Window
from tests.core.widget.test_sessions import jwt
from tests.core.widget.test_trust import SECRET, proof

TYPED = {"name": "Ada Lovelace", "email": "<b>ada</b>@example.com"}


@pytest.fixture
def members(shop):
    return shop.open({"identity_secret": SECRET})


@pytest.fixture
def pages(members):
    """Return what somebody who answers sees of the only contact: in the inbox, and on its page."""
    person = add_user(
        members.hub, email="agent@example.org", password="long enough", role="agent", actor="cli"
    )
    client = members.app.test_client()
    client.set_cookie(cookie_name(members.hub.settings), open_session(members.hub, person))

    def read():
        row = members.world.one("SELECT id, contact_id FROM conversations")
        thread = client.get(f"/inbox/{row['id']}").text
        contact = client.get(f"/contacts/{row['contact_id']}").text
        return [
            (re.findall(r"<header class=\"who\">.*?</header>", thread, re.DOTALL)[0], thread),
            (re.findall(r"<div class=\"head\">.*?</div>", contact, re.DOTALL)[0], contact),
        ]

    return read


def marked(page):
    """Return what stands in the list of a page, and its marks."""
    found = re.findall(
        r"<dt>(\w+)</dt><dd><bdi>(.*?)</bdi>\s*<span class=\"chip \w+\">(.*?)</span>", page
    )
    return {name: (value, mark) for name, value, mark in found}


def test_what_was_typed_is_marked_as_not_proven_and_explained(members, pages):
    members.visitor().write("Hello", attributes=TYPED)
    for head, page in pages():
        assert "Ada Lovelace" in head
        assert "Not proven" in head
        assert marked(page)["name"] == ("Ada Lovelace", "Not proven")
        assert marked(page)["email"] == ("&lt;b&gt;ada&lt;/b&gt;@example.com", "Not proven")
        assert "the visitor typed it, or a page said it" in page


def test_what_the_site_signed_is_marked_as_proven_beside_what_it_did_not(members, pages):
    ada = Window(members)
    ada.session(identity=jwt(members, "u-17", secret=SECRET, name="Ada", plan="gold"))
    ada.write("Hello", attributes={"plan": "platinum", "colour": "red"})
    for head, page in pages():
        assert "Proven by the site" in head
        assert "Not proven" not in head
        assert ("gold", "Proven by the site") in re.findall(
            r"<dt>plan</dt><dd><bdi>(.*?)</bdi>\s*<span class=\"chip \w+\">(.*?)</span>", page
        )
        assert marked(page)["plan"] == ("platinum", "Not proven")
        assert marked(page)["colour"] == ("red", "Not proven")


def test_a_name_that_was_typed_is_not_that_of_somebody_proven(members, pages):
    ada = Window(members)
    ada.session(identity=proof("u-17"))
    ada.write("Hello", attributes=TYPED)
    for head, page in pages():
        assert "u-17" in head
        assert "Proven by the site" in head
        assert "Ada Lovelace" not in head
        assert marked(page)["name"] == ("Ada Lovelace", "Not proven")


def test_nothing_is_marked_where_no_chat_window_is_asked(members, pages):
    members.visitor().write("Hello", attributes=TYPED)
    members.world.write("UPDATE channels SET type = 'parrot'")
    members.world.write("UPDATE contacts SET attributes = '{}'")
    for _, page in pages():
        assert "proven" not in page.lower()
