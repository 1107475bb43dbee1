"""Answer the calls about teams."""

from pydantic import Field

from hubbub.api import shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint, optional
from hubbub.api.pages import Page, by_id, cut
from hubbub.hub import Hub
from hubbub.people.teams import (
    Team,
    change_team,
    create_team,
    delete_team,
    find_team,
    list_teams,
)

_TAG = "Teams"


class NewTeam(Body):
    """A team to make."""

    name: str = Field(min_length=1, max_length=100)
    members: list[str] = Field(default_factory=list, max_length=1000)


class TeamPatch(Body):
    """What to change; `members` are all that it is to have."""

    name: str = optional(min_length=1, max_length=100)
    members: list[str] = optional(max_length=1000)


@endpoint("GET", "/teams", tag=_TAG, scope="read")
def get_teams(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.TeamJson]:
    """List the teams, the newest first."""
    found = list_teams(hub, before=ask.query.before_id(), limit=ask.query.fetch)
    page, cursor = cut(found, ask.query.limit, by_id)
    return shapes.Listing(items=[_team(team) for team in page], next_cursor=cursor)


@endpoint("POST", "/teams", tag=_TAG, scope="admin", status=201, problems=("name-taken",))
def post_team(hub: Hub, ask: Ask[Nothing, NewTeam]) -> shapes.TeamJson:
    """Make a team. Routes name it as `{"type": "inbox", "team": "<its name or id>"}`."""
    body = ask.body
    team_id = create_team(hub, name=body.name, members=body.members, actor=ask.bearer.actor)
    return _team(find_team(hub, team_id))


@endpoint("GET", "/teams/{id}", tag=_TAG, scope="read")
def get_team(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.TeamJson:
    """Return a team."""
    return _team(find_team(hub, ask.id))


@endpoint("PATCH", "/teams/{id}", tag=_TAG, scope="admin", problems=("name-taken",))
def patch_team(hub: Hub, ask: Ask[Nothing, TeamPatch]) -> shapes.TeamJson:
    """Change a team."""
    change_team(hub, ask.id, name=ask.body.name, members=ask.body.members, actor=ask.bearer.actor)
    return _team(find_team(hub, ask.id))


@endpoint("DELETE", "/teams/{id}", tag=_TAG, scope="admin", status=204)
def remove_team(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Delete a team; its conversations stay with whom they are, or are everybody's."""
    delete_team(hub, ask.id, actor=ask.bearer.actor)


def _team(team: Team) -> shapes.TeamJson:
    return shapes.TeamJson(
        id=team.id, name=team.name, members=list(team.members), created_at=team.created_at
    )


ENDPOINTS: tuple[Endpoint, ...] = (get_teams, post_team, get_team, patch_team, remove_team)
