"""Ask LINE: push a message, look at the account, enter the webhook, fetch a file."""

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from hubbub.sdk import (
    Accepted,
    AuthFailed,
    Checked,
    Exchange,
    FetchedMedia,
    Finding,
    HttpRequest,
    HttpResponse,
    Location,
    OutcomeUnknown,
    Part,
    Permanent,
    RateLimited,
    SendError,
    Text,
    Transient,
    Unsupported,
    Wire,
)
from hubbub_line import wire
from hubbub_line.fields import API_BASE, DATA_BASE, LineConnection

W = TypeVar("W", bound=Wire)
_OK: Final = range(200, 300)
_REFUSED, _TAKEN_BEFORE, _TOO_MANY, _BROKEN = 401, 409, 429, 500
_LARGEST: Final = 200 << 20


def push(part: Part, connection: LineConnection) -> Exchange[Accepted]:
    """Send one message; the same part twice is one message to LINE."""
    body = {"to": part.address, "messages": [_said(part)]}
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"hubbub:{part.reference}"))
    more = {"x-line-retry-key": key} if part.reference else {}
    response = yield _asking(connection, "POST", "/v2/bot/message/push", body, more)
    if response.status not in _OK and response.status != _TAKEN_BEFORE:
        raise _refusal(response)
    pushed = _read(wire.Pushed, response)
    if pushed is None:
        if response.status == _TAKEN_BEFORE:
            raise _refusal(response)
        raise OutcomeUnknown("LINE's answer cannot be read.")
    return Accepted(external_id=pushed.sent[0].id)


def check(connection: LineConnection) -> Exchange[Checked]:
    """Ask who we are, and whether LINE calls us."""
    response = yield _asking(connection, "GET", "/v2/bot/info")
    if response.status == _REFUSED:
        finding = Finding.bad(
            "token", "LINE refuses the channel access token.", "Issue a new one there."
        )
        return Checked(findings=(finding,))
    bot = _need(wire.Bot, response)
    token = Finding(code="token", ok=True, detail=f"The account is {bot.name}.")
    response = yield _asking(connection, "GET", "/v2/bot/channel/webhook/endpoint")
    webhook = _webhook(_need(wire.Endpoint, response), connection)
    return Checked(findings=(token, webhook), facts={"basic_id": bot.basic_id})


def register(connection: LineConnection) -> Exchange[Checked]:
    """Enter our webhook, then check."""
    body = {"endpoint": connection.webhook_url}
    response = yield _asking(connection, "PUT", "/v2/bot/channel/webhook/endpoint", body)
    if response.status not in _OK and response.status != _REFUSED:
        raise _refusal(response)
    return (yield from check(connection))


def fetch(ref: str, connection: LineConnection) -> Exchange[FetchedMedia]:
    """Fetch the file of a message by the message's id."""
    base = connection.fields.settings.api_base or API_BASE
    data = DATA_BASE if base == API_BASE else base
    url = f"{data.rstrip('/')}/v2/bot/message/{quote(ref, safe='')}/content"
    response = yield HttpRequest(
        method="GET", url=url, headers=_proof(connection), max_answer=_LARGEST, safe=True
    )
    if response.status not in _OK:
        raise _refusal(response)
    if not response.body:
        raise Transient("LINE does not have the file ready yet.", code="media_missing")
    return FetchedMedia(body=response.body, mime_type=response.headers.get("content-type"))


def _said(part: Part) -> dict[str, Any]:
    match part.content:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Location(latitude=latitude, longitude=longitude, name=name, address=address):
            # Both words are required, and a place may have neither.
            place = f"{latitude}, {longitude}"
            words = {"title": name or address or place, "address": address or name or place}
            return {"type": "location", **words, "latitude": latitude, "longitude": longitude}
    raise Unsupported(f"This plugin sends no {part.content.type} to LINE.")


def _webhook(found: wire.Endpoint, connection: LineConnection) -> Finding:
    if found.endpoint != connection.webhook_url:
        return Finding.bad("webhook", "LINE does not call this hub.", "Save the channel once more.")
    if not found.active:
        fix = "Switch Use webhook on in the LINE Developers Console."
        return Finding.bad("webhook", "LINE knows this hub, but calls nobody.", fix)
    return Finding(code="webhook", ok=True, detail="LINE calls this hub.")


# --- requests and answers ------------------------------------------------------------------


def _asking(
    connection: LineConnection,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    more: Mapping[str, str] | None = None,
) -> HttpRequest:
    url = (connection.fields.settings.api_base or API_BASE).rstrip("/") + path
    headers = {**_proof(connection), **(more or {})}
    if body is None:
        return HttpRequest(method=method, url=url, headers=headers, safe=True)
    return HttpRequest.json(method, url, body, headers=headers)


def _proof(connection: LineConnection) -> dict[str, str]:
    token = connection.fields.credentials.channel_access_token.get_secret_value()
    return {"authorization": f"Bearer {token}"}


def _read(model: type[W], response: HttpResponse) -> W | None:
    try:
        return model.model_validate_json(response.body)
    except ValidationError:
        return None


def _need(model: type[W], response: HttpResponse) -> W:
    if response.status not in _OK:
        raise _refusal(response)
    found = _read(model, response)
    if found is None:
        raise Transient("LINE's answer cannot be read.", code="unreadable_answer")
    return found


def _refusal(response: HttpResponse) -> SendError:
    problem = _read(wire.Problem, response) or wire.Problem()
    said = f"LINE said: {problem.message[:200] or response.status}"
    status = str(response.status)
    if response.status == _TOO_MANY:
        return RateLimited(said, retry_after=_wait(response), provider_code=status)
    if response.status == _REFUSED:
        return AuthFailed(said, provider_code=status)
    return (Transient if response.status >= _BROKEN else Permanent)(said, provider_code=status)


def _wait(response: HttpResponse) -> timedelta:
    told = response.headers.get("retry-after", "")
    return timedelta(seconds=int(told) if re.fullmatch(r"[1-9][0-9]{0,4}", told) else 60)
