"""What people chose outlives their erasure, and what was erased does not come back."""

import hashlib

import pytest

from hubbub.connect.work import delete_channel
from hubbub.contacts.erase import erase_contact
from hubbub.contacts.work import choose
from hubbub.deliver.attempt import unsubscribe_url
from hubbub.deliver.rules import Refused
from hubbub.deliver.work import start_conversation, submit
from hubbub.keyring import rekey
from hubbub.sdk import Text
from hubbub.store.session import transaction
from hubbub.vault import Vault
from hubbub.web import create_app
from tests.core.conftest import world

__all__ = ["world"]

HELLO = {"id": "1", "from": "+1", "text": "Hello"}
CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def line(world):
    line = world.channel(perch="oak")
    world.hear(line, HELLO)
    return line


@pytest.fixture
def browser(world):
    return create_app(hub=world.hub).test_client()


def address(world, line):
    sql = "SELECT * FROM addresses WHERE channel_id = :id AND address = '+1'"
    return world.one(sql, id=line.id)


def refuse_marketing(world, line):
    world.clock.forward(minutes=1)
    ada = address(world, line)
    choose(world.hub, ada["contact_id"], ada["id"], marketing=False, actor="cli")


def erase(world, line):
    ada = address(world, line)
    erase_contact(world.hub, ada["contact_id"], actor="cli")
    world.clock.forward(minutes=1)
    return ada


def path(world, ada):
    return unsubscribe_url(world.hub, ada["id"]).removeprefix(world.hub.settings.base_url)


def write_first(world, line):
    with transaction(world.hub.engine) as db:
        start_conversation(world.hub, db, channel_id=line.id, address="+1")


def hear_again(world, line, **more):
    world.hear(line, {**HELLO, "id": "2", **more})


AGAIN = pytest.mark.parametrize("come", [write_first, hear_again])


@AGAIN
def test_who_ended_what_goes_to_many_gets_none_after_their_erasure(world, line, come):
    refuse_marketing(world, line)
    erase(world, line)
    come(world, line)
    assert not address(world, line)["marketing"]
    with pytest.raises(Refused, match="go to many"), transaction(world.hub.engine) as db:
        conversation = start_conversation(world.hub, db, channel_id=line.id, address="+1")
        submit(
            world.hub,
            db,
            conversation_id=conversation,
            content=Text(text="Sale"),
            author="api:1",
            bulk=True,
        )


@AGAIN
def test_a_link_in_a_letter_works_after_its_reader_was_erased(world, line, browser, come):
    link = path(world, erase(world, line))
    shown = browser.get(link)
    assert (shown.status_code, "+1" in shown.text, "You will get" in shown.text) == (
        200,
        False,
        True,
    )
    assert browser.post(link, data=CLICK).status_code == 200
    come(world, line)
    assert not address(world, line)["marketing"]


@AGAIN
def test_a_link_of_somebody_erased_holds_for_them_once_they_are_there_again(
    world, line, browser, come
):
    first = path(world, erase(world, line))
    come(world, line)
    assert address(world, line)["marketing"]
    assert "+1" in browser.get(first).text
    browser.post(first, data=CLICK)
    assert not address(world, line)["marketing"]
    second = path(world, erase(world, line))
    for link in (first, second):
        assert browser.post(link, data=CLICK).status_code == 200


def test_the_last_choice_counts_however_often_its_owner_was_erased(world, line):
    refuse_marketing(world, line)
    erase(world, line)
    hear_again(world, line)
    ada = address(world, line)
    choose(world.hub, ada["contact_id"], ada["id"], marketing=True, actor="cli")
    erase(world, line)
    hear_again(world, line, id="3")
    assert address(world, line)["marketing"]


@AGAIN
def test_who_asked_not_to_be_written_to_is_not_after_their_erasure(world, line, come):
    world.hear(line, {**HELLO, "id": "8", "text": "STOP", "opt_out": True})
    erase(world, line)
    come(world, line)
    assert address(world, line)["state"] == "opted_out"
    world.hear(line, {**HELLO, "id": "9", "text": "START", "opt_out": False})
    assert address(world, line)["state"] == "ok"
    erase(world, line)
    hear_again(world, line, id="10")
    assert address(world, line)["state"] == "ok"


def test_who_asks_to_be_written_to_again_is_although_they_were_erased(world, line):
    world.hear(line, {**HELLO, "id": "8", "text": "STOP", "opt_out": True})
    erase(world, line)
    world.hear(line, {**HELLO, "id": "9", "text": "START", "opt_out": False})
    assert address(world, line)["state"] == "ok"


@pytest.mark.parametrize(("perch", "marketing"), [("oak", False), ("elm", True)])
def test_what_they_chose_holds_for_the_account_and_for_no_other(world, line, perch, marketing):
    refuse_marketing(world, line)
    erase(world, line)
    delete_channel(world.hub, line.id, actor="cli")
    again = world.channel(perch=perch)
    hear_again(world, again)
    assert bool(address(world, again)["marketing"]) == marketing


def test_a_link_holds_where_its_reader_is_known_still(world, line, browser):
    other = world.channel("Other", perch="elm")
    world.hear(other, HELLO)
    world.write("UPDATE channels SET sender = 'shop@a.example'")
    browser.post(path(world, erase(world, line)), data=CLICK)
    assert not address(world, other)["marketing"]


def test_the_database_alone_does_not_tell_who_was_erased(world, line):
    erase(world, line)
    (row,) = world.rows("SELECT * FROM erased_addresses")
    assert row["digest"] != hashlib.sha256(b"+1").hexdigest()
    assert "+1" not in str({**row, "id": ""})
    (key,) = world.rows("SELECT * FROM digest_keys")
    assert len(bytes.fromhex(world.hub.vault.open(key["sealed"], key["id"])["key"])) == 32


def test_what_they_chose_outlives_the_secret_key(world, line):
    refuse_marketing(world, line)
    erase(world, line)
    rekey(world.hub.engine, ("another", *world.hub.settings.keys))
    world.hub.vault = Vault(["another"])
    world.write("UPDATE channels SET version = version + 1")
    hear_again(world, line)
    assert not address(world, line)["marketing"]


def test_without_the_key_others_are_erased_all_the_same(world, line):
    refuse_marketing(world, line)
    erase(world, line)
    world.hub.vault = Vault(["another"])
    write_first(world, line)
    assert address(world, line)["marketing"]
    erase(world, line)
    world.hub.vault = Vault(["another", *world.hub.settings.keys])
    write_first(world, line)
    assert not address(world, line)["marketing"]


def test_what_was_erased_stays_so_when_its_account_is_added_again(world, line):
    erase(world, line)
    delete_channel(world.hub, line.id, actor="cli")
    again = world.channel(perch="oak")
    world.hear(again, HELLO)
    assert world.rows("SELECT id FROM contacts") == []
    other = world.channel(perch="elm")
    world.hear(other, HELLO)
    assert len(world.rows("SELECT id FROM contacts")) == 1
