"""Run the process kinds that are not the web. Each loads no other's code."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import click

from hubbub.commands.begin import begin
from hubbub.settings import QUEUES, Settings
from hubbub.signals import stop_on_signal

_metrics_port = click.option(
    "--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus's numbers there."
)


@click.command()
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice(QUEUES),
    help="Only work of this kind; give it several times for several. All, unless said.",
)
@_metrics_port
def worker(queues: tuple[str, ...], metrics_port: int | None) -> None:
    """Work on what is due, beside other workers."""
    from hubbub.worker import run  # noqa: PLC0415  # see above

    settings = Settings.read()
    begin("worker", settings, metrics_port=metrics_port or 0)
    run(settings, queues=queues or QUEUES)


@click.command()
@_metrics_port
def scheduler(metrics_port: int | None) -> None:
    """Start what is due by the clock; one of them leads."""
    from hubbub.scheduler import run  # noqa: PLC0415  # see above

    settings = Settings.read()
    begin("scheduler", settings, metrics_port=metrics_port or 0)
    run(settings)


@click.command()
@_metrics_port
def listener(metrics_port: int | None) -> None:
    """Hold the connections that channels listen on."""
    from hubbub.listener import run  # noqa: PLC0415  # see above

    settings = Settings.read()
    begin("listener", settings, metrics_port=metrics_port or 0)
    run(settings)


@click.command(hidden=True)
def background() -> None:
    """Run scheduler and listener in one process.

    It saves the memory of another one where a single host runs everything.
    """
    from hubbub import listener as listening, scheduler as scheduling  # noqa: PLC0415  # see above

    settings = Settings.read()
    begin("background", settings)
    stop = stop_on_signal()

    def run(loop: Callable[[Settings, threading.Event], None]) -> None:
        try:
            loop(settings, stop)
        finally:
            stop.set()  # neither goes on without the other: whoever supervises starts both anew

    with ThreadPoolExecutor(2) as pool:
        for ended in [pool.submit(run, scheduling.run), pool.submit(run, listening.run)]:
            ended.result()
