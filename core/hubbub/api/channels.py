"""Answer the calls about channel types and channels."""

from dataclasses import asdict
from typing import Any

from pydantic import AwareDatetime, Field
from sqlalchemy import Row

from hubbub.api import shapes
from hubbub.api.endpoint import PREFIX, Ask, Body, Endpoint, Nothing, endpoint, optional
from hubbub.api.forms import form_schema
from hubbub.api.pages import Page, by_id, cut
from hubbub.connect import queries
from hubbub.connect.former import former_until
from hubbub.connect.health import channel_health
from hubbub.connect.rules import (
    campaigns_paused,
    embed_line,
    has_widget,
    shown_status,
    webhook_url,
    widget_url,
)
from hubbub.connect.trial import try_channel
from hubbub.connect.work import (
    ChannelChange,
    change_channel,
    check_channel,
    create_channel,
    delete_channel,
    find_channel,
)
from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.sdk.types import ChannelType
from hubbub.sdk.values import Finding
from hubbub.store.session import reading

_TAG = "Channels"


class NewChannel(Body):
    """A channel to add."""

    type: str = Field(description="As `GET /channel-types` lists it.")
    name: str
    credentials: dict[str, Any] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)


class Trial(Body):
    """Credentials to try."""

    type: str = Field(description="As `GET /channel-types` lists it.")
    credentials: dict[str, Any] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)


class ChannelPatch(Body):
    """What to change; credentials and settings are merged, a null takes a field away."""

    name: str = optional()
    enabled: bool = optional()
    credentials: dict[str, Any] = optional()
    settings: dict[str, Any] = optional()
    old_credentials_until: AwareDatetime = optional(
        description="Until when calls are accepted also where the credentials prove them that are "
        "replaced now, or were before; 30 days at the most. A time that is over ends it."
    )


@endpoint("GET", "/channel-types", tag=_TAG, scope="read")
def list_channel_types(
    hub: Hub, ask: Ask[Nothing, Nothing]
) -> shapes.Listing[shapes.ChannelTypeJson]:
    """List every installed channel type: its form, and what it can do."""
    del ask
    types = sorted(hub.plugins.channels.values(), key=lambda kind: kind.label)
    return shapes.Listing(items=[_channel_type(hub, kind) for kind in types], next_cursor=None)


@endpoint("GET", "/channels", tag=_TAG, scope="read")
def list_channels(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.ChannelJson]:
    """List the channels, the newest first."""
    with reading(hub.engine) as db:
        rows = queries.channels(db, before=ask.query.before_id(), limit=ask.query.fetch)
    page, cursor = cut(rows, ask.query.limit, by_id)
    items = [shapes.ChannelJson(**_fields(hub, row)) for row in page]
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("POST", "/channels", tag=_TAG, scope="admin", status=201, problems=("account-taken",))
def add_channel(hub: Hub, ask: Ask[Nothing, NewChannel]) -> shapes.ChannelJson:
    """Connect an account. One whose provider cannot be reached is created all the same.

    It is `inactive` then, with the reason; `POST /channels/{id}/check` tries again.
    """
    channel_id = create_channel(
        hub,
        type=ask.body.type,
        name=ask.body.name,
        credentials=ask.body.credentials,
        settings=ask.body.settings,
        actor=ask.bearer.actor,
    )
    return _channel(hub, channel_id)


