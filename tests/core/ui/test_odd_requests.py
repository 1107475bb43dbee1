"""What no browser sends by itself: numbers beyond all bounds, digits of other scripts, depths."""

import pytest

from hubbub.people.rules import SESSION_LIFE
from tests.core.ui.kit import Reader, conversation, form_token

#: Digits, of which Python reads no number: too many, and no digit of a number at all.
NO_NUMBERS = ["9" * 5000, "99999999999999999999", "²", "-1", "1.5", ""]


@pytest.fixture
def admin(browser, line):
    return Reader(browser("admin"))


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "", "http://a]b/"])
def test_an_origin_that_is_no_address_is_another_site(browser, origin):
    form = {"email": "admin@example.org", "password": "long enough"}
    assert browser().post("/login", data=form, headers={"Origin": origin}).status_code == 403


def test_a_number_that_is_none_changes_nothing_and_breaks_nothing(world, admin, line):
    for number in NO_NUMBERS:
        _ask_with(world, admin, line, number)


def _ask_with(world, admin, line, number):
    routing = f"/channels/{line.id}/routing"
    for path in (
        f"{routing}/versions/{number}",
        f"{routing}/versions?up_to={number}",
        f"{routing}/dry-run?page={number}",
        f"/inbox?show={number}&since={number}",
        f"/inbox/{conversation(world)}?since={number}",
    ):
        assert admin.get(path).status_code < 500, path
    for path, form in (
        (f"{routing}/versions/{number}/restore", {}),
        (f"/inbox/{conversation(world)}/change", {"what": "assign", "version": number}),
        (f"{routing}/rules/fallback", {"do": f"row:to.{number}", "to.type": "inbox"}),
        ("/operate/failed", {"kind": "failed", "per_minute": number}),
    ):
        assert admin.post(path, **form).status_code < 500, path


def test_a_place_in_a_rule_that_is_none_breaks_nothing(admin, line):
    where = admin.post(f"/channels/{line.id}/routing/add").request.path
    form = {"name": "Odd", "when.mode": "all", "when.0.kind": "text.word", "to.type": "inbox"}
    for number in NO_NUMBERS:
        asked = {f"when.{number}.add": "text.word", "do": f"add:when.{number}"}
        assert admin.post(where, **form, **asked).status_code == 200, number


def test_what_was_typed_goes_to_where_it_was_to_go_after_a_login_that_had_ended(world, browser):
    client = browser("agent")
    form = {"form_token": form_token(client.get("/inbox?q=ada&view=all")), "name": "Adas"}
    world.clock.forward(seconds=SESSION_LIFE.total_seconds() + 1)
    asked = client.post("/inbox/views?q=ada&view=all", data=form)
    assert 'name="kept_for" value="/inbox/views?q=ada&amp;view=all"' in asked.text
