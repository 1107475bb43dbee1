"""Let a bot receive: its webhook, its polling, its files and what it says of itself."""

import re
import time
from typing import Final

from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.media import stored_file
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import Refused, bad, conflict
from hubbub.sandbox.telegram.state import ALL_UPDATES, DEFAULT_UPDATES, Bot, Webhook
from hubbub.sandbox.telegram.updates import queue_all
from hubbub.sandbox.wsgi import Json

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]*")
_SECRET_LIMIT: Final = 256
_LONGEST_POLL: Final = 50
_FILE_LIMIT: Final = 20 * 1024 * 1024
_EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "audio/ogg": "oga",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
    "application/pdf": "pdf",
}


def get_me(_cloud: Cloud, bot: Bot, _params: Params) -> Json:
    """Carry out ``getMe``."""
    return {
        **bot.me(),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def set_webhook(cloud: Cloud, bot: Bot, params: Params) -> str:
    """Carry out ``setWebhook`` and return what it says."""
    url = params.text("url")
    if not url:
        return delete_webhook(cloud, bot, params)
    wanted = _webhook(url, params)
    with cloud.world.lock:
        _allow(bot, params)
        _drop_if_asked(bot, params)
        same = bot.webhook is not None and vars(bot.webhook) == vars(wanted)
        bot.webhook = bot.webhook if same else wanted
        bot.polls = False
        _end_polling(bot, "terminated by setWebhook request")
        if not same:
            queue_all(cloud, bot, wanted)
    return "Webhook is already set" if same else "Webhook was set"


def delete_webhook(cloud: Cloud, bot: Bot, params: Params) -> str:
    """Carry out ``deleteWebhook`` and return what it says."""
    with cloud.world.lock:
        _drop_if_asked(bot, params)
        had, bot.webhook = bot.webhook, None
    return "Webhook is already deleted" if had is None else "Webhook was deleted"


def get_webhook_info(cloud: Cloud, bot: Bot, _params: Params) -> Json:
    """Carry out ``getWebhookInfo``."""
    with cloud.world.lock:
        webhook = bot.webhook
        info: Json = {
            "url": webhook.url if webhook else "",
            "has_custom_certificate": bool(webhook and webhook.has_certificate),
            "pending_update_count": len(bot.pending),
        }
        if webhook is not None:
            info |= {"max_connections": webhook.max_connections, "ip_address": "127.0.0.1"}
        if bot.last_error is not None and webhook is not None:
            info["last_error_date"], info["last_error_message"] = bot.last_error
        # Left out where it is the default set.
        if bot.allowed != DEFAULT_UPDATES:
            info["allowed_updates"] = sorted(bot.allowed)
        return info


def get_updates(cloud: Cloud, bot: Bot, params: Params) -> list[Json]:
    """Carry out ``getUpdates``: wait for updates up to ``timeout`` seconds."""
    deadline = time.monotonic() + min(max(params.number("timeout"), 0), _LONGEST_POLL)
    with cloud.world.lock:
        if bot.webhook is not None:
            raise conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        bot.polls = True
        _allow(bot, params)
        _confirm(bot, params.number("offset"))
        _end_polling(
            bot,
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running",
        )
        ticket = bot.poll
        while not bot.pending and (left := deadline - time.monotonic()) > 0:
            bot.arrived.wait(left)
            if bot.poll != ticket:
                raise conflict(bot.poll_ended)
        limit = min(max(params.number("limit", 100), 1), 100)
        return [pending.update for pending in list(bot.pending.values())[:limit]]


def get_file(cloud: Cloud, bot: Bot, params: Params) -> Json:
    """Carry out ``getFile``."""
    file_id = params.text("file_id")
    kind, stored = stored_file(cloud.world, bot, file_id)
    if len(stored.data) > _FILE_LIMIT:
        raise bad("file is too big")
    extension = _EXTENSIONS.get(stored.mime_type, "bin")
    path = f"{kind}s/file_{stored.id[:12]}.{extension}"
    bot.paths[path] = stored.id
    return {
        "file_id": file_id,
        "file_unique_id": stored.id[:16],
        "file_size": len(stored.data),
        "file_path": path,
    }


def file_at(cloud: Cloud, bot: Bot, path: str) -> bytes:
    """Return the bytes behind a ``file_path``; `Refused` where there are none."""
    stored = cloud.world.files.get(bot.paths.get(path, ""))
    if stored is None:
        raise Refused(404, "Not Found")
    return stored.data


def set_commands(_cloud: Cloud, bot: Bot, params: Params) -> bool:
    """Carry out ``setMyCommands``."""
    bot.commands = params.sequence("commands") or []
    return True


def get_commands(_cloud: Cloud, bot: Bot, _params: Params) -> list[Json]:
    """Carry out ``getMyCommands``."""
    return bot.commands


def _webhook(url: str, params: Params) -> Webhook:
    # The cloud server wants https and four ports; a sandbox serves hubs on a desk.
    if not url.startswith(("http://", "https://")):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if len(url.split("/", 3)[2]) == 0:
        raise bad("invalid webhook URL specified")
    secret = params.text("secret_token")
    if len(secret) > _SECRET_LIMIT:
        raise bad("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    connections = min(max(params.number("max_connections", 40), 1), 100)
    return Webhook(url, secret, connections, "certificate" in params.files)


def _allow(bot: Bot, params: Params) -> None:
    wanted = params.sequence("allowed_updates")
    if wanted is None:
        return  # left out: as before
    bot.allowed = frozenset(map(str, wanted)) & ALL_UPDATES if wanted else DEFAULT_UPDATES


def _drop_if_asked(bot: Bot, params: Params) -> None:
    if params.flag("drop_pending_updates"):
        bot.pending.clear()


def _end_polling(bot: Bot, why: str) -> None:
    bot.poll += 1
    bot.poll_ended = why
    bot.arrived.notify_all()


def _confirm(bot: Bot, offset: int) -> None:
    if offset < 0:
        keep = list(bot.pending)[offset:]
        offset = keep[0] if keep else 0
    for number in [number for number in bot.pending if number < offset]:
        del bot.pending[number]
