"""The pages of channels: forms that say what is wrong, and secrets that are never shown."""

import json
import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from markupsafe import escape

from hubbub.alive import say_alive
from hubbub.deliver.queries import pause_bulk
from hubbub.store.session import transaction
from tests.core.ui.kit import asked
from tests.services.parrot import Parrot


def test_a_secret_that_was_typed_is_not_sent_back_with_an_error(admin, line):
    typed = {"name": "", "credentials.secret": "polly"}
    refused = admin.fill(f"/channels/{line.id}/change", **typed)
    assert refused.status_code == 422
    assert "polly" not in refused.text.replace("polly wants a cracker", "")
    assert 'id="name-problem"' in refused.text
    assert "type them once more" in refused.text
    # Nothing has to be typed again where nothing was.
    assert "type them once more" not in admin.fill(f"/channels/{line.id}/change", name="").text


def test_a_secret_that_was_typed_is_missed_wherever_the_form_comes_back(admin, line):
    typed = {"name": "Perch", "credentials.secret": "polly", "do": "more:settings.x"}
    assert "type them once more" in admin.fill(f"/channels/{line.id}/change", **typed).text


@pytest.mark.parametrize("tab", ["", "/webhook", "/calls", "/quarantine", "/audit"])
def test_what_there_is_to_choose_from_is_read_for_settings_alone(admin, world, line, tab):
    def reads(page):
        with asked(world.hub.engine) as statements:
            assert admin.get(f"/channels/{line.id}{page}").status_code == 200
        return any("FROM teams" in one for one, _ in statements)

    assert reads("/settings")
    assert not reads(tab)


def test_a_secret_left_empty_stays(admin, world, line):
    changed = admin.fill(f"/channels/{line.id}/change", name="Other")
    assert changed.status_code == 302
    assert '<p class="good" role="status">Saved.</p>' in admin.get(changed.location).text
    assert world.line(line.id).connection.fields.credentials.secret == "polly wants a cracker"
    assert "Other" in admin.get("/channels").text


def test_a_secret_is_replaced_with_an_overlap(admin, world, line):
    where = f"/channels/{line.id}"
    changed = {"name": "Perch", "credentials.secret": "jolly", "old_for": "day"}
    assert admin.fill(f"{where}/change", **changed).status_code == 302
    assert 'id="old-until"' in admin.get(f"{where}/settings").text
    world.clock.forward(days=1)
    assert 'id="old-until"' not in admin.get(f"{where}/settings").text


def test_a_channel_that_nobody_calls_shows_no_webhook(admin, world, line):
    where = f"/channels/{line.id}"
    assert 'id="webhook"' in admin.get(f"{where}/webhook").text
    assert 'id="old-for"' in admin.get(f"{where}/settings").text
    world.hub.plugins.sources.append(SimpleNamespace(type="parrot", wanted=lambda _: True))
    page = admin.get(f"{where}/webhook").text
    assert "<h2>Receiving</h2>" in page
    assert "The hub fetches what comes by itself" in page
    assert 'id="webhook"' not in page
    assert 'id="old-for"' not in admin.get(f"{where}/settings").text


class _Fetched:
    """A source of parrots' messages, held by a listener."""

    type = "parrot"

    def wanted(self, connection):
        return True


@pytest.mark.parametrize("page", ["/channels", "/inbox"])
def test_a_listener_is_missed_where_a_channel_needs_one(admin, world, line, page):
    with transaction(world.hub.engine) as db:
        for kind in ("worker", "scheduler"):
            say_alive(db, kind, kind, world.hub.now())
    assert 'class="banner" role="status">No ' not in admin.get(page).text
    world.hub.plugins.sources.append(_Fetched())
    assert "No listener is running" in admin.get(page).text
    with transaction(world.hub.engine) as db:
        say_alive(db, "listener", "listener", world.hub.now())
    assert "No listener is running" not in admin.get(page).text


def test_it_is_shown_that_campaigns_wait(admin, world, line):
    until = world.clock.now + timedelta(hours=24)
    with transaction(world.hub.engine) as db:
        pause_bulk(db, line.id, until=until)
    assert "They are sent in 1 day." in admin.get(f"/channels/{line.id}").text
    world.clock.forward(days=1)
    assert "campaigns" not in admin.get(f"/channels/{line.id}").text


