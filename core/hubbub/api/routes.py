"""Answer the calls about a channel's routes."""

from dataclasses import replace
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, Field

from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint
from hubbub.api.moments import Moment
from hubbub.connect.dryrun import Counted, Moved, dry_run, find_heard, subject_of
from hubbub.connect.hidden import hidden
from hubbub.connect.routes import (
    WantedRoutes,
    current_routes,
    read_wanted,
    save_routes,
    shown_routes,
)
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.route import Invalid as BadMessage, Subject, read_message
from hubbub.route.rules import Decision, RouteSet, decide
from hubbub.route.telling import sentence
from hubbub.track.trace import place

_TAG = "Routes"


class RouteJson(BaseModel):
    """One rule."""

    id: str
    name: str
    when: dict[str, Any]
    to: dict[str, Any]
    enabled: bool = True


class RoutesJson(BaseModel):
    """The rules of a channel in their order; secrets of destinations are hidden."""

    version: int
    routes: list[RouteJson]
    fallback: dict[str, Any]


class WantedRoute(Body):
    """One rule to put in force."""

    id: str | None = None
    name: str
    when: dict[str, Any] = Field(default_factory=dict)
    to: dict[str, Any] = Field(description='`{"type": "inbox"}`, and what the type needs.')
    enabled: bool = Field(default=True, description="False: it stays and is not asked.")


class TriedRoutes(Body):
    """Rules that are not in force; destinations' secrets may stay hidden as in those that are."""

    routes: list[WantedRoute] = Field(max_length=100)
    fallback: dict[str, Any] | None = None


class NewRoutes(TriedRoutes):
    """The rules to put in force, in their order."""

    version: int | None = Field(
        None, description="The version that they replace: 409 if another one is in force by now."
    )
    accept_conflicts: bool = False


class SupposedSender(Body):
    """Who might write."""

    address: str = Field(max_length=1000)
    name: str | None = Field(None, max_length=1000)


class Supposed(Body):
    """A message that might arrive, or one that did; and rules, unless it is those in force."""

    content: dict[str, Any] | None = Field(None, description="Needed without `message_id`.")
    sender: str | SupposedSender | None = None
    at: Moment | None = None
    first_message: bool = False
    message_id: str | None = Field(
        None, description="A message that a contact wrote to this channel; alone."
    )
    rules: TriedRoutes | None = None


class LookedJson(BaseModel):
    """What came of one condition."""

    what: str
    held: bool
    saw: str


class ConsideredJson(BaseModel):
    """What came of one rule."""

    route_id: str
    name: str
    matched: bool
    conditions: list[LookedJson]
    off: bool = Field(default=False, description="Switched off, and so not asked.")


class ExplanationJson(BaseModel):
    """Where the message would go, and why, rule by rule."""

    version: int
    route_id: str | None
    route_name: str
    destination: dict[str, Any]
    fallback: bool
    considered: list[ConsideredJson]
    explanation: str


class CountedJson(BaseModel):
    """How many messages a rule takes; without `route_id` it is the fallback."""

    route_id: str | None
    name: str
    destination: dict[str, Any]
    count: int


class PlacedJson(BaseModel):
    """By which rule a message goes where; without `route_id` by the fallback."""

    route_id: str | None
    route_name: str
    destination: dict[str, Any]


class MovedJson(BaseModel):
    """A message that would go elsewhere."""

    message_id: str
    at: AwareDatetime
    preview: str
    now: PlacedJson
    then: PlacedJson


class DryRunJson(BaseModel):
    """Where these rules would send what came in since a moment."""

    since: AwareDatetime
    asked: int = Field(description="Messages asked about, the latest first.")
    more: bool = Field(description="Whether there were more than that.")
    rules: list[CountedJson]
    moved_count: int
    moved: list[MovedJson] = Field(description="The latest 200 of them.")


#: Examples in one answer.
_MOVED: Final = 200


@endpoint("GET", "/channels/{id}/routes", tag=_TAG, scope="read")
def get_routes(hub: Hub, ask: Ask[Nothing, Nothing]) -> RoutesJson:
    """Return the rules of a channel in the order in which they are asked."""
    return RoutesJson(**shown_routes(hub.plugins, current_routes(hub, ask.id)))


