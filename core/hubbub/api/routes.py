"""Answer the calls about a channel's routes."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint
from hubbub.connect.hidden import hidden
from hubbub.connect.routes import WantedRoutes, current_routes, save_routes, shown_routes
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.route import Invalid as BadMessage, Subject, read_message
from hubbub.route.rules import decide
from hubbub.route.telling import sentence
from hubbub.track.trace import place

_TAG = "Routes"


class RouteJson(BaseModel):
    """One rule."""

    id: str
    name: str
    when: dict[str, Any]
    to: dict[str, Any]


class RoutesJson(BaseModel):
    """The rules of a channel in their order; secrets of destinations are hidden."""

    routes: list[RouteJson]
    fallback: dict[str, Any]


class WantedRoute(Body):
    """One rule to put in force."""

    id: str | None = None
    name: str
    when: dict[str, Any] = Field(default_factory=dict)
    to: dict[str, Any] = Field(description='`{"type": "inbox"}`, and what the type needs.')


class NewRoutes(Body):
    """The rules to put in force, in their order."""

    routes: list[WantedRoute] = Field(max_length=100)
    fallback: dict[str, Any] | None = None
    accept_conflicts: bool = False


class SupposedSender(Body):
    """Who might write."""

    address: str = Field(max_length=1000)
    name: str | None = Field(None, max_length=1000)


class Supposed(Body):
    """A message that might arrive."""

    content: dict[str, Any]
    sender: str | SupposedSender | None = None
    at: AwareDatetime | None = None
    first_message: bool = False


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


class ExplanationJson(BaseModel):
    """Where the message would go, and why, rule by rule."""

    version: int
    route_id: str | None
    route_name: str
    destination: dict[str, Any]
    fallback: bool
    considered: list[ConsideredJson]
    explanation: str


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
    wanted = WantedRoutes(
        routes=[route.model_dump(exclude_none=True) for route in ask.body.routes],
        fallback=ask.body.fallback,
        accept_conflicts=ask.body.accept_conflicts,
    )
    saved = save_routes(hub, ask.id, wanted, actor=ask.bearer.actor)
    return RoutesJson(**shown_routes(hub.plugins, saved))


@endpoint("POST", "/channels/{id}/routes/explain", tag=_TAG, scope="read")
def explain(hub: Hub, ask: Ask[Nothing, Supposed]) -> ExplanationJson:
    """Say where such a message would go, and why; nothing is sent or stored."""
    routes = current_routes(hub, ask.id)
    decision = decide(routes, _subject(hub, ask.body))
    # As the rules show it: whose queue it is, say, without the secrets.
    destination = hidden(hub.plugins, decision.destination.as_json())
    said = {**decision.as_json(), "destination": destination}
    return ExplanationJson(**said, explanation=sentence(decision, place(destination)))


def _subject(hub: Hub, supposed: Supposed) -> Subject:
    said = supposed.model_dump(exclude_none=True)
    if isinstance(supposed.sender, SupposedSender):
        said["sender"] = supposed.sender.address
    try:
        return read_message(said, now=hub.now())
    except BadMessage as error:
        raise Invalid(*(Complaint(*one) for one in error.errors)) from None


ENDPOINTS: tuple[Endpoint, ...] = (get_routes, put_routes, explain)
