"""What others wrote for the real Bot API must get on with the sandbox."""

import asyncio
import base64

import aiogram.types
import pytest
import telegram as ptb
from aiogram import Bot as AiogramBot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from telegram import error as ptb_errors

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


def with_aiogram(sandbox, talk):
    async def run():
        server = TelegramAPIServer.from_base(f"{sandbox.url}/telegram")
        async with AiogramBot(TOKEN, session=AiohttpSession(api=server)) as bot:
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


def every_update(telegram, hub):
    number = telegram.write("/start ref_42")["message_id"]
    telegram.write("Hello", edits=number)
    telegram.write("And", reply_to=number)
    kinds = ("photo", "voice", "audio", "video", "video_note", "animation", "document", "sticker")
    for kind in kinds:
        telegram.write(None, upload={"kind": kind, "data": base64.b64encode(PNG).decode()})
    press = {"from": {"id": 5550001, "first_name": "Ada"}, "message_id": number, "data": "x"}
    telegram.post("presses", press)
    for blocked in (True, False):
        telegram.post("blocks", {"from": {"id": 5550001, "first_name": "Ada"}, "blocked": blocked})
    return [told.update for told in hub.wait(14)]


def test_python_telegram_bot_parses_every_update_and_knows_every_field(hooked, hub):
    for update in every_update(hooked, hub):
        parsed = ptb.Update.de_json(update, None)
        assert parsed.update_id == update["update_id"]
        assert not parsed.api_kwargs
        kind = next(key for key in update if key != "update_id")
        assert getattr(parsed, kind) is not None
        assert not getattr(parsed, kind).api_kwargs


def test_aiogram_parses_every_update(hooked, hub):
    for update in every_update(hooked, hub):
        parsed = aiogram.types.Update.model_validate(update)
        assert parsed.event_type in update


def test_aiogram_talks_to_the_sandbox(sandbox, telegram):
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
        ({"kind": "rate_limit", "retry_after": 7}, TelegramRetryAfter),
        ({"kind": "status", "status": 400}, TelegramBadRequest),
        ({"kind": "status", "status": 403}, TelegramForbiddenError),
    ],
)
def test_aiogram_understands_what_goes_wrong(sandbox, telegram, fault, error):
    telegram.write()
    sandbox.fault(provider="telegram", operation="sendMessage", **fault)
    with pytest.raises(error):
        with_aiogram(sandbox, lambda bot: bot.send_message(5550001, "Hi"))
