"""Answer the calls about earlier versions of a channel's routes."""

from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, Field

from hubbub.api import shapes
from hubbub.api.endpoint import Ask, Endpoint, Nothing, endpoint
from hubbub.api.pages import Page, cut
from hubbub.api.routes import RoutesJson
from hubbub.connect.routes import shown_routes
from hubbub.connect.versions import RoutesVersion, find_version, list_versions, restore_version
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid, NotFound

_TAG = "Routes"
#: More digits than any version has, and no more than a database takes.
_LONGEST: Final = 9


class VersionJson(BaseModel):
    """Who saved routes and when, and what that changed, in sentences."""

    version: int
    created_at: AwareDatetime
    created_by: str = Field(description="`user:<id>`, `token:<id>` or `cli`.")
    in_force: bool
    changes: list[str]


class WholeVersionJson(VersionJson):
    """The same with the routes; secrets of destinations are hidden."""

    rules: RoutesJson


@endpoint("GET", "/channels/{id}/routes/versions", tag=_TAG, scope="read")
def list_route_versions(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[VersionJson]:
    """List the versions of a channel's rules, the latest first."""
    before = ask.query.before_id()
    up_to = None if before is None else _number(before, wrong="cursor") - 1
    found = list_versions(hub, ask.id, up_to=up_to, limit=ask.query.fetch)
    page, cursor = cut(found, ask.query.limit, lambda one: (str(one.version),))
    items = [VersionJson(**_about(one)) for one in page]
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("GET", "/channels/{id}/routes/versions/{version}", tag=_TAG, scope="read")
def get_route_version(hub: Hub, ask: Ask[Nothing, Nothing]) -> WholeVersionJson:
    """Return the rules of a channel as they were in one version."""
    found = find_version(hub, ask.id, _number(ask.path["version"]))
    rules = RoutesJson(**shown_routes(hub.plugins, found.routes))
    return WholeVersionJson(**_about(found), rules=rules)


@endpoint(
    "POST",
    "/channels/{id}/routes/versions/{version}/restore",
    tag=_TAG,
    scope="admin",
    problems=("version-conflict", "conflict"),
)
def restore_route_version(hub: Hub, ask: Ask[Nothing, Nothing]) -> RoutesJson:
    """Put an earlier version back in force, as a new one, its conflicts accepted as they were."""
    number = _number(ask.path["version"])
    restored = restore_version(hub, ask.id, number, actor=ask.bearer.actor)
    return RoutesJson(**shown_routes(hub.plugins, restored))


def _about(one: RoutesVersion) -> dict[str, Any]:
    return {
        "version": one.version,
        "created_at": one.at,
        "created_by": one.by,
        "in_force": one.in_force,
        "changes": list(one.changed),
    }


def _number(text: str, *, wrong: str = "") -> int:
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST:
        return int(text)
    if wrong:
        raise Invalid(Complaint(wrong, "Take `next_cursor` of the page before, unchanged."))
    raise NotFound("There is no such version of the routes.")


ENDPOINTS: tuple[Endpoint, ...] = (list_route_versions, get_route_version, restore_route_version)
