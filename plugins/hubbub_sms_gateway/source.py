"""Ask playSMS for what it tells nobody. Source: playSMS, "WEBSERVICES", operations in and ds."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from hubbub.sdk import (
    AuthFailed,
    Connection,
    Exchange,
    HttpResponse,
    Permanent,
    Polled,
    Transient,
)
from hubbub_sms_gateway import meanings, outbound
from hubbub_sms_gateway.fields import GatewayConnection
from hubbub_sms_gateway.gateway import Probe
from hubbub_sms_gateway.reading import pointed

_REST: Final = timedelta(seconds=20)
#: What one round asks for; of what was sent, the newest.
_MOST_IN: Final = 500
_MOST_SENT: Final = 100
_QUEUED: Final = "0"
#: "No data", which is no error: 400 to 402 of deliveries, 501 of all else.
_NOTHING: Final = frozenset({"400", "401", "402", "501"})
_URL: Final = "{base}/index.php?app=ws&u={secret.username}&h={secret.token}&op="


class PlaySmsLog:
    """Messages that came in since the last round, and what became of ours.

    The cursor is the id of the last message, and a digest of the states that were told.
    """

    type = "sms_gateway"

    def wanted(self, connection: Connection[Any]) -> bool:
        """Say whether this channel's gateway has to be asked."""
        return bool(connection.fields.settings.preset == "playsms")

    def cycle(self, connection: Connection[Any], cursor: str) -> Exchange[Polled]:
        """Ask once. The first round only takes down the last id: what is older was before us."""
        last, _, told = cursor.partition(":")
        asked = f"in&c={_MOST_IN}&last={last}" if last else "in&c=1"
        came = [row for row in (yield from _rows(connection, asked)) if _id(row)]
        sent = yield from _rows(connection, f"ds&c={_MOST_SENT}")
        states = [row for row in sent if str(row.get("status", _QUEUED)) != _QUEUED]
        digest = hashlib.sha256(json.dumps(states, sort_keys=True).encode()).hexdigest()[:16]
        newest = max([int(last or 0), *map(_id, came)])
        calls: list[bytes] = []
        if last:
            calls = [_call("in", row) for row in sorted(came, key=_id) if _id(row) > int(last)]
            calls += [_call("ds", row) for row in states] if digest != told else []
        return Polled(calls=tuple(calls), cursor=f"{newest}:{digest}", rest=_REST)


def _rows(connection: GatewayConnection, asked: str) -> Exchange[list[dict[str, Any]]]:
    response = yield outbound.probe(connection, Probe(url=_URL + asked))
    return list(_listed(response, connection))


def _listed(response: HttpResponse, connection: GatewayConnection) -> Iterator[dict[str, Any]]:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Transient(f"playSMS: {meanings.quoted(response)}", code="unreadable_answer")
    if str(pointed(document, "/error") or "") in _NOTHING:
        return
    rows = pointed(document, "/data")
    if not isinstance(rows, list):
        raise _refusal(response, connection)
    yield from (row for row in rows if isinstance(row, dict))


def _refusal(response: HttpResponse, connection: GatewayConnection) -> Exception:
    rules = connection.fields.settings.gateway.sending.errors
    error = meanings.error(response, meanings.word_for(response, rules))
    if isinstance(error, Permanent) and not isinstance(error, AuthFailed):
        return Transient(error.detail, code=error.code)
    return error


def _id(row: dict[str, Any]) -> int:
    text = str(row.get("id", ""))
    return int(text[:18]) if text.isascii() and text.isdigit() else 0


def _call(kind: str, row: dict[str, Any]) -> bytes:
    return json.dumps({kind: row}, ensure_ascii=False).encode()
