"""Make the calls of providers and of programs: signed, malformed, or with the wrong secret."""

import http.client
import itertools
import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twilio.request_validator import (  # type: ignore[import-untyped]  # has no types
    RequestValidator,
)

TOKEN = "700000001:CHAOS-token-canary-of-the-chaos-suite-1"
POLLED = "700000002:CHAOS-token-canary-of-the-chaos-suite-2"
ACCOUNT, AUTH = "AC" + "0" * 31 + "7", "canary0123456789abcdef0123456789"
NUMBER = "+15550100"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Post:
    """One call, ready to be made, and made again."""

    path: str
    body: bytes
    headers: Mapping[str, str]


class Caller:
    """Posts to one of several servers, over a connection for each; belongs to one thread."""

    def __init__(self, urls: Sequence[str]) -> None:
        hosts = [urllib.parse.urlsplit(url).netloc for url in urls]
        self._turns: Iterator[str] = itertools.cycle(hosts)
        self._links: dict[str, http.client.HTTPConnection] = {}

    def post(self, post: Post) -> tuple[int, bytes]:
        """Return status and body of the answer; status 0 where there was none."""
        host = next(self._turns)
        link = self._links.get(host)
        if link is None:
            link = self._links[host] = http.client.HTTPConnection(host, timeout=20)
        try:
            link.request("POST", post.path, post.body, dict(post.headers))
            answer = link.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            link.close()
            return 0, b""


def ask(
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    timeout: float = 20,
) -> Any:
    """Return the JSON of an answer, or None when there was none or it was no success."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"content-type": JSON, **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError):
        return None


class Numbers:
    """Numbers that nobody else has, for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0

    def next(self) -> int:
        with self._lock:
            self._next += 1
            return self._next


def path_of(url: str) -> str:
    """Return path and query of ``url``."""
    parts = urllib.parse.urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def telegram(url: str, secret: str, body: bytes | Mapping[str, Any]) -> Post:
    """Return a call as Telegram makes it."""
    headers = {"content-type": JSON, "X-Telegram-Bot-Api-Secret-Token": secret}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Post(path=path_of(url), body=data, headers=headers)


def update(number: int, chat: int, message_id: int, text: str, *, edits: int = 0) -> dict[str, Any]:
    """Return an update about a message, or about its edit number ``edits``."""
    who = {"id": chat, "first_name": "Customer", "is_bot": False}
    message = {
        "message_id": message_id,
        "date": 1_767_225_600,
        "from": who,
        "chat": {"id": chat, "type": "private", "first_name": "Customer"},
        "text": text,
    }
    if edits:
        message["edit_date"] = 1_767_225_600 + edits
    return {"update_id": number, "edited_message" if edits else "message": message}


def twilio(url: str, form: Mapping[str, str], *, auth: str = AUTH) -> Post:
    """Return a call as Twilio makes it, signed by Twilio's own code."""
    signature = RequestValidator(auth).compute_signature(url, dict(form))
    return Post(
        path=path_of(url),
        body=urllib.parse.urlencode(form).encode(),
        headers={"content-type": FORM, "X-Twilio-Signature": signature},
    )


def sms(sid: str, sender: str, text: str) -> dict[str, str]:
    """Return the form of a text message to us."""
    return {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": sender,
        "To": NUMBER,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }


def receipt(sid: str, status: str, recipient: str) -> dict[str, str]:
    """Return the form of a status callback."""
    form = {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": recipient,
        "From": NUMBER,
        "ApiVersion": "2010-04-01",
    }
    return {**form, "ErrorCode": "30003"} if status == "undelivered" else form


def new_sid(number: int) -> str:
    return f"SM{number:032x}"
