"""Look whether the hub could go on with a backup."""

import click

from hubbub.backup import verify
from hubbub.commands import given
from hubbub.commands.doctor import show


@click.command("verify-backup")
@click.argument("database")
@click.option("--media", help="The folder or URL of the restored media store.")
def verify_backup(database: str, media: str | None) -> int:
    """Look whether the hub could go on with a backup.

    DATABASE is where it was restored, beside the one that the hub works with: a SQLite file or a
    URL as in HUBBUB_DATABASE_URL. Nothing in it is changed. When all is well, the console and
    `hubbub doctor` tell of it. Exit status 1 when the hub could not go on.
    """
    wrong = 0
    for check in verify(given.hub(quiet=True), database, media):
        show(check)
        wrong += not check.ok
    click.echo(f"\n{wrong} to mend." if wrong else "\nThe hub could go on with this backup.")
    return int(wrong > 0)
