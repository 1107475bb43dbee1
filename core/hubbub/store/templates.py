"""Keep the templates of channels, so that the gate knows what may be sent without asking anybody.

A process holds them with its copy of the channel (`hubbub.directory.Line`): whatever changes them
raises the channel's version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from hubbub.sdk.templates import TemplateChanged, TemplateParameter, TemplateStatus
from hubbub.store.tables import Channel, Template, table

#: How long what was read counts.
FRESH: Final = timedelta(hours=1)
#: When a provider is asked again: after a failure of ours or its, or once we doubt what we know.
AGAIN: Final = timedelta(minutes=10)
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

_same = _templates.alias()
_siblings = _channels.alias()
#: A channel, and those of its type for which the provider lists a template of the same id: they
#: belong to one account. In the order in which everybody holds channels.
_SHARING: Final = (
    select(_siblings.c.id)
    .join(_channels, _channels.c.type == _siblings.c.type)
    .where(
        _channels.c.id == bindparam("channel_id"),
        or_(
            _siblings.c.id == _channels.c.id,
            exists().where(
                _templates.c.channel_id == _channels.c.id,
                _same.c.channel_id == _siblings.c.id,
                _same.c.external_id == _templates.c.external_id,
            ),
        ),
    )
    .order_by(_siblings.c.id)
    .with_for_update(of=_siblings)
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
    """Let what the provider told of a template count, until all of them are read anew: soon.

    It counts for every channel that has the same templates: only one of an account's is told.
    """
    ids = list(db.execute(_SHARING, {"channel_id": channel_id}).scalars())
    # The channels first, as when they are read: then neither waits for the other in a circle.
    anew = {"templates_due_at": now, "version": _channels.c.version + 1}
    db.execute(update(_channels).where(_channels.c.id.in_(ids)).values(anew))
    if event.status is None:
        return
    said = {
        "status": event.status.value,
        "provider_status": event.provider_status,
        "reason": event.reason,
        "changed_at": now,
    }
    which = update(_templates).where(
        _templates.c.channel_id.in_(ids),
        _templates.c.name == event.name,
        _templates.c.language == event.language,
    )
    db.execute(which.values(said))


def doubt(db: Connection, channel_id: str, *, now: datetime) -> None:
    """Have a channel's templates read anew, `AGAIN` after the last time at the earliest."""
    due = _channels.c.templates_due_at
    planned = db.execute(select(due).where(_channels.c.id == channel_id)).scalar_one()
    if planned is None or planned <= now + AGAIN:
        return
    sooner = max(now, planned - (FRESH - AGAIN))
    this = update(_channels).where(_channels.c.id == channel_id, due == planned)
    db.execute(this.values(templates_due_at=sooner))
