"""What other people's Telegram libraries make of our payloads and of our calls."""

import json
from pathlib import Path

import pytest

from hubbub.sdk import (
    Attachment,
    Card,
    Choices,
    Contacts,
    Location,
    Media,
    MessageReceived,
    Option,
    Part,
    Reaction,
    Text,
)

UPDATES = Path(__file__).parent / "payloads" / "updates"
#: Invented on purpose: see payloads/SOURCES.md.
INVENTED = {"unknown_kind", "unknown_kind_with_message", "nothing"}
REAL = sorted(file.stem for file in UPDATES.glob("*.json") if file.stem not in INVENTED)


# Both take seconds to import, which no other test, nor the mere collecting, should pay for.


@pytest.fixture(scope="session")
def aiogram():
    import aiogram.methods  # see above
    import aiogram.types  # see above

    return aiogram


@pytest.fixture(scope="session")
def ptb():
    import telegram  # see above

    return telegram


@pytest.mark.parametrize("name", REAL)
def test_aiogram_reads_every_update(aiogram, name):
    update = aiogram.types.Update.model_validate_json((UPDATES / f"{name}.json").read_bytes())
    assert update.event_type in json.loads((UPDATES / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", REAL)
def test_python_telegram_bot_reads_every_update(ptb, name):
    raw = json.loads((UPDATES / f"{name}.json").read_bytes())
    update = ptb.Update.de_json(raw, None)
    assert update.update_id == raw["update_id"]
    assert any(getattr(update, kind, None) for kind in raw if kind != "update_id")


@pytest.mark.parametrize("name", REAL)
def test_python_telegram_bot_agrees_about_who_wrote(ptb, events, name):
    update = ptb.Update.de_json(json.loads((UPDATES / f"{name}.json").read_bytes()), None)
    known = {str(one.id) for one in (update.effective_user, update.effective_chat) if one}
    ours = events(name, allow_groups=True, business=True)
    # Behind the @ stands the business account that was written to.
    senders = {each.sender.address.partition("@")[0] for each in ours if says(each)}
    assert senders <= known


def says(event):
    return isinstance(event, MessageReceived)


def sent():
    def file(kind):
        return Attachment(type=kind, media=Media(url="https://files.example.com/a"), caption="x")

    choices = Choices(text="Which?", options=(Option(id="y" * 99, title="Yes"),))
    yield from [Text(text="Hi"), choices, Location(latitude=1.5, longitude=2.5)]
    yield Location(latitude=1.5, longitude=2.5, name="Cafe")
    yield Contacts(contacts=(Card(name="Ada", phones=("+1", "+2")),))
    yield Reaction(emoji="👍", target_external_id="5550001:41")
    for kind in ("image", "audio", "voice", "video", "document", "sticker"):
        yield file(kind)


@pytest.mark.parametrize("content", list(sent()), ids=lambda content: content.type)
def test_aiogram_knows_every_parameter_that_we_send(aiogram, telegram, connection, content):
    part = Part(content=content, address="5550001", reply_to_external_id="5550001:41")
    request = next(telegram.send(part, connection(parse_mode="HTML")))
    name = request.url.rpartition("/")[2]
    method = getattr(aiogram.methods, name[0].upper() + name[1:])
    understood = method.model_validate(json.loads(request.body))
    assert understood.model_extra in (None, {})
    assert understood.__api_method__ == name


@pytest.mark.parametrize(
    ("generator", "arguments"),
    [
        ("setup", {}),
        ("check", {}),
        ("teardown", {}),
        ("typing", {"address": "5550001", "external_id": "5550001:1"}),
    ],
)
def test_aiogram_knows_every_parameter_of_our_upkeep(
    aiogram, telegram, connection, generator, arguments
):
    request = next(getattr(telegram, generator)(connection=connection(), **arguments))
    name = request.url.rpartition("/")[2]
    method = getattr(aiogram.methods, name[0].upper() + name[1:])
    assert method.model_validate(json.loads(request.body)).model_extra in (None, {})
