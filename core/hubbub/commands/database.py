"""Bring the database to this version, or what is stored there under another key."""

import click

from hubbub import keyring, logs
from hubbub.commands import given
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


@click.command()
def rekey() -> None:
    """Encrypt what is stored with the first secret key.

    For after a rotation: then the keys behind the first may go. Safe to run twice, and while the
    hub runs.
    """
    hub = given.hub()
    done = keyring.rekey(hub.engine, hub.settings.keys)
    click.echo(f"{done} encrypted anew. All that is stored needs the first key alone.")
