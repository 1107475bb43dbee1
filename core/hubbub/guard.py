"""Refuse what must not be called: private addresses, and requests that smuggle something.

A name is resolved once, every address it has is checked, and the connection goes to one of the
checked addresses, so a name that changes its mind afterwards (DNS rebinding) gains nothing.
"""

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from functools import lru_cache
from threading import Thread
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

import structlog

from hubbub.sdk.errors import Permanent

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
#: What ``socket.connect`` takes: two items for IPv4, four for IPv6.
Sockaddr: TypeAlias = tuple[Any, ...]
Lookup: TypeAlias = Callable[..., Iterable[tuple[Any, Any, Any, Any, Sockaddr]]]

log = structlog.get_logger(__name__)

# IANA, "IPv4 Special-Purpose Address Registry", and the two multicast and reserved blocks.
_CLOSED_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; Alibaba's metadata service lives here
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform services: a public number, but never public
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service lives here
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only 2000::/3 is handed out for public use; these parts of it are not.
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them
        "2001:db8::/32",
        "3fff::/20",
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_LAST_32_BITS: Final = 0xFFFFFFFF

_URL: Final = re.compile(r"(https?)://([^/?#\\]+)([^#]*)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_HOST: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]*|[0-9a-f]*:[0-9a-f:.]+")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
# RFC 9110, "token" and "field-value"; what is not Latin-1 cannot be put on the wire.
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*")
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
)
_BODIED: Final = frozenset({"POST", "PUT", "PATCH"})
_PORTS: Final = {"http": 80, "https": 443}


class Refused(Permanent):
    """We do not make this request at all."""

    code = "refused"


class Deadline:
    """The moment by which a whole request must be done."""

    def __init__(self, limit: timedelta) -> None:
        self._end = time.monotonic() + limit.total_seconds()

    def left(self) -> float:
        """Return the seconds left. Raises `TimeoutError` when there are none."""
        left = self.rest()
        if left <= 0:
            raise TimeoutError
        return left

    def rest(self) -> float:
        """Return the seconds left; none or fewer when it has passed."""
        return self._end - time.monotonic()

    def within(self, seconds: float) -> bool:
        """Whether it comes in less than ``seconds``."""
        return self.rest() < seconds


class Origin(NamedTuple):
    """Who is called; ``name`` is what the Host header says."""

    scheme: str
    host: str
    port: int
    name: str
    #: `HttpRequest.trust`: a connection is used again only by who trusts as much.
    trust: str = ""


class Guard:
    """Lets outgoing calls reach the public internet and the networks it was given."""

    def __init__(
        self, private_networks: Iterable[Network] = (), *, lookup: Lookup = socket.getaddrinfo
    ) -> None:
        self._allowed = tuple(private_networks)
        self._lookup = lookup

    def permits(self, address: str) -> bool:
        """Say whether ``address``, an IP address as text, may be reached."""
        given = ipaddress.ip_address(address)
        meant = _embedded(given) or given
        return any(meant in net or given in net for net in self._allowed) or _is_public(meant)

    def resolve(self, host: str, port: int) -> list[Sockaddr]:
        """Return where ``host`` can be reached, resolved once and every address checked.

        Raises `Refused` if any address may not be reached, and `OSError` or `UnicodeError`
        if the name cannot be resolved.
        """
        found = self._lookup(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(item[4] for item in found))
        for address in addresses:
            if not self.permits(address[0]):
                # The address goes to the operators' log alone: callers learn nothing of our net.
                log.warning("outgoing call refused", host=host, address=address[0])
                raise Refused(
                    f"The host {host!r} (port {port}) leads to a private or reserved address, "
                    "which outgoing calls may not reach. If that is meant, add its network to "
                    "HUBBUB_ALLOW_PRIVATE_NETWORKS.",
                    code="address_refused",
                )
        return addresses

    def connect(
        self, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None = None
    ) -> socket.socket:
        """Return a connection to the first address of ``host`` that answers, encrypted by ``tls``.

        Raises like `resolve`; `TimeoutError` when ``deadline`` passes.
        """
        # In a thread of its own, because a name server that is silent knows no deadline of ours.
        found: Future[list[Sockaddr]] = Future()
        Thread(target=_settle, args=(found, self.resolve, host, port), daemon=True).start()
        sock = _connected(found.result(deadline.left()), deadline)
        return sock if tls is None else _encrypted(sock, tls, host, deadline)


def head(method: str, url: str, headers: Mapping[str, str], length: int) -> tuple[Origin, bytes]:
    """Return whom a request calls and everything that goes before its body of ``length`` bytes.

    The names of ``headers`` are in lower case. Raises `Refused` for what is no plain request;
    the text does not repeat the web address, which may hold a secret.
    """
    if _METHOD.fullmatch(method) is None:
        raise Refused(f"{method!r} is no HTTP method.")
    origin, target = _parsed(url)
    lines = [f"{method} {target} HTTP/1.1", f"host: {origin.name}", "accept-encoding: identity"]
    if "user-agent" not in headers:
        lines.append("user-agent: hubbub")
    lines += [_header(name, value) for name, value in headers.items()]
    if length or method in _BODIED:
        lines.append(f"content-length: {length}")
    return origin, "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def _parsed(url: str) -> tuple[Origin, str]:
    found = _URL.match(url)
    if found is None or _CONTROL.search(url):
        raise Refused("Only whole web addresses (http://, https://) without blanks can be called.")
    target = found[3] if found[3].startswith("/") else f"/{found[3]}"
    if not target.isascii():
        target = quote(target, safe="!#$%&'()*+,/:;=?@[]~")
    return _origin(found[1].lower(), found[2]), target


@lru_cache(maxsize=1024)
def _origin(scheme: str, netloc: str) -> Origin:
    if "@" in netloc:
        raise Refused("The web address holds a user name or password; put those into a header.")
    try:
        parts = urlsplit(f"//{netloc}")
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        raise Refused("The host or port of the web address is malformed.") from None
    if _HOST.fullmatch(host) is None:
        raise Refused("The host of the web address holds what no host name can.")
    name = f"[{host}]" if ":" in host else host
    if port is None:
        return Origin(scheme, host, _PORTS[scheme], name)
    return Origin(scheme, host, port, f"{name}:{port}")


def _header(name: str, value: str) -> str:
    line = f"{name}: {value}"
    if _HEADER.fullmatch(line) is None:
        raise Refused(f"The header {name!r} holds what no header can, such as a line break.")
    if name in _OURS:
        raise Refused(f"The header {name!r} is set by the hub itself.")
    return line


def _settle(
    found: "Future[list[Sockaddr]]",
    resolve: Callable[[str, int], list[Sockaddr]],
    host: str,
    port: int,
) -> None:
    try:
        found.set_result(resolve(host, port))
    except Exception as error:  # noqa: BLE001  # raised again where the result is awaited
        found.set_exception(error)


def _connected(addresses: list[Sockaddr], deadline: Deadline) -> socket.socket:
    failure = OSError("its name has no address")
    for waiting, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            # One silent address must not use up the time of the others.
            return _opened(address, deadline.left() / waiting)
        except OSError as error:
            failure = error
    raise failure


def _opened(address: Sockaddr, timeout: float) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _encrypted(
    sock: socket.socket, context: ssl.SSLContext, host: str, deadline: Deadline
) -> ssl.SSLSocket:
    wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        wrapped.settimeout(deadline.left())
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a mapped, 6to4 or NAT64 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & _LAST_32_BITS)
    return address.ipv4_mapped or address.sixtofour


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _CLOSED_V4)
    return address in _PUBLIC_V6 and not any(address in net for net in _CLOSED_V6)
