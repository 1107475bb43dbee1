"""Look after the connection: check, register, unregister, fetch files, small signals."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from hubbub.sdk import (
    AuthFailed,
    Call,
    Checked,
    Exchange,
    FetchedMedia,
    Finding,
    HttpResponse,
    Permanent,
    Transient,
)
from hubbub_telegram.addresses import target
from hubbub_telegram.answers import Bot, StoredFile, WebhookInfo, result
from hubbub_telegram.api import ask, calling, downloading, order
from hubbub_telegram.fields import TelegramConnection, mode_of
from hubbub_telegram.manifest import DOWNLOAD, updates
from hubbub_telegram.wire import Update, moment

#: Telegram keeps its last error after recovery; only a young one means something.
_YOUNG: Final = timedelta(minutes=5)
#: Calls that Telegram makes at once, of 100 at most.
_PARALLEL: Final = 20


def check(connection: TelegramConnection) -> Exchange[Checked]:
    """Ask who we are and, where Telegram calls us, whether it does."""
    try:
        bot = yield from ask(connection, "getMe", {}, Bot)
    except AuthFailed as error:
        return Checked(findings=(_bad_token(error),))
    found = Checked(
        findings=tuple(_about_bot(bot, connection)),
        facts={"bot_id": str(bot.id), "username": bot.username},
    )
    if mode_of(connection) == "polling":
        return found
    response = yield calling(connection, "getWebhookInfo", {}, safe=True)
    info = result(response, WebhookInfo)
    return Checked(
        findings=(*found.findings, *_about_webhook(info, connection, _now(response))),
        facts={**found.facts, "pending_updates": str(info.pending_update_count)},
    )


def setup(connection: TelegramConnection) -> Exchange[Checked]:
    """Register our webhook, or remove any so that we can poll; then check."""
    refusal = yield from _register(connection)
    checked = yield from check(connection)
    if refusal is None:
        return checked
    others = (finding for finding in checked.findings if finding.code != refusal.code)
    return replace(checked, findings=(*others, refusal))


def teardown(connection: TelegramConnection) -> Exchange[None]:
    """Remove our webhook, unless somebody else's has taken its place."""
    try:
        info = yield from ask(connection, "getWebhookInfo", {}, WebhookInfo)
    except AuthFailed:
        # A token that no longer works has no webhook that we could remove.
        return
    if info.url and info.url == connection.webhook_url:
        yield from order(connection, "deleteWebhook", {})


def fetch(ref: str, connection: TelegramConnection) -> Exchange[FetchedMedia]:
    """Fetch the file with the ``file_id`` that ``ref`` is."""
    file = yield from ask(connection, "getFile", {"file_id": ref}, StoredFile)
    if not file.file_path:
        raise Transient("Telegram does not say yet where the file is.", code="file_unavailable")
    response = yield downloading(connection, file.file_path, limit=DOWNLOAD)
    if response.status == 200:  # noqa: PLR2004  # HTTP's own number
        return FetchedMedia(
            body=response.body,
            mime_type=_mime_type(response),
            filename=file.file_path.rpartition("/")[2] or None,
        )
    raise Transient(
        f"Telegram did not hand out the file (HTTP status {response.status}).",
        code="file_unavailable",
        provider_code=str(response.status),
    )


def pressed(call: Call) -> str | None:
    """Return the id of the button press that ``call`` tells of, or None."""
    # Nearly all calls are something else: look before reading.
    if b'"callback_query"' not in call.body:
        return None
    try:
        query = Update.from_body(call.body).callback_query
    except ValidationError:
        return None
    return query.id if query else None


def acknowledge(call: Call, connection: TelegramConnection) -> Exchange[None]:
    """Stop the pressed button's spinning."""
    query_id = pressed(call)
    if query_id is None:
        return
    try:
        yield from order(connection, "answerCallbackQuery", {"callback_query_id": query_id})
    except Permanent as error:
        # Too late, which harms nothing: the button stopped by itself.
        if "query is too old" not in error.detail:
            raise


def typing(address: str, connection: TelegramConnection) -> Exchange[None]:
    """Show for up to five seconds that somebody is writing."""
    yield from order(connection, "sendChatAction", {**target(address), "action": "typing"})


def _register(connection: TelegramConnection) -> Exchange[Finding | None]:
    """Do what `setup` says; return what Telegram has against it, other than the token."""
    try:
        if mode_of(connection) == "polling":
            yield from order(connection, "deleteWebhook", {})
        else:
            yield from order(connection, "setWebhook", _webhook(connection))
    except AuthFailed:
        return None  # the check that follows tells
    except Permanent as error:
        return Finding(
            code="webhook_url",
            ok=False,
            detail=error.detail,
            fix="Telegram calls public https addresses on port 443, 80, 88 or 8443. Set "
            "HUBBUB_PUBLIC_URL to one, or set the channel's mode to polling.",
        )
    return None


