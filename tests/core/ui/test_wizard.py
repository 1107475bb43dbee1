"""The steps by which a channel is set up: nothing typed is lost, and every state says what is next."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from hubbub.connect.drafts import begin_draft, find_draft
from hubbub.keyring import rekey
from hubbub.sdk import Fields
from hubbub.sdk.errors import AuthFailed
from hubbub.sdk.types import SetupStep
from hubbub.track.retention import forget
from tests.services.parrot import Parrot, Settings

SECRET = "polly wants a nut"


class Open(Fields):
    """The fields of a type that asks for no credentials."""

    settings: Settings = Settings()


@pytest.fixture
def draft(admin):
    """The address of a draft that was just begun."""
    return admin.fill("/channels/add/parrot").headers["Location"]


def filled(**more):
    return {"name": "Pete", "credentials.secret": SECRET, **more}


def test_before_one_begins_one_is_told_what_it_takes(admin, monkeypatch):
    monkeypatch.setattr(Parrot, "needs", ("a parrot", "nuts"))
    monkeypatch.setattr(Parrot, "minutes", 7)
    monkeypatch.setattr(Parrot, "changes", ("The parrot is told to talk to this hub.",))
    step = SetupStep(title="Teach it", text="Say it often.", link="https://parrot.example")
    monkeypatch.setattr(Parrot, "setup_steps", (step,))
    page = admin.get("/channels/add/parrot").text
    for told in ("A parrot", "Nuts", "about 7 minutes", "Say it often.", "https://parrot.example"):
        assert told in page
    assert 'aria-current="step"' in page
    assert (
        "The parrot is told to talk to this hub."
        in admin.get(admin.fill("/channels/add/parrot").headers["Location"]).text
    )


def test_a_channel_is_connected_once_its_provider_has_nothing_against_it(admin, draft, world):
    made = admin.fill(draft, do="connect", **filled())
    assert made.status_code == 302
    assert made.headers["Location"].endswith("/setup/webhook")
    row = world.one("SELECT name, status FROM channels")
    assert (row["name"], row["status"]) == ("Pete", "connected")
    assert admin.get(draft).status_code == 404
    assert admin.fill(draft, do="connect", **filled()).status_code == 404
    assert len(world.rows("SELECT id FROM channels")) == 1


def test_a_refused_form_loses_nothing_that_was_typed_and_shows_no_secret(admin, draft, world):
    refused = admin.fill(draft, do="connect", **filled(name=" ", **{"settings.perch": "oak"}))
    assert refused.status_code == 422
    for page in (refused.text, admin.get(draft).text):
        assert SECRET not in page
        assert "(kept; type to replace it)" in page
        assert 'value="oak"' in page
    assert 'id="name-problem"' in refused.text
    assert "type them once more" not in refused.text
    sealed = world.one("SELECT sealed FROM channel_drafts")["sealed"]
    assert SECRET.encode() not in bytes(sealed)
    # The secret need not be typed again.
    assert admin.fill(draft, do="connect", name="Pete").status_code == 302
    line = world.line(world.one("SELECT id FROM channels")["id"])
    assert line.connection.fields.credentials.secret == SECRET


def test_connect_is_in_reach_however_long_the_form_is(admin, draft):
    # What sticks to the end of a page has to be the last of its form, or it covers what follows.
    bar = r'<div class="acts bar">\s*<button class="main" name="do" value="connect">.*?</div>\s*</form>'
    assert re.search(bar, admin.get(draft).text, re.DOTALL)


def test_a_missing_credential_is_named_at_its_field(admin, draft):
    refused = admin.fill(draft, do="connect", name="Pete")
    assert refused.status_code == 422
    assert 'href="#credentials-secret"' in refused.text


def test_what_the_provider_refuses_is_told_and_connected_only_if_one_insists(admin, draft, world):
    for what in ("try", "connect"):
        world.provider.will((401, {}))
        page = admin.fill(draft, do=what, **filled()).text
        assert "The provider says no" in page
        assert "The parrot does not know us. Enter the credentials again" in page
        assert world.rows("SELECT id FROM channels") == []
    world.provider.will((401, {}))
    assert admin.fill(draft, do="insist", **filled()).status_code == 302
    assert world.one("SELECT status FROM channels")["status"] == "error"


def test_what_only_connecting_puts_right_is_not_held_against_credentials(
    admin, draft, world, monkeypatch
):
    world.provider.will((401, {}))
    monkeypatch.setattr(Parrot, "components", {AuthFailed.code: "webhook"})
    assert admin.fill(draft, do="connect", **filled()).status_code == 302


def test_a_draft_is_kept_found_again_and_discarded(admin, draft, world):
    assert admin.fill(draft, do="save", **filled()).status_code == 200
    page = admin.get("/channels").text
    assert "Not finished" in page
    assert "Go on with Pete" in page
    back = admin.fill(draft, do="back", **filled()).headers["Location"]
    assert f'href="{draft}"' in admin.get(back).text
    assert admin.fill(f"{draft}/discard").status_code == 302
    assert "Not finished" not in admin.get("/channels").text
    assert world.one("SELECT action FROM audit WHERE action LIKE 'draft%'")


def test_a_pasted_value_is_found_and_one_in_the_wrong_field_is_told(admin, draft, monkeypatch):
    schema = Parrot.fields.model_json_schema()
    schema["$defs"]["Credentials"]["properties"]["secret"]["looks_like"] = "key-[a-z]+"
    schema["$defs"]["Settings"]["properties"]["perch"]["looks_like"] = "[0-9]+"
    monkeypatch.setattr(Parrot.fields, "model_json_schema", lambda: schema)
    page = admin.fill(draft, do="save", name="Pete", **{"settings.perch": "Perch: 42."}).text
    assert 'value="42"' in page
    page = admin.fill(draft, do="save", name="Pete", **{"settings.perch": "your key-abc"}).text
    assert "looks like" not in page
    page = admin.fill(draft, do="save", name="Pete", **{"settings.perch": "key-abc"}).text
    assert "This looks like the Secret, which has its own field." in page


def test_the_checklist_tells_how_far_the_webhook_is(admin, world, line):
    where = f"/channels/{line.id}/setup/webhook"

    def marks():
        return re.findall(r'<li id="item-\d+" class="(\w+)"', admin.get(where).text)

    assert marks() == ["done", "done", "done"]
    new = world.channel(name="New", perch="other")
    where = f"/channels/{new.id}/setup/webhook"
    assert marks() == ["waiting", "waiting", "waiting"]
    assert "Providers call public https addresses only" in admin.get(where).text
    world.call(new, {"items": []}, secret="wrong")
    assert marks() == ["done", "wrong", "waiting"]
    assert "The header x-parrot-signature is not ours." in admin.get(where).text


def test_a_handshake_with_another_verify_token_tells_the_difference(admin, world, monkeypatch):
    asks = replace(Parrot.capabilities, verify_token=True)
    monkeypatch.setattr(Parrot, "capabilities", asks)
    new = world.channel(name="New")
    where = f"/channels/{new.id}/setup/webhook"
    assert "It does so when you save" in admin.get(where).text
    told = {"at": "2026-01-01T00:00:00+00:00", "problem": "The verify token differs."}
    world.write("UPDATE channels SET handshake = :told", told=json.dumps(told))
    page = admin.get(where).text
    assert "The verify token differs." in page
    assert page.count('class="wrong"') == 1


def test_a_channel_that_is_fetched_needs_no_webhook(admin, world, line):
    world.hub.plugins.sources.append(SimpleNamespace(type="parrot", wanted=lambda _: True))
    page = admin.get(f"/channels/{line.id}/setup/webhook").text
    assert "The hub fetches what comes by itself" in page
    assert 'id="webhook"' not in page


def test_the_test_message_is_seen_and_answered(admin, world, line):
    where = f"/channels/{line.id}/setup/test"
    page = admin.get(where).text
    assert "Ada" in page
    assert "It came in. Answer it" in page
    (key,) = re.findall(r'name="key" value="(\w+)"', page)
    assert admin.fill(where, text="", key=key).status_code == 422
    for _ in range(2):  # a second click sends nothing more
        assert admin.fill(where, text="Hello, Ada.", key=key).status_code == 302
    page = admin.get(where).text
    assert page.count("Hello, Ada.") == 1
    assert "Both ways work" in page
    # Who answered it has read it.
    assert 'class="count"' not in admin.get("/inbox").text


def test_a_test_that_was_skipped_does_not_look_done_and_can_be_taken_up(admin, world, line):
    new = world.channel(name="New")
    page = admin.get(f"/channels/{new.id}/setup/routing").text
    assert '<li class="skipped">' in page
    assert f'(skipped: <a href="/channels/{new.id}/setup/test">do it now</a>)' in page
    # Somebody has written to the other one.
    assert "skipped" not in admin.get(f"/channels/{line.id}/setup/routing").text


def test_nobody_is_answered_before_somebody_wrote(admin, world):
    new = world.channel(name="New")
    where = f"/channels/{new.id}/setup/test"
    assert "Nothing has come yet" in admin.get(where).text
    refused = admin.fill(where, text="Hello?", key="k")
    assert refused.status_code == 422
    assert "nobody to answer" in refused.text
    assert 'value="Hello?"' in refused.text
    assert "Go on with the set-up" in admin.get(f"/channels/{new.id}").text


def test_links_of_the_guide_hold_what_is_known_of_the_channel(admin, world, line, monkeypatch):
    steps = tuple(
        SetupStep(title=name, text="Look.", link=f"https://p.example/{{{name}}}", at="test")
        for name in ("name", "unknown")
    )
    monkeypatch.setattr(Parrot, "setup_steps", steps)
    world.write("UPDATE channels SET facts = :facts", facts='{"name": "polly"}')
    page = admin.get(f"/channels/{line.id}/setup/test").text
    assert 'href="https://p.example/polly"' in page
    assert "{unknown}" not in page


def test_a_simple_choice_says_where_messages_go(admin, world, line):
    where = f"/channels/{line.id}/setup/routing"
    assert 'value="inbox" checked' in admin.get(where).text
    assert admin.fill(where, to="inbox").status_code == 302
    refused = admin.fill(where, to="nowhere")
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text


def test_there_is_no_simulator_where_no_demo_runs(admin):
    assert "simulator" not in admin.get("/channels/add/parrot").text
    assert admin.fill("/channels/add/parrot", simulate="yes").status_code == 404


def test_drafts_are_forgotten_after_their_time_and_encrypted_anew_with_the_rest(world):
    draft_id = begin_draft(world.hub, type="parrot", actor="cli")
    before = world.one("SELECT sealed FROM channel_drafts")["sealed"]
    assert rekey(world.hub.engine, ("another key of good length, truly", *world.hub.settings.keys))
    assert world.one("SELECT sealed FROM channel_drafts")["sealed"] != before
    # Whoever lost the key begins anew, and is not shown an error.
    assert find_draft(world.hub, draft_id).typed == {}
    world.clock.forward(days=31)
    forget(world.hub)
    assert world.rows("SELECT id FROM channel_drafts") == []


def test_a_type_without_credentials_does_not_speak_of_them(admin, monkeypatch):
    assert "Next: credentials" in admin.get("/channels/add/parrot").text
    monkeypatch.setattr(Parrot, "fields", Open)
    page = admin.get("/channels/add/parrot").text
    assert "Next: settings" in page
    assert "Credentials" not in page


def test_who_waits_for_a_first_call_is_not_alarmed(admin, world):
    new = world.channel(name="New")
    page = admin.get(f"/channels/{new.id}/setup/webhook").text
    assert "Nothing has come yet: the provider calls as soon as somebody writes." in page
    assert re.search(r'<details id="no-calls"><summary>Somebody wrote.*firewall', page)
