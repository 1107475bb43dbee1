"""Write requests to Vonage's APIs."""

import base64
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode

from hubbub.sdk import HttpRequest
from hubbub_sms_vonage import tokens
from hubbub_sms_vonage.fields import Credentials, VonageConnection

Form: TypeAlias = Iterable[tuple[str, str]]

_FORM: Final = "application/x-www-form-urlencoded"
_TIMEOUT: Final = timedelta(seconds=20)


def get(
    connection: VonageConnection, url: str, query: Mapping[str, str] | None = None
) -> HttpRequest:
    """Return the request that reads ``url``."""
    address = f"{url}?{urlencode(query, quote_via=quote)}" if query else url
    headers = by_key(connection.fields.credentials)
    return HttpRequest(method="GET", url=address, headers=headers, timeout=_TIMEOUT, safe=True)


def post(connection: VonageConnection, path: str, form: Form) -> HttpRequest:
    """Return the request that sends ``form`` to the REST API."""
    return HttpRequest(
        method="POST",
        url=f"{connection.fields.settings.rest_url}{path}",
        headers={**by_key(connection.fields.credentials), "content-type": _FORM},
        body=urlencode(list(form)).encode(),
        timeout=_TIMEOUT,
    )


def put(connection: VonageConnection, url: str, body: Mapping[str, Any]) -> HttpRequest:
    """Return the request that replaces what is at ``url``."""
    headers = by_key(connection.fields.credentials)
    return HttpRequest.json("PUT", url, body, headers=headers, timeout=_TIMEOUT)


def message(connection: VonageConnection, body: Mapping[str, Any]) -> HttpRequest:
    """Return the request that sends a message."""
    url = f"{connection.fields.settings.api_base}/v1/messages"
    headers = by_application(connection.fields.credentials)
    return HttpRequest.json("POST", url, body, headers=headers, timeout=_TIMEOUT)


def application_url(connection: VonageConnection) -> str:
    """Return the address of our application."""
    fields = connection.fields
    return f"{fields.settings.api_base}/v2/applications/{fields.credentials.application_id}"


def by_key(credentials: Credentials) -> dict[str, str]:
    """Return the header that proves the account."""
    pair = f"{credentials.api_key}:{credentials.api_secret}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}


def by_application(credentials: Credentials) -> dict[str, str]:
    """Return the header that proves the application; the account, where its key is not known.

    Not pure, and the only thing here that is not: a token holds for a quarter of an hour and is
    used once, so it needs the time and a number of its own.
    """
    if not credentials.private_key:
        return by_key(credentials)
    token = tokens.application_token(
        credentials.application_id,
        credentials.private_key,
        at=datetime.now(UTC),
        unique=str(uuid.uuid4()),
    )
    return {"authorization": f"Bearer {token}"}
