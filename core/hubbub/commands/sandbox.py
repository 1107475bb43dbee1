"""Run the provider simulators."""

import click

from hubbub import logs
from hubbub.sandbox.serve import serve
from hubbub.settings import Settings
from hubbub.system import require_free


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8100, show_default=True)
@click.option("--hub-url", default="", help="Where the hub is, for links to it.")
def sandbox(host: str, port: int, hub_url: str) -> None:
    """Run the provider simulators.

    They serve the demo, tests, and whoever wants to try a channel by hand.
    """
    require_free(host, port, fix="Choose another one with --port.")
    logs.configure("sandbox", json=Settings.read().logs_json)
    serve(host, port, hub_url=hub_url)
