"""Writing in the inbox: later, taken back, seen through the channel's eyes, and not blindly."""

import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from hubbub.people.canned import PLACEHOLDERS, Filling, filled_in
from hubbub.sdk.templates import TemplateParameter, TemplateStatus
from hubbub.store.templates import KnownTemplate
from hubbub.ui import words
from hubbub.ui.inbox.presence import Presence
from tests.core.ui.kit import conversation, form_token, found

SCRIPT = {"X-Script": "1"}


@pytest.fixture
def desk(world, browser, line):
    """An agent, or another one, in front of the one conversation there is."""

    class Desk:
        def __init__(self, role="agent"):
            self.client = browser(role)
            self.where = f"/inbox/{conversation(world)}"
            self.token = form_token(self.client.get("/account"))

        def see(self, path="", **query):
            return self.client.get(path or self.where, query_string=query).text

        def post(self, path, headers=None, **data):
            where = path if path.startswith("/") else f"{self.where}/{path}"
            form = {"form_token": self.token, **data}
            return self.client.post(where, data=form, headers=headers)

        def seen(self):
            return found(r'name="seen" value="([^"]*)"', self.client.get(self.where))

    return Desk


def test_a_reply_waits_for_its_writer_to_change_their_mind(world, desk):
    agent = desk()
    assert 'name="hold" value="5"' in agent.see()
    agent.post("reply", text="Hello Bob", hold="5")
    world.work()
    assert world.provider.said == []
    page = agent.see()
    assert "It is sent in a moment." in page
    undo = re.search(r'formaction="(/messages/[^"]+/cancel)" data-undo>Undo<', page)
    assert undo
    colleague = desk("admin").see()
    assert "It is sent in a moment." in colleague
    assert "Undo" not in colleague
    assert agent.post(undo[1]).status_code == 302
    world.pass_time(seconds=6)
    assert world.provider.said == []
    agent.post("reply", text="Hello Ada", hold="5", key="k")
    # Its answer was lost on the way, and the browser asks again.
    world.clock.forward(seconds=1)
    assert agent.post("reply", text="Hello Ada", hold="5", key="k").status_code == 302
    world.pass_time(seconds=6)
    assert world.provider.said == ["Hello Ada"]


def test_who_does_not_want_that_is_answered_for_at_once(world, desk, people):
    agent = desk()
    agent.post("/account/preferences", shortcuts="yes", available="yes")
    page = agent.see()
    assert 'name="hold"' not in page
    assert "data-shortcuts" in page


def test_a_reply_goes_at_the_time_that_its_writer_said(world, desk):
    agent = desk()
    agent.post("reply", text="Good morning", later="2026-01-02T09:00", zone="Europe/Berlin")
    assert "It is sent <time" in agent.see()
    assert ">Do not send</button>" in agent.see()
    world.pass_time(hours=4, minutes=55)
    assert world.provider.said == []
    world.pass_time(minutes=2)
    assert world.provider.said == ["Good morning"]
    over = agent.post("reply", text="Too late", later="2026-01-02T09:00", zone="Europe/Berlin")
    assert (over.status_code, "is over already" in over.text) == (409, True)
    assert ">Too late</textarea>" in over.text
    assert 'value="2026-01-02T09:00"' in over.text
    assert agent.post("reply", text="When?", later="soon").status_code == 409


def test_an_answer_to_what_its_writer_has_not_seen_is_shown_that_first(world, line, desk):
    agent, admin = desk(), desk("admin")
    seen = agent.seen()
    world.hear(line, {"id": "m2", "from": "+1", "text": "Never mind, it came."})
    refused = agent.post("reply", text="It left today.", seen=seen, key="k")
    assert refused.status_code == 409
    assert "Something was said meanwhile: “Never mind, it came.”" in refused.text
    assert ">It left today.</textarea>" in refused.text
    assert agent.post("reply", text="Good!", seen=agent.seen(), key="k").status_code == 302
    # One's own words are no news, those of a colleague are.
    assert agent.post("reply", text="Bye", seen=seen, headers=SCRIPT).status_code == 409
    seen = admin.seen()
    agent.post("reply", text="Anything else?", seen=agent.seen())
    assert agent.post("reply", text="Bye", seen=seen).status_code == 302
    told = admin.post("reply", text="Bye", seen=seen, headers=SCRIPT).text
    assert "“Anything else?”" in told
    assert "“Bye”" in told


def test_the_first_word_of_a_conversation_is_news_too(desk):
    assert desk().post("reply", text="Hi", seen="", headers=SCRIPT).status_code == 409


def test_a_preview_says_what_the_channel_makes_of_it(world, desk):
    agent = desk()
    text = "word " * 60
    shown = agent.post("preview", text=text, headers=SCRIPT).get_json()
    assert " ".join(shown["parts"]).split() == text.split()
    page = agent.post("preview", text=text)
    assert page.status_code == 200
    assert shown["told"] in page.text
    assert ">word word" in page.text
    assert agent.post("preview", text=" ").status_code == 409
    assert world.provider.said == []


