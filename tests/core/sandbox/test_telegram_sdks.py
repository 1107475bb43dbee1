"""What others wrote for the real Bot API must get on with the sandbox."""

import asyncio
import base64
from typing import Any

import pytest
import telegram as ptb
from telegram import error as ptb_errors

from hubbub.sandbox.telegram.customers import KINDS
from hubbub.sandbox.telegram.state import ALL_UPDATES

TOKEN = "5550900:" + "A" * 35
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def _no_deprecated_seconds(monkeypatch):
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


def with_ptb(sandbox, talk):
    async def run():
        bot = ptb.Bot(
            TOKEN,
            base_url=f"{sandbox.url}/telegram/bot",
            base_file_url=f"{sandbox.url}/telegram/file/bot",
        )
        async with bot:
            return await talk(bot)

    return asyncio.run(run())


@pytest.fixture(scope="session")
def aiogram():
    """Imported here: it takes seconds, which the mere collecting should not pay for."""
    import aiogram.exceptions
    import aiogram.types

    return aiogram


def with_aiogram(sandbox, talk):
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    async def run():
        server = TelegramAPIServer.from_base(f"{sandbox.url}/telegram")
        async with Bot(TOKEN, session=AiohttpSession(api=server)) as bot:
            return await talk(bot)

    return asyncio.run(run())


def test_python_telegram_bot_sends_every_kind(sandbox, telegram):
    telegram.write()

    async def talk(bot):
        button = ptb.InlineKeyboardButton("Yes", callback_data="v1:yes")
        markup = ptb.InlineKeyboardMarkup([[button]])
        sent = [
            await bot.send_message(5550001, "<b>Hi</b>", parse_mode="HTML", reply_markup=markup),
            await bot.send_photo(5550001, PNG, caption="Look"),
            await bot.send_document(5550001, b"text", filename="a.txt"),
            await bot.send_voice(5550001, b"OggS"),
            await bot.send_audio(5550001, b"ID3"),
            await bot.send_video(5550001, b"video"),
            await bot.send_video_note(5550001, b"video"),
            await bot.send_animation(5550001, b"GIF89a"),
            await bot.send_sticker(5550001, b"RIFF0000WEBP"),
            await bot.send_location(5550001, 48.1, 11.5),
            await bot.send_venue(5550001, 48.1, 11.5, "Cafe", "Main St 1"),
            await bot.send_contact(5550001, "+12025550101", "Ada"),
            *await bot.send_media_group(
                5550001, [ptb.InputMediaPhoto(PNG), ptb.InputMediaPhoto(PNG)]
            ),
        ]
        await bot.send_chat_action(5550001, "typing")
        await bot.edit_message_text("Bye", 5550001, sent[0].message_id)
        await bot.set_message_reaction(5550001, 1, "👍")
        await bot.delete_message(5550001, sent[1].message_id)
        return sent

    sent = with_ptb(sandbox, talk)
    assert [line["external_id"] for line in sandbox.sent()] == [
        f"5550001:{message.message_id}" for message in sent
    ]
    assert sent[0].parse_entities() == {sent[0].entities[0]: "Hi"}
    assert sent[0].reply_markup.inline_keyboard[0][0].callback_data == "v1:yes"
    assert all(message.effective_attachment for message in sent[1:])


def test_python_telegram_bot_sets_up_polls_and_downloads(sandbox, telegram):
    upload = {"kind": "photo", "data": base64.b64encode(PNG).decode()}
    telegram.write(None, upload=upload, caption="Broken")

    async def talk(bot):
        me = await bot.get_me()
        assert await bot.set_webhook("https://hub.example/w", secret_token="s")
        info = await bot.get_webhook_info()
        await bot.delete_webhook()
        [update] = await bot.get_updates()
        file = await update.message.photo[-1].get_file()
        return me, info, update, bytes(await file.download_as_bytearray())

    me, info, update, data = with_ptb(sandbox, talk)
    assert (me.id, me.username) == (5550900, "sandbox_5550900_bot")
    assert (info.url, info.pending_update_count) == ("https://hub.example/w", 1)
    assert (update.message.caption, data) == ("Broken", PNG)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "rate_limit", "retry_after": 7}, ptb_errors.RetryAfter),
        ({"kind": "token_revoked"}, ptb_errors.InvalidToken),
        ({"kind": "status", "status": 500}, ptb_errors.NetworkError),
        ({"kind": "status", "status": 403}, ptb_errors.Forbidden),
        ({"kind": "status", "status": 400}, ptb_errors.BadRequest),
        ({"kind": "drop_after_accept"}, ptb_errors.NetworkError),
    ],
)
def test_python_telegram_bot_understands_what_goes_wrong(sandbox, telegram, fault, error):
    telegram.write()
    sandbox.fault(provider="telegram", operation="sendMessage", **fault)
    with pytest.raises(error):
        with_ptb(sandbox, lambda bot: bot.send_message(5550001, "Hi"))


