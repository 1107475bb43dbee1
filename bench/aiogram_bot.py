"""An aiogram echo bot behind its own webhook server: one process that keeps nothing."""

import contextlib
import sys
from collections.abc import Iterator

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from bench.common import LOCAL, TOKEN, answers, free_port, module, running, wait_until

SECRET = "a-secret-of-the-benchmarks"  # noqa: S105  # made up for the stub
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
PATH = "/webhook"


async def echo(message: Message) -> None:
    """Say what was said."""
    await message.answer(message.text or "")


async def well(_request: web.Request) -> web.Response:
    """Say that the bot runs."""
    return web.Response(text="ok")


def serve(port: int, stub_port: int) -> None:
    """Run the bot."""
    server = TelegramAPIServer.from_base(f"http://{LOCAL}:{stub_port}")
    bot = Bot(f"42{TOKEN}", session=AiohttpSession(api=server))
    dispatcher = Dispatcher()
    dispatcher.message.register(echo)
    app = web.Application()
    app.router.add_get("/", well)
    SimpleRequestHandler(dispatcher, bot, secret_token=SECRET).register(app, path=PATH)
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host=LOCAL, port=port, print=None, access_log=None)


@contextlib.contextmanager
def aiogram_bot(stub_port: int) -> Iterator[int]:
    """Run it in a process of its own; gives its port."""
    port = free_port()
    with running(module("aiogram_bot", port, stub_port)):
        wait_until(lambda: answers(port), 30, "the aiogram bot")
        yield port


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