def _webhook(connection: TelegramConnection) -> dict[str, object]:
    return {
        "url": connection.webhook_url,
        "secret_token": connection.webhook_secret,
        "allowed_updates": updates(connection),
        "max_connections": _PARALLEL,
    }


def _bad_token(error: AuthFailed) -> Finding:
    return Finding(
        code="token",
        ok=False,
        detail=error.detail,
        fix="In the chat with @BotFather send /mybots, choose the bot, press API Token, and "
        "enter that token here.",
    )


def _about_bot(bot: Bot, connection: TelegramConnection) -> Iterator[Finding]:
    name = f"@{bot.username}, https://t.me/{bot.username}" if bot.username else f"bot {bot.id}"
    yield Finding(code="token", ok=True, detail=f"The token is that of {name}.")
    if not connection.fields.settings.allow_groups:
        return
    if not bot.can_join_groups:
        yield Finding(
            code="groups",
            ok=False,
            detail="Groups are switched on, but the bot cannot be added to any.",
            fix="Send /setjoingroups to @BotFather and choose Enable, or switch groups off.",
        )
    elif not bot.can_read_all_group_messages:
        # Some want exactly this, so it is no fault.
        yield Finding(
            code="groups",
            ok=True,
            detail="In groups the bot sees only commands and replies to it.",
            fix="To see everything, send /setprivacy to @BotFather and choose Disable.",
        )


def _about_webhook(
    info: WebhookInfo, connection: TelegramConnection, now: datetime | None
) -> Iterator[Finding]:
    yield _whose_webhook(info, connection)
    yield _webhook_errors(info, connection, now)
    if missing := _not_allowed(info, connection):
        yield Finding(
            code="allowed_updates",
            ok=False,
            detail=f"Telegram was told not to send: {', '.join(sorted(missing))}.",
            fix="Save the channel once more: that registers its webhook anew.",
        )


def _whose_webhook(info: WebhookInfo, connection: TelegramConnection) -> Finding:
    if info.url == connection.webhook_url:
        return Finding(code="webhook_url", ok=True, detail="Telegram calls this hub.")
    ours = urlsplit(connection.webhook_url)
    if info.url.endswith(ours.path):
        told = info.url.removesuffix(ours.path)
        detail = f"Telegram calls this channel at {told}, not at {ours.scheme}://{ours.netloc}."
        fix = (
            "If the first is the hub's address, set HUBBUB_PUBLIC_URL to it; else save the channel "
            "once more."
        )
    elif info.url:
        detail = f"Another program has taken the bot over: Telegram calls {_host(info.url)}."
        fix = "Stop the other program, then save the channel once more to take the bot back."
    else:
        detail = "Telegram calls nobody: no webhook is set."
        fix = "Save the channel once more: that registers its webhook anew."
    return Finding(code="webhook_url", ok=False, detail=detail, fix=fix)


def _webhook_errors(
    info: WebhookInfo, connection: TelegramConnection, now: datetime | None
) -> Finding:
    failed_at = moment(info.last_error_date)
    # Where the answer names no time, we cannot tell that the error is old.
    young = failed_at is not None and (now is None or now - failed_at < _YOUNG)
    waiting = info.pending_update_count
    if not young:
        return Finding(code="webhook_errors", ok=True, detail=f"{waiting} updates are waiting.")
    return Finding(
        code="webhook_errors",
        ok=waiting <= _waiting_before(connection),
        detail=f"Telegram could not deliver: {info.last_error_message[:200]}. "
        f"{waiting} updates are waiting.",
        fix="See that the hub's public address can be reached from the internet and has a "
        "complete certificate chain.",
    )


def _not_allowed(info: WebhookInfo, connection: TelegramConnection) -> set[str]:
    wanted = set(updates(connection))
    # Left out, it is Telegram's default list, which has all that we want but reactions.
    return (
        wanted & {"message_reaction"}
        if info.allowed_updates is None
        else wanted - set(info.allowed_updates)
    )


def _waiting_before(connection: TelegramConnection) -> int:
    count = connection.facts.get("pending_updates", "")
    return int(count) if count.isascii() and count.isdigit() else 0


def _now(response: HttpResponse) -> datetime | None:
    """Return the provider's own time, which its errors are dated by."""
    try:
        told = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "another address"
    except ValueError:
        return "another address"


def _mime_type(response: HttpResponse) -> str | None:
    told = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Telegram's file server calls everything this.
    return told if told and told != "application/octet-stream" else None
