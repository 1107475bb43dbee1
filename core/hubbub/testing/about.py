"""Check what a channel type says of itself: its name, manifest and form."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from xml.etree import ElementTree as ET

from pydantic import ValidationError

from hubbub.redact import secrets_of
from hubbub.sdk import ATTACHMENT_TYPES, CONTENT_TYPES, ChannelSettings
from hubbub.testing.applies import only_where
from hubbub.testing.given import Given

_LARGEST_ICON: Final = 8192
_RECEIPTS: Final = frozenset({"sent", "delivered", "read"})


class AboutChecks(Given):
    """A name, a manifest and a form that hold together."""

    def test_the_type_has_a_stable_name(self) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", self.kind.type), (
            f"The type {self.kind.type!r} is not of [a-z0-9_]: it is in the API and in databases."
        )

    def test_people_can_tell_what_it_is(self) -> None:
        assert self.kind.label.strip(), "The type has no label."
        assert self.kind.description.strip(), "The type has no description."

    @only_where(lambda suite: suite.channel_type.icon)
    def test_the_icon_is_a_small_drawing_without_scripts(self) -> None:
        assert len(self.kind.icon.encode()) <= _LARGEST_ICON, "The icon is over 8 kB."
        drawing = ET.fromstring(self.kind.icon)  # noqa: S314  # the author's own
        names = {element.tag.rpartition("}")[2] for element in drawing.iter()}
        assert drawing.tag.endswith("svg"), "The icon is no SVG document."
        active = names & {"script", "foreignObject", "image", "use", "a"}
        assert not active, f"The icon holds {active}."

    def test_the_content_types_are_known(self) -> None:
        can = self.kind.capabilities
        strange = (can.inbound | can.outbound) - set(CONTENT_TYPES)
        assert not strange, f"The hub knows no content type {strange}."
        assert "text" in can.outbound, "What cannot be said otherwise is said as text."

    def test_the_limits_are_above_nought(self) -> None:
        can = self.kind.capabilities
        assert can.text_limit > 0, "No text fits into text_limit."
        assert can.webhook_limit > 0, "No call fits into webhook_limit."
        assert can.caption_limit >= 0, "caption_limit is below nought."
        assert can.window is None or can.window > timedelta(), "The window never opens."
        for limit in can.limits:
            assert limit.count > 0, f"{limit} lets nothing pass."
            assert limit.per > timedelta(), f"{limit} has no span of time."
            assert limit.burst > 0, f"{limit} lets nothing pass."

    def test_the_files_that_it_carries_have_rules(self) -> None:
        can = self.kind.capabilities
        missing = (can.outbound & ATTACHMENT_TYPES) - set(can.media)
        assert not missing, f"The manifest sets no rules for files of {missing}."
        useless = set(can.media) - can.outbound
        assert not useless, f"The manifest has rules for {useless}, which it does not carry."

    def test_options_are_carried_where_choices_are(self) -> None:
        can = self.kind.capabilities
        assert bool(can.options) == ("choices" in can.outbound), (
            "options and 'choices' in outbound go together."
        )

    def test_the_receipts_are_known(self) -> None:
        strange = self.kind.capabilities.receipts - _RECEIPTS
        assert not strange, f"There is no receipt {strange}; one that failed is always expected."

    def test_the_manifest_can_be_written_as_json(self) -> None:
        written = json.dumps(self.kind.capabilities.as_json())
        assert json.loads(written)["text_limit"] == self.kind.capabilities.text_limit

    def test_the_steps_of_the_set_up_say_something(self) -> None:
        for step in self.kind.setup_steps:
            assert step.title.strip(), "A step of the set-up has no title."
            assert step.text.strip(), f"The step {step.title!r} says nothing."
            assert (step.link or "https://").startswith("https://"), "A link is not https."

    def test_what_is_needed_and_changed_is_said(self) -> None:
        for text in (*self.kind.needs, *self.kind.changes):
            assert text.strip(), "A line of needs or changes says nothing."
        assert self.kind.minutes is None or self.kind.minutes > 0, "It takes no time at all."

    def test_fields_say_where_to_look_and_what_values_look_like(self) -> None:
        for name, schema in _properties(self.kind.fields.model_json_schema()):
            link = schema.get("link", "https://")
            assert link.startswith("https://"), f"The link of {name} is not https."
            re.compile(schema.get("looks_like", ""))

    # --- the form --------------------------------------------------------------------------

    def test_the_form_has_credentials_and_settings(self) -> None:
        names = set(self.kind.fields.model_fields)
        assert names == {"credentials", "settings"}, f"The form has the parts {names}."

    def test_the_settings_are_those_of_every_channel_and_more(self) -> None:
        settings: Any = self.connection().fields
        assert isinstance(settings.settings, ChannelSettings), (
            "The settings do not derive from ChannelSettings, so the hub's own are missing."
        )

    def test_every_field_has_a_title(self) -> None:
        for name, schema in _properties(self.kind.fields.model_json_schema()):
            assert schema.get("title"), f"The field {name} has no title."

    def test_the_example_is_a_valid_form(self) -> None:
        assert self.connection().fields, "The example credentials and settings are none."
        assert self.other_connection().fields, "The other credentials are none."

    def test_a_field_that_does_not_exist_is_refused(self) -> None:
        for part in ("credentials", "settings"):
            form = self._form()
            form[part]["no_such_field"] = "1"
            _refuses(self.kind.fields, form, f"{part}.no_such_field is taken for a field.")

    def test_what_is_required_cannot_be_left_out(self) -> None:
        model: Any = type(getattr(self.connection().fields, "credentials"))  # noqa: B009  # Any
        for name, field in model.model_fields.items():
            if field.is_required():
                form = self._form()
                del form["credentials"][name]
                _refuses(self.kind.fields, form, f"credentials.{name} may be left out.")

    # Of a channel without credentials the hub makes the secrets.
    @only_where(lambda suite: suite.credentials)
    def test_the_credentials_hold_a_secret_that_the_hub_can_recognise(self) -> None:
        secrets = secrets_of(self.connection().fields)
        assert secrets, "No credential is a SecretStr or marked writeOnly, so all would be shown."
        shared = secrets & secrets_of(self.other_connection().fields)
        assert not shared, "The other credentials of your test share a secret with the first."

    def test_a_secret_has_no_default(self) -> None:
        for name, schema in _properties(self.kind.fields.model_json_schema()):
            if schema.get("writeOnly"):
                assert not schema.get("default"), f"The secret {name} has a default."

    def _form(self) -> dict[str, dict[str, Any]]:
        return {"credentials": dict(self.credentials), "settings": dict(self.settings)}


def _refuses(model: Any, form: Mapping[str, Any], message: str) -> None:
    try:
        model.model_validate(form)
    except ValidationError:
        return
    raise AssertionError(message)


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for model in schema.get("$defs", {}).values():
        yield from model.get("properties", {}).items()
