"""Fetch files from where Meta says that they are: from Meta alone, whatever is said."""

from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from hubbub.sdk.errors import Permanent
from hubbub.sdk.values import Exchange, HttpRequest, HttpResponse

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 3
_META: Final = (".fbsbx.com", ".facebook.com", ".fbcdn.net")


def download(
    url: str, api_base: str, asking: Callable[[str], HttpRequest]
) -> Exchange[HttpResponse]:
    """Return the answer to ``asking`` for the file at ``url``, or where it was moved to.

    Raises `Permanent` unless each address is one of Meta's, who alone may see a token.
    """
    for _ in range(_MOST_REDIRECTS + 1):
        _check_host(url, api_base)
        response = yield asking(url)
        if response.status not in _REDIRECTS:
            return response
        url = _moved(url, response.headers.get("location", ""))
    raise Permanent("The file's address leads round in circles.", code="media_unavailable")


def _check_host(url: str, api_base: str) -> None:
    where, base = _parts(url), _parts(api_base)
    # A simulator, or a proxy in the operator's own network, hands out its own files.
    ours = (where.scheme, where.netloc) == (base.scheme, base.netloc)
    metas = where.scheme == "https" and f".{where.hostname}".endswith(_META)
    if not (ours or metas):
        raise Permanent(
            "The file is offered by a host that is not Meta's: it is not fetched.",
            code="media_unsafe",
        )


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _unusable() from None


def _moved(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise _unusable() from None


def _unusable() -> Permanent:
    return Permanent("The file has no usable address.", code="media_unsafe")
