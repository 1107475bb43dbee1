"""Ask the operating system for small things: a free port, to die with one's parent."""

import ctypes
import errno
import os
import signal
import socket
import sys
from contextlib import closing
from typing import Final

from hubbub.sdk.errors import HubError

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_LAST_PORT: Final = 65535
_KNOWN: Final = {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}


class PortTaken(HubError):
    """Somebody else listens where we want to."""

    code = "port_taken"


def require_free(host: str, port: int, *, fix: str) -> None:
    """Raise `PortTaken`, with ``fix`` as its advice, unless we could listen on ``port``."""
    reason = _why_not(host, port)
    if reason:
        raise PortTaken(f"Port {port} on {host} cannot be used: {reason}. {fix}")


def free_port(host: str, *, wanted: int) -> int:
    """Return ``wanted`` if we could listen on it, else some other port."""
    if 0 < wanted <= _LAST_PORT and not _why_not(host, wanted):
        return wanted
    with closing(socket.create_server((host, 0), family=_family(host))) as server:
        return int(server.getsockname()[1])


def die_with_parent(parent: int | None = None) -> None:
    """Have this process told to stop when the one that started it is gone (on Linux).

    ``parent`` is its id, where we know that: it may be gone already.
    """
    if sys.platform != "linux":
        return
    parent = parent or os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before it could be told to tell us
        os.kill(os.getpid(), signal.SIGTERM)


def name_process(name: str) -> None:
    """Show ``name``, at most 15 bytes of it, where processes are listed (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])


def _why_not(host: str, port: int) -> str:
    try:
        socket.create_server((host, port), family=_family(host)).close()
    except OSError as error:
        # Its own text repeats the address.
        return os.strerror(error.errno or 0).lower() if error.errno in _KNOWN else str(error)
    return ""


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