def test_what_the_check_found_is_shown(admin, line):
    page = admin.fill(f"/channels/{line.id}/check").text
    assert "It talks." in page


def test_a_channel_whose_plugin_is_gone_says_so_and_can_be_deleted(admin, world, line):
    del world.hub.plugins.channels["parrot"]
    world.hub.plugins.__dict__.pop("_channel_hooks")
    page = admin.get(f"/channels/{line.id}").text
    assert "The plugin that offers &#39;parrot&#39; is not loaded." in page
    assert "Delete this channel" in admin.get(f"/channels/{line.id}/settings").text
    assert admin.fill(f"/channels/{line.id}/change", name="x").status_code == 404


def test_a_deleted_channel_is_named_as_such_in_its_conversations(admin, world, line):
    assert admin.fill(f"/channels/{line.id}/delete", name="Perch").status_code == 302
    conversation = world.one("SELECT id FROM conversations")["id"]
    assert "The channel was deleted." in admin.get(f"/inbox/{conversation}").text


def test_a_credential_that_was_renamed_is_asked_for_in_the_form(admin, line, monkeypatch):
    required = '<input id="credentials-secret" name="credentials.secret" type="password"'
    monkeypatch.setattr(
        "hubbub.ui.channels.settings_page.stored_credentials", lambda *_: frozenset({"old"})
    )
    shown = next(
        one
        for one in admin.get(f"/channels/{line.id}/settings").text.splitlines()
        if required in one
    )
    assert " required" in shown


def test_what_a_deletion_touches_is_counted_up_to_an_end(admin, world, line, monkeypatch):
    settings = f"/channels/{line.id}/settings"
    assert "Its 1 conversation with 1 message stay" in admin.get(settings).text
    world.hear(line, {"from": "+1", "text": "And"})
    monkeypatch.setattr("hubbub.ui.channels.settings_page._COUNTED", 1)
    assert "Its 1 conversation with more than 1 messages stay" in admin.get(settings).text


def test_a_channel_is_deleted_by_its_name_alone(admin, line):
    assert admin.fill(f"/channels/{line.id}/delete", name="another").status_code == 422
    assert admin.fill(f"/channels/{line.id}/delete", name="Perch").status_code == 302
    assert admin.get(f"/channels/{line.id}").status_code == 404


def test_a_call_that_is_not_authentic_is_not_released(admin, world, line):
    world.call(line, {"items": []}, secret="wrong")
    call = world.one("SELECT id FROM calls WHERE state = 'quarantined'")["id"]
    page = admin.fill(f"/calls/{call}/again")
    assert page.status_code == 422
    assert "It is still not authentic" in page.text
    assert admin.fill(f"/calls/{call}/again", force="yes").status_code == 302
    world.work()
    assert world.rows("SELECT id FROM calls WHERE state = 'quarantined'") == []
    noted = world.one("SELECT actor, object_id, detail FROM audit WHERE action = 'call.released'")
    assert (noted["object_id"], noted["actor"][:5]) == (line.id, "user:")
    assert json.loads(noted["detail"]) == {"call": call, "force": True}
    assert "released a call from quarantine" in admin.get(f"/channels/{line.id}/audit").text


def test_a_call_that_was_run_again_is_noted_and_says_that_nothing_more_was_done(admin, world, line):
    call = world.one("SELECT id FROM calls")["id"]
    assert "<strong>applied</strong>" in admin.get(f"/calls/{call}").text
    assert admin.fill(f"/calls/{call}/again").status_code == 302
    world.work()
    page = admin.get(f"/calls/{call}").text
    assert "<strong>took effect before</strong> Message received: nothing more was done" in page
    assert "duplicate" not in page
    noted = world.one("SELECT detail FROM audit WHERE action = 'call.replayed'")
    assert json.loads(noted["detail"]) == {"call": call}
    assert "ran a kept call again" in admin.get(f"/channels/{line.id}/audit").text