PERSON = {"id": 5550001, "first_name": "Ada"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Club", "is_forum": True}
PLACE = {"latitude": 48.1, "longitude": 11.5}
DATE = 1767225600
#: What a message can hold beside text and files, as the Bot API has it.
CONTENTS: list[dict[str, Any]] = [
    {"location": PLACE},
    {"location": {**PLACE, "live_period": 60}},
    {"venue": {"location": PLACE, "title": "Cafe", "address": "Main St 1"}, "location": PLACE},
    {"contact": {"phone_number": "+12025550143", "first_name": "Bo", "user_id": 5550002}},
    {"dice": {"emoji": "🎲", "value": 4}},
    {
        "text": "On",
        "forward_origin": {"type": "user", "date": DATE, "sender_user": PERSON | {"is_bot": False}},
    },
    {"text": "Hi @bob_1 /help https://shop.example"},
]


def every_update(telegram, hub):
    """Let people do all they can; return the updates."""
    everything = sorted(ALL_UPDATES)
    telegram.result("setWebhook", url=f"{hub.url}/webhooks/abc", allowed_updates=everything)
    number = telegram.write("/start ref_42")["message_id"]
    telegram.write("Hello", edits=number)
    telegram.write("And", reply_to=number)
    telegram.write("All", chat=GROUP)
    telegram.write("In a topic", chat=GROUP, message_thread_id=7, is_topic_message=True)
    for content in CONTENTS:
        telegram.write(content.get("text"), **{k: v for k, v in content.items() if k != "text"})
    for kind in KINDS:
        telegram.write(None, upload={"kind": kind, "data": base64.b64encode(PNG).decode()})
    for pressed in (number, 999):
        telegram.post("presses", {"from": PERSON, "message_id": pressed, "data": "x"})
    for emoji in ("👍", ""):
        telegram.post("reactions", {"from": PERSON, "message_id": number, "emoji": emoji})
    for blocked in (True, False):
        telegram.post("blocks", {"from": PERSON, "blocked": blocked})
    return [told.update for told in hub.wait(11 + len(CONTENTS) + len(KINDS))]


def test_python_telegram_bot_parses_every_update_and_knows_every_field(hooked, hub):
    for update in every_update(hooked, hub):
        parsed = ptb.Update.de_json(update, None)
        assert parsed.update_id == update["update_id"]
        assert not parsed.api_kwargs
        kind = next(key for key in update if key != "update_id")
        assert getattr(parsed, kind) is not None
        assert not getattr(parsed, kind).api_kwargs


def test_aiogram_parses_every_update(aiogram, hooked, hub):
    for update in every_update(hooked, hub):
        parsed = aiogram.types.Update.model_validate(update)
        assert parsed.event_type in update
        assert not parsed.event.model_extra


def test_aiogram_sends_every_kind(aiogram, sandbox, telegram):
    telegram.write()
    file = aiogram.types.BufferedInputFile(PNG, "a.png")
    photo = aiogram.types.InputMediaPhoto(media=file)

    async def talk(bot):
        return [
            await bot.send_photo(5550001, file, caption="Look"),
            await bot.send_document(5550001, file),
            await bot.send_voice(5550001, file),
            await bot.send_audio(5550001, file),
            await bot.send_video(5550001, file, supports_streaming=True),
            await bot.send_video_note(5550001, file),
            await bot.send_animation(5550001, file),
            await bot.send_sticker(5550001, file),
            await bot.send_location(5550001, 48.1, 11.5),
            await bot.send_venue(5550001, 48.1, 11.5, "Cafe", "Main St 1"),
            await bot.send_contact(5550001, "+12025550101", "Ada"),
            *await bot.send_media_group(5550001, [photo, photo]),
        ]

    sent = with_aiogram(sandbox, talk)
    assert [line["external_id"] for line in sandbox.sent()] == [
        f"5550001:{message.message_id}" for message in sent
    ]
    assert "unknown" not in {message.content_type for message in sent}


def test_both_change_what_was_sent(aiogram, sandbox, telegram):
    telegram.write()

    async def ptb_talks(bot):
        message = await bot.send_message(5550001, "Hi", reply_markup=_ptb_buttons())
        photo = await bot.send_photo(5550001, PNG, caption="Look")
        await bot.edit_message_caption(5550001, photo.message_id, caption="See")
        await bot.edit_message_reply_markup(5550001, message.message_id)
        await bot.delete_messages(5550001, [message.message_id])

    async def aiogram_talks(bot):
        message = await bot.send_message(5550001, "Hi")
        await bot.edit_message_text("Bye", chat_id=5550001, message_id=message.message_id)
        thumb = aiogram.types.ReactionTypeEmoji(emoji="👍")
        await bot.set_message_reaction(5550001, message.message_id, [thumb])
        await bot.send_chat_action(5550001, "typing")
        await bot.delete_message(5550001, message.message_id)

    with_ptb(sandbox, ptb_talks)
    with_aiogram(sandbox, aiogram_talks)
    assert [line["operation"] for line in sandbox.sent(kind="action")] == [
        "editMessageCaption",
        "editMessageReplyMarkup",
        "deleteMessages",
        "editMessageText",
        "setMessageReaction",
        "sendChatAction",
        "deleteMessage",
    ]


def test_both_answer_a_press(sandbox, telegram):
    number = telegram.write()["message_id"]
    press = {"from": PERSON, "message_id": number, "data": "x"}
    first, second = (telegram.post("presses", press)["callback_query_id"] for _ in range(2))
    assert with_ptb(sandbox, lambda bot: bot.answer_callback_query(first, "Thanks"))
    assert with_aiogram(sandbox, lambda bot: bot.answer_callback_query(second))
    answered = [line["external_id"] for line in sandbox.sent(kind="action")]
    assert answered == [first, second]


def test_aiogram_sets_up_polls_and_downloads(sandbox, telegram):
    upload = {"kind": "document", "data": base64.b64encode(b"bytes").decode()}
    telegram.write(None, upload=upload)

    async def talk(bot):
        assert await bot.set_webhook("https://hub.example/w", secret_token="s")
        info = await bot.get_webhook_info()
        await bot.delete_webhook()
        [update] = await bot.get_updates()
        file = await bot.download(update.message.document)
        return info, file.read()

    info, data = with_aiogram(sandbox, talk)
    assert (info.url, info.pending_update_count, data) == ("https://hub.example/w", 1, b"bytes")


def _ptb_buttons():
    return ptb.InlineKeyboardMarkup([[ptb.InlineKeyboardButton("Yes", callback_data="y")]])


def test_aiogram_talks_to_the_sandbox(aiogram, sandbox, telegram):
    telegram.write()

    async def talk(bot):
        me = await bot.me()
        message = await bot.send_message(5550001, "<i>Hi</i>", parse_mode="HTML")
        photo = await bot.send_photo(
            5550001, aiogram.types.BufferedInputFile(PNG, "a.png"), caption="Look"
        )
        return me, message, photo

    me, message, photo = with_aiogram(sandbox, talk)
    assert me.id == 5550900
    assert (message.text, message.entities[0].type) == ("Hi", "italic")
    assert photo.photo[-1].width == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "rate_limit", "retry_after": 7}, "TelegramRetryAfter"),
        ({"kind": "status", "status": 400}, "TelegramBadRequest"),
        ({"kind": "status", "status": 403}, "TelegramForbiddenError"),
    ],
)
def test_aiogram_understands_what_goes_wrong(aiogram, sandbox, telegram, fault, error):
    telegram.write()
    sandbox.fault(provider="telegram", operation="sendMessage", **fault)
    with pytest.raises(getattr(aiogram.exceptions, error)):
        with_aiogram(sandbox, lambda bot: bot.send_message(5550001, "Hi"))
