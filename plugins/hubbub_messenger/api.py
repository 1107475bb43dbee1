"""Write requests to the Graph API."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from hubbub.sdk import (
    Exchange,
    File,
    HttpRequest,
    HttpResponse,
    Multipart,
    graph,
)
from hubbub_messenger import faults
from hubbub_messenger.fields import MessengerConnection

_S = TypeVar("_S", bound=graph.Said)

#: Large files take their time on slow lines.
_FILE_TIME: Final = timedelta(seconds=60)
#: Meta fetches a file by its address before it answers: a video for up to 75 s.
_SEND_TIME: Final = timedelta(seconds=90)
#: Meta's file servers turn away who does not say what they are.
_AGENT: Final = "Mozilla/5.0 (compatible; Hubbub)"


def get(connection: MessengerConnection, path: str, **query: str) -> HttpRequest:
    """Return the request that reads ``path``."""
    return HttpRequest(
        method="GET", url=_url(connection, path, query), headers=bearer(connection), safe=True
    )


def post(connection: MessengerConnection, path: str, body: Mapping[str, Any]) -> HttpRequest:
    """Return the request that sends ``body`` to ``path``."""
    url = _url(connection, path, {})
    return HttpRequest.json("POST", url, body, headers=bearer(connection), timeout=_SEND_TIME)


def order(connection: MessengerConnection, method: str, path: str, **query: str) -> HttpRequest:
    """Return the request that changes ``path``, which may be repeated."""
    return HttpRequest(
        method=method, url=_url(connection, path, query), headers=bearer(connection), safe=True
    )


def by_app(
    connection: MessengerConnection, method: str, path: str, query: Mapping[str, str]
) -> HttpRequest:
    """Return a request that the app makes, and not the Page."""
    settings, secret = connection.fields.settings, connection.fields.credentials.app_secret
    # In the address, as Meta wants it; the hub masks the secret in everything that it keeps.
    given = {**query, "access_token": f"{settings.app_id}|{secret}"}
    url = f"{_base(connection)}/{path}?{_query(given)}"
    return HttpRequest(method=method, url=url, safe=True)


def upload(connection: MessengerConnection, file: File, kind: str) -> HttpRequest:
    """Return the request that gives Meta a file of ours.

    It may be repeated: a file that no message names is forgotten after 90 days.
    """
    described = f'{{"attachment":{{"type":"{kind}","payload":{{"is_reusable":true}}}}}}'
    return HttpRequest(
        method="POST",
        url=_url(connection, f"{connection.fields.settings.page_id}/message_attachments", {}),
        headers=bearer(connection),
        body=Multipart((("message", described), ("filedata", file))),
        timeout=_FILE_TIME,
        safe=True,
    )


def download(url: str, *, limit: int) -> HttpRequest:
    """Return the request that fetches the file at ``url``, which is signed: no token goes there."""
    return HttpRequest(
        method="GET",
        url=url,
        headers={"user-agent": _AGENT},
        timeout=_FILE_TIME,
        max_answer=limit,
        safe=True,
    )


def bearer(connection: MessengerConnection) -> dict[str, str]:
    """Return the header that proves us."""
    return {"authorization": f"Bearer {connection.fields.credentials.page_access_token}"}


def ask(connection: MessengerConnection, model: type[_S], path: str, **query: str) -> Exchange[_S]:
    """Read ``path`` as ``model``. Raises the `SendError` that the answer stands for."""
    response = yield get(connection, path, **query)
    return need(model, response)


def need(model: type[_S], response: HttpResponse) -> _S:
    """Return the body of a good ``response``. Raises the `SendError` it stands for."""
    return graph.need(model, response, faults.refusal(response))


def _url(connection: MessengerConnection, path: str, query: Mapping[str, str]) -> str:
    # Apps may demand this proof that who has the token has the secret too; others ignore it.
    given = {**query, "appsecret_proof": _proof(connection)}
    return f"{_base(connection)}/{path}?{_query(given)}"


def _base(connection: MessengerConnection) -> str:
    settings = connection.fields.settings
    return f"{settings.api_base}/{settings.graph_version}"


def _query(given: Mapping[str, str]) -> str:
    # Commas, as between fields, and bars, as in an app's token, stay readable.
    return urlencode(given, safe=",|", quote_via=quote)


def _proof(connection: MessengerConnection) -> str:
    credentials = connection.fields.credentials
    key, token = credentials.app_secret.encode(), credentials.page_access_token.encode()
    return hmac.new(key, token, hashlib.sha256).hexdigest()
