"""The editor of a channel's rules: nothing is in force before it is saved, and nothing is lost."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from hubbub.connect.routes import WantedRoutes, current_routes, save_routes
from hubbub.people.teams import create_team
from tests.core.ui.kit import found
from tests.services.guest import Length

MENU = {"name": "Menu", "when": {"text": {"word": ["menu"]}}, "to": {"type": "keyword"}}
SALES = {
    "name": "Sales",
    "when": {"text": {"contains": ["price"]}},
    "to": {"type": "inbox", "team": "sales"},
}
BOT = {"type": "chatbot", "url": "https://bot.example", "secret": "a secret of good length"}


class Form(HTMLParser):
    """Reads what a browser would send of the form of a rule."""

    def __init__(self, page):
        super().__init__()
        self.fields, self._in, self._select, self._area = [], False, None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        if tag == "form":
            self._in = "rule-form" in at.get("class", "")
        elif self._in and tag == "input":
            if at.get("type") != "checkbox" or "checked" in at:
                self.fields.append((at["name"], at.get("value", "")))
        elif self._in and tag == "select":
            self._select = at["name"]
            self.fields.append((self._select, None))
        elif tag == "option" and self._select:
            if self.fields[-1][1] is None or "selected" in at:
                self.fields[-1] = (self._select, at.get("value", ""))
        elif self._in and tag == "textarea":
            self._area = at["name"]
            self.fields.append((self._area, ""))

    def handle_data(self, data):
        if self._area:
            self.fields[-1] = (self._area, data)

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = None
        if tag == "select":
            self._select = None
        if tag == "form":
            self._in = False


def filled(page, **changes):
    """Return what the form of a page sends after ``changes``; None takes a field out."""
    sent: dict[str, Any] = {}
    for name, value in Form(page).fields:
        sent.setdefault(name, []).append(value)
    sent |= changes
    return {name: value for name, value in sent.items() if value is not None}


@pytest.fixture
def save(world, line):
    def put(*rules, **more):
        wanted = WantedRoutes(routes=rules, accept_conflicts=True, **more)
        return save_routes(world.hub, line.id, wanted, actor="cli")

    return put


@pytest.fixture
def where(line):
    return f"/channels/{line.id}/routing"


@pytest.fixture
def in_force(world, line):
    """Return the names of the rules in force, in their order."""
    return lambda: [route.name for route in current_routes(world.hub, line.id).routes]


def names(page):
    """Return the names of the rules as the page lists them."""
    return [unescape(one) for one in re.findall(r'<h2><a href="[^"]+">([^<]+)</a></h2>', page)]


def ids(page):
    return re.findall(r'<li class="card rule[^"]*" id="rule-([^"]+)"', page)


def shown_draft(page):
    return found(r'name="draft" value="([^"]+)"', page)


def press(admin, where, rule_id, what):
    return admin.fill(f"{where}/rules/{rule_id}/act", do=what)


def test_rules_read_as_sentences_with_the_fallback_at_the_end(admin, where, save):
    save(MENU, SALES)
    page = admin.get(where).text
    assert names(page) == ["Menu", "Sales"]
    assert "If the text has the word “menu”, then to <strong>Keyword bot</strong>." in page
    assert "then to <strong>Team inbox, team sales</strong>." in page
    assert "Everything else goes to <strong>Team inbox</strong>." in page


def test_what_is_done_is_a_draft_until_it_is_saved(admin, where, save, in_force):
    save(MENU, SALES)
    _, sales = ids(admin.get(where).text)
    assert press(admin, where, sales, "up").status_code == 302
    page = admin.get(where).text
    assert names(page) == ["Sales", "Menu"]
    assert "1 change that is not in force yet" in page
    assert "moved from place" in page
    assert in_force() == ["Menu", "Sales"]
    saved = admin.fill(f"{where}/save", accept=re.findall(r'name="accept" value="(\w+)"', page))
    assert saved.status_code == 302
    assert "Saved: version 3 is in force." in admin.get(saved.headers["Location"]).text
    assert in_force() == ["Sales", "Menu"]


def test_rules_are_moved_switched_copied_deleted_and_all_of_it_undone(admin, where, save):
    save(MENU, SALES)
    menu, sales = ids(admin.get(where).text)
    press(admin, where, menu, "move:1")
    press(admin, where, sales, "switch")
    press(admin, where, menu, "copy")
    answer = press(admin, where, sales, "delete")
    page = admin.get(answer.headers["Location"]).text
    assert "Undo brings it back" in page
    assert names(page) == ["Menu", "Menu (copy)"]
    admin.fill(f"{where}/undo")
    page = admin.get(where).text
    assert names(page) == ["Sales", "Menu", "Menu (copy)"]
    assert "Switched off" in page
    for _ in range(3):
        admin.fill(f"{where}/undo")
    page = admin.get(where).text
    assert names(page) == ["Menu", "Sales"]
    assert "It is what is in force" in page


def test_a_draft_is_its_makers_own_and_gone_once_it_is_thrown_away(
    admin, world, where, save, people
):
    save(MENU)
    press(admin, where, ids(admin.get(where).text)[0], "delete")
    # It cannot be brought back: nobody does it by one wrong press.
    asks = r'<details><summary>Throw away…</summary>\s*<p>[^<]+</p>\s*<button formaction="[^"]+/discard">'
    assert re.search(asks, admin.get(where).text)
    assert world.one("SELECT user_id FROM route_drafts")["user_id"] == people["admin"]
    admin.fill(f"{where}/discard")
    assert names(admin.get(where).text) == ["Menu"]
    assert world.rows("SELECT id FROM route_drafts") == []


def new_rule(admin, where):
    made = admin.fill(f"{where}/add")
    assert made.status_code == 302
    return made.headers["Location"].partition("?")[0]


def test_a_rule_is_made_in_its_form_without_a_script(admin, where, in_force, world, line):
    form = new_rule(admin, where)

    def send(**changes):
        answer = admin.post(form, data=filled(admin.get(form).text, **changes))
        assert answer.status_code == 302
        return answer.headers["Location"]

    send(**{"name": "Late", "when.add": "text.word", "do": "add:when"})
    send(**{"when.0.value": "menu\n\nhours", "when.add": "group", "do": "add:when"})
    send(**{"when.1.add": "time", "do": "add:when.1"})
    send(**{"when.1.add": "content_type", "do": "add:when.1"})
    send(
        **{
            "when.1.0.not": "yes",
            "when.1.0.value.zone": "Europe/Berlin",
            "when.1.1.value": ["image", "video"],
            "to.type": "keyword",
            "do": "type",
        }
    )
    send(do="row:to.answers")
    checked = send(**{"to.answers.0.match": "menu"})
    page = admin.get(checked).text
    assert "Give either an answer" in page
    assert '<a href="#to-answers-0">' in page
    assert send(**{"to.answers.0.reply": "Soup."}).startswith(f"{where}?did=kept")
    admin.fill(f"{where}/save")
    assert in_force() == ["Late"]
    (route,) = current_routes(world.hub, line.id).routes
    days = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
    assert route.when == {
        "all": [
            {"text": {"word": ["menu", "hours"]}},
            {
                "any": [
                    {"not": {"time": {**days, "zone": "Europe/Berlin"}}},
                    {"content_type": ["image", "video"]},
                ]
            },
        ]
    }
    assert route.to.settings["answers"] == [{"match": "menu", "reply": "Soup."}]


def test_parts_of_a_rule_are_removed_again(admin, where, save, world, line):
    answers = [{"match": "a", "reply": "A"}, {"match": "b", "reply": "B"}]
    keyword = {"type": "keyword", "answers": answers}
    save({**MENU, "when": {"text": {"word": "menu"}, "first_message": False}, "to": keyword})
    form = f"{where}/rules/{ids(admin.get(where).text)[0]}"
    admin.post(form, data=filled(admin.get(form).text, do="remove:when.0"))
    admin.post(form, data=filled(admin.get(form).text, do="unrow:to.answers.0"))
    page = admin.get(form).text
    sent = filled(page)
    assert (sent["when.0.kind"], sent["when.0.not"]) == (["first_message"], ["yes"])
    assert "when.1.kind" not in sent
    assert (sent["to.answers.0.match"], "to.answers.1.match" in sent) == (["b"], False)


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"text": {"word": ["a", "b c"]}, "content_type": ["text"]},
        {"all": [{"text": {"word": ["a"]}}, {"text": {"word": ["b"]}}]},
        {"any": [{"sender": {"starts_with": ["+49"]}}, {"not": {"command": ["start"]}}]},
        {"all": [{"any": [{"first_message": True}]}]},
        {"not": {"any": [{"choice": {"equals": ["yes"]}}, {"not": {"all": [{"command": ["x"]}]}}]}},
        {"time": {"days": ["sat"], "zone": "Europe/Berlin"}},
        {"time": {"from": "22:00", "to": "06:00", "zone": "UTC"}},
        {"text": {"matches": ["order #?\\d{4}"]}},
    ],
    ids=json.dumps,
)
def test_a_form_that_is_sent_as_it_came_changes_nothing(admin, where, save, world, line, when):
    save({**SALES, "when": when, "to": BOT})
    form = f"{where}/rules/{ids(admin.get(where).text)[0]}"
    answer = admin.post(form, data=filled(admin.get(form).text))
    assert "did=kept" in answer.headers["Location"]
    page = admin.get(where).text
    assert "It is what is in force" in page, page[page.index("Your draft") :][:600]


def test_a_secret_is_never_shown_and_stays_while_its_address_does(
    admin, where, save, world, line, in_force
):
    save({**MENU, "to": BOT})
    form = f"{where}/rules/{ids(admin.get(where).text)[0]}"
    assert BOT["secret"] not in admin.get(form).text + admin.get(where).text
    admin.post(form, data=filled(admin.get(form).text, name="Other"))
    assert admin.fill(f"{where}/save").status_code == 302
    (route,) = current_routes(world.hub, line.id).routes
    assert (route.name, route.to.settings["secret"]) == ("Other", BOT["secret"])
    moved = admin.post(
        form, data=filled(admin.get(form).text, **{"to.url": "https://thief.example"})
    )
    page = admin.get(moved.headers["Location"]).text
    assert "Enter it again: it is kept only where it stood" in page
    refused = admin.fill(f"{where}/save")
    assert refused.status_code == 422
    assert "“Other”: Enter it again" in refused.text
    assert in_force() == ["Other"]


def test_a_copy_of_a_rule_has_its_secret(admin, where, save, world, line):
    save({**MENU, "to": BOT})
    press(admin, where, ids(admin.get(where).text)[0], "copy")
    copy = ids(admin.get(where).text)[1]
    form = f"{where}/rules/{copy}"
    admin.post(form, data=filled(admin.get(form).text, **{"when.0.value": "copy"}))
    assert admin.fill(f"{where}/save").status_code == 302
    routes = current_routes(world.hub, line.id).routes
    assert [route.to.settings["secret"] for route in routes] == [BOT["secret"]] * 2


def test_half_a_rule_is_kept_and_says_so_and_is_not_saved(admin, where, in_force):
    form = new_rule(admin, where)
    admin.post(
        form, data=filled(admin.get(form).text, **{"when.add": "text.matches", "do": "add:when"})
    )
    answer = admin.post(
        form, data=filled(admin.get(form).text, **{"when.0.value": "(", "name": ""})
    )
    page = admin.get(answer.headers["Location"]).text
    assert "no regular expression that RE2 understands" in page
    assert ">(</textarea>" in page
    listed = admin.get(where).text
    assert "Not finished" in listed
    refused = admin.fill(f"{where}/save")
    assert refused.status_code == 422
    assert "Nothing was saved; your draft is kept." in refused.text
    assert in_force() == []


def test_the_fallback_is_changed_like_a_rule(admin, where, world, line):
    form = f"{where}/rules/fallback"
    page = admin.get(form).text
    admin.post(form, data=filled(page, **{"to.team": "night"}))
    assert "Everything goes to <strong>Team inbox, team night</strong>" in admin.get(where).text
    admin.fill(f"{where}/save")
    assert current_routes(world.hub, line.id).fallback.settings == {"team": "night"}


def test_conflicts_are_shown_at_both_rules_and_saved_only_once_accepted(admin, where, save):
    save(MENU)
    press(admin, where, ids(admin.get(where).text)[0], "copy")
    page = admin.get(where).text
    assert page.count('<p class="clash">') == 2
    assert "For example “menu”" in page
    assert re.search("“Menu” and “[^”]+” match the same messages: only “Menu” gets them[.]", page)
    refused = admin.fill(f"{where}/save")
    assert refused.status_code == 422
    assert "Some of these rules get in each other&#39;s way" in refused.text
    assert not re.search("these routes|accept the conflicts", refused.text)
    (key,) = re.findall(r'name="accept" value="(\w+)"', page)
    assert admin.fill(f"{where}/save", accept=key).status_code == 302
    # Who accepted a conflict is not asked again while it stays the same.
    _, copy = ids(admin.get(where).text)
    press(admin, where, copy, "switch")
    press(admin, where, copy, "switch")
    assert "Accepted:" in admin.get(where).text
    form = f"{where}/rules/fallback"
    admin.post(form, data=filled(admin.get(form).text, **{"to.team": "night"}))
    assert admin.fill(f"{where}/save").status_code == 302


def test_who_was_overtaken_is_told_and_loses_nothing(admin, where, save, in_force):
    save(MENU)
    form = f"{where}/rules/{ids(admin.get(where).text)[0]}"
    admin.post(form, data=filled(admin.get(form).text, name="Mine"))
    save({"id": "sales", **SALES})
    refused = admin.fill(f"{where}/save")
    assert refused.status_code == 422
    assert "Somebody else saved meanwhile" in refused.text
    assert "Removed rule 1 “Menu”" in refused.text
    assert names(refused.text) == ["Mine"]
    admin.fill(f"{where}/over")
    assert admin.fill(f"{where}/save").status_code == 302
    assert in_force() == ["Mine"]


@pytest.mark.parametrize("what", ["save", "discard", "json"])
def test_a_page_that_shows_an_older_draft_changes_nothing_and_says_so(admin, where, in_force, what):
    admin.fill(f"{where}/add")
    older = admin.get(where)
    admin.fill(f"{where}/add")
    form = {"draft": shown_draft(older)}
    if what == "json":
        form["routes"] = '{"routes": [], "fallback": {"type": "inbox"}}'
    refused = admin.fill(f"{where}/{what}", **form)
    assert refused.status_code == 409
    assert "in another window meanwhile" in refused.text
    assert names(refused.text) == ["New rule", "New rule"]
    assert in_force() == []
    if what == "json":
        assert "&#34;routes&#34;: []," in refused.text
    newer = shown_draft(refused)
    assert admin.fill(f"{where}/{what}", **form | {"draft": newer}).status_code != 409


def test_a_message_is_followed_rule_by_rule(admin, where, save):
    save(MENU, {**SALES, "enabled": False}, {**SALES, "name": "All", "when": {}})
    page = admin.fill(f"{where}/explain", text="What price?", kind="text").text
    assert "<strong>“What price?”</strong> goes to <strong>Team inbox, team sales" in page
    assert re.findall(r"rule is-(\w+)", page) == ["passed", "off", "matched"]
    assert "the text has the word “menu”" in page
    assert "(saw “What price?”)" in page
    night = {"text": "x", "kind": "image", "at": "2026-01-05T23:00", "zone": "Nowhere"}
    assert "Write a day and a time, and a time zone" in admin.fill(f"{where}/explain", **night).text


def test_a_message_that_came_in_is_followed_and_compared_with_today(
    admin, where, save, world, line
):
    save({**MENU, "when": {"text": {"word": "hello"}, "first_message": True}})
    message = world.one("SELECT id FROM messages WHERE direction = 'inbound'")["id"]
    page = admin.get(f"{where}?message={message}").text
    assert "goes to <strong>Keyword bot</strong>, by “Menu”" in page
    assert "By the rules in force" not in page
    press(admin, where, ids(page)[0], "delete")
    page = admin.get(f"{where}?message={message}").text
    assert "By the rules in force it goes to Keyword bot, by “Menu”." in page
    assert "No contact wrote such a message" in admin.get(f"{where}?message=none").text


def test_the_draft_is_tried_on_what_came_in(admin, where, save, world, line):
    world.hear(line, {"id": "m2", "from": "+2", "name": "Grace", "text": "menu please"})
    save(MENU)
    press(admin, where, ids(admin.get(where).text)[0], "delete")
    page = admin.get(f"{where}/dry-run").text
    assert "asked about all 2 messages" in page
    assert "1 would go elsewhere than today" in page
    assert "menu please" in page
    assert "Keyword bot, by “Menu”" in page
    world.clock.forward(days=8)
    assert "Nothing to ask about" in admin.get(f"{where}/dry-run").text


def test_a_dry_run_is_bounded_and_says_so(admin, where, world, line, monkeypatch):
    world.hear(line, {"id": "m2", "from": "+1", "name": "Ada", "text": "again"})
    monkeypatch.setattr("hubbub.connect.dryrun._BATCH", 1)
    assert "asked about all 2 messages" in admin.get(f"{where}/dry-run").text
    monkeypatch.setattr("hubbub.connect.dryrun._MOST", 1)
    page = admin.get(f"{where}/dry-run").text
    assert "the latest 1 message of the last 7 days; there were more" in page


def test_what_would_go_elsewhere_is_shown_page_by_page(admin, where, line, monkeypatch, world):
    monkeypatch.setattr("hubbub.ui.routing.past._EXAMPLES", 1)
    world.hear(line, {"id": "m2", "from": "+1", "name": "Ada", "text": "again"})
    form = f"{where}/rules/fallback"
    admin.post(form, data=filled(admin.get(form).text, **{"to.team": "night"}))
    first, second = (admin.get(f"{where}/dry-run?page={number}").text for number in (1, 2))
    assert ("again" in first, "page=2" in first) == (True, True)
    assert ("Hello" in second, "page=3" in second) == (True, False)


def test_versions_tell_who_changed_what_and_are_rolled_back(admin, where, save, in_force):
    save(MENU)
    save(MENU, SALES)
    page = admin.get(f"{where}/versions").text
    assert "Added rule 2 “Sales”: If the text contains “price”, then to Team inbox" in page
    assert "by <bdi>the command line</bdi>" in page
    one = admin.get(f"{where}/versions/2").text
    assert "Roll back to version 2" in one
    assert admin.fill(f"{where}/versions/2/restore").status_code == 302
    assert in_force() == ["Menu"]
    assert "Version 4 is in force" in admin.get(where).text
    again = admin.fill(f"{where}/versions/4/restore")
    assert (again.status_code, "in force already" in again.text) == (422, True)
    assert admin.get(f"{where}/versions/9").status_code == 404


def test_versions_go_on_from_page_to_page(admin, where, save, monkeypatch):
    monkeypatch.setattr("hubbub.ui.routing.past._VERSIONS", 2)
    save(MENU)
    save(SALES)
    page = admin.get(f"{where}/versions").text
    assert re.findall(r'id="version-(\d)"', page) == ["3", "2"]
    (older,) = re.findall(r'href="([^"]+up_to=\d+)"', page)
    assert re.findall(r'id="version-(\d)"', admin.get(unescape(older)).text) == ["1"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{", "This is not JSON"),
        ("[]", "Write an object with"),
        ('{"routes": ["x"], "fallback": {"type": "inbox"}}', "Write an object with"),
        ('{"routes": [], "fallback": {"type": "nowhere"}}', "nowhere"),
    ],
)
def test_json_that_cannot_be_read_is_kept_with_what_is_wrong(admin, where, written, problem):
    page = admin.fill(f"{where}/json", routes=written)
    assert page.status_code == 422
    assert problem in page.text
    assert f"{written}</textarea>" in unescape(page.text)


def test_json_becomes_the_draft(admin, where, save, in_force):
    save({**MENU, "to": BOT})
    page = admin.get(where).text
    written = unescape(re.findall(r'id="routes"[^>]*>([^<]+)</textarea>', page)[0])
    assert "********" in written
    changed = json.loads(written)
    changed["routes"][0]["name"] = "By hand"
    assert admin.fill(f"{where}/json", routes=json.dumps(changed)).status_code == 302
    assert names(admin.get(where).text) == ["By hand"]
    assert in_force() == ["Menu"]
    admin.fill(f"{where}/save")
    assert in_force() == ["By hand"]


def test_the_decision_on_a_message_leads_to_its_version(admin, browser, save, world, line):
    save(MENU)
    world.hear(line, {"id": "m9", "from": "+9", "name": "Joan", "text": "Hi"})
    message = world.one("SELECT id FROM messages WHERE external_id = 'm9'")["id"]
    conversation = world.one("SELECT conversation_id FROM messages WHERE external_id = 'm9'")
    inbox = admin.get(f"/inbox/{conversation['conversation_id']}").text
    assert f'href="/messages/{message}/trace#why"' in inbox
    page = admin.get(f"/messages/{message}/trace").text
    assert "Decided by version 2 of the rules." in page
    assert f"/channels/{line.id}/routing/versions/2" in page
    assert "the text has the word “menu”" in page
    assert "See that version" not in browser("agent").get(f"/messages/{message}/trace").text


def test_conditions_of_plugins_have_a_form_of_their_own(admin, where, world, line):
    world.hub.plugins.conditions["length"] = Length()
    form = new_rule(admin, where)
    add = {"when.add": "plugin.length", "do": "add:when"}
    admin.post(form, data=filled(admin.get(form).text, **add))
    wrong = admin.post(form, data=filled(admin.get(form).text, **{"when.0.value.above": "many"}))
    assert "length.above:" in admin.get(wrong.headers["Location"]).text
    admin.post(form, data=filled(admin.get(form).text, **{"when.0.value.above": "9"}))
    assert "If length is above 9, then to" in admin.get(where).text
    assert admin.fill(f"{where}/save").status_code == 302
    (route,) = current_routes(world.hub, line.id).routes
    assert route.when == {"plugin": {"length": {"above": 9}}}


def test_a_team_that_there_is_none_of_is_named_above_the_rules(world, admin, line):
    told = "No team is called “nowhere”"
    url = f"/channels/{line.id}/routing"
    assert told not in admin.get(url).text
    wanted = WantedRoutes(routes=[], fallback={"type": "inbox", "team": "Nowhere"})
    save_routes(world.hub, line.id, wanted, actor="cli")
    assert told in admin.get(url).text
    create_team(world.hub, name="Nowhere", actor="cli")
    assert told not in admin.get(url).text


def test_a_team_is_chosen_from_those_there_are(world, admin, where):
    create_team(world.hub, name="Night", actor="cli")
    form = f"{where}/rules/fallback"
    page = admin.get(form).text
    assert '<option value="">Everybody</option><option value="Night">Night</option>' in page
    assert 'href="/operate/teams/new"' in page
    admin.post(form, data=filled(page, **{"to.team": "Night"}))
    assert '<option value="Night" selected>Night</option>' in admin.get(form).text


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("nobody", "nobody (there is none)"), ("night", "Night")],
)
def test_a_team_that_is_spelled_otherwise_or_gone_stays_until_another_is_chosen(
    world, admin, where, save, stored, shown
):
    create_team(world.hub, name="Night", actor="cli")
    save(fallback={"type": "inbox", "team": stored})
    page = admin.get(f"{where}/rules/fallback").text
    assert f'<option value="{stored}" selected>{shown}</option>' in page
    assert filled(page)["to.team"] == [stored]


def test_a_bot_without_answers_is_doubted_and_may_be_saved_all_the_same(admin, where, save):
    save(SALES)
    admin.fill(f"{where}/add")
    rule = ids(admin.get(where).text)[-1]
    edit = f"{where}/rules/{rule}"
    form = filled(admin.get(edit).text, name="Bot", **{"to.type": "keyword", "do": "done"})
    page = admin.get(admin.fill(edit, **form).headers["Location"]).text
    assert "“Bot”: The bot has no answers yet" in page
    assert "Undo: edit “Bot”" in page
    form = filled(admin.get(edit).text, do="done", **{"to.otherwise": "We call you."})
    assert "no answers yet" not in admin.get(admin.fill(edit, **form).headers["Location"]).text
