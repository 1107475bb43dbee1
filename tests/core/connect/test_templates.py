"""Reading the templates of a channel, and keeping them."""

import pytest
from sqlalchemy import select

from hubbub.connect.actors import nudge_templates
from hubbub.connect.templates import TemplatesRead, read_templates
from hubbub.connect.work import ChannelChange, change_channel, delete_channel, set_status
from hubbub.people.errors import Conflict
from hubbub.sdk import TemplateChanged, TemplateStatus, Transient
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Template, table
from hubbub.store.templates import hear

HELLO = {"name": "hello", "wants": ["1"], "components": ({"type": "BODY", "text": "Hi {{1}}\0"},)}
BYE = {"name": "bye", "status": "pending", "provider_status": "IN_REVIEW"}


@pytest.fixture
def windowed(every_hub, add_channel):
    """Return the hub, and a channel whose provider lists templates."""
    every_hub.http.body = {"id": "1", "templates": [HELLO, BYE]}
    return every_hub, add_channel(every_hub, kind="windowed")


def _line(hub, channel_id):
    with reading(hub.engine) as db:
        return hub.directory.current(db, [channel_id])[channel_id]


def _rows(hub):
    templates = table(Template)
    with reading(hub.engine) as db:
        rows = db.execute(select(templates).order_by(templates.c.name, templates.c.language))
        return [(row.name, row.language, row.status) for row in rows]


def _nudged(hub):
    hub.nudges.lanes.clear()
    nudge_templates(hub)
    return [lane for lane in hub.nudges.lanes if lane.startswith("templates:")]


def test_templates_are_kept_whole(windowed):
    hub, channel_id = windowed
    read = read_templates(hub, channel_id)
    assert read == TemplatesRead(templates=2, added=2, changed=0, removed=0)
    with reading(hub.engine) as db:
        row = db.execute(select(table(Template)).where(table(Template).c.name == "hello")).one()
    # PostgreSQL holds no NUL.
    assert row.components == [{"type": "BODY", "text": "Hi {{1}}\ufffd"}]
    assert row.parameters == [{"name": "1", "required": True, "holds": "text", "max_length": None}]
    assert _line(hub, channel_id).templates["hello", "en"].parameters[0].name == "1"


def test_reading_twice_changes_nothing_and_what_changed_is_changed(windowed):
    hub, channel_id = windowed
    read_templates(hub, channel_id)
    version = _line(hub, channel_id).version
    read = read_templates(hub, channel_id)
    assert read == TemplatesRead(templates=2, added=0, changed=0, removed=0)
    assert _line(hub, channel_id).version == version
    hub.http.body["templates"] = [HELLO, {"name": "bye"}, {"name": "bye", "language": "de"}]
    read = read_templates(hub, channel_id)
    assert read == TemplatesRead(templates=3, added=1, changed=1, removed=0)
    assert _line(hub, channel_id).templates["bye", "en"].status is TemplateStatus.APPROVED


def test_what_the_provider_no_longer_lists_is_gone(windowed):
    hub, channel_id = windowed
    read_templates(hub, channel_id)
    hub.http.body["templates"] = [HELLO]
    read = read_templates(hub, channel_id)
    assert read == TemplatesRead(templates=1, added=0, changed=0, removed=1)
    assert _rows(hub) == [("hello", "en", "approved")]
    assert set(_line(hub, channel_id).templates) == {("hello", "en")}


def test_templates_are_read_when_a_channel_is_connected_and_then_by_the_hour(windowed):
    hub, channel_id = windowed
    lane = [f"templates:{channel_id}"]
    assert _nudged(hub) == lane
    read_templates(hub, channel_id)
    assert _nudged(hub) == []
    hub.now.advance(minutes=61)
    assert _nudged(hub) == lane


def test_templates_are_read_anew_when_the_account_may_be_another_or_the_channel_is_back(windowed):
    hub, channel_id = windowed
    read_templates(hub, channel_id)
    change = ChannelChange(settings={"mode": "polling"})
    change_channel(hub, channel_id, change, actor="cli")
    assert _nudged(hub)
    read_templates(hub, channel_id)
    with transaction(hub.engine) as db:
        set_status(db, channel_id, status="error", reason="x", now=hub.now())
        set_status(db, channel_id, status="connected", now=hub.now())
    assert _nudged(hub)


@pytest.mark.parametrize("status", ["error", "inactive"])
def test_the_templates_of_a_channel_that_is_not_connected_wait(windowed, status):
    hub, channel_id = windowed
    with transaction(hub.engine) as db:
        set_status(db, channel_id, status=status, reason="x", now=hub.now())
    assert _nudged(hub) == []


def test_a_provider_that_fails_changes_nothing_and_is_asked_again_later(windowed):
    hub, channel_id = windowed
    read_templates(hub, channel_id)
    hub.http.status = 503
    with pytest.raises(Transient):
        read_templates(hub, channel_id)
    assert len(_rows(hub)) == 2
    assert _nudged(hub) == []
    hub.now.advance(minutes=11)
    assert _nudged(hub)


def test_news_that_come_while_the_list_is_read_are_not_overwritten_by_it(windowed):
    hub, channel_id = windowed
    read_templates(hub, channel_id)
    paused = TemplateChanged(name="hello", language="en", status=TemplateStatus.PAUSED)

    def tell(request):
        if request.url.endswith("/templates"):
            with transaction(hub.engine) as db:
                hear(db, channel_id, paused, now=hub.now())

    hub.http.before = tell
    with pytest.raises(Conflict):
        read_templates(hub, channel_id)
    assert ("hello", "en", "paused") in _rows(hub)
    assert _nudged(hub)


def test_a_deleted_channel_has_no_templates(windowed):
    hub, channel_id = windowed
    read_templates(hub, channel_id)
    delete_channel(hub, channel_id, actor="cli")
    assert _rows(hub) == []
    assert _nudged(hub) == []


def test_a_type_without_templates_is_never_asked_for_them(make_hub, sqlite_url, add_channel):
    hub = make_hub(sqlite_url)
    channel_id = add_channel(hub)
    assert _nudged(hub) == []
    with pytest.raises(Conflict):
        read_templates(hub, channel_id)
