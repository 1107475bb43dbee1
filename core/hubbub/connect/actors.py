"""Declare the actor that asks a channel's provider whether all is well."""

from datetime import timedelta
from typing import Final

import dramatiq
import structlog

from hubbub.broker import broker
from hubbub.connect import queries, work
from hubbub.hub import Hub
from hubbub.process import hub
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading

#: How often a channel that is well is asked about, and one that is not.
_WELL: Final = timedelta(minutes=10)
_UNWELL: Final = timedelta(minutes=1)
log = structlog.get_logger(__name__)


@dramatiq.actor(broker=broker, queue_name="default", time_limit=120_000)
def probe(channel_id: str) -> None:
    """Ask the provider of one channel now."""
    try:
        work.check_channel(hub(), channel_id)
    except HubError as error:
        log.warning("channel not checked", channel=channel_id, reason=error.detail)


def nudge_probes(hub: Hub) -> None:
    """Nudge for every channel whose turn it is; each by itself, so that none waits for another."""
    now = hub.now()
    with reading(hub.engine) as db:
        due = queries.due_for_check(db, well_before=now - _WELL, unwell_before=now - _UNWELL)
    for channel_id in due:
        hub.nudges.nudge(probe, channel_id, lane=f"probe:{channel_id}", hold=_UNWELL)
