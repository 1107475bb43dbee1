"""Look domains up in the domain name system, for plugins that ask `hubbub.sdk.dns`."""

from functools import cached_property
from typing import Any

import dns.exception
import dns.resolver
from dns.resolver import Resolver

from hubbub.sdk.dns import answer
from hubbub.sdk.errors import Transient
from hubbub.sdk.values import HttpRequest, HttpResponse


class DomainsTransport:
    """Carries requests of `hubbub.sdk.dns`; ``resolver`` is the machine's own by default."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._given = resolver

    def perform(self, request: HttpRequest) -> HttpResponse:
        """Return the records that a name has. Raises `Transient` where nobody tells."""
        name = request.url.partition(":")[2]
        try:
            found = self._resolver.resolve(
                name, request.method, lifetime=request.timeout.total_seconds(), search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return answer(())
        except dns.exception.DNSException as error:
            why = f"The records of {name} cannot be looked up: {type(error).__name__}."
            raise Transient(why, code="dns_unavailable") from error
        return answer(tuple(_text(record) for record in found))

    @cached_property
    def _resolver(self) -> Resolver:
        return self._given or Resolver()


def _text(record: Any) -> str:
    # A text is given in pieces of 255 octets at most, which belong together.
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record)