def test_calls_are_listed_by_what_became_of_them_with_the_reason_and_page_by_page(
    admin, world, line, monkeypatch
):
    monkeypatch.setattr("hubbub.ui.channels.calls_page._PAGE", 2)
    world.hear(line, {"what": "nothing known"})
    for _ in range(3):
        world.call(line, {"items": []}, secret="wrong")
    page = admin.get(f"/channels/{line.id}/calls?state=quarantined").text
    assert page.count("<tr id=") == 2
    (older,) = re.findall(r'id="older" href="([^"]+)"', page)
    assert admin.get(unescape(older)).text.count("<tr id=") == 1
    call, *_ = world.rows(
        "SELECT state, outcomes FROM calls WHERE state <> 'quarantined' ORDER BY id DESC"
    )
    listed = admin.get(f"/channels/{line.id}/calls?state={call['state']}").text
    why = json.loads(call["outcomes"])[0]["reason"]
    assert escape(why) in listed
    assert escape(why) in admin.get(f"/channels/{line.id}").text


def test_calls_are_listed_with_who_said_what_in_them(admin, world, line):
    word = {"id": "m2", "from": "+2", "name": "Max", "text": "Where is <it>?"}
    world.hear(line, word, {**word, "id": "m3", "text": "Hello?"})
    listed = admin.get(f"/channels/{line.id}/calls").text
    assert "<bdi>Max: Where is &lt;it&gt;? (and 1 more)</bdi>" in listed
    assert "<bdi>Ada: Hello</bdi>" in listed


def test_a_call_can_be_read_and_saved_by_admins_without_the_channels_secrets(
    admin, browser, world, line
):
    world.hear(line, {"id": "m1", "text": "<b>Hello</b> polly wants a cracker"})
    call = world.rows("SELECT id FROM calls ORDER BY id DESC")[0]["id"]
    page = admin.get(f"/calls/{call}").text
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page
    saved = admin.get(f"/calls/{call}/body")
    assert b"<b>Hello</b>" in saved.data
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert "wants a cracker" not in page + saved.text
    for path in (f"/calls/{call}", f"/calls/{call}/body", f"/channels/{line.id}/calls"):
        assert browser("agent").get(path).status_code == 403
    assert admin.get("/calls/nowhere").status_code == 404


def test_a_new_colleague_gets_a_link_that_is_shown_once(admin):
    page = admin.fill("/operate/people", email="new@example.org", role="agent", password="")
    assert "/welcome/" in page.text
    assert "/welcome/" not in admin.get("/operate/people").text
    again = admin.fill("/operate/people", email="new@example.org", role="agent", password="")
    assert again.status_code == 422
    assert "already a user" in again.text


def test_a_token_may_only_read_unless_somebody_says_more(admin):
    page = admin.get("/operate/tokens").text
    assert re.findall(r'name="scope" value="(\w+)" checked', page) == ["read"]


def test_a_token_is_shown_once_and_revoked(admin, world):
    page = admin.fill("/operate/tokens", name="Robot", scope=["read", "write"])
    assert 'value="hub_' in page.text
    assert ">read, write</td>" in page.text
    assert 'value="hub_' not in admin.get("/operate/tokens").text
    token = world.one("SELECT id FROM tokens")["id"]
    refused = admin.fill("/operate/tokens", name="Idle")
    assert (refused.status_code, "Take one or more of" in refused.text) == (422, True)
    admin.fill(f"/operate/tokens/{token}/revoke")
    assert "revoked" in admin.get("/operate/tokens").text


def test_a_form_that_is_loaded_again_makes_no_second_token(admin, world):
    form = {"name": "Robot", "scope": ["read"], "key": "one"}
    assert 'value="hub_' in admin.fill("/operate/tokens", **form).text
    again = admin.fill("/operate/tokens", **form)
    assert (again.status_code, "was made already" in again.text) == (409, True)
    assert len(world.rows("SELECT id FROM tokens")) == 1


def test_a_type_that_its_provider_retired_says_what_to_use_instead(admin, line, monkeypatch):
    for page in ("/channels/add", "/channels/add/parrot", f"/channels/{line.id}"):
        assert "Legacy" not in admin.get(page).text
    monkeypatch.setattr(Parrot, "legacy", "Parrots have left. Use Cockatoo.")
    for page in ("/channels/add", "/channels/add/parrot", f"/channels/{line.id}"):
        assert "Use Cockatoo." in admin.get(page).text


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "just now"), (6, "for 6 minutes"), (1500, "for 1 day")]
)
def test_for_how_long_a_channel_has_been_so_is_a_sentence(world, admin, line, minutes, said):
    world.clock.forward(minutes=minutes)
    assert f">{said}</time>" in admin.get(f"/channels/{line.id}").text
