"""Read the templates of a channel from its provider, and keep what they say."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy import Connection as Database, Row

from hubbub.connect import queries
from hubbub.connect.provider import list_templates
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.people.errors import Conflict
from hubbub.sdk.templates import MessageTemplate
from hubbub.store.clean import clean
from hubbub.store.session import transaction
from hubbub.store.templates import AGAIN, FRESH
from hubbub.store.types import new_id

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class TemplatesRead:
    """How many templates the provider listed, and what was new about them."""

    templates: int
    added: int
    changed: int
    removed: int


def read_templates(hub: Hub, channel_id: str) -> TemplatesRead:
    """Ask the provider for the templates of a channel and keep these, whatever their status.

    Safe to run twice and by several processes at once. Raises `NotFound`, the `SendError` that the
    provider's answer stands for, or `Conflict` when there are no templates to be had, or somebody
    told news of the channel meanwhile: what was read may be older, and is read again soon.
    """
    with transaction(hub.engine) as db:
        # Whatever happens now, nobody else begins meanwhile, and it is tried again.
        queries.read_templates_at(db, channel_id, hub.now() + AGAIN)
    row = find_channel(hub, channel_id)
    listed = clean(list_templates(hub, row))
    with transaction(hub.engine) as db:
        today = queries.channel(db, channel_id, lock=True)
        if today is None or today.version != row.version:
            raise Conflict("The channel changed while its templates were read: read them again.")
        read = _keep(hub, db, channel_id, listed)
        queries.read_templates_at(db, channel_id, hub.now() + FRESH)
        if read.added or read.changed or read.removed:
            queries.change_channel(db, channel_id, values={})
    log.info("templates read", channel=channel_id, **asdict(read))
    return read


def _keep(
    hub: Hub, db: Database, channel_id: str, listed: Iterable[MessageTemplate]
) -> TemplatesRead:
    now = hub.now()
    found = {(one.name, one.language): _columns(one) for one in listed}
    kept = {(row.name, row.language): row for row in queries.templates(db, channel_id)}
    shared = {"channel_id": channel_id, "created_at": now, "changed_at": now}
    new = [
        {"id": new_id(), **shared, **columns} for key, columns in found.items() if key not in kept
    ]
    changed = {
        kept[key].id: columns
        for key, columns in found.items()
        if key in kept and _differs(kept[key], columns)
    }
    gone = [row.id for key, row in kept.items() if key not in found]
    queries.add_templates(db, new)
    for template_id, columns in changed.items():
        queries.change_template(db, template_id, {**columns, "changed_at": now})
    queries.remove_templates(db, gone)
    return TemplatesRead(
        templates=len(found), added=len(new), changed=len(changed), removed=len(gone)
    )


def _differs(row: Row[Any], columns: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in columns.items())


def _columns(template: MessageTemplate) -> dict[str, Any]:
    columns = asdict(template)
    parameters = columns["parameters"]
    return {
        **columns,
        "status": template.status.value,
        "components": list(columns["components"]),
        "parameters": None if parameters is None else list(parameters),
    }
