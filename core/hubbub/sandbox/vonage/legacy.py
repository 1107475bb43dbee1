"""Bring a number's messages by the older SMS API: unsigned, long ones piece by piece."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from hubbub.sandbox.client import Answer
from hubbub.sandbox.vonage.state import Application, Cloud, Sms
from hubbub.sandbox.world import Parcel, Target
from hubbub.sandbox.wsgi import Json

_TIMEOUT: Final = 15.0
#: Vonage repeats a message about every minute, for a day.
_MOST_TRIES: Final = 24 * 60
#: What one message holds, and one piece of several: characters, or units of UCS-2.
_ROOM: Final = {"text": (160, 153), "unicode": (70, 67)}
_references: Final = itertools.count(1)


def bring(
    cloud: Cloud, application: Application, url: str, sms: Sms, done: Callable[[Answer], None]
) -> None:
    """Tell the hub of a message, in as many calls as it has pieces, in no certain order."""
    for number, said in enumerate(_said(sms, application.api_key), 1):
        _call(cloud, application, url, said, key=f"{sms.id}:{number}", done=done)


def _said(sms: Sms, api_key: str) -> list[Json]:
    kind = "text" if sms.text.isascii() else "unicode"
    pieces = _pieces(sms.text, *_ROOM[kind])
    about = {
        "api-key": api_key,
        "msisdn": sms.sender,
        "to": sms.recipient,
        "type": kind,
        "keyword": sms.text.split(" ")[0].upper(),
        "message-timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
    }
    if len(pieces) == 1:
        return [about | {"messageId": sms.id, "text": sms.text}]
    several = {
        "concat": "true",
        "concat-ref": str(next(_references) & 0xFF),
        "concat-total": str(len(pieces)),
    }
    return [
        about
        | several
        | {"messageId": f"{sms.id}{number:02d}", "concat-part": str(number), "text": piece}
        for number, piece in enumerate(pieces, 1)
    ]


def _pieces(text: str, single: int, room: int) -> list[str]:
    widths = [len(character.encode("utf-16-be")) // 2 for character in text]
    if sum(widths) <= single:
        return [text]
    pieces, left = [""], room
    for character, width in zip(text, widths, strict=True):
        if width > left:
            pieces.append("")
            left = room
        pieces[-1] += character
        left -= width
    return pieces


def _call(
    cloud: Cloud,
    application: Application,
    url: str,
    said: Json,
    *,
    key: str,
    done: Callable[[Answer], None],
) -> None:
    def target(forged: bool) -> Target | None:  # noqa: FBT001  # the type of Parcel.target
        del forged  # nothing proves who calls
        return Target(url, {"Content-Type": "application/json"}, _TIMEOUT)

    def heard(answer: Answer, attempt: int) -> float | None:
        if not answer.accepted and attempt < _MOST_TRIES:
            return cloud.world.config.retry_base
        done(answer)
        return None

    parcel = Parcel(
        provider="vonage",
        endpoint=application.id,
        kind="message",
        key=key,
        body=json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(),
        target=target,
        heard=heard,
        address=str(said["msisdn"]),
        text=str(said["text"]),
    )
    # A lane for each: no order is kept.
    cloud.world.tell(("vonage", application.id, "message", key), parcel)
