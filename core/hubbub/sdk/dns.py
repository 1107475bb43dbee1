"""Ask what the domain name system says of a domain, such as who may send letters in its name."""

import json
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from hubbub.sdk.values import Headers, HttpRequest, HttpResponse

#: The scheme of the requests.
DNS: Final = "dns"
Kind: TypeAlias = Literal["TXT", "MX", "CNAME"]
_PATIENCE: Final = timedelta(seconds=8)


def looking_up(name: str, kind: Kind = "TXT") -> HttpRequest:
    """Return a request for the records of one kind that a name has; ``name`` is in ASCII.

    A server that gives no answer is an error: `Transient` with the code ``dns_unavailable``.
    """
    return HttpRequest(method=kind, url=f"{DNS}:{name}", timeout=_PATIENCE, safe=True)


def looked_up(response: HttpResponse) -> tuple[str, ...]:
    """Return the records, each as one text; none where the name has none, or is not there at all.

    Raises `ValueError` when ``response`` is not the answer to `looking_up`.
    """
    found: Any = response.json()
    return tuple(str(one) for one in found["records"])


def answer(records: tuple[str, ...]) -> HttpResponse:
    """Return what carries ``records`` to `looked_up`."""
    body = json.dumps({"records": records}).encode()
    return HttpResponse(status=0, headers=Headers(), body=body)
