"""Build requests to the Bot API. Its token is part of every URL, so no text may show one."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar
from urllib.parse import quote

from hubbub.sdk import Exchange, File, HttpRequest, Multipart, Wire
from hubbub_telegram.answers import accepted, result
from hubbub_telegram.fields import TelegramConnection

Params: TypeAlias = Mapping[str, object]
W = TypeVar("W", bound=Wire)
#: Large files take their time on slow lines.
_UPLOAD_TIME: Final = timedelta(seconds=50)


def calling(
    connection: TelegramConnection,
    method: str,
    params: Params,
    *,
    safe: bool = False,
    timeout: timedelta = timedelta(seconds=20),
    max_answer: int = 1 << 20,
) -> HttpRequest:
    """Return the request that calls ``method`` with ``params`` as JSON."""
    return HttpRequest.json(
        "POST",
        _url(connection, f"/bot{_token(connection)}/{method}"),
        params,
        safe=safe,
        timeout=timeout,
        max_answer=max_answer,
    )


def uploading(
    connection: TelegramConnection, method: str, params: Params, *, name: str, file: File
) -> HttpRequest:
    """Return the request that calls ``method`` with ``file`` as its field ``name``."""
    fields = tuple((key, _as_field(value)) for key, value in params.items())
    return HttpRequest(
        method="POST",
        url=_url(connection, f"/bot{_token(connection)}/{method}"),
        body=Multipart((*fields, (name, file))),
        timeout=_UPLOAD_TIME,
    )


def downloading(connection: TelegramConnection, path: str, *, limit: int) -> HttpRequest:
    """Return the request that fetches the file at ``path``, which ``getFile`` told."""
    return HttpRequest(
        method="GET",
        url=_url(connection, f"/file/bot{_token(connection)}/{quote(path)}"),
        timeout=_UPLOAD_TIME,
        max_answer=limit,
        safe=True,
    )


def ask(connection: TelegramConnection, method: str, params: Params, model: type[W]) -> Exchange[W]:
    """Call a ``method`` that changes nothing and return its result as ``model``."""
    response = yield calling(connection, method, params, safe=True)
    return result(response, model)


def order(connection: TelegramConnection, method: str, params: Params) -> Exchange[None]:
    """Call a ``method`` that only says whether it worked; raise what it says otherwise."""
    response = yield calling(connection, method, params)
    accepted(response)


def _url(connection: TelegramConnection, path: str) -> str:
    return connection.fields.settings.api_base + path


def _token(connection: TelegramConnection) -> str:
    return connection.fields.credentials.token.get_secret_value()


def _as_field(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