@endpoint(
    "PUT",
    "/channels/{id}/routes",
    tag=_TAG,
    scope="admin",
    problems=("route-conflicts", "version-conflict"),
)
def put_routes(hub: Hub, ask: Ask[Nothing, NewRoutes]) -> RoutesJson:
    """Replace the rules of a channel.

    Rules that get in each other's way are refused with `conflicts`, unless `accept_conflicts`
    says that it is meant.
    """
    wanted = replace(
        _wanted(ask.body),
        accept_conflicts=ask.body.accept_conflicts,
        version=ask.body.version,
    )
    saved = save_routes(hub, ask.id, wanted, actor=ask.bearer.actor)
    return RoutesJson(**shown_routes(hub.plugins, saved))


@endpoint("POST", "/channels/{id}/routes/explain", tag=_TAG, scope="read")
def explain(hub: Hub, ask: Ask[Nothing, Supposed]) -> ExplanationJson:
    """Say where such a message would go, and why; nothing is sent or stored."""
    routes = _tried(hub, ask.id, ask.body.rules)
    decision = decide(routes, _subject(hub, ask.id, ask.body))
    # As the rules show it: whose queue it is, say, without the secrets.
    destination = hidden(hub.plugins, decision.destination.as_json())
    said = {**decision.as_json(), "destination": destination}
    return ExplanationJson(**said, explanation=sentence(decision, place(destination)))


@endpoint("POST", "/channels/{id}/routes/dry-run", tag=_TAG, scope="read")
def dry_run_routes(hub: Hub, ask: Ask[Nothing, TriedRoutes]) -> DryRunJson:
    """Say where these rules would send the messages of the last seven days.

    Asked are the latest 2,000 at the most; `moved` are those that would go elsewhere than by the
    rules in force. Nothing is sent or stored.
    """
    current = current_routes(hub, ask.id)
    wanted = read_wanted(hub.plugins, current, _wanted(ask.body))
    found = dry_run(hub, ask.id, current, wanted)
    return DryRunJson(
        since=found.since,
        asked=found.asked,
        more=found.more,
        rules=[_counted(hub, one) for one in found.rules],
        moved_count=len(found.moved),
        moved=[_moved(hub, one) for one in found.moved[:_MOVED]],
    )


def _wanted(body: TriedRoutes) -> WantedRoutes:
    routes = [route.model_dump(exclude_none=True) for route in body.routes]
    return WantedRoutes(routes=routes, fallback=body.fallback)


def _tried(hub: Hub, channel_id: str, rules: TriedRoutes | None) -> RouteSet:
    current = current_routes(hub, channel_id)
    return current if rules is None else read_wanted(hub.plugins, current, _wanted(rules))


def _subject(hub: Hub, channel_id: str, supposed: Supposed) -> Subject:
    said = supposed.model_dump(exclude_none=True, exclude={"rules", "message_id"})
    if supposed.message_id is not None:
        if supposed.model_fields_set - {"rules", "message_id"}:
            raise Invalid(Complaint("message_id", "Give a message's id alone, or its content."))
        return subject_of(find_heard(hub, channel_id, supposed.message_id))
    if isinstance(supposed.sender, SupposedSender):
        said["sender"] = supposed.sender.address
    try:
        return read_message(said, now=hub.now())
    except BadMessage as error:
        raise Invalid(*(Complaint(*one) for one in error.errors)) from None


def _counted(hub: Hub, one: Counted) -> CountedJson:
    destination = hidden(hub.plugins, one.destination.as_json())
    return CountedJson(
        route_id=one.route_id, name=one.name, destination=destination, count=one.count
    )


def _moved(hub: Hub, one: Moved) -> MovedJson:
    return MovedJson(
        message_id=one.message_id,
        at=one.at,
        preview=one.preview,
        now=_placed(hub, one.now),
        then=_placed(hub, one.then),
    )


def _placed(hub: Hub, decision: Decision) -> PlacedJson:
    return PlacedJson(
        route_id=decision.route_id,
        route_name=decision.route_name,
        destination=hidden(hub.plugins, decision.destination.as_json()),
    )


ENDPOINTS: tuple[Endpoint, ...] = (get_routes, put_routes, explain, dry_run_routes)
