"""Serve the web application with granian."""

import os
import sys
from functools import partial
from typing import Any

import click
import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from hubbub import logs
from hubbub.sdk.errors import HubError
from hubbub.settings import THREADS, Settings
from hubbub.system import die_with_parent, require_free

#: Seconds that requests get to end when the server stops.
_DRAIN = 10
log = structlog.get_logger(__name__)


@click.command()
@click.option("--host", help="Where to listen; HUBBUB_HOST, or 127.0.0.1, unless said.")
@click.option("--port", type=int, help="HUBBUB_PORT, or 8000, unless said.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def web(host: str | None, port: int | None, workers: int) -> None:
    """Serve webhooks, the API and the console."""
    settings = Settings.read(host=host, port=port)
    require_free(settings.host, settings.port, fix="Choose another one with --port.")
    threads = THREADS + settings.streams
    server = Granian(
        "hubbub.web:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        # Connections beyond that wait outside: each stream is one, and browsers keep some more.
        backpressure=max(1024, 2 * threads),
        http=HTTPModes.http1,
        websockets=False,
        log_dictconfig=logs.GRANIAN,
        workers_kill_timeout=_DRAIN,
    )
    logs.configure("web", json=settings.logs_json)
    server.serve(target_loader=partial(_application, settings, os.getpid()), wrap_loader=False)


def _application(settings: Settings, parent: int) -> Any:
    """Return the application; called in each of granian's workers."""
    die_with_parent(parent)
    # Loaded here: granian's main process needs none of it.
    from hubbub.commands.begin import begin  # noqa: PLC0415  # see above

    try:
        from hubbub.web import create_app  # noqa: PLC0415  # see above

        begin("web", settings)
        return create_app(settings)
    except HubError as error:
        click.echo(f"hubbub: {error.detail}", err=True)
    # The edge of this process: what nobody expected goes where logs go.
    except Exception:
        log.exception("the web did not start")
    sys.exit(1)
