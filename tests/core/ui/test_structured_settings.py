"""Settings of any shape are filled in field by field, and what is stored is shown again."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import Field, ValidationError
from werkzeug.datastructures import MultiDict

from hubbub.connect.rules import merged
from hubbub.people.errors import Invalid
from hubbub.sdk.types import ChannelType, Fields
from hubbub.ui.channels.form import change_form, draft_form, read_change, read_form
from hubbub.ui.nodes import every, fields_of
from hubbub_webchat.channel import Webchat

HOURS = {
    "timezone": "Europe/Berlin",
    "weekly": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]},
    "exceptions": [{"date": "2026-12-25", "spans": [], "yearly": True}],
}
STORED = {
    "allowed_origins": ["https://a.example"],
    "hours": HOURS,
    "locale": "de",
    "texts": {"de": {"title": "Hallo"}, "pt-BR": {"welcome": "Oi"}},
    "greetings": [{"id": "cart", "content": "Can we help?", "when": {"url": ["https://a/*"]}}],
    "conversation": {"rating": True, "end_by_visitor": False},
    "theme": {"color": "#123456"},
}


@dataclass
class Row:
    settings: dict[str, Any]
    name: str = "Shop"
    type: str = "webchat"


def shown(page):
    """Return what a browser would send of a form."""
    nodes = page.all_nodes
    sent = MultiDict({row.name: "" for one in every(nodes) for row in getattr(one, "rows", ())})
    for field in fields_of(nodes):
        if field.kind != "checkbox":
            sent[field.name] = field.value
        elif field.value in {"True", "yes", "true"}:
            sent[field.name] = "yes"
    return sent


def changed(stored, **typed):
    """Return the settings after the form was saved with what is ``typed`` in it."""
    row = Row(stored)
    sent = shown(change_form(Webchat(), row, ()))  # type: ignore[arg-type]  # a row's shape
    for name, value in typed.items():
        where = name.replace("__", ".")
        sent.pop(where, None)
        if value is not None:
            sent[where] = value
    change = read_change(Webchat(), row, sent)["settings"]  # type: ignore[arg-type]  # likewise
    return merged(stored, change)


def test_what_is_stored_is_shown_and_saved_again_as_it_was():
    assert Webchat.fields.model_validate({"settings": STORED})
    assert changed(STORED) == STORED


def test_a_form_that_nobody_filled_in_says_nothing():
    assert changed({}) == {}
    assert read_form(Webchat(), shown(draft_form(Webchat(), {})), {}) == {}


def test_hours_are_filled_in_day_by_day():
    after = changed(
        STORED,
        settings__hours__weekly__mon__1__0="",
        settings__hours__weekly__mon__1__1="",
        settings__hours__weekly__sun__0__0="22:00",
        settings__hours__weekly__sun__0__1="02:00",
    )
    weekly = {"mon": [["09:00", "12:00"]], "sun": [["22:00", "02:00"]]}
    assert after["hours"] == {**HOURS, "weekly": weekly}


def test_hours_that_were_emptied_are_gone():
    emptied = {
        name.replace(".", "__"): None
        for name in shown(change_form(Webchat(), Row(STORED), ()))  # type: ignore[arg-type]  # a row's shape
        if name.startswith("settings.hours")
    }
    assert changed(STORED, **emptied) == {k: v for k, v in STORED.items() if k != "hours"}


def test_of_a_group_or_a_language_what_was_emptied_is_gone():
    after = changed(STORED, settings__texts__de__title="")
    assert after["texts"] == {"de": {}, "pt-BR": {"welcome": "Oi"}}
    gone = {"settings.texts.de", "settings.texts.de.title"}
    row = Row(STORED)
    sent = shown(change_form(Webchat(), row, ()))  # type: ignore[arg-type]  # a row's shape
    for name in [one for one in sent if one in gone or one.startswith("settings.texts.de.")]:
        del sent[name]
    change = read_change(Webchat(), row, sent)["settings"]  # type: ignore[arg-type]  # likewise
    assert merged(STORED, change)["texts"] == {"pt-BR": {"welcome": "Oi"}}


def test_what_is_wrong_is_said_where_it_stands_and_in_the_list():
    typed = {
        "settings": {
            "hours": {
                "timezone": "Nowhere",
                "weekly": {"tue": [["09:00", "12:00"], ["11:00", ""]]},
            },
            "texts": {"German": {}},
            "greetings": [{"content": "Hi"}],
        }
    }
    with pytest.raises(ValidationError) as caught:
        Webchat.fields.model_validate(typed)
    page = draft_form(Webchat(), typed, Invalid.because(caught.value))
    wrong = {one.name: one.problem for one in every(page.all_nodes) if one.problem}
    assert set(wrong) == {
        "settings.hours.timezone",
        "settings.hours.weekly.tue.1.1",
        "settings.texts.German",
        "settings.greetings.0.id",
    }
    assert [one.title for one in page.sections if one.open] == [
        "Language and texts",
        "Hours",
        "Greetings",
    ]
    titles = {one.id: one.title for one in page.problems}
    assert titles["settings-hours-weekly-tue-1-1"] == "Tuesday, no. 2: To"
    assert {one.text for one in page.problems} == set(wrong.values())


class Nested(Fields):
    number: int = Field(default=1, title="Number", json_schema_extra={"advanced": True})


class Settings(Fields):
    preset: str = Field(default="a", json_schema_extra={"first": True})
    few: Nested | None = Field(default=None, json_schema_extra={"advanced": True})
    asked: str = Field(json_schema_extra={"advanced": True})
    colour: str = Field(default="red", json_schema_extra={"section": "Looks"})
    song: str = Field(json_schema_extra={"section": "Songs"})


class OAuth(Fields):
    id: str
    secret: str = Field(default="", json_schema_extra={"writeOnly": True})


class Credentials(Fields):
    key: str
    feather: str = Field(default="", json_schema_extra={"section": "Looks"})
    oauth: OAuth | None = Field(default=None, json_schema_extra={"advanced": True})


class OfBoth(Fields):
    credentials: Credentials
    settings: Settings


class Kind(ChannelType[OfBoth]):
    type = "kind"
    label = "Kind"
    fields = OfBoth


def test_what_all_else_depends_on_stands_at_the_top_and_what_is_for_the_few_at_the_end():
    page = draft_form(Kind(), {})
    assert [one.name for one in page.nodes] == [
        "settings.preset",
        "credentials.key",
        # What is required is never out of sight.
        "settings.asked",
        "settings.song",
    ]
    assert {one.title: [node.name for node in one.nodes] for one in page.sections} == {
        "Looks": ["credentials.feather", "settings.colour"],
        "Advanced": ["credentials.oauth", "settings.few"],
    }


def test_credentials_that_are_kept_need_not_be_typed_again():
    page = change_form(Kind(), Row({"asked": "x"}), {"key", "oauth"})  # type: ignore[arg-type]  # a row's shape
    fields = {one.name: one for one in fields_of(page.all_nodes)}
    kept = {name for name, one in fields.items() if one.kept}
    assert kept == {"credentials.key", "credentials.oauth.id", "credentials.oauth.secret"}
    assert not fields["credentials.key"].required
    sent = MultiDict({"credentials.oauth.id": "a", "settings.asked": "x"})
    change = read_change(Kind(), Row({"asked": "x"}), sent)  # type: ignore[arg-type]  # likewise
    assert change == {"credentials": {"oauth": {"id": "a"}}, "settings": {}}


def test_what_no_form_knows_any_more_is_dropped():
    sent = MultiDict({"settings.asked": "x"})
    change = read_change(Kind(), Row({"asked": "x", "gone": 1}), sent)  # type: ignore[arg-type]  # a row's shape
    assert change["settings"] == {"gone": None}
