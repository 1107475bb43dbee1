"""Forms made from a schema."""

import pytest

from hubbub.ui.forms import form_fields, read_form


def field(name="x", **schema):
    model = {"properties": {name: schema}}
    return form_fields({"properties": {"settings": model}}, {}, {})[0]


def test_a_schema_says_itself_what_is_for_the_few():
    assert field(advanced=True).advanced
    assert not field("signing_key").advanced


@pytest.mark.parametrize("kept", [(), ("x",)])
def test_what_is_required_is_never_out_of_sight(kept):
    model = {"properties": {"x": {"advanced": True}}, "required": ["x"]}
    (shown,) = form_fields({"properties": {"credentials": model}}, {}, {}, kept=kept)
    assert not shown.advanced


def test_a_text_of_several_lines_has_room_for_them():
    assert field(type="string", format="multiline").kind == "lines"


def test_a_choice_that_may_be_left_open_offers_no_empty_word():
    chosen = field(enum=["", "GET", "POST"])
    assert (chosen.kind, chosen.options) == ("select", ("GET", "POST"))


def test_what_all_else_depends_on_stands_at_the_top():
    settings = {
        "x": {"advanced": True},
        "preset": {"first": True, "enum": ["a", "b"], "default": "a"},
    }
    parts = {"credentials": {"properties": {"key": {}}}, "settings": {"properties": settings}}
    shown = form_fields({"properties": parts}, {}, {})
    assert [one.name for one in shown] == ["settings.preset", "credentials.key", "settings.x"]
    assert [one.settled for one in shown] == [True, False, False]


@pytest.mark.parametrize("typed", ["one\r\ntwo", " one\r\ntwo "])
def test_lines_are_read_as_they_were_typed(typed):
    fields = (field(type="string", format="multiline"),)
    assert read_form(fields, {"settings.x": typed})["settings"] == {"x": "one\r\ntwo"}


GROUP = {
    "properties": {
        "oauth": {"anyOf": [{"$ref": "#/$defs/OAuth"}, {"type": "null"}], "advanced": True}
    }
}
SCHEMA = {
    "properties": {"credentials": GROUP},
    "$defs": {
        "OAuth": {
            "properties": {"id": {"type": "string"}, "secret": {"writeOnly": True}},
            "required": ["id"],
        }
    },
}


def test_the_fields_of_a_group_are_asked_for_one_by_one_and_go_together():
    fields = form_fields(SCHEMA, {}, {"credentials.oauth.id": "Wrong."}, kept={"oauth"})

    assert [(one.name, one.kind) for one in fields] == [
        ("credentials.oauth.id", "text"),
        ("credentials.oauth.secret", "password"),
    ]
    # What may be left out as a whole is required nowhere.
    assert {(one.required, one.advanced, one.kept) for one in fields} == {(False, True, True)}
    assert fields[0].problem == "Wrong."
    typed = {"credentials.oauth.id": "a", "credentials.oauth.secret": ""}
    assert read_form(fields, typed)["credentials"] == {"oauth": {"id": "a"}}
    assert read_form(fields, {})["credentials"] == {}


def test_a_list_is_shown_and_read_one_a_line():
    model = {"properties": {"folders": {"type": "array", "default": ["INBOX", "Shop"]}}}
    fields = form_fields({"properties": {"settings": model}}, {}, {})
    assert (fields[0].kind, fields[0].value) == ("list", "INBOX\nShop")
    given = read_form(fields, {"settings.folders": "INBOX\r\n Old \r\n"})
    assert given["settings"] == {"folders": ["INBOX", "Old"]}


@pytest.mark.parametrize(
    ("typed", "read"),
    [("993", 993), ("0.5", 0.5), ("-1", -1), ("many", "many"), ("1e999", "1e999"), ("", None)],
)
def test_a_number_is_read_as_one(typed, read):
    schema = {"properties": {"settings": {"properties": {"port": {"type": "integer"}}}}}
    given = read_form(form_fields(schema, {}, {}), {"settings.port": typed})["settings"]
    assert given.get("port") == read
    assert type(given.get("port")) is type(read)


def test_what_hardly_anybody_can_do_without_is_not_called_optional():
    password = {"writeOnly": True, "default": "", "usual": True}
    (field,) = form_fields({"properties": {"credentials": {"properties": {"p": password}}}}, {}, {})
    assert (field.required, field.settled) == (False, True)
