"""Show the channels."""

import json

import click
from sqlalchemy import Connection, select

from hubbub.commands import given
from hubbub.commands.tables import rows
from hubbub.connect.rules import shown_status
from hubbub.hub import Hub
from hubbub.store.session import reading
from hubbub.store.tables import Channel, table
from hubbub.store.types import AnyRow, as_json_time

_channels = table(Channel)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def channels(*, as_json: bool) -> None:
    """Show what is connected and how it is."""
    hub = given.hub()
    with reading(hub.engine) as db:
        found = _all(hub, db)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif not found:
        click.echo("There is no channel yet. Add one in the console, under Channels.")
    else:
        click.echo(rows(found, ("id", "type", "name", "status", "last_active_at", "status_reason")))


def _all(hub: Hub, db: Connection) -> list[dict[str, str | bool | None]]:
    query = select(_channels).where(_channels.c.deleted_at.is_(None)).order_by(_channels.c.id)
    return [_one(hub, row) for row in db.execute(query)]


def _one(hub: Hub, row: AnyRow) -> dict[str, str | bool | None]:
    status, reason = shown_status(hub, row)
    return {
        "id": row.id,
        "type": row.type,
        "name": row.name,
        "enabled": row.enabled,
        "status": status,
        "status_reason": reason,
        "status_since": as_json_time(row.status_since),
        "last_active_at": as_json_time(row.last_active_at),
    }
