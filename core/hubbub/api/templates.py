"""Answer the calls about templates."""

from pydantic import Field

from hubbub.api import queries, render, shapes
from hubbub.api.endpoint import Ask, Endpoint, Nothing, endpoint
from hubbub.api.pages import Page, by_id, cut
from hubbub.api.problems import Problem, Refusal
from hubbub.connect.templates import read_templates
from hubbub.hub import Hub
from hubbub.people.errors import NotFound
from hubbub.sdk.errors import SendError
from hubbub.store.session import reading

_TAG = "Templates"


class TemplateQuery(Page):
    """Which templates."""

    channel_id: str | None = None
    status: shapes.TemplateStatusWord | None = None
    q: str | None = Field(None, max_length=200, description="Part of a name.")


@endpoint("GET", "/templates", tag=_TAG, scope="read")
def list_templates(
    hub: Hub, ask: Ask[TemplateQuery, Nothing]
) -> shapes.Listing[shapes.TemplateJson]:
    """List the templates that providers approve, the newest here first."""
    query = ask.query
    wanted = queries.TemplateFilter(**query.model_dump(exclude={"limit", "cursor"}))
    with reading(hub.engine) as db:
        rows = queries.templates(db, wanted, before=query.before_id(), limit=query.fetch)
    page, cursor = cut(rows, query.limit, by_id)
    return shapes.Listing(items=[render.template(row) for row in page], next_cursor=cursor)


@endpoint("GET", "/templates/{id}", tag=_TAG, scope="read")
def get_template(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.TemplateJson:
    """Return a template with all its components."""
    with reading(hub.engine) as db:
        row = queries.template(db, ask.id)
    if row is None:
        raise NotFound("There is no such template.")
    return render.template(row)


@endpoint(
    "POST",
    "/channels/{id}/templates/sync",
    tag=_TAG,
    scope="write",
    problems=("no-templates", "provider-failed"),
)
def sync_templates(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.TemplatesReadJson:
    """Read the templates of a channel from its provider now, rather than within the hour."""
    try:
        read = read_templates(hub, ask.id)
    except SendError as error:
        raise Refusal(Problem(code="provider-failed", detail=error.detail)) from None
    return shapes.TemplatesReadJson(
        templates=read.templates, added=read.added, changed=read.changed, removed=read.removed
    )


ENDPOINTS: tuple[Endpoint, ...] = (list_templates, get_template, sync_templates)
