"""Send messages to people."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

import hubbub_inbox
from hubbub.sdk import HandOver, Inquiry, Text
from hubbub_inbox.destination import InboxFields

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
INQUIRY = Inquiry(
    message_id="m",
    channel_id="c",
    channel_type="telegram",
    channel_name="Shop",
    conversation_id="v",
    contact_id="p",
    address="+1",
    name=None,
    content=Text(text="Hello"),
    received_at=NOW,
    now=NOW,
)


def handled(settings):
    (kind,) = hubbub_inbox.register_route_types()
    exchange = kind.handle(INQUIRY, InboxFields.model_validate(settings))
    with pytest.raises(StopIteration) as stop:
        next(exchange)
    return stop.value.value


@pytest.mark.parametrize(
    ("settings", "why"),
    [({}, "It is for people."), ({"team": "Sales"}, "It is for the team Sales.")],
)
def test_a_message_goes_to_the_queue_without_any_request(settings, why):
    outcome = handled(settings)

    assert outcome.actions == (HandOver(to="queue", team=settings.get("team")),)
    assert outcome.why == why
    assert not outcome.passed


def test_the_inbox_is_no_bot():
    (kind,) = hubbub_inbox.register_route_types()

    assert (kind.type, kind.automatic) == ("inbox", False)


@pytest.mark.parametrize("settings", [{"team": ""}, {"team": 5}, {"group": "x"}])
def test_wrong_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        InboxFields.model_validate(settings)
