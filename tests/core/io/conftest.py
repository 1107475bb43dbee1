"""Servers on loopback that behave as badly as a test wants."""

from datetime import timedelta

import pytest

from hubbub.guard import Guard
from hubbub.sdk.values import HttpRequest
from hubbub.transport import HttpTransport
from tests.services.peers import LOOPBACK, serve

__all__ = ["serve"]


@pytest.fixture
def polite():
    """A handler that answers every request on the same connection."""

    def handle(peer):
        while True:
            peer.request()
            peer.answer(b'{"ok":true}')

    return handle


@pytest.fixture
def make_transport():
    """Make a transport that may reach loopback; it is closed at the end."""
    made = []

    def make(guard=None, **options):
        made.append(HttpTransport(guard or Guard(LOOPBACK), **options))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def perform(make_transport):
    """Perform one request: ``perform(url, method=..., transport=..., files=..., ...)``."""
    shared = make_transport(sleep=lambda _: None)

    def call(url, *, method="POST", transport=shared, files=None, timeout=5.0, **request):
        return transport.perform(
            HttpRequest(method=method, url=url, timeout=timedelta(seconds=timeout), **request),
            files=files or _no_files,
        )

    return call


def _no_files(media):
    raise AssertionError(media)
