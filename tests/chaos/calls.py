"""Make calls: as providers, as programs, and to the sandbox."""

import http.client
import itertools
import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Post:
    """One call, ready to be made, and made again."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"

    @property
    def said(self) -> bytes:
        """What it says, by which the hub's record of it is found."""
        return said_in(self.path, self.body)


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
            link.request(post.method, post.path, post.body, dict(post.headers))
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


def said_in(url: str, body: bytes) -> bytes:
    """Return what a call says: its body, or what follows the proof that its address begins with."""
    return body or url.partition("&")[2].encode()
