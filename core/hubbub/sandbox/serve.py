"""Serve the sandbox: as a process of its own, or on a thread inside a test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from werkzeug.serving import WSGIRequestHandler, make_server

from hubbub.sandbox.app import create_sandbox
from hubbub.sandbox.config import SandboxConfig
from hubbub.sandbox.world import World

_THREADS = 64
#: Long polls would hold the end up for most of a minute.
_SECONDS_TO_END = 2


def _nothing() -> None:
    """Stand for what nobody wants to be done."""


def serve(
    host: str = "127.0.0.1",
    port: int = 8100,
    *,
    hub_url: str = "",
    base_url: str = "",
    begin: Callable[[], None] = _nothing,
) -> None:
    """Run the sandbox until SIGTERM or SIGINT. One process, as its state is in memory.

    ``begin`` is called in the process that serves, which granian starts.
    """
    config = SandboxConfig(hub_url=hub_url, base_url=base_url)
    server = Granian(
        "hubbub.sandbox",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=_THREADS,
        websockets=False,
        workers_kill_timeout=_SECONDS_TO_END,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(_application, config, begin), wrap_loader=False)


def _application(config: SandboxConfig, begin: Callable[[], None]) -> Flask:
    begin()
    return create_sandbox(config)


@dataclass(frozen=True)
class Live:
    """A sandbox that listens on loopback."""

    url: str
    app: Flask

    @property
    def world(self) -> World:
        """What the sandbox remembers."""
        world = self.app.extensions["sandbox"]
        assert isinstance(world, World)  # noqa: S101  # for the type checker
        return world


@contextmanager
def live(config: SandboxConfig | None = None, *, port: int = 0) -> Iterator[Live]:
    """Run a sandbox on a thread of this process, on a free port unless one is named."""
    app = create_sandbox(config)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]  # socketserver has it, the stubs do not
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    running = Live(f"http://127.0.0.1:{server.server_port}", app)
    try:
        yield running
    finally:
        running.world.close()
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(WSGIRequestHandler):
    """A handler that keeps connections open and writes no log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # werkzeug's name
        """Say nothing."""
