"""Fields made from a schema, and groups and rows of them."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, create_model
from werkzeug.datastructures import MultiDict

from hubbub.people.errors import Complaint
from hubbub.ui.forms import FormField, field_of, typed
from hubbub.ui.nodes import Act, Fieldset, Rows, fields_of
from hubbub.ui.schema_form import SchemaForm
from hubbub.ui.sources import Source, sources_of


def field(**schema):
    return field_of("x", schema, None, "", required=False, advanced=False, kept=False)


def test_a_text_of_several_lines_has_room_for_them():
    assert field(type="string", format="multiline").kind == "lines"


@pytest.mark.parametrize(
    ("format_of", "kind"),
    [
        ("time", "time"),
        ("date", "date"),
        ("timezone", "zone"),
        ("color", "color"),
        ("uuid", "text"),
    ],
)
def test_a_text_of_a_certain_form_has_a_field_for_it(format_of, kind):
    written = {"type": "string", "format": format_of}
    assert field(**written).kind == kind
    assert field(anyOf=[written, {"type": "null"}]).kind == kind


def test_a_choice_that_may_be_left_open_offers_no_empty_word():
    chosen = field(enum=["", "GET", "POST"])
    assert (chosen.kind, chosen.options) == ("select", ("GET", "POST"))


@pytest.mark.parametrize("written", ["one\r\ntwo", " one\r\ntwo "])
def test_lines_are_read_as_they_were_typed(written):
    assert (
        typed(field(type="string", format="multiline"), MultiDict({"x": written})) == "one\r\ntwo"
    )


def test_a_list_is_shown_and_read_one_a_line():
    shown = field(type="array", default=["INBOX", "Shop"])
    assert (shown.kind, shown.value) == ("list", "INBOX\nShop")
    assert typed(shown, MultiDict({"x": "INBOX\r\n Old \r\n"})) == ["INBOX", "Old"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("993", 993),
        ("0.5", 0.5),
        ("-1", -1),
        ("many", "many"),
        ("1e999", "1e999"),
        ("", None),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_number_is_read_as_one(written, read):
    given = typed(field(type="integer"), MultiDict({"x": written}))
    assert given == read
    assert type(given) is type(read)


@pytest.mark.parametrize("written", ["blue", "[" * 100_000])
def test_what_is_no_json_is_left_to_its_model(written):
    assert typed(field(type="object"), MultiDict({"x": written})) == written


def test_what_hardly_anybody_can_do_without_is_not_called_optional():
    password = field(writeOnly=True, default="", usual=True)
    assert (password.required, password.settled) == (False, True)


# --- any plugin's models -----------------------------------------------------------------------


class Size(BaseModel):
    width: int = 10
    shown: bool = True


class OAuth(BaseModel):
    id: str
    secret: str = Field(default="", json_schema_extra={"writeOnly": True})
    strict: bool = False


class Stop(BaseModel):
    place: str
    size: Size = Size(width=20)
    codes: tuple[str, ...] = ()


class Tree(BaseModel):
    """A model that holds itself."""

    name: str = ""
    child: "Tree | None" = None
    children: tuple["Tree", ...] = ()


Day = Literal["sat", "sun"]
Lap = tuple[Annotated[int, Field(title="From")], Annotated[int, Field(title="To")]]


class Settings(BaseModel):
    oauth: OAuth | None = None
    size: Size = Size()
    stops: tuple[Stop, ...] = ()
    usual: tuple[Stop, ...] = (Stop(place="here"),)
    laps: Annotated[tuple[Lap, ...], Field(max_length=2)] = ()
    days: dict[Day, tuple[Lap, ...]] = Field(
        default_factory=dict, json_schema_extra={"labels": {"sat": "Saturday"}}
    )
    by_name: dict[str, Stop] = Field(default_factory=dict, json_schema_extra={"key": "Line"})
    anything: dict[str, str] = Field(default_factory=dict)
    either: Size | OAuth = Size()
    tree: Tree = Tree()


def form(**fields):
    return MultiDict({name.replace("__", "."): value for name, value in fields.items()})


def read(kept=None, **fields):
    return SchemaForm(Settings).read(form(**fields), kept or {})


def node(name, value=None, problems=()):
    nodes = SchemaForm(Settings).nodes(value or {}, problems)
    return next(one for one in nodes if one.name == name)


def test_an_optional_group_is_there_once_something_is_said_in_it():
    assert "oauth" not in read()
    assert "oauth" not in read(oauth__id="  ")
    assert read(oauth__id="a")["oauth"] == {"id": "a"}
    assert read(oauth__strict="yes")["oauth"] == {"strict": True}
    shown = node("oauth")
    assert isinstance(shown, Fieldset)
    # What may be left out as a whole is required nowhere, and needs no word of it either.
    assert next((one.required, one.settled) for one in fields_of(shown.parts)) == (False, True)


def test_a_switch_that_is_on_by_default_can_be_switched_off():
    assert read(size__width="10")["size"] == {"shown": False}
    assert "size" not in read(size__width="10", size__shown="yes")


def test_a_row_shows_the_defaults_of_the_group_around():
    shown = node("stops", {"stops": [{"place": "there"}]})
    assert isinstance(shown, Rows)
    values = {one.name: one.value for one in fields_of(shown.rows)}
    assert values["stops.0.size.width"] == "20"
    assert values["stops.0.place"] == "there"


def test_rows_are_added_taken_away_and_kept_in_their_order():
    fields = SchemaForm(Settings)
    value = read(stops__0="", stops__0__place="a", stops__2="", stops__2__place="b")
    places = [one["place"] for one in value["stops"]]
    assert places == ["a", "b"]
    more = fields.after(Act(verb="row", name="stops"), value)
    assert len(more["stops"]) == 3
    fewer = fields.after(Act(verb="unrow", name="stops.0"), more)
    assert [one.get("place") for one in fewer["stops"]] == ["b", None]


@pytest.mark.parametrize("verb", ["row", "unrow", "more", "nothing"])
@pytest.mark.parametrize("name", ["", "size", "size.width", "stops.9", "laps", "tree.name", "x.y"])
def test_what_no_button_says_changes_nothing(verb, name):
    value = {"size": {"width": 3}, "stops": [{"place": "a"}], "laps": [[1, 2]]}
    assert SchemaForm(Settings).after(Act(verb=verb, name=name), value) == value


def test_rows_that_are_there_by_default_can_all_be_taken_away():
    assert node("usual").rows
    assert read()["usual"] == []


def test_short_rows_have_one_to_fill_in_and_an_empty_one_says_nothing():
    shown = node("laps", {"laps": [[1, 2]]})
    assert shown.nested == "lines"
    assert [row.spare for row in shown.rows] == [False, True]
    assert [one.title for one in fields_of(shown.rows[:1])] == ["From", "To"]
    assert "laps" not in read(laps__0__0="", laps__0__1="")
    assert read(laps__0__0="", laps__0__1="", laps__1__0="3", laps__1__1="")["laps"] == [[3, ""]]
    # There is no room for a third.
    assert not any(row.spare for row in node("laps", {"laps": [[1, 2], [3, 4]]}).rows)


def test_one_short_row_for_each_of_some_names_makes_a_table():
    shown = node("days", {"days": {"sat": [[1, 2]]}})
    assert shown.nested == "table"
    assert [(one.title, len(one.rows)) for one in shown.parts] == [("Saturday", 2), ("sun", 1)]
    given = read(days__sun__0__0="1", days__sun__0__1="2")
    assert given["days"] == {"sun": [[1, 2]]}


def test_rows_under_names_of_ones_own_are_added_by_a_name_and_taken_away():
    value = SchemaForm(Settings).read(MultiDict({"by_name.+": " U.2 / left "}), {})
    shown = node("by_name", value)
    assert (shown.nested, shown.key) == ("named", "Line")
    (row,) = shown.rows
    assert row.title == "By Name: U.2 / left"
    assert " " not in row.id
    sent = {row.name: "", f"{row.name}.place": "a", f"{row.name}.size.shown": "yes"}
    again = SchemaForm(Settings).read(MultiDict(sent), {})
    assert again["by_name"] == {"U.2 / left": {"place": "a"}}
    # A name that is there already is the same row.
    both = MultiDict({**sent, "by_name.+": "U.2 / left"})
    assert SchemaForm(Settings).read(both, {}) == again
    assert SchemaForm(Settings).after(Act(verb="unrow", name=row.name), again)["by_name"] == {}


@pytest.mark.parametrize("name", ["anything", "either"])
def test_what_has_no_shape_of_its_own_is_written_as_json(name):
    shown = node(name)
    assert isinstance(shown, FormField)
    assert shown.kind == "json"


def test_a_model_that_holds_itself_has_a_form_with_an_end():
    deepest = max(one.name.count(".") for one in fields_of([node("tree")]))
    assert 5 < deepest < 20


def test_a_secret_that_was_left_empty_is_the_one_that_is_kept():
    kept = {"oauth": {"id": "a", "secret": "pssst"}}
    shown = {one.name: one for one in fields_of([node("oauth", kept)])}
    assert shown["oauth.secret"].kept
    assert shown["oauth.secret"].value == ""
    typed_now = form(oauth__id="b")
    assert SchemaForm(Settings, hides=False).read(typed_now, kept)["oauth"]["secret"] == "pssst"
    assert SchemaForm(Settings).read(typed_now, kept)["oauth"]["secret"] == "********"


def test_a_complaint_stands_at_the_nearest_thing_around_its_place():
    wrong = [
        Complaint("days.sat", "two overlap."),
        Complaint("days.sun.0.1", "no number."),
        Complaint("stops.0.codes.3", "no code."),
        Complaint("oauth.unheard_of", "unknown."),
    ]
    value = {"stops": [{}], "days": {"sun": [[1, "x"]]}}
    nodes = SchemaForm(Settings).nodes(value, wrong)
    shown = {one.name: one.problem for one in _every(nodes) if one.problem}
    assert shown == {
        "days.sat": "Two overlap.",
        "days.sun.0.1": "No number.",
        "stops.0.codes": "No code.",
        "oauth": "Unknown.",
    }


def _every(nodes):
    for one in nodes:
        yield one
        yield from _every(getattr(one, "parts", ()) or getattr(one, "rows", ()))


def test_every_name_in_a_form_is_there_once():
    value = {"stops": [{}, {}], "laps": [[1, 2]], "by_name": {"a": {}, "b": {}}}
    ids = [one.id for one in _every(SchemaForm(Settings).nodes(value))]
    assert len(ids) == len(set(ids))


def test_of_many_rows_none_is_lost():
    sent = MultiDict({f"stops.{number}.place": str(number) for number in range(1500)})
    places = [one["place"] for one in SchemaForm(Settings).read(sent, {})["stops"]]
    assert places == [str(number) for number in range(1500)]


def test_a_form_begins_with_its_path():
    model = create_model("Model", x=(str, ...), rows=(list[Size], []))
    fields = SchemaForm(model, "to")
    value = {"x": "a", "rows": []}
    assert fields.read(form(to__x="a"), {}) == {"x": "a"}
    assert fields.after(Act(verb="row", name="to.rows"), value)["rows"] == [{}]


class Told(BaseModel):
    by: str = Field(default="", json_schema_extra={"format": "channel.other"})


def test_what_is_there_already_is_chosen_and_what_stands_there_stays():
    perches = Source(labels={"01": "Perch"}, make="ui.add_channel", make_title="Add a channel")
    sources = {"channel.other": perches}
    (one,) = fields_of(SchemaForm(Told).nodes({"by": "01"}, sources=sources))
    assert (one.kind, one.value, one.labels) == ("select", "01", {"01": "Perch"})
    (other,) = fields_of(SchemaForm(Told).nodes({"by": "02"}, sources=sources))
    assert (other.options, other.labels["02"]) == (("02", "01"), "02 (there is none)")


def test_channels_are_offered_by_their_names_all_and_those_of_a_group(world, line):
    sources = sources_of(world.hub)
    assert sources["channel"].labels == {line.id: "Perch"}
    assert sources[f"channel.{world.hub.plugins.channels['parrot'].group}"].labels
