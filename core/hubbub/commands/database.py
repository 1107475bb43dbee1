"""Bring the database to this version."""

import click

from hubbub import logs
from hubbub.settings import Settings
from hubbub.store import migrate as migrations
from hubbub.store.session import make_engine


@click.command()
def migrate() -> None:
    """Bring the database to this version.

    Safe to run twice, and from several hosts at once.
    """
    settings = Settings.read()
    logs.configure("migrate", json=settings.logs_json)
    engine = make_engine(settings.database, pool_size=1)
    done = migrations.migrate(engine)
    version = migrations.version(engine)
    click.echo(f"The database is at version {version} {'now' if done else 'already'}.")
