"""Declare the actors that ask a channel's provider whether all is well, and for templates."""

from datetime import timedelta
from typing import Final

import dramatiq
import structlog

from hubbub.broker import broker
from hubbub.connect import queries, work
from hubbub.connect.templates import read_templates
from hubbub.hub import Hub
from hubbub.process import hub
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading

#: News of templates that come so soon one after the other are read together.
_READING: Final = timedelta(seconds=30)
log = structlog.get_logger(__name__)


@dramatiq.actor(broker=broker, queue_name="default", time_limit=120_000)
def probe(channel_id: str) -> None:
    """Ask the provider of one channel now."""
    try:
        work.watch_channel(hub(), channel_id)
    except HubError as error:
        log.warning("channel not checked", channel=channel_id, reason=error.detail)


@dramatiq.actor(broker=broker, queue_name="default", time_limit=300_000)
def ask_for_templates(channel_id: str) -> None:
    """Read the templates of one channel now; its row says when to try again after a failure."""
    try:
        read_templates(hub(), channel_id)
    except HubError as error:
        log.warning("templates not read", channel=channel_id, reason=error.detail)


def nudge_probes(hub: Hub) -> None:
    """Nudge for every channel whose turn it is; each by itself, so that none waits for another."""
    now = hub.now()
    with reading(hub.engine) as db:
        due = queries.due_for_check(
            db, away_before=now - work.EVERY_AWAY, others_before=now - work.EVERY_OTHER
        )
    for channel_id in due:
        hub.nudges.nudge(probe, channel_id, lane=f"probe:{channel_id}", hold=work.EVERY_AWAY)


def nudge_templates(hub: Hub) -> None:
    """Nudge for every channel whose templates are to be read."""
    kinds = hub.plugins.channels.values()
    types = [kind.type for kind in kinds if kind.capabilities.templates]
    with reading(hub.engine) as db:
        due = queries.due_for_templates(db, types, now=hub.now()) if types else ()
    for channel_id in due:
        lane = f"templates:{channel_id}"
        hub.nudges.nudge(ask_for_templates, channel_id, lane=lane, hold=_READING)
