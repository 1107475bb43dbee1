"""Refuse connections beyond this machine, so that no test depends on the outside."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class BeyondLoopback(AssertionError):
    """A test tried to connect to another machine."""


@contextmanager
def loopback_only() -> Iterator[None]:
    """Let sockets of Python connect to this machine alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(method):
    def checked(sock, *args):
        if sock.family in {socket.AF_INET, socket.AF_INET6} and args:
            _check(args[-1])
        return method(sock, *args)

    return checked


def _check(address) -> None:
    host = str(address[0])
    if host in {"localhost", ""}:
        return
    try:
        near = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        raise BeyondLoopback(f"A test tried to reach {host}.") from None
    if not (near.is_loopback or near.is_unspecified):
        raise BeyondLoopback(f"A test tried to reach {host}.")
