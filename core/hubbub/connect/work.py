"""Create, change, check and delete channels; the provider is asked between transactions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection as Database, Row
from sqlalchemy.exc import IntegrityError

from hubbub.connect import queries
from hubbub.connect.drafts import no_draft
from hubbub.connect.former import former_until, with_former
from hubbub.connect.provider import ask, say_goodbye
from hubbub.connect.routes import first_route_set
from hubbub.connect.rules import (
    NOT_SET_UP,
    SWITCHED_OFF,
    Asked,
    Status,
    clean_name,
    finding_json,
    has_threads,
    merged,
    new_secrets,
    new_webhook_key,
    opened,
    still_known,
    wrong_with,
)
from hubbub.connect.wishes import bequeath, inherit
from hubbub.deliver.record import UNTIL_MENDED
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.people.overtaken import check_seen, mark_of
from hubbub.plugins import ChannelHooks, UnknownType
from hubbub.sdk.values import Finding
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id
from hubbub.track.receipts import refresh
from hubbub.vault import Undecryptable

#: How often is looked whether a provider that was away is back, and how the other channels are.
EVERY_AWAY: Final = timedelta(minutes=1)
EVERY_OTHER: Final = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ChannelChange:
    """What to change of a channel; None leaves it. Credentials and settings are merged.

    ``old_credentials_until``: until then calls are accepted also where the credentials prove them
    that were replaced, now or before. ``seen``: the mark of what was seen of it
    (`mark_of_channel`); None: whatever that was.
    """

    name: str | None = None
    enabled: bool | None = None
    credentials: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    old_credentials_until: datetime | None = None
    seen: str | None = None

    @property
    def concerns_provider(self) -> bool:
        """Whether the provider has to be asked again."""
        return not (self.enabled is None and self.credentials is None and self.settings is None)


def create_channel(
    hub: Hub,
    *,
    type: str,  # noqa: A002  # the contract's name
    name: str,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any],
    actor: str,
    draft_id: str | None = None,
) -> str:
    """Add a channel, set it up at the provider, and return its id.

    One whose provider cannot be reached exists all the same; its status says why. The draft that
    it was is gone then: of two who finish it at once, one finds none. Raises `Invalid`,
    `NotFound` without that draft, or `Conflict` when another channel has the account.
    """
    try:
        hooks = hub.plugins.channel(type)
    except UnknownType as error:
        raise Invalid(Complaint("type", str(error))) from None
    credentials, settings = merged({}, credentials), merged({}, settings)
    try:
        name = clean_name(name)
    except Invalid as error:
        rest = wrong_with(hooks, credentials, settings)
        raise Invalid(*error.complaints, *rest) from None
    values = _new_row(hub, hooks, name, credentials, settings)
    try:
        with transaction(hub.engine) as db:
            if draft_id is not None and not queries.drop_draft(db, draft_id):
                raise no_draft()
            queries.add_channel(db, **values)
            added = _found(queries.channel(db, values["id"]))
            inherit(db, added, threads=hooks.capabilities.threads, now=hub.now())
            first_route_set(hub, db, values["id"], actor=actor)
            _note(db, hub.now(), actor, "channel.created", values["id"], type=type, name=name)
    except IntegrityError:
        raise _account_taken() from None
    _set_up(hub, values["id"])
    return str(values["id"])


def change_channel(hub: Hub, channel_id: str, change: ChannelChange, *, actor: str) -> None:
    """Change a channel; if the change concerns the provider, set it up there again.

    What is given as it is already is set up again all the same, but is no line of the audit log.
    Raises `Invalid`, `NotFound`, `Conflict` or `Overtaken`.
    """
    try:
        with transaction(hub.engine) as db:
            row = _found(queries.channel(db, channel_id, lock=True))
            check_seen(hub, change.seen, *_told(hub, row))
            values = _changed_columns(hub, row, change)
            queries.change_channel(db, channel_id, values=values)
            now_is = _found(queries.channel(db, channel_id))
            if {"account", "sender"} & values.keys():
                inherit(db, now_is, threads=has_threads(hub, row.type), now=hub.now())
            if change.concerns_provider:
                # What is fetched waits for the check: it says where a new folder begins.
                queries.mark_checked(db, channel_id, now=None)
                queries.read_templates_at(db, channel_id, None)
            if changed := [*_changed_names(hub, row, now_is, change)]:
                _note(db, hub.now(), actor, "channel.changed", channel_id, changed=changed)
    except IntegrityError:
        raise _account_taken() from None
    if change.concerns_provider:
        _set_up(hub, channel_id)


def mark_of_channel(hub: Hub, row: Row[Any]) -> str:
    """Return the mark of what people set of a channel, its credentials among it."""
    return mark_of(hub, *_told(hub, row))


def _told(hub: Hub, row: Row[Any]) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    try:
        credentials = hub.vault.open(row.secrets, row.id)["credentials"]
    except Undecryptable:
        credentials = {}
    return row.name, row.settings, credentials


def check_channel(hub: Hub, channel_id: str) -> tuple[Finding, ...]:
    """Ask the provider now how the channel is.

    One that is not connected is set up again, and so is one that was not asked for since it was
    changed: who changed it may have been killed before that. Raises `NotFound`.
    """
    with reading(hub.engine) as db:
        row = _found(queries.channel(db, channel_id))
    if row.status != "connected" or not row.enabled or row.checked_at is None:
        return _set_up(hub, channel_id)
    return _record(hub, row, ask(hub, row, "check"))


def watch_channel(hub: Hub, channel_id: str) -> None:
    """Ask by the clock how the channel is, as `check_channel` does.

    Where a send was refused, that the provider finds nothing wrong proves nothing: what waits is
    tried first, lest the channel turn to connected and back for ever. Raises `NotFound`.
    """
    with reading(hub.engine) as db:
        row = _found(queries.channel(db, channel_id))
    if not _refuses_sends(row, hub.now()):
        check_channel(hub, channel_id)
        return
    asked, now = ask(hub, row, "setup"), hub.now()
    if asked.status != "connected":
        _record(hub, row, asked)
        return
    with transaction(hub.engine) as db:
        queries.mark_checked(db, channel_id, now=now)
        if now - _refused_at(row) < EVERY_OTHER:
            return
        if queries.anything_held(db, channel_id, now=now):
            queries.release_held(db, channel_id, now=now)
            # Whether that is sent is known soon.
            queries.mark_checked(db, channel_id, now=now - EVERY_OTHER + EVERY_AWAY)
            return
    _record(hub, row, asked)


def _refuses_sends(row: Row[Any], now: datetime) -> bool:
    until: datetime | None = row.paused_until
    return row.status == "error" and until is not None and until > now + UNTIL_MENDED / 2


def _refused_at(row: Row[Any]) -> datetime:
    refused_at: datetime = row.paused_until - UNTIL_MENDED
    return refused_at


def look_at_channel(hub: Hub, channel_id: str) -> tuple[Finding, ...]:
    """Ask the provider how the channel is, and change nothing: neither there nor here.

    Raises `NotFound`.
    """
    with reading(hub.engine) as db:
        row = _found(queries.channel(db, channel_id))
    return ask(hub, row, "check").findings


def delete_channel(hub: Hub, channel_id: str, *, actor: str) -> None:
    """Take a channel down at the provider as well as can be, and delete it here.

    What was said stays; what has not begun to be sent is cancelled. Raises `NotFound`.
    """
    with reading(hub.engine) as db:
        row = _found(queries.channel(db, channel_id))
    say_goodbye(hub, row)
    now = hub.now()
    with transaction(hub.engine) as db:
        # The row stays for what was said; nobody needs its secrets any more.
        gone = {"deleted_at": now, "enabled": False, "secrets": b""}
        if not queries.change_channel(db, channel_id, values=gone):
            raise NotFound("There is no such channel.")
        bequeath(db, row, threads=has_threads(hub, row.type), now=now)
        queries.wipe_routes(db, channel_id)
        queries.wipe_templates(db, channel_id)
        refresh(db, queries.cancel_waiting(db, channel_id))
        _note(db, now, actor, "channel.deleted", channel_id, type=row.type, name=row.name)


def set_status(
    db: Database, channel_id: str, *, status: Status, reason: str = "", now: datetime
) -> bool:
    """Give a channel its status, and say whether that is news. Nothing else moves it.

    When it turns to connected, what waited for it becomes due: after the commit a nudge of
    outbound work saves it the time until the next sweep.
    """
    changed = queries.change_status(db, channel_id, status=status, reason=reason, now=now)
    if changed:
        log.info("channel status", channel=channel_id, status=status, reason=reason)
        if status == "connected":
            queries.release_held(db, channel_id, now=now)
            queries.read_templates_at(db, channel_id, None)
    return changed


def find_channel(hub: Hub, channel_id: str) -> Row[Any]:
    """Return the row of a channel. Raises `NotFound`."""
    with reading(hub.engine) as db:
        return _found(queries.channel(db, channel_id))


def _new_row(
    hub: Hub,
    hooks: ChannelHooks,
    name: str,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    now = hub.now()
    secrets = new_secrets(hooks, credentials)
    values: dict[str, Any] = {
        "id": new_id(),
        "type": hooks.type,
        "name": name,
        "enabled": True,
        "status": "inactive",
        "status_reason": NOT_SET_UP,
        "status_since": now,
        "webhook_key": new_webhook_key(),
        "settings": dict(settings),
        "facts": {},
        "version": 1,
        "created_at": now,
    }
    connection = opened(hub, hooks, secrets, values)
    values |= {"account": hooks.account(connection), "sender": hooks.sender(connection)}
    values["secrets"] = hub.vault.seal(secrets, values["id"])
    return values


def _changed_names(
    hub: Hub, before: Row[Any], after: Row[Any], change: ChannelChange
) -> Iterator[str]:
    """Yield the names of what is otherwise now, of the fields that people see."""
    for name in ("name", "enabled"):
        if getattr(before, name) != getattr(after, name):
            yield name
    (_, *was), (_, *is_) = _told(hub, before), _told(hub, after)
    for part, old, new in zip(("settings", "credentials"), was, is_, strict=True):
        yield from (f"{part}.{name}" for name in _differing(old, new))
    if change.old_credentials_until is not None:
        yield "old_credentials_until"


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _changed_columns(hub: Hub, row: Row[Any], change: ChannelChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if change.name is not None:
        values["name"] = clean_name(change.name)
    if change.enabled is not None:
        values["enabled"] = change.enabled
    if change.credentials is not None or change.settings is not None:
        values |= _changed_fields(hub, row, change)
    elif change.old_credentials_until is not None:
        kept = hub.vault.open(row.secrets, row.id)
        secrets = with_former(kept, kept, change.old_credentials_until, hub.now())
        values["secrets"] = hub.vault.seal(secrets, row.id)
    return values


def _changed_fields(hub: Hub, row: Row[Any], change: ChannelChange) -> dict[str, Any]:
    hooks = hub.plugins.channel(row.type)
    kept = hub.vault.open(row.secrets, row.id)
    credentials, settings = still_known(hooks, kept["credentials"], row.settings)
    kept = {**kept, "credentials": credentials}
    after = {**kept, "credentials": merged(credentials, change.credentials or {})}
    secrets = with_former(kept, after, change.old_credentials_until, hub.now())
    changed: dict[str, Any] = {"settings": merged(settings, change.settings or {})}
    connection = opened(hub, hooks, secrets, {**row._asdict(), **changed})
    account = hooks.account(connection)
    if change.credentials and row.account not in {None, account}:
        raise _another_account()
    login = (after["credentials"], changed["settings"].get("api_base"), account)
    if login != (credentials, settings.get("api_base"), row.account):
        # Whoever logged in before may be somebody else, or somewhere else.
        secrets["tokens"] = {}
    changed |= {"account": account, "sender": hooks.sender(connection)}
    return {**changed, "secrets": hub.vault.seal(secrets, row.id)}


def _set_up(hub: Hub, channel_id: str) -> tuple[Finding, ...]:
    row = find_channel(hub, channel_id)
    if not row.enabled:
        return _record(hub, row, Asked(status="inactive", reason=SWITCHED_OFF))
    return _record(hub, row, ask(hub, row, "setup"))


def _record(hub: Hub, row: Row[Any], asked: Asked) -> tuple[Finding, ...]:
    """Store what was learnt, unless the channel has been changed and is asked anew anyway."""
    now = hub.now()
    with transaction(hub.engine) as db:
        today = queries.channel(db, row.id, lock=True)
        if today is None or today.version != row.version:
            return asked.findings
        findings = [finding_json(one) for one in asked.findings]
        queries.mark_checked(db, row.id, now=now, findings=findings)
        if learnt := _learnt(hub, row, asked):
            queries.change_channel(db, row.id, values=learnt)
        set_status(db, row.id, status=asked.status, reason=asked.reason, now=now)
    return asked.findings


def _learnt(hub: Hub, row: Row[Any], asked: Asked) -> dict[str, Any]:
    """Return the columns that hold what the provider said and was not known."""
    columns: dict[str, Any] = {}
    if asked.facts and dict(asked.facts) != row.facts:
        columns["facts"] = dict(asked.facts)
    if asked.status == "connected" or asked.tokens:
        kept = hub.vault.open(row.secrets, row.id)
        secrets = {**kept, "tokens": dict(asked.tokens)} if asked.tokens else dict(kept)
        if former_until(kept, hub.now()) is None:
            secrets.pop("former", None)
        if secrets != kept:
            columns["secrets"] = hub.vault.seal(secrets, row.id)
    return columns


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFound("There is no such channel.")
    return row


def _another_account() -> Invalid:
    # Its provider would go on calling us for the old one, and its conversations are the old one's.
    why = "These are of another account. Add a channel for it; this one keeps its history."
    return Invalid(Complaint("credentials", why))


def _account_taken() -> Conflict:
    return Conflict(
        "Another channel is already connected to this account. Change that one, or delete it "
        "first: two would take each other's messages.",
        code="account_taken",
    )


def _note(
    db: Database, now: datetime, actor: str, action: str, channel_id: str, **detail: Any
) -> None:
    audit(db, now=now, actor=actor, action=action, object_id=channel_id, detail=detail)
