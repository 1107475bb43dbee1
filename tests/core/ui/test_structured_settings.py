"""Settings that are lists or objects can be typed into the console's form, and are shown again."""

import json

from hubbub.ui.channels.form import change_form, draft_form, read_change, read_new
from hubbub_webchat.channel import Webchat

HOURS = {"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]}}


class Row:
    name = "Shop"
    type = "webchat"

    def __init__(self, settings):
        self.settings = settings


def fields(page):
    return {field.name: field for field in page.fields}


def test_lines_become_a_list_and_json_becomes_what_it_says():
    typed = {
        "settings.allowed_origins": "https://a.example\r\n\r\n https://b.example ",
        "settings.hours.timezone": "Europe/Berlin",
        "settings.hours.weekly": json.dumps(HOURS["weekly"]),
        "settings.texts": "blue",
    }
    settings = read_new(Webchat(), typed)["settings"]
    assert settings["allowed_origins"] == ["https://a.example", "https://b.example"]
    assert settings["hours"] == HOURS
    # What is no JSON is refused by the form, with what was typed.
    assert settings["texts"] == "blue"


def test_a_form_that_nobody_filled_in_is_a_sound_channel():
    form = fields(draft_form(Webchat(), {}))
    typed = {name: field.value for name, field in form.items() if field.kind != "checkbox"}
    given = read_new(Webchat(), typed)
    assert Webchat.fields.model_validate(given)
    assert form["settings.hours.weekly"].kind == "json"


def test_what_is_stored_is_shown_and_saved_again_as_it_was():
    stored = {"allowed_origins": ["https://a.example"], "hours": HOURS, "locale": "de"}
    form = fields(change_form(Webchat(), Row(stored), (), {}))  # type: ignore[arg-type]  # a row's shape
    assert form["settings.allowed_origins"].value == "https://a.example"
    typed = {name: field.value for name, field in form.items() if field.kind != "checkbox"}
    again = read_change(Webchat(), Row(stored), typed)["settings"]  # type: ignore[arg-type]  # likewise
    assert {name: again[name] for name in stored} == stored
