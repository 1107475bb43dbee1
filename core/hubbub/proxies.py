"""Find out who asks when proxies stand in between, and believe no one else about it."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from hubbub.settings import Network

Environ: TypeAlias = dict[str, Any]
WsgiApp: TypeAlias = Callable[[Environ, Any], Iterable[bytes]]
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Some proxies write the port too: 192.0.2.1:4711, [2001:db8::1]:4711.
_HOP: Final = re.compile(r"\[(?P<v6>[^]]+)](:[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+|(?P<bare>.+)")


class Proxied:
    """A WSGI application that tells ``rest`` who asked, as far as our own ``proxies`` know."""

    def __init__(self, proxies: Sequence[Network], rest: WsgiApp) -> None:
        self._proxies = proxies
        self._rest = rest

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Pass the request on."""
        environ["REMOTE_ADDR"] = asker(
            environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self._proxies
        )
        return self._rest(environ, start_response)


def asker(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Return the address of who asked: the nearest one that is none of our ``proxies``.

    ``peer`` is who connected to us. Each proxy adds to the end of ``forwarded``
    (``X-Forwarded-For``) who connected to it; what stands before that, anybody may have written.
    """
    address = peer
    for hop in reversed(forwarded.split(",")):
        found = _read(hop)
        if found is None or not _is_within(address, proxies):
            break
        address = found
    return address


def _is_within(address: str, networks: Sequence[Network]) -> bool:
    found = parsed(address)
    return found is not None and any(found in network for network in networks)


def _read(hop: str) -> str | None:
    match = _HOP.fullmatch(hop.strip())
    found = match and parsed(match["v6"] or match["v4"] or match["bare"])
    return str(found) if found else None


def parsed(text: str) -> _Address | None:
    """Return an address, or None. IPv4 that comes by a socket for both is what it is."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
