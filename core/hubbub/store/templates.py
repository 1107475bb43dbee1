"""Keep the templates of channels, so that the gate knows what may be sent without asking anybody.

A process holds them with its copy of the channel (`hubbub.directory.Line`): whatever changes them
raises the channel's version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from hubbub.sdk.templates import TemplateChanged, TemplateParameter, TemplateStatus
from hubbub.store.tables import Channel, Template, table

_channels = table(Channel)
_templates = table(Template)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTemplate:
    """What the gate has to know of a template."""

    id: str
    name: str
    language: str
    category: str
    status: TemplateStatus
    reason: str
    #: None: only the provider knows.
    parameters: tuple[TemplateParameter, ...] | None


#: By name and language.
Templates: TypeAlias = Mapping[tuple[str, str], KnownTemplate]

_KNOWN: Final = (
    select(
        _templates.c.id,
        _templates.c.name,
        _templates.c.language,
        _templates.c.category,
        _templates.c.status,
        _templates.c.reason,
        _templates.c.parameters,
    )
    .where(_templates.c.channel_id == bindparam("channel_id"))
    .order_by(_templates.c.name, _templates.c.language)
)


def known_templates(db: Connection, channel_id: str) -> Templates:
    """Return what is known of a channel's templates, in the order of their names."""
    found = {}
    for row in db.execute(_KNOWN, {"channel_id": channel_id}):
        status, parameters = TemplateStatus(row.status), _parameters(row.parameters)
        known = {**row._asdict(), "status": status, "parameters": parameters}
        found[row.name, row.language] = KnownTemplate(**known)
    return found


def _parameters(kept: list[dict[str, Any]] | None) -> tuple[TemplateParameter, ...] | None:
    return None if kept is None else tuple(TemplateParameter(**one) for one in kept)


def hear(db: Connection, channel_id: str, event: TemplateChanged, *, now: datetime) -> None:
    """Let what the provider told of a template count, until all of them are read anew: soon."""
    # The channel first, as when they are read: then neither waits for the other in a circle.
    anew = {"templates_due_at": now, "version": _channels.c.version + 1}
    db.execute(update(_channels).where(_channels.c.id == channel_id).values(anew))
    if event.status is None:
        return
    said = {
        "status": event.status.value,
        "provider_status": event.provider_status,
        "reason": event.reason,
        "changed_at": now,
    }
    which = update(_templates).where(
        _templates.c.channel_id == channel_id,
        _templates.c.name == event.name,
        _templates.c.language == event.language,
    )
    db.execute(which.values(said))
