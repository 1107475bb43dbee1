"""Answer the calls about canned replies. A program sees and keeps those that are everybody's."""

from pydantic import Field

from hubbub.api import shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint, optional
from hubbub.api.pages import Page, by_id, cut
from hubbub.hub import Hub
from hubbub.people.canned import (
    LONGEST_SHORTCUT,
    LONGEST_TEXT,
    PLACEHOLDERS,
    Canned,
    add_canned,
    change_canned,
    delete_canned,
    find_canned,
    list_canned,
)

_TAG = "Canned replies"


class CannedQuery(Page):
    """Which canned replies."""

    q: str = Field("", max_length=200, description="Part of a shortcut or a text.")


class NewCanned(Body):
    """Words to keep."""

    shortcut: str = Field(min_length=1, max_length=LONGEST_SHORTCUT)
    text: str = Field(
        min_length=1, max_length=LONGEST_TEXT, description=f"{PLACEHOLDERS} are filled in."
    )


class CannedPatch(Body):
    """What to change."""

    shortcut: str = optional(min_length=1, max_length=LONGEST_SHORTCUT)
    text: str = optional(min_length=1, max_length=LONGEST_TEXT)


@endpoint("GET", "/canned-replies", tag=_TAG, scope="read")
def get_canned_replies(
    hub: Hub, ask: Ask[CannedQuery, Nothing]
) -> shapes.Listing[shapes.CannedReplyJson]:
    """List everybody's canned replies, the newest first."""
    query = ask.query
    found = list_canned(hub, user_id=None, q=query.q, before=query.before_id(), limit=query.fetch)
    page, cursor = cut(found, query.limit, by_id)
    return shapes.Listing(items=[_json(one) for one in page], next_cursor=cursor)


@endpoint("POST", "/canned-replies", tag=_TAG, scope="admin", status=201, problems=("name-taken",))
def post_canned_reply(hub: Hub, ask: Ask[Nothing, NewCanned]) -> shapes.CannedReplyJson:
    """Keep words for everybody."""
    canned_id = add_canned(hub, **ask.body.model_dump(), user_id=None, actor=ask.bearer.actor)
    return _json(find_canned(hub, canned_id, user_id=None))


@endpoint("GET", "/canned-replies/{id}", tag=_TAG, scope="read")
def get_canned_reply(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.CannedReplyJson:
    """Return a canned reply."""
    return _json(find_canned(hub, ask.id, user_id=None))


@endpoint("PATCH", "/canned-replies/{id}", tag=_TAG, scope="admin", problems=("name-taken",))
def patch_canned_reply(hub: Hub, ask: Ask[Nothing, CannedPatch]) -> shapes.CannedReplyJson:
    """Change a canned reply."""
    change_canned(hub, ask.id, **ask.body.model_dump(), user_id=None, actor=ask.bearer.actor)
    return _json(find_canned(hub, ask.id, user_id=None))


@endpoint("DELETE", "/canned-replies/{id}", tag=_TAG, scope="admin", status=204)
def remove_canned_reply(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Delete a canned reply."""
    delete_canned(hub, ask.id, user_id=None, actor=ask.bearer.actor)


def _json(one: Canned) -> shapes.CannedReplyJson:
    return shapes.CannedReplyJson(
        id=one.id,
        shortcut=one.shortcut,
        text=one.text,
        created_at=one.created_at,
        changed_at=one.changed_at,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    get_canned_replies,
    post_canned_reply,
    get_canned_reply,
    patch_canned_reply,
    remove_canned_reply,
)
