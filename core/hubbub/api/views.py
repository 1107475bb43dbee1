"""Answer the calls about the views of the inbox that people saved."""

from pydantic import Field

from hubbub.api import shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint
from hubbub.hub import Hub
from hubbub.people.saved_views import LONGEST_NAME, SavedView, delete_view, save_view, saved_views
from hubbub.store.session import reading

_TAG = "Users"


class NewView(Body):
    """A view to keep; `filters` as they stand in the address of the console's list."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    filters: dict[str, str] = Field(max_length=10)


@endpoint("GET", "/users/{id}/views", tag=_TAG, scope="admin")
def get_views(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.Listing[shapes.SavedViewJson]:
    """List the views of the inbox that a user saved, the oldest first."""
    with reading(hub.engine) as db:
        found = saved_views(db, ask.id)
    return shapes.Listing(items=[_view(one) for one in found], next_cursor=None)


@endpoint(
    "POST", "/users/{id}/views", tag=_TAG, scope="admin", status=201, problems=("name-taken",)
)
def post_view(hub: Hub, ask: Ask[Nothing, NewView]) -> shapes.SavedViewJson:
    """Save a view of the inbox for a user."""
    return _view(save_view(hub, ask.id, name=ask.body.name, filters=ask.body.filters))


@endpoint("DELETE", "/users/{id}/views/{view}", tag=_TAG, scope="admin", status=204)
def remove_view(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Forget a view."""
    delete_view(hub, ask.id, ask.path["view"])


def _view(one: SavedView) -> shapes.SavedViewJson:
    return shapes.SavedViewJson(
        id=one.id, name=one.name, filters=dict(one.filters), created_at=one.created_at
    )


ENDPOINTS: tuple[Endpoint, ...] = (get_views, post_view, remove_view)