def test_colleagues_know_who_looks_and_who_writes(world, desk):
    agent, admin = desk(), desk("admin")
    agent.see()
    assert "agent@example.org has this open." in admin.see()
    agent.post("typing", mode="reply")
    assert "agent@example.org is writing here." in admin.see()
    assert "admin@example.org has this open." in agent.see()
    assert "agent@example.org" not in found(
        r'id="company"[^>]*>([^<]*)<', agent.client.get(agent.where)
    )
    world.clock.forward(seconds=14)
    assert "agent@example.org is writing here." not in admin.see()
    agent.see()
    assert agent.post("left").status_code == 204
    assert "agent@example.org has" not in admin.see()


def test_without_redis_nobody_is_told_of_anybody(world):
    from redis import Redis

    presence = Presence(Redis(port=1))
    assert presence.note("c", "u", "looks", now=world.hub.now())
    assert presence.there("c", now=world.hub.now()) == {}
    presence.stopped("c", "u")


def test_names_are_listed_as_one_says_them():
    assert words.listed(["Ada"]) == "Ada"
    assert words.listed(["Ada", "Bob", "Eve"]) == "Ada, Bob and Eve"


def test_canned_replies_are_everybodys_or_ones_own(world, desk, people):
    agent, admin = desk(), desk("admin")
    assert "Write the first one" in agent.see("/canned")
    assert (
        agent.post("/canned/new", shortcut="/Thanks", text="Thanks, {first_name}!").status_code
        == 302
    )
    assert (
        admin.post("/canned/new", shortcut="thanks", text="From all", shared="1").status_code == 302
    )
    assert agent.post("/canned/new", shortcut="x", text="x", shared="1").status_code == 403
    double = agent.post("/canned/new", shortcut="thanks", text="Again")
    assert (double.status_code, ">Again</textarea>" in double.text) == (422, True)
    wrong = agent.post("/canned/new", shortcut="two words", text="x")
    assert wrong.status_code == 422
    assert "Shortcut: Take 1 to 40 letters" in wrong.text
    assert 'aria-describedby="shortcut-help shortcut-problem" aria-invalid="true"' in wrong.text
    offered = agent.client.get(f"{agent.where}/canned?q=tha").get_json()
    assert {one["text"] for one in offered} == {"Thanks, Ada!", "From all"}
    offered = admin.client.get(f"{agent.where}/canned?q=tha").get_json()
    assert offered == [{"shortcut": "thanks", "text": "From all"}]
    shared = world.one("SELECT id FROM canned_replies WHERE user_id IS NULL")["id"]
    mine = world.one("SELECT id FROM canned_replies WHERE user_id IS NOT NULL")["id"]
    assert agent.client.get(f"/canned/{shared}").status_code == 403
    assert admin.client.get(f"/canned/{mine}").status_code == 404
    assert agent.post(f"/canned/{mine}", shortcut="ta", text="Ta!").status_code == 302
    assert "/ta</a>" in agent.see("/canned")
    assert agent.post(f"/canned/{mine}/delete").status_code == 302
    assert agent.client.get(f"/canned/{mine}").status_code == 404
    actions = [row["action"] for row in world.rows("SELECT action FROM audit ORDER BY id")]
    assert actions[-2:] == ["canned_reply.changed", "canned_reply.deleted"]


def test_a_canned_reply_with_what_nobody_fills_in_is_not_saved(world, desk):
    agent = desk()
    typed = "Dear {{name}}, {nmae} and {First Name} of {channel}: { and {3} stay."
    wrong = agent.post("/canned/new", shortcut="hi", text=typed)
    assert wrong.status_code == 422
    assert (
        "Text: Nobody fills in {{name}}, {nmae}, {First Name}: "
        "only {name}, {first_name}, {channel} and {agent} are."
    ) in wrong.text
    assert f">{typed}</textarea>" in wrong.text
    assert world.rows("SELECT id FROM canned_replies") == []
    known = "Dear {name} ({first_name}), {agent} of {channel}: {} and {3} stay."
    assert agent.post("/canned/new", shortcut="hi", text=known).status_code == 302


def test_what_is_filled_in_is_told_where_the_text_is_written(desk):
    names = PLACEHOLDERS.replace(",", "").replace(" and", "").split()
    told = {*re.findall(r"\{\w+\}", desk().see("/canned/new"))}
    assert told == {*names} == {f"{{{field.name}}}" for field in fields(Filling)}
    docs = (Path(__file__).parents[3] / "docs/api.md").read_text()
    assert all(f"`{name}`" in docs for name in names)


def test_what_nobody_knows_stays_as_it_was_written():
    filling = Filling(name="{what}", first_name="", channel="", agent="")
    assert filled_in("{name} {what} {", filling) == "{what} {what} {"


