"""Open a hub's doors: its channels, where their messages go, and what those outside know of it."""

from dataclasses import dataclass
from typing import Any

from hubbub.hub import Hub
from hubbub.store.session import reading
from tests.chaos import calls
from tests.chaos.calls import ask
from tests.chaos.town import KEY, Town

#: Customers on Telegram are answered by the keyword bot: word by word.
WORDS = 200
BOT_SECRET = "CHAOS-bot-secret-canary"


@dataclass(frozen=True, kw_only=True)
class Place:
    """The hub, as those outside know it."""

    webs: list[str]
    sandbox: str
    api: dict[str, str]
    #: The id of the channel of each kind: ``telegram``, ``polled`` (Telegram too), ``sms``.
    channels: dict[str, str]
    telegram_url: str
    telegram_secret: str
    sms_url: str

    @property
    def secrets(self) -> dict[str, str]:
        """What may stand nowhere in plain text, by what it is."""
        return {
            "The bot token": calls.TOKEN.partition(":")[2],
            "The polled bot's token": calls.POLLED.partition(":")[2],
            "The auth token": calls.AUTH,
            "The webhook secret": self.telegram_secret,
            "The API token": self.api["Authorization"].removeprefix("Bearer "),
            "The bot's secret": BOT_SECRET,
            "The secret key": KEY,
        }


def prepare(town: Town, bot_url: str) -> Place:
    """Make a channel of each kind, with a bot behind it."""
    token = town.command("token", "create", "--name", "chaos").strip().splitlines()[-1]
    api = {"Authorization": f"Bearer {token}"}
    telegram = _channel(town, api, "telegram", {"token": calls.TOKEN}, {"mode": "webhook"})
    polled = _channel(town, api, "telegram", {"token": calls.POLLED}, {"mode": "polling"})
    account = {"account_sid": calls.ACCOUNT, "auth_token": calls.AUTH}
    sms = _channel(town, api, "sms_twilio", account, {"from_number": calls.NUMBER})
    words = [{"match": f"w{number:03}", "reply": f"answer {number:03}"} for number in range(WORDS)]
    for channel in (telegram, polled):
        _route(town, api, channel, {"type": "keyword", "answers": words})
    _route(town, api, sms, {"type": "chatbot", "url": bot_url, "secret": BOT_SECRET})
    # The judge must hear of receipts from those who know what was acknowledged: see `Network`.
    rules = {"telegram_first_contact": False, "twilio_receipts": False}
    assert ask(f"{town.sandbox}/_sandbox/rules", rules, method="PATCH") is not None
    return Place(
        webs=town.webs,
        sandbox=town.sandbox,
        api=api,
        channels={"telegram": telegram["id"], "polled": polled["id"], "sms": sms["id"]},
        telegram_url=telegram["webhook_url"],
        telegram_secret=_webhook_secret(town, telegram["id"]),
        sms_url=sms["webhook_url"],
    )


def _channel(
    town: Town,
    api: dict[str, str],
    kind: str,
    credentials: dict[str, str],
    settings: dict[str, Any],
) -> dict[str, Any]:
    base = f"{town.sandbox}/{kind.removeprefix('sms_')}"
    body = {
        "type": kind,
        "name": kind,
        "credentials": credentials,
        "settings": {**settings, "api_base": base, "messages_per_second": 5000},
    }
    made: dict[str, Any] | None = ask(f"{town.webs[0]}/api/v1/channels", body, api)
    assert made is not None, kind
    assert made["status"] == "connected", made
    return made


def _route(town: Town, api: dict[str, str], channel: dict[str, Any], to: dict[str, Any]) -> None:
    body = {"routes": [{"name": "Bot", "when": {}, "to": to}], "fallback": {"type": "inbox"}}
    url = f"{town.webs[0]}/api/v1/channels/{channel['id']}/routes"
    assert ask(url, body, api, "PUT") is not None


def _webhook_secret(town: Town, channel_id: str) -> str:
    """Return the secret that the hub gave to Telegram, from the hub's own vault."""
    hub = Hub.make(town.settings)
    try:
        with reading(hub.engine) as db:
            line = hub.directory.usable(db, channel_id)
    finally:
        hub.engine.dispose()
        hub.redis.close()
    assert line is not None
    return str(line.connection.webhook_secret)
