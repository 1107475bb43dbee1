"""Open a hub's doors: its channels, where their messages go, and what those outside know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from hubbub.hub import Hub
from hubbub.store.session import make_engine, reading
from hubbub.store.tables import SourceCursor, table
from tests.chaos.calls import ask
from tests.chaos.kinds import KINDS
from tests.chaos.kinds.kind import Kind, Line
from tests.chaos.town import KEY, Town
from tests.chaos.words import lexicon

_cursors = table(SourceCursor)
_BOT_SECRET = "CHAOS-bot-secret-canary"


@dataclass(frozen=True, kw_only=True)
class Place:
    """The hub, as those outside know it."""

    webs: list[str]
    sandbox: str
    api: dict[str, str]
    lines: list[Line]
    #: What may stand nowhere in plain text, by what it is.
    secrets: dict[str, str]

    @property
    def channels(self) -> dict[str, str]:
        """The id of the channel of each kind."""
        return {line.kind.name: line.id for line in self.lines}


def prepare(town: Town, bot_url: str) -> Place:
    """Make a channel of each kind, with a bot behind it."""
    token = town.command("token", "create", "--name", "chaos").strip().splitlines()[-1]
    api = {"Authorization": f"Bearer {token}"}
    # The judge must hear of receipts from those who know what was acknowledged: see `Network`.
    for kind in KINDS:
        assert ask(f"{town.sandbox}/_sandbox/rules", kind.rules, method="PATCH") is not None
    channels = {kind.name: _channel(town, api, kind) for kind in KINDS}
    bots: dict[str, dict[str, Any]] = {
        "keyword": {"type": "keyword", "answers": lexicon()},
        "chatbot": {"type": "chatbot", "url": bot_url, "secret": _BOT_SECRET},
    }
    for kind in KINDS:
        _route(town, api, channels[kind.name], bots[kind.bot])
    made = _made_by_the_hub(town, channels)
    for kind in KINDS:
        if kind.mailbox is not None:
            _await_first_look(town, channels[kind.name]["id"])
    lines = [_line(kind, channels[kind.name], made) for kind in KINDS]
    secrets = {
        **{name: secret for kind in KINDS for name, secret in kind.secrets.items()},
        **{f"{name}: webhook secret": secret for name, secret in made.items() if secret},
        "The API token": token,
        "The bot's secret": _BOT_SECRET,
        "The secret key": KEY,
    }
    return Place(webs=town.webs, sandbox=town.sandbox, api=api, lines=lines, secrets=secrets)


def _channel(town: Town, api: dict[str, str], kind: Kind) -> dict[str, Any]:
    known: Mapping[str, Any] = {}
    if kind.announced:
        where, what = kind.announced
        known = ask(f"{town.sandbox}/_sandbox/{where}", what)
        assert known is not None, kind.name
    reached = kind.reached(f"{town.sandbox}/{kind.provider}", known)
    body = {
        "type": kind.type,
        "name": kind.name,
        "credentials": kind.credentials,
        "settings": {**kind.settings, **reached, "messages_per_second": 5000},
    }
    made: dict[str, Any] | None = ask(f"{town.webs[0]}/api/v1/channels", body, api)
    assert made is not None, kind.name
    assert made["status"] == "connected", made
    return made


def _route(town: Town, api: dict[str, str], channel: dict[str, Any], to: dict[str, Any]) -> None:
    body = {"routes": [{"name": "Bot", "when": {}, "to": to}], "fallback": {"type": "inbox"}}
    url = f"{town.webs[0]}/api/v1/channels/{channel['id']}/routes"
    assert ask(url, body, api, "PUT") is not None


def _await_first_look(town: Town, channel_id: str) -> None:
    """Wait until a mailbox was opened for the first time: what is there by then is past."""
    engine = make_engine(town.database.url)
    asked = select(_cursors.c.cursor).where(_cursors.c.channel_id == channel_id)

    def looked() -> bool:
        with reading(engine) as db:
            return bool(db.execute(asked).scalar())

    try:
        town.until(looked)
    finally:
        engine.dispose()


def _line(kind: Kind, channel: dict[str, Any], made: Mapping[str, str]) -> Line:
    secret = kind.credentials[kind.signed_by] if kind.signed_by else made[kind.name]
    # It stands in the line that sites paste.
    widget = (channel.get("embed") or "").partition("/widget/")[2].partition(".js")[0]
    url = channel["webhook_url"]
    return Line(kind=kind, id=channel["id"], url=url, secret=secret, widget=widget)


def _made_by_the_hub(town: Town, channels: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """Return the secrets that the hub gave to providers, from the hub's own vault."""
    hub = Hub.make(town.settings)
    found = {}
    try:
        with reading(hub.engine) as db:
            for name, channel in channels.items():
                line = hub.directory.usable(db, channel["id"])
                assert line is not None
                found[name] = line.connection.webhook_secret
    finally:
        hub.engine.dispose()
        hub.redis.close()
    return found
