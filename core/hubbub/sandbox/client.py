"""Call the hub: one request on a connection of its own."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

_ANSWER_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said, or why it said nothing."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it was a 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004  # HTTP


def call(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, timeout: float
) -> Answer:
    """Make one request and return the answer; failures are answers without a status."""
    return _request(
        method, url, headers=headers, body=body or None, timeout=timeout, limit=_ANSWER_LIMIT
    )


def fetch(url: str, *, limit: int, timeout: float = 10) -> Answer:
    """Get what is at ``url``; more than ``limit`` bytes is a failure."""
    answer = _request("GET", url, headers={}, body=None, timeout=timeout, limit=limit + 1)
    if len(answer.body) > limit:
        return Answer(None, answer.headers, b"", "more than the limit")
    return answer


def _request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout: float,
    limit: int,
) -> Answer:
    try:
        connection, target = _connection(url, timeout)
    except ValueError as error:
        return Answer(None, {}, b"", str(error))
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        response = connection.getresponse()
        known = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, known, response.read(limit))
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, {}, b"", f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def _connection(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not a web address")
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), target
    return (
        http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=_tls()),
        target,
    )


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
