"""Run the provider simulators."""

import os
from functools import partial

import click

from hubbub import logs
from hubbub.sandbox.serve import serve
from hubbub.settings import Settings
from hubbub.system import die_with_parent, require_free


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
    # Whoever serves must not keep the port when this process is killed.
    serve(host, port, hub_url=hub_url, begin=partial(die_with_parent, os.getpid()))