def test_a_new_conversation_begins_with_a_channel(world, line, desk):
    agent = desk()
    assert f'href="/inbox/new?channel={line.id}"' in agent.see("/inbox/new")
    page = agent.see("/inbox/new", channel=line.id)
    assert 'name="address"' in page
    form = {"channel": line.id, "address": "+2", "text": "Hello Bob", "key": "k"}
    for _ in range(2):
        sent = agent.post("/inbox/new", **form)
    world.work()
    assert world.provider.said == ["Hello Bob"]
    assert "Hello Bob" in agent.see(sent.headers["Location"])
    empty = agent.post("/inbox/new", channel=line.id, address="+3", text=" ")
    assert (empty.status_code, 'value="+3"' in empty.text) == (409, True)
    assert agent.client.get("/inbox/new?channel=other").status_code == 404


@pytest.fixture
def templates(world, line, monkeypatch):
    """Two templates of the channel, one of them approved, and a window that is over."""
    values = {
        "channel_id": line.id,
        "language": "en",
        "provider_status": "",
        "category": "UTILITY",
        "quality": "",
        "parameter_format": "",
    }
    known = {}
    for name, status in (("order_ok", "approved"), ("old", "rejected")):
        parameters = (
            TemplateParameter(name="1", max_length=5),
            TemplateParameter(name="header.city", required=False),
            TemplateParameter(name="button.1.url", required=False),
        )
        known[name, "en"] = KnownTemplate(
            id=name,
            name=name,
            language="en",
            category="UTILITY",
            status=TemplateStatus(status),
            reason="",
            parameters=parameters,
        )
        world.write(
            "INSERT INTO templates (id, name, status, reason, components, created_at, changed_at, "
            "channel_id, language, provider_status, category, quality, parameter_format) VALUES "
            "(:name, :name, :status, '', :components, '2026-01-01', '2026-01-01', :channel_id, "
            ":language, :provider_status, :category, :quality, :parameter_format)",
            name=name,
            status=status,
            components='[{"type": "HEADER", "text": "Hi from {{city}}"}, '
            '{"type": "BODY", "text": "Order {{1}} is <ready>."}, '
            '{"type": "BUTTONS", "buttons": [{"text": "No"}, {"text": "Track it"}]}]',
            **values,
        )
    can = line.hooks.capabilities
    wanted = {
        "outbound": can.outbound | {"template"},
        "templates": True,
        "window": timedelta(hours=24),
    }
    # All tests of a process share the channel type, and so what it can.
    before = {name: getattr(can, name) for name in wanted}
    for name, value in wanted.items():
        object.__setattr__(can, name, value)
    monkeypatch.setattr("hubbub.directory.known_templates", lambda db, channel_id: known)
    world.write("UPDATE channels SET version = version + 1")
    yield
    for name, value in before.items():
        object.__setattr__(can, name, value)


def test_outside_the_window_a_template_is_filled_in_and_sent(world, desk, templates):
    agent = desk()
    assert "Replies of your own until <time" in agent.see()
    assert re.search(r"Reply window closes <time[^>]*>in 1 day<", agent.see("/inbox"))
    world.clock.forward(hours=25)
    assert "Reply window closes" not in agent.see("/inbox")
    page = agent.see()
    assert 'id="composer"' not in page
    assert f'href="{agent.where}/templates">Send a template</a>' in page
    page = agent.see(f"{agent.where}/templates")
    assert f'href="{agent.where}/templates/order_ok"' in page
    assert "The template is rejected." in page
    assert agent.client.get(f"{agent.where}/templates/old").status_code == 404
    form = f"{agent.where}/templates/order_ok"
    page = agent.see(form)
    assert '<mark data-fills="1" data-blank="{{1}}">{{1}}</mark> is &lt;ready&gt;.' in page
    assert 'data-fills="header.city"' in page
    assert "End of the address behind “Track it”" in page
    wrong = agent.post(form, **{"parameter.1": "far too long"})
    assert wrong.status_code == 409
    assert "Take at most 5 characters." in wrong.text
    assert 'value="far too long"' in wrong.text
    assert agent.post(form, **{"parameter.1": "42"}).headers["Location"] == agent.where
    assert "order_ok" in agent.see()


def test_somebody_new_is_written_to_with_a_template(world, line, desk, templates):
    agent = desk()
    page = agent.see("/inbox/new", channel=line.id)
    assert "The contact has never written" in page
    assert 'name="text"' not in page
    assert "template=order_ok" in page
    form = {"channel": line.id, "template": "order_ok", "address": "+9", "parameter.1": "7"}
    sent = agent.post("/inbox/new", **form)
    assert sent.status_code == 302
    assert "+9" in agent.see(sent.headers["Location"])
    assert agent.post("/inbox/new", **form | {"parameter.1": ""}).status_code == 409
