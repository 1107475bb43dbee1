"""Count what became of everything that was received."""

import dataclasses
import json

import click

from hubbub.commands import given
from hubbub.store.session import reading
from hubbub.track.ledger import ledger as count


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def ledger(*, as_json: bool) -> int:
    """Count what was received against what became of it.

    Exit status 1 when the two differ.
    """
    with reading(given.hub().engine) as db:
        found = count(db)
    values = dataclasses.asdict(found)
    if as_json:
        click.echo(json.dumps(values, indent=2))
    else:
        for name, value in values.items():
            click.echo(f"{name.replace('_', ' '):<18}{value}")
    return int(not found.balanced)
