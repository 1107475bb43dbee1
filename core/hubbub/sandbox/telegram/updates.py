"""Bring updates to the hub: by its webhook, one at a time for each chat, or by its polling."""

import json
import random
import time
from collections.abc import Hashable
from typing import Final

from hubbub.sandbox.client import Answer
from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.state import Bot, Pending, Webhook
from hubbub.sandbox.world import Parcel, Target
from hubbub.sandbox.wsgi import Json

_DAY: Final = 24 * 3600.0
_LIFETIME: Final = {
    "callback_query": 150.0,
    "shipping_query": 150.0,
    "pre_checkout_query": 150.0,
    "inline_query": 30.0,
    "chosen_inline_result": 600.0,
}
_LONGEST_PAUSE: Final = 3600.0
_CAP_FROM: Final = 60.0
_CAP_TO: Final = 120.0


def publish(
    cloud: Cloud, bot: Bot, kind: str, body: Json, *, update_id: int | None = None, text: str = ""
) -> int | None:
    """Make an update and bring it to the hub; None if the bot did not ask for this kind."""
    with cloud.world.lock:
        if kind not in bot.allowed:
            return None
        number = bot.new_update() if update_id is None else update_id
        who, lane = _lane(bot, kind, body)
        expires = time.time() + _LIFETIME.get(kind, _DAY)
        update = {"update_id": number, kind: body}
        bot.pending[number] = Pending(update, kind, lane, expires, who, text)
        if bot.webhook is not None:
            _queue(cloud, bot, bot.webhook, bot.pending[number])
        bot.arrived.notify_all()
        return number


def queue_all(cloud: Cloud, bot: Bot, webhook: Webhook) -> None:
    """Send everything that waits to a webhook that was just set."""
    for pending in bot.pending.values():
        _queue(cloud, bot, webhook, pending)


def _lane(bot: Bot, kind: str, body: Json) -> tuple[str, Hashable]:
    chat = body.get("chat") or {}
    user = body.get("from") or body.get("user") or {}
    if kind == "callback_query":
        # Presses have a queue for each person: one may overtake the text before it.
        return str(user.get("id", "")), (bot.id, "callback", user.get("id"))
    group = kind if kind in {"message_reaction", "my_chat_member", "chat_member"} else "message"
    return str(chat.get("id", user.get("id", ""))), (bot.id, group, chat.get("id", user.get("id")))


def _queue(cloud: Cloud, bot: Bot, webhook: Webhook, pending: Pending) -> None:
    def target(forged: bool) -> Target | None:  # noqa: FBT001  # the type of Parcel.target
        if bot.webhook is not webhook or pending.id not in bot.pending:
            return None
        headers = {"Content-Type": "application/json"}
        if webhook.secret_token:
            wrong = webhook.secret_token[::-1] + "-forged"
            headers["X-Telegram-Bot-Api-Secret-Token"] = wrong if forged else webhook.secret_token
        return Target(webhook.url, headers)

    def heard(answer: Answer, attempt: int) -> float | None:
        return _heard(cloud, bot, pending, answer, attempt)

    parcel = Parcel(
        provider="telegram",
        endpoint=str(bot.id),
        kind="update",
        key=str(pending.id),
        body=json.dumps(pending.update, ensure_ascii=False).encode(),
        target=target,
        heard=heard,
        address=pending.address,
        text=pending.text,
    )
    # A lane for each registration: what an old address holds up must not hold up a new one.
    cloud.world.tell(("telegram", webhook, pending.lane), parcel)


def _heard(cloud: Cloud, bot: Bot, pending: Pending, answer: Answer, attempt: int) -> float | None:
    with cloud.world.lock:
        if answer.accepted:
            bot.pending.pop(pending.id, None)
            return None
        bot.last_error = (int(time.time()), _complaint(answer))
        pause = _pause(answer, attempt, cloud.world.config.retry_base)
        if time.time() + pause > pending.expires_at:
            bot.pending.pop(pending.id, None)
            return None
        return pause


def _pause(answer: Answer, attempt: int, base: float) -> float:
    asked = answer.headers.get("retry-after", "")
    if asked.isdigit():
        return min(float(asked), _LONGEST_PAUSE)
    if attempt == 1:
        return 0.0
    pause: float = base * 2 ** (attempt - 2)
    if pause > _CAP_FROM:
        return random.uniform(_CAP_FROM, _CAP_TO)  # noqa: S311  # no secret
    return pause


def _complaint(answer: Answer) -> str:
    if answer.status is not None:
        return f"Wrong response from the webhook: {answer.status}"
    if "timed out" in answer.error:
        return "Read timeout expired"
    if "ConnectionRefused" in answer.error:
        return "Connection refused"
    return answer.error or "Connection closed"
