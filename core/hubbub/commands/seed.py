"""Fill a hub with what a demo needs."""

import click

from hubbub import logs
from hubbub.demo import seed as fill
from hubbub.settings import Settings


@click.command(hidden=True)
@click.argument("sandbox_url")
def seed(sandbox_url: str) -> None:
    """Put the demo's data in: a login, and channels of every type on the sandbox."""
    settings = Settings.read()
    logs.configure("seed", json=settings.logs_json)
    click.echo(fill(settings, sandbox_url))
