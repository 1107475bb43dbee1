"""Answer the calls of who operates the hub: what failed, how it is, who changed what."""

from typing import Any, Literal

from pydantic import Field

from hubbub.api import shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint
from hubbub.api.moments import Moment
from hubbub.api.pages import Page, by_id, cut
from hubbub.health import health
from hubbub.hub import Hub
from hubbub.loading import read_plugins_file, switch
from hubbub.people import queries as people
from hubbub.people.audit import audit
from hubbub.people.errors import Conflict, NotFound
from hubbub.plugins import PluginStatus
from hubbub.requeue import queries
from hubbub.requeue.work import FASTEST, PACE, begin, failures, find_requeue, stop
from hubbub.sdk.errors import HubError
from hubbub.settings import BadSettings
from hubbub.store.session import reading, transaction

_FAILURES = "Failures"
_INSTANCE = "This instance"


class NewRequeue(Body):
    """What to try again: everything that failed on a channel for one cause until now."""

    kind: Literal["failed", "dead", "quarantined"]
    channel_id: str = Field(max_length=64)
    cause: str = Field(max_length=10_000, description="As `GET /failures` tells it.")
    per_minute: int = Field(PACE, ge=1, le=FASTEST)


class PluginPatch(Body):
    """Whether a plugin is to run."""

    enabled: bool


class AuditQuery(Page):
    """Which lines of the audit log."""

    actor: str | None = Field(None, max_length=100, description="Such as `user:<id>` or `cli`.")
    action: str | None = Field(None, max_length=100, description="How the action begins.")
    object_id: str | None = Field(None, max_length=64)
    since: Moment | None = None
    until: Moment | None = Field(None, description="Only what was done before.")