@endpoint("GET", "/channels/{id}", tag=_TAG, scope="read")
def get_channel(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.ChannelJson:
    """Return a channel. Its credentials are never returned."""
    return _channel(hub, ask.id)


@endpoint("PATCH", "/channels/{id}", tag=_TAG, scope="admin", problems=("account-taken",))
def patch_channel(hub: Hub, ask: Ask[Nothing, ChannelPatch]) -> shapes.ChannelJson:
    """Change a channel; when that concerns the provider, it is set up there again."""
    change = ChannelChange(**ask.body.model_dump())
    change_channel(hub, ask.id, change, actor=ask.bearer.actor)
    nudge_deliver(hub)
    return _channel(hub, ask.id)


@endpoint("DELETE", "/channels/{id}", tag=_TAG, scope="admin", status=204)
def remove_channel(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Delete a channel. What was said stays; what waits to be sent is cancelled."""
    delete_channel(hub, ask.id, actor=ask.bearer.actor)


@endpoint("POST", "/channels/{id}/check", tag=_TAG, scope="write")
def check(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.CheckedChannelJson:
    """Ask the provider now; a channel that is not connected is set up again."""
    findings = check_channel(hub, ask.id)
    nudge_deliver(hub)
    return shapes.CheckedChannelJson(
        **_fields(hub, find_channel(hub, ask.id)),
        findings=[_finding(finding) for finding in findings],
    )


@endpoint("POST", "/channels/try", tag=_TAG, scope="admin")
def try_new(hub: Hub, ask: Ask[Nothing, Trial]) -> shapes.TriedChannelJson:
    """Ask the provider whether a channel with these credentials would be let in.

    Nothing is kept or changed, here or there. What only connecting puts right, such as a webhook
    that is not registered yet, is left out.
    """
    asked = try_channel(
        hub, type=ask.body.type, credentials=ask.body.credentials, settings=ask.body.settings
    )
    return shapes.TriedChannelJson(
        status=asked.status,
        status_reason=asked.reason,
        findings=[_finding(finding) for finding in asked.findings],
    )


@endpoint("GET", "/channels/{id}/health", tag=_TAG, scope="read")
def get_channel_health(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.ChannelHealthJson:
    """Say how each part of a channel is, as far as it is known without asking its provider."""
    row = find_channel(hub, ask.id)
    with reading(hub.engine) as db:
        health = channel_health(hub, db, row)
    day = health.traffic
    return shapes.ChannelHealthJson(
        parts=[shapes.HealthPartJson(**asdict(part)) for part in health.parts],
        expires_at=health.expires_at,
        waiting=health.waiting,
        quarantined=health.quarantined,
        received=day.received,
        sent=day.sent,
        failed=day.failed,
        last_received_at=day.received_at,
        last_sent_at=day.sent_at,
        hours=list(day.hours),
    )


def _channel(hub: Hub, channel_id: str) -> shapes.ChannelJson:
    return shapes.ChannelJson(**_fields(hub, find_channel(hub, channel_id)))


def _fields(hub: Hub, row: Row[Any]) -> dict[str, Any]:
    kept = hub.vault.open(row.secrets, row.id)
    status, reason = shown_status(hub, row)
    widget = widget_url(hub.settings.base_url, row.webhook_key) if has_widget(hub, row) else None
    return {
        "id": row.id,
        "type": row.type,
        "name": row.name,
        "status": status,
        "status_reason": reason,
        "status_since": row.status_since,
        "webhook_url": webhook_url(hub.settings.base_url, row.webhook_key),
        "verify_token": kept.get("verify_token"),
        "last_active_at": row.last_active_at,
        "enabled": row.enabled,
        "settings": row.settings,
        "old_credentials_until": former_until(kept, hub.now()),
        "bulk_paused_until": campaigns_paused(row, hub.now()),
        "widget_url": widget,
        "embed": embed_line(widget) if widget else None,
        "created_at": row.created_at,
    }


def _finding(finding: Finding) -> shapes.FindingJson:
    return shapes.FindingJson(
        code=finding.code,
        ok=finding.ok,
        detail=finding.detail,
        fix=finding.fix,
        until=finding.until,
    )


def _channel_type(hub: Hub, kind: ChannelType[Any]) -> shapes.ChannelTypeJson:
    icon = f"{hub.settings.base_url}{PREFIX}/channel-types/{kind.type}/icon.svg"
    return shapes.ChannelTypeJson(
        type=kind.type,
        label=kind.label,
        description=kind.description,
        legacy=kind.legacy,
        icon_url=icon if kind.icon else None,
        plugin=hub.plugins.origin[kind.type],
        fields=form_schema(kind.fields),
        capabilities=kind.capabilities.as_json(),
        setup=[
            shapes.SetupStepJson(title=step.title, text=step.text, link=step.link, at=step.at)
            for step in kind.setup_steps
        ],
        group=kind.group,
        needs=list(kind.needs),
        minutes=kind.minutes,
        changes=list(kind.changes),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    list_channel_types,
    list_channels,
    add_channel,
    get_channel,
    patch_channel,
    remove_channel,
    check,
    try_new,
    get_channel_health,
)
