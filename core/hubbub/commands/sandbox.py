"""Run the provider simulators."""

import click

from hubbub.sandbox import serve


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True)
def sandbox(host: str, port: int) -> None:
    """Run the provider simulators: for the demo, for tests and to try a channel by hand."""
    serve(host, port)
