"""What no browser sends by itself: numbers beyond all bounds, digits of other scripts, depths."""

from urllib.parse import quote

import pytest

from hubbub.people.rules import SESSION_LIFE
from tests.core.ui.kit import Reader, conversation, form_token

#: Digits, of which Python reads no number: too many, and no digit of a number at all.
NO_NUMBERS = ["9" * 5000, "99999999999999999999", "²", "-1", "1.5", "", "0\r\nX-Odd: 1"]


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


def _ask_with(world, admin, line, typed):
    number = quote(typed)
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
        (f"/inbox/{conversation(world)}/change", {"what": "assign", "version": typed}),
        (f"{routing}/rules/fallback", {"do": f"row:to.{typed}", "to.type": "inbox"}),
        ("/operate/failed", {"kind": "failed", "per_minute": typed}),
    ):
        assert admin.post(path, **form).status_code < 500, path


def test_a_place_in_a_rule_that_is_none_breaks_nothing(admin, line):
    where = admin.post(f"/channels/{line.id}/routing/add").request.path
    form = {"name": "Odd", "when.mode": "all", "when.0.kind": "text.word", "to.type": "inbox"}
    for number in NO_NUMBERS:
        asked = {f"when.{number}.add": "text.word", "do": f"add:when.{number}"}
        assert admin.post(where, **form, **asked).status_code == 200, number
        assert admin.post(where, **form, do=f"more:{number}").status_code == 200, number


@pytest.mark.parametrize("name", ["a%0D%0AX-Odd: b", "a%3Fb", "a%23b", "a%25b", "%C3%A4"])
def test_the_address_of_a_form_leads_to_its_page_whatever_it_is_called(browser, name):
    answer = browser().get(f"/inbox/{name}/reply")
    assert answer.headers["Location"] == f"/inbox/{name}".replace(": ", "%3A%20")
    assert "X-Odd" not in answer.headers


LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("path", "form", "why"),
    [
        ("/operate/people", {"email": "a@b.example", "name": LONG}, "at most 100 characters"),
        ("/operate/tokens", {"name": LONG, "scope": "read"}, "at most 100 characters"),
        ("about", {"new.0": LONG, "new.0.value": "38"}, "at most 100 characters"),
        ("about", {"new.0": "shoe", "new.0.value": LONG}, "at most 10000 characters"),
    ],
    ids=["person", "token", "attribute", "value"],
)
def test_nothing_is_so_long_that_every_page_is(world, admin, path, form, why):
    contact = world.one("SELECT id FROM contacts")["id"]
    where = f"/contacts/{contact}/about" if path == "about" else path
    refused = admin.post(where, **form)
    assert (refused.status_code, why in refused.text) == (422, True)
    assert len(admin.get("/operate/people").data) < len(LONG)
    assert world.rows("SELECT id FROM tokens") == []
    assert world.one("SELECT attributes FROM contacts")["attributes"] == "{}"


def test_a_name_is_typed_as_it_is_shown_to_erase_its_contact(world, admin):
    contact = world.one("SELECT id FROM contacts")["id"]
    world.write("UPDATE contacts SET name = :name", name="Ada  King\nLovelace")
    assert admin.post(f"/contacts/{contact}/erase", confirm="Ada King").status_code == 422
    assert admin.post(f"/contacts/{contact}/erase", confirm="Ada King Lovelace").status_code == 200
    assert world.rows("SELECT id FROM contacts") == []


def test_what_was_typed_goes_to_where_it_was_to_go_after_a_login_that_had_ended(world, browser):
    client = browser("agent")
    form = {"form_token": form_token(client.get("/inbox?q=ada&view=all")), "name": "Adas"}
    world.clock.forward(seconds=SESSION_LIFE.total_seconds() + 1)
    asked = client.post("/inbox/views?q=ada&view=all", data=form)
    assert 'name="kept_for" value="/inbox/views?q=ada&amp;view=all"' in asked.text
