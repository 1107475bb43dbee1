"""Write requests to the client; who we are is added by `session.Session`."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

from hubbub.sdk import File, HttpRequest, HttpResponse, MalformedPayload, Transient, graph
from hubbub_whatsapp_onprem import faults
from hubbub_whatsapp_onprem.fields import OnPremiseConnection

_S = TypeVar("_S", bound=graph.Said)

#: Large files take their time on slow lines.
_FILE_TIME: Final = timedelta(seconds=60)


def get(connection: OnPremiseConnection, path: str) -> HttpRequest:
    """Return the request that reads ``path``."""
    return HttpRequest(method="GET", url=_url(connection, path), safe=True)


def change(
    connection: OnPremiseConnection, method: str, path: str, body: Mapping[str, Any]
) -> HttpRequest:
    """Return the request that changes something by ``body``."""
    return HttpRequest.json(method, _url(connection, path), body)


def ask(connection: OnPremiseConnection, path: str, body: Mapping[str, Any]) -> HttpRequest:
    """Return the request that asks by ``body``, and changes nothing."""
    return HttpRequest.json("POST", _url(connection, path), body, safe=True)


def login(connection: OnPremiseConnection) -> HttpRequest:
    """Return the login. It may be repeated: a token that nobody uses ends by itself."""
    credentials = connection.fields.credentials
    pair = f"{credentials.username}:{credentials.password}".encode()
    proof = {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    url = _url(connection, "users/login")
    return HttpRequest.json("POST", url, {}, headers=proof, safe=True)


def upload(connection: OnPremiseConnection, file: File, mime_type: str) -> HttpRequest:
    """Return the request that gives the client a file of ours, as its bytes are.

    It may be repeated: nobody sees a file that no message names.
    """
    return HttpRequest(
        method="POST",
        url=_url(connection, "media"),
        headers={"content-type": mime_type},
        body=file,
        timeout=_FILE_TIME,
        safe=True,
    )


def download(connection: OnPremiseConnection, media_id: str, *, limit: int) -> HttpRequest:
    """Return the request that fetches a file that a contact sent."""
    return HttpRequest(
        method="GET",
        url=_url(connection, f"media/{quote(media_id, safe='')}"),
        timeout=_FILE_TIME,
        max_answer=limit,
        safe=True,
    )


def need(model: type[_S], response: HttpResponse) -> _S:
    """Return the body of a good ``response``. Raises the `SendError` it stands for."""
    if error := faults.refusal(response):
        raise error
    try:
        return graph.parsed(model, response.body)
    except MalformedPayload:
        raise Transient(
            f"The answer ({response.status}) is none of a WhatsApp client: something on the way, "
            "such as a proxy, may have answered in its place. Look at the WhatsApp client URL.",
            code="unreadable_answer",
        ) from None


def _url(connection: OnPremiseConnection, path: str) -> str:
    return f"{connection.fields.settings.api_base}/v1/{path}"