@endpoint("GET", "/failures", tag=_FAILURES, scope="read")
def list_failures(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.FailuresJson:
    """List what failed over all channels by its cause, the most first."""
    del ask
    with reading(hub.engine) as db:
        found = failures(db)
    return shapes.FailuresJson(items=[shapes.FailureJson(**vars(one)) for one in found])


@endpoint("GET", "/requeues", tag=_FAILURES, scope="read")
def list_requeues(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.RequeueJson]:
    """List what is and was tried again by its cause, the newest first."""
    with reading(hub.engine) as db:
        rows = queries.requeues(db, before=ask.query.before_id(), limit=ask.query.fetch)
    page, cursor = cut(rows, ask.query.limit, by_id)
    items = [shapes.RequeueJson(**row._asdict()) for row in page]
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint(
    "POST",
    "/requeues",
    tag=_FAILURES,
    scope="admin",
    status=202,
    problems=("not-found", "requeue-running"),
)
def post_requeue(hub: Hub, ask: Ask[Nothing, NewRequeue]) -> shapes.RequeueJson:
    """Begin to try again all that failed for one cause, so many in each minute."""
    requeue_id = begin(hub, **ask.body.model_dump(), actor=ask.bearer.actor)
    return _requeue(hub, requeue_id)


@endpoint("GET", "/requeues/{id}", tag=_FAILURES, scope="read")
def get_requeue(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.RequeueJson:
    """Say how far it has come."""
    return _requeue(hub, ask.id)


@endpoint("POST", "/requeues/{id}/stop", tag=_FAILURES, scope="admin")
def stop_requeue(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.RequeueJson:
    """Try no more of it again. What was tried already goes its way."""
    stop(hub, ask.id, actor=ask.bearer.actor)
    return _requeue(hub, ask.id)


@endpoint("GET", "/health", tag=_INSTANCE, scope="admin")
def get_health(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.HealthJson:
    """Say how this instance is, as `hubbub doctor` does; no provider is asked."""
    del ask
    found = health(hub)
    return shapes.HealthJson(
        ok=found.ok,
        version=found.version,
        python=found.python,
        checks=[shapes.CheckJson(**vars(one)) for one in found.checks],
        queues=[shapes.QueueJson(**vars(one)) for one in found.queues],
        processes=[shapes.ProcessJson(**vars(one)) for one in found.processes],
        sources=[shapes.SourceJson(**vars(one)) for one in found.sources],
    )


@endpoint("GET", "/plugins", tag=_INSTANCE, scope="admin")
def list_plugins(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.PluginsJson:
    """List every plugin that is installed or named, and how it fares in this process."""
    del ask
    return shapes.PluginsJson(items=plugins(hub))


@endpoint("PATCH", "/plugins/{name}", tag=_INSTANCE, scope="admin", problems=("not-switchable",))
def patch_plugin(hub: Hub, ask: Ask[Nothing, PluginPatch]) -> shapes.PluginJson:
    """Let a plugin run, or not, from the next start on."""
    name = ask.path["name"]
    switch_plugin(hub, name, on=ask.body.enabled, actor=ask.bearer.actor)
    return next(one for one in plugins(hub) if one.name == name)


@endpoint("GET", "/audit", tag=_INSTANCE, scope="admin")
def list_audit(hub: Hub, ask: Ask[AuditQuery, Nothing]) -> shapes.Listing[shapes.AuditJson]:
    """List who changed what, the newest first."""
    query = ask.query
    wanted = people.AuditFilter(
        actor=query.actor,
        action=query.action,
        object_id=query.object_id,
        since=query.since,
        until=query.until,
    )
    with reading(hub.engine) as db:
        rows = people.audit(db, wanted, before=query.before_id(), limit=query.fetch)
    page, cursor = cut(rows, query.limit, by_id)
    items = [shapes.AuditJson(**row._asdict()) for row in page]
    return shapes.Listing(items=items, next_cursor=cursor)


def plugins(hub: Hub) -> list[shapes.PluginJson]:
    """Return how each plugin fares in this process, and what the file says by now."""
    try:
        sections = read_plugins_file(hub.settings.plugins_file)
    except BadSettings:
        # The check of the health page says so; what runs is told all the same.
        sections = {}
    return [_plugin(status, sections.get(status.name)) for status in hub.plugins.statuses]


def switch_plugin(hub: Hub, name: str, *, on: bool, actor: str) -> None:
    """Let a plugin run, or not, from the next start on. Raises `NotFound` and `Conflict`."""
    if name not in {status.name for status in hub.plugins.statuses}:
        raise NotFound("There is no such plugin.")
    try:
        switch(hub.settings.plugins_file, name, on=on)
    except HubError as error:
        raise Conflict(error.detail, code="not_switchable") from None
    with transaction(hub.engine) as db:
        action = "plugin.enabled" if on else "plugin.disabled"
        audit(db, now=hub.now(), actor=actor, action=action, object_id=name)


def _requeue(hub: Hub, requeue_id: str) -> shapes.RequeueJson:
    return shapes.RequeueJson(**find_requeue(hub, requeue_id)._asdict())


def _plugin(status: PluginStatus, section: dict[str, Any] | None) -> shapes.PluginJson:
    given = section or {}
    return shapes.PluginJson(
        name=status.name,
        state=status.state,
        reason=status.reason,
        distribution=status.distribution,
        version=status.version,
        channel_types=list(status.channel_types),
        route_types=list(status.route_types),
        hooks=list(status.hooks),
        settings={name: _harmless(value) for name, value in given.items() if name != "enabled"},
        enabled=section is not None and given.get("enabled", True) is True,
    )


def _harmless(value: object) -> Any:
    """Return a setting as it may be shown: only the plugin knows whether a text is a secret."""
    return value if isinstance(value, bool | int | float) else "********"


ENDPOINTS: tuple[Endpoint, ...] = (
    list_failures,
    list_requeues,
    post_requeue,
    get_requeue,
    stop_requeue,
    get_health,
    list_plugins,
    patch_plugin,
    list_audit,
)
