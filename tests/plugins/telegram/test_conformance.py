"""The conformance kit, on Telegram."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hubbub.sandbox import live
from hubbub.sdk import AuthFailed, Headers, Permanent, RateLimited, RecipientGone, Transient
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from hubbub_telegram.channel import Telegram

PAYLOADS = Path(__file__).parent / "payloads"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


def update(name, *says, words=()):
    body = (PAYLOADS / f"updates/{name}.json").read_bytes()
    return Recorded(
        body=body,
        id=str(json.loads(body)["update_id"]),
        headers={"content-type": "application/json"},
        says=says,
        words=words,
    )


def answered(name, status=200):
    return answer(status, (PAYLOADS / f"answers/{name}.json").read_bytes())


class TestTelegram(ChannelConformance):
    channel_type = Telegram
    credentials = {"token": "5550900:AAExampleExampleExampleExampleExample"}
    other_credentials = {"token": "5550901:AAAnotherAnotherAnotherAnotherAnother"}
    facts = {"bot_id": "5550900", "username": "shop_bot"}
    address = "5550001"
    bad_addresses = ("", "Ada", "12 34", "@1", "https://t.me/ada")

    signs_body = False
    inbound = {
        "text": update("message_text", "text", words=("Hi 😀 @bob_1 /help",)),
        "photo": update("message_photo", "image", words=("Broken",)),
        "audio": update("message_audio", "audio"),
        "voice": update("message_voice", "voice"),
        "video": update("message_video", "video"),
        "document": update("message_document", "document"),
        "sticker": update("message_sticker", "sticker"),
        "location": update("message_location", "location"),
        "contact": update("message_contact", "contacts"),
        "reaction": update("reaction_added", "reaction"),
        "button": update("callback_query", "choice"),
        "start": update("message_start", "system"),
        "hologram": update("message_unknown_content", "unsupported"),
        "edit": update("edited_message", "edit"),
        "blocked": update("my_chat_member_kicked", "address blocked"),
        "unblocked": update("my_chat_member_member", "address ok"),
    }
    unknown = update("unknown_kind", "ignored")

    accepted = (answered("sendMessage"),)
    accepted_as = {"reaction": (answered("true"),)}
    external_id = "5550001:78"
    refusals = {
        "token": Refused(answers=(answered("401", 401),), error=AuthFailed),
        "blocked": Refused(answers=(answered("403_blocked", 403),), error=RecipientGone),
        "too large": Refused(answers=(answered("400_big_file", 400),), error=Permanent),
        "limit": Refused(
            answers=(answered("429", 429),), error=RateLimited, wait=timedelta(seconds=3)
        ),
        "down": Refused(answers=(answer(500),), error=Transient),
    }

    healthy = (answered("getMe"), answered("getWebhookInfo"))
    registered = (answered("true"), *healthy)
    removed = (answered("getWebhookInfo"), answered("true"))
    fetched = (answered("getFile"), answer(200, b"a picture"))
    acknowledged = typed = (answered("true"),)

    def sign(self, call, connection):
        headers = Headers({**call.headers, SECRET_HEADER: connection.webhook_secret})
        return replace(call, headers=headers)

    @contextmanager
    def simulator(self):
        with live() as sandbox:
            steer = sandbox.app.test_client().post
            bot = steer("/_sandbox/bots", json={"token": self.credentials["token"]})
            # A bot writes only to people who wrote to it.
            said = {"from": {"id": 5550001, "first_name": "Ada"}, "text": "Hi"}
            told = steer("/_sandbox/telegram/5550900/messages", json=said)
            assert {bot.status_code, told.status_code} == {201}, bot.text + told.text
            yield self.connection(api_base=f"{sandbox.url}/telegram", mode="polling")
