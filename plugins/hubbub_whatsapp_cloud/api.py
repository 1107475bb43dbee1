"""Write requests to the Graph API."""

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
from hubbub_whatsapp_cloud import faults
from hubbub_whatsapp_cloud.fields import WhatsAppConnection

_S = TypeVar("_S", bound=graph.Said)

#: Large files take their time on slow lines.
_FILE_TIME: Final = timedelta(seconds=60)
#: Meta's file servers turn away who does not say what they are.
_AGENT: Final = "Mozilla/5.0 (compatible; Hubbub)"


class Cursors(graph.Said):
    """Where the next page begins."""

    after: str = ""


class Paging(graph.Said):
    """Whether there are more pages."""

    cursors: Cursors = Cursors()
    next: str = ""

    @property
    def following(self) -> str:
        """What to ask for the next page with; empty when there is none."""
        return self.cursors.after if self.next else ""


def get(connection: WhatsAppConnection, path: str, **query: str) -> HttpRequest:
    """Return the request that reads ``path``."""
    # Commas, as between fields, and bars, as in an app's token, stay readable.
    tail = f"?{urlencode(query, safe=',|', quote_via=quote)}" if query else ""
    # Who asks is said once only: some questions are the app's, with a token of its own.
    headers = {} if "access_token" in query else bearer(connection)
    return HttpRequest(method="GET", url=_url(connection, path) + tail, headers=headers, safe=True)


def post(connection: WhatsAppConnection, path: str, body: Mapping[str, Any]) -> HttpRequest:
    """Return the request that sends ``body`` to ``path``."""
    return HttpRequest.json("POST", _url(connection, path), body, headers=bearer(connection))


def upload(connection: WhatsAppConnection, file: File, mime_type: str) -> HttpRequest:
    """Return the request that gives Meta a file of ours.

    It may be repeated: a file that no message names is deleted after 30 days.
    """
    form = (("messaging_product", "whatsapp"), ("type", mime_type), ("file", file))
    return HttpRequest(
        method="POST",
        url=_url(connection, f"{connection.fields.settings.phone_number_id}/media"),
        headers=bearer(connection),
        body=Multipart(form),
        timeout=_FILE_TIME,
        safe=True,
    )


def download(connection: WhatsAppConnection, url: str, *, limit: int) -> HttpRequest:
    """Return the request that fetches the file at ``url``, which must be one of Meta's."""
    return HttpRequest(
        method="GET",
        url=url,
        headers={**bearer(connection), "user-agent": _AGENT},
        timeout=_FILE_TIME,
        max_answer=limit,
        safe=True,
    )


def bearer(connection: WhatsAppConnection) -> dict[str, str]:
    """Return the header that proves us."""
    return {"authorization": f"Bearer {connection.fields.credentials.access_token}"}


def ask(connection: WhatsAppConnection, model: type[_S], path: str, **query: str) -> Exchange[_S]:
    """Read ``path`` as ``model``. Raises the `SendError` that the answer stands for."""
    response = yield get(connection, path, **query)
    return need(model, response)


def need(model: type[_S], response: HttpResponse) -> _S:
    """Return the body of a good ``response``. Raises the `SendError` it stands for."""
    return graph.need(model, response, faults.refusal(response))


def _url(connection: WhatsAppConnection, path: str) -> str:
    settings = connection.fields.settings
    return f"{settings.api_base}/{settings.graph_version}/{path}"
