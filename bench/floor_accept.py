"""The floor of accepting: a bare Flask "ok" on the server, with the threads, that the hub has."""

import contextlib
from collections.abc import Iterator

from flask import Flask, request
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from bench.common import BLOCKING_THREADS, LOCAL, answers, free_port, module, running, wait_until


def make_app() -> Flask:
    """Return the application."""
    app = Flask("floor")

    @app.post("/ok")
    def take() -> str:
        request.get_data()
        return "ok"

    @app.get("/")
    def well() -> str:
        return "ok"

    return app


def serve(target: str, port: int) -> None:
    """Serve a factory of applications as the hub serves its own."""
    Granian(
        target,
        address=LOCAL,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=BLOCKING_THREADS,
        http=HTTPModes.http1,
        websockets=False,
        factory=True,
        log_enabled=False,
    ).serve()


@contextlib.contextmanager
def bare_flask() -> Iterator[int]:
    """Run it in a process of its own; gives its port, where ``/ok`` takes anything."""
    port = free_port()
    with running(module("floor_accept", port)):
        wait_until(lambda: answers(port), 30, "the bare Flask")
        yield port


if __name__ == "__main__":
    import sys

    serve("bench.floor_accept:make_app", int(sys.argv[1]))
