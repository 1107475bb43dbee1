"""Write requests to Twilio's REST API."""

import base64
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

from hubbub.sdk import HttpRequest
from hubbub_sms_twilio.fields import Credentials, TwilioConnection

Form: TypeAlias = Iterable[tuple[str, str]]

_FORM: Final = "application/x-www-form-urlencoded"
_TIMEOUT: Final = timedelta(seconds=20)


def account_url(connection: TwilioConnection, path: str) -> str:
    """Return the address of ``path``, which follows the account's own address at once."""
    settings, sid = connection.fields.settings, connection.fields.credentials.account_sid
    return f"{settings.api_base}/2010-04-01/Accounts/{sid}{path}"


def service_url(connection: TwilioConnection) -> str:
    """Return the address of our Messaging Service."""
    settings = connection.fields.settings
    return f"{settings.messaging_base}/v1/Services/{settings.messaging_service_sid}"


def get(
    connection: TwilioConnection, url: str, query: Mapping[str, str] | None = None
) -> HttpRequest:
    """Return the request that reads ``url``."""
    address = f"{url}?{urlencode(query, quote_via=quote)}" if query else url
    headers = authorization(connection.fields.credentials)
    return HttpRequest(method="GET", url=address, headers=headers, timeout=_TIMEOUT, safe=True)


def post(connection: TwilioConnection, url: str, form: Form) -> HttpRequest:
    """Return the request that sends ``form`` to ``url``."""
    return HttpRequest(
        method="POST",
        url=url,
        headers={**authorization(connection.fields.credentials), "content-type": _FORM},
        body=urlencode(list(form)).encode(),
        timeout=_TIMEOUT,
    )


def authorization(credentials: Credentials) -> dict[str, str]:
    """Return the header that proves the account."""
    pair = f"{credentials.account_sid}:{credentials.auth_token}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
