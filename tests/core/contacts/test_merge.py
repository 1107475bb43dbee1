"""Two contacts become one and two again, whatever comes meanwhile."""

import threading

import pytest
from sqlalchemy import text

from hubbub.api.work import Order, send
from hubbub.contacts import queries
from hubbub.contacts.erase import erase_contact
from hubbub.contacts.merge import merge, past_merges, preview, unmerge
from hubbub.contacts.work import ContactChange, Merged, change_contact
from hubbub.deliver.work import submit
from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.sdk.content import Text
from hubbub.store import threads
from hubbub.store.session import reading, transaction


@pytest.fixture
def line(world):
    line = world.channel()
    for address, name in (("+1", "Ada"), ("+2", "Ada L."), ("+3", "Grace")):
        world.hear(line, {"id": f"from{address}", "from": address, "name": name, "text": "Hello"})
    return line


def who(world, address):
    """Return whose an address is, and whose everything is that was said there."""
    of_messages = (
        "SELECT DISTINCT messages.contact_id FROM messages"
        " JOIN conversations ON conversations.id = messages.conversation_id"
        " JOIN addresses ON addresses.id = conversations.address_id WHERE addresses.address = :one"
    )
    of_conversations = (
        "SELECT DISTINCT conversations.contact_id FROM conversations"
        " JOIN addresses ON addresses.id = conversations.address_id WHERE addresses.address = :one"
    )
    owner = world.one("SELECT contact_id FROM addresses WHERE address = :one", one=address)
    for said in (of_messages, of_conversations):
        assert world.one(said, one=address) == owner
    return owner["contact_id"]


def merges(world, contact_id):
    with reading(world.hub.engine) as db:
        return past_merges(db, contact_id)


