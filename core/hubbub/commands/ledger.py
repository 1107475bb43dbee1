"""Count what became of everything that was received."""

import dataclasses
import json
from typing import Final

import click

from hubbub.commands import given
from hubbub.store.session import reading
from hubbub.track.ledger import ledger as count

_QUARANTINED: Final = (
    "\nQuarantined calls are not among the calls above: their signature did not fit. Mend the "
    "secret or the\npublic URL, and release them with `hubbub replay --channel CHANNEL_ID "
    "--state quarantined`."
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def ledger(*, as_json: bool) -> int:
    """Count what was received against what became of it.

    Calls are those proven authentic: quarantined ones are counted beside them, until they are
    released. Exit status 1 when what was received and what became of it differ.
    """
    with reading(given.hub().engine) as db:
        found = count(db)
    values = dataclasses.asdict(found)
    if as_json:
        click.echo(json.dumps(values, indent=2))
    else:
        for name, value in values.items():
            click.echo(f"{name.replace('_', ' '):<18}{value}")
        if found.quarantined:
            click.echo(_QUARANTINED)
    return int(not found.balanced)
