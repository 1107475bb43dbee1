"""Run the whole hub, or the demo's seed."""

import click

from hubbub import logs
from hubbub.commands.begin import warn_of_unknown_variables
from hubbub.settings import Settings
from hubbub.up import up as run


@click.command()
@click.option("--demo", is_flag=True, help="Add a sandbox, and channels of every type to try.")
@click.option("--host", help="Where to listen; HUBBUB_HOST, or 127.0.0.1, unless said.")
@click.option("--port", type=click.IntRange(1, 65535), help="HUBBUB_PORT, or 8000, unless said.")
@click.option("--data-dir", help="HUBBUB_DATA_DIR, or ./var, unless said.")
def up(host: str | None, port: int | None, data_dir: str | None, *, demo: bool) -> None:
    """Run the whole hub in one terminal.

    Web, worker, scheduler, listener and, unless HUBBUB_REDIS_URL is set, an embedded Valkey.
    Migrates the database. Ctrl-C ends all of it once what is under way is done.
    """
    settings = Settings.read(host=host, port=port, data_dir=data_dir)
    logs.configure("up", json=settings.logs_json)
    warn_of_unknown_variables()
    run(settings, demo=demo, say=click.echo)