def test_what_comes_to_either_address_belongs_to_the_one_contact_and_goes_back_undone(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    merge(world.hub, ada, other, actor="cli")
    world.hear(line, {"id": "later", "from": "+2", "text": "It is me"})
    assert who(world, "+1") == who(world, "+2") == ada
    assert world.rows("SELECT id FROM contacts WHERE id = :id", id=other) == []

    (past,) = merges(world, ada)
    assert unmerge(world.hub, ada, past.id, actor="cli") == other

    assert (who(world, "+1"), who(world, "+2")) == (ada, other)
    assert world.one("SELECT name FROM contacts WHERE id = :id", id=other)["name"] == "Ada L."
    assert merges(world, ada) == []
    done = [row["action"] for row in world.rows("SELECT action FROM audit ORDER BY id")]
    assert done[-2:] == ["contact.merged", "contact.unmerged"]


def test_a_preview_says_what_would_move_and_moves_nothing(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    moves = preview(world.hub, ada, other).moves
    assert (moves["addresses"], moves["conversations"], moves["messages"]) == (1, 1, 1)
    assert who(world, "+2") == other


def test_conversations_keep_their_owner_and_what_waits_goes_on(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    before = world.one(
        "SELECT id, owner, owner_version, status FROM conversations WHERE contact_id = :id",
        id=other,
    )
    world.provider.requests.clear()
    order = Order(conversation_id=before["id"], content=Text(text="Coming"), author="cli")
    send(world.hub, order)
    merge(world.hub, ada, other, actor="cli")
    world.pass_time(seconds=1)
    assert world.provider.said == ["Coming"]
    after = world.one(
        "SELECT id, owner, owner_version, status FROM conversations WHERE id = :id", id=before["id"]
    )
    assert after == before


def test_nothing_is_sent_to_the_address_of_a_blocked_contact_once_it_is_theirs(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    change = ContactChange(names=frozenset({"blocked"}), blocked=True)
    change_contact(world.hub, other, change, actor="cli")
    assert preview(world.hub, ada, other).taken.blocked
    merge(world.hub, ada, other, actor="cli")
    world.hear(line, {"id": "later", "from": "+1", "text": "Hello?"})
    last = world.one("SELECT decision FROM messages WHERE external_id = 'later'")
    assert "The contact is blocked." in str(last["decision"])


def test_a_merge_that_came_along_is_undone_after_the_one_that_brought_it(world, line):
    ada, other, grace = (who(world, address) for address in ("+1", "+2", "+3"))
    merge(world.hub, ada, other, actor="cli")
    merge(world.hub, grace, ada, actor="cli")
    assert {who(world, address) for address in ("+1", "+2", "+3")} == {grace}
    brought, along = merges(world, grace)
    assert (brought.carried, along.carried) == (False, True)
    with pytest.raises(Conflict):
        unmerge(world.hub, grace, along.id, actor="cli")

    unmerge(world.hub, grace, brought.id, actor="cli")
    assert [who(world, address) for address in ("+1", "+2", "+3")] == [ada, ada, grace]
    unmerge(world.hub, ada, along.id, actor="cli")
    assert [who(world, address) for address in ("+1", "+2", "+3")] == [ada, other, grace]


def test_a_contact_that_is_a_part_of_another_says_of_which(world, line):
    ada, other, grace = (who(world, address) for address in ("+1", "+2", "+3"))
    merge(world.hub, ada, other, actor="cli")
    with pytest.raises(Merged) as told:
        merge(world.hub, grace, other, actor="cli")
    assert told.value.into_id == ada
    with pytest.raises(Invalid):
        merge(world.hub, ada, ada, actor="cli")
    with pytest.raises(NotFound):
        merge(world.hub, ada, "nobody", actor="cli")
    with pytest.raises(NotFound):
        unmerge(world.hub, ada, "none", actor="cli")


def test_who_is_erased_takes_with_them_who_was_merged_into_them(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    merge(world.hub, ada, other, actor="cli")
    erased = erase_contact(world.hub, ada, actor="cli")
    assert (erased.addresses, erased.conversations, erased.calls) == (2, 2, 2)
    for rows in ("contact_merges", "contacts", "addresses", "conversations"):
        assert "Ada" not in str(world.rows(f"SELECT * FROM {rows}"))  # of ours
    world.hear(line, {"id": "again", "from": "+2", "name": "Ada L.", "text": "Hello"})
    assert who(world, "+2") not in {ada, other}


def test_a_message_written_while_contacts_are_merged_belongs_to_the_one_that_is_left(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    conversation = world.one("SELECT id FROM conversations WHERE contact_id = :id", id=other)["id"]
    merging = threading.Thread(target=merge, args=(world.hub, ada, other), kwargs={"actor": "cli"})
    with transaction(world.hub.engine) as db:
        threads.by_ids(db, [conversation])
        # It waits for us, whichever of the two databases this is, and we for nobody.
        merging.start()
        submit(world.hub, db, conversation_id=conversation, content=Text(text="Hi"), author="cli")
    merging.join(timeout=20)
    assert not merging.is_alive()
    assert who(world, "+2") == ada


def test_who_waits_for_a_conversation_that_is_merged_sees_whose_it_is_then(world, line):
    ada, other = who(world, "+1"), who(world, "+2")
    conversation = world.one("SELECT id FROM conversations WHERE contact_id = :id", id=other)["id"]
    seen = []

    def wait():
        with transaction(world.hub.engine) as db:
            seen.append(threads.by_ids(db, [conversation])[conversation].contact_id)

    waiting = threading.Thread(target=wait)
    with transaction(world.hub.engine) as db:
        queries.hold(db, (ada, other))
        waiting.start()
        if db.dialect.name == "postgresql":
            until_somebody_waits(db)
        ids = [row.id for row in queries.addresses(db, [other])]
        queries.move(db, ids, before=other, after=ada)
        queries.drop_contact(db, other)
    waiting.join(timeout=20)
    assert seen == [ada]


def until_somebody_waits(db):
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while not db.execute(blocked).scalar():
        pass
