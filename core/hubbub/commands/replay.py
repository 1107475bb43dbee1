"""Run kept calls again."""

from datetime import UTC, datetime

import click

from hubbub.commands import given
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.receive import queries
from hubbub.receive.work import NotReleasable, replay as replay_call
from hubbub.store.session import reading
from hubbub.store.states import CallState

_STATES = [state.value for state in CallState if state is not CallState.PENDING]


@click.command()
@click.argument("call_ids", metavar="[CALL_ID]...", nargs=-1)
@click.option("--channel", help="Replay this channel's calls instead (its id).")
@click.option("--state", type=click.Choice(_STATES), default="dead", show_default=True)
@click.option("--since", type=click.DateTime(), help="Only calls received since (UTC).")
@click.option("--limit", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--force", is_flag=True, help="Release quarantined calls, on your word.")
def replay(
    call_ids: tuple[str, ...],
    channel: str | None,
    state: str,
    since: datetime | None,
    limit: int,
    *,
    force: bool,
) -> int:
    """Run kept webhook calls again.

    What already took effect does not happen twice. Name the calls, or a channel.
    """
    if bool(call_ids) == bool(channel):
        raise click.UsageError("Name either calls or a --channel.")
    hub = given.hub()
    if channel:
        call_ids = _calls(hub, channel, state=state, since=since, limit=limit)
    replayed = sum([_replayed(hub, call_id, force=force) for call_id in call_ids])
    click.echo(f"{replayed} of {len(call_ids)} calls will be read again.")
    return int(replayed < len(call_ids))


def _calls(
    hub: Hub, channel: str, *, state: str, since: datetime | None, limit: int
) -> tuple[str, ...]:
    find_channel(hub, channel)
    since = since and since.replace(tzinfo=UTC)
    with reading(hub.engine) as db:
        found = queries.calls_to_replay(
            db, channel_id=channel, state=state, since=since, limit=limit
        )
    return tuple(found)


def _replayed(hub: Hub, call_id: str, *, force: bool) -> bool:
    try:
        replay_call(hub, call_id, force=force, actor="cli")
    except NotReleasable as error:
        click.echo(f"hubbub: {call_id}: {error.detail}", err=True)
        return False
    return True
