"""Answer the calls about contacts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from flask import Response
from pydantic import Field
from sqlalchemy import Connection, Row

from hubbub.api import render, shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, Query, endpoint, optional
from hubbub.api.export import export_contact
from hubbub.api.pages import Page, by_id, cut
from hubbub.contacts import merge, queries
from hubbub.contacts.erase import erase_contact
from hubbub.contacts.work import ContactChange, change_contact, choose, find_contact
from hubbub.hub import Hub
from hubbub.store.session import reading

_TAG = "Contacts"
_GONE = ("contact-merged",)


class ContactQuery(Page):
    """Which contacts."""

    q: str | None = Field(
        None, max_length=200, description="Words of a name or an address, or how they begin."
    )
    blocked: bool | None = Field(None, description="Only those who are blocked, or who are not.")


class ContactPatch(Body):
    """What to change; attributes are merged, and a null takes one away."""

    name: str | None = optional(max_length=200)
    attributes: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, max_length=100
    )
    blocked: bool = optional()


class AddressPatch(Body):
    """What the owner of an address said."""

    marketing: bool


class Other(Query):
    """Which contact would be merged into this one."""

    contact_id: str = Field(max_length=64)


class Merge(Body):
    """Which contact to merge into this one."""

    contact_id: str = Field(max_length=64)


@endpoint("GET", "/contacts", tag=_TAG, scope="read")
def list_contacts(hub: Hub, ask: Ask[ContactQuery, Nothing]) -> shapes.Listing[shapes.ContactJson]:
    """List contacts with their addresses, the newest first."""
    query = ask.query
    with reading(hub.engine) as db:
        rows = queries.contacts(
            db,
            q=query.q,
            blocked=query.blocked,
            before=query.before_id(),
            limit=query.fetch,
        )
        page, cursor = cut(rows, query.limit, by_id)
        items = _contacts(db, page)
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("GET", "/contacts/{id}", tag=_TAG, scope="read", problems=_GONE)
def get_contact(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.ContactJson:
    """Return a contact with their addresses."""
    return _contact(hub, ask.id)


@endpoint("PATCH", "/contacts/{id}", tag=_TAG, scope="write", problems=_GONE)
def patch_contact(hub: Hub, ask: Ask[Nothing, ContactPatch]) -> shapes.ContactJson:
    """Change a contact's name or attributes, or block them: then nothing is sent to them."""
    body = ask.body
    change = ContactChange(
        names=frozenset(body.model_fields_set),
        name=body.name,
        attributes=body.attributes,
        blocked=body.blocked,
    )
    change_contact(hub, ask.id, change, actor=ask.bearer.actor)
    return _contact(hub, ask.id)


@endpoint("PATCH", "/contacts/{id}/addresses/{address_id}", tag=_TAG, scope="write", problems=_GONE)
def patch_address(hub: Hub, ask: Ask[Nothing, AddressPatch]) -> shapes.ContactJson:
    """Note that a contact does or does not want marketing at one of their addresses."""
    address_id = ask.path["address_id"]
    choose(hub, ask.id, address_id, marketing=ask.body.marketing, actor=ask.bearer.actor)
    return _contact(hub, ask.id)


@endpoint("DELETE", "/contacts/{id}", tag=_TAG, scope="admin", status=204, problems=_GONE)
def delete_contact(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Erase a contact: addresses, conversations, messages, files, and the calls they came in."""
    erase_contact(hub, ask.id, actor=ask.bearer.actor)


@endpoint("GET", "/contacts/{id}/holdings", tag=_TAG, scope="read", problems=_GONE)
def get_holdings(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.HoldingsJson:
    """Count what is held of a contact, which is what erasing them would erase."""
    with reading(hub.engine) as db:
        find_contact(db, ask.id)
        return shapes.HoldingsJson(**queries.held(db, ask.id))


@endpoint("GET", "/contacts/{id}/timeline", tag=_TAG, scope="read", problems=_GONE)
def get_timeline(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.MessageJson]:
    """List what was said with a contact over all channels, the newest first."""
    query = ask.query
    with reading(hub.engine) as db:
        find_contact(db, ask.id)
        rows = queries.said(db, ask.id, before=query.before_id(), limit=query.fetch)
        page, cursor = cut(rows, query.limit, by_id)
        items = render.message_list(hub, db, page)
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint(
    "GET",
    "/contacts/{id}/export",
    tag=_TAG,
    scope="admin",
    problems=_GONE,
    file="application/zip",
)
def get_export(hub: Hub, ask: Ask[Nothing, Nothing]) -> Response:
    """Return all that is held of a contact as a ZIP archive: JSON, and the files themselves."""
    return export_contact(hub, ask.id, actor=ask.bearer.actor)


@endpoint("GET", "/contacts/{id}/merge", tag=_TAG, scope="read", problems=_GONE)
def preview_merge(hub: Hub, ask: Ask[Other, Nothing]) -> shapes.MergePreviewJson:
    """Say what merging another contact into this one would do."""
    found = merge.preview(hub, ask.id, ask.query.contact_id)
    return shapes.MergePreviewJson(
        moves=shapes.HoldingsJson(**found.moves),
        name=found.known.name,
        attributes=dict(found.known.attributes),
        blocked=found.known.blocked_at is not None,
    )


@endpoint("POST", "/contacts/{id}/merge", tag=_TAG, scope="write", problems=_GONE)
def post_merge(hub: Hub, ask: Ask[Nothing, Merge]) -> shapes.ContactJson:
    """Merge another contact into this one, with addresses and all that was said; can be undone."""
    merge.merge(hub, ask.id, ask.body.contact_id, actor=ask.bearer.actor)
    return _contact(hub, ask.id)


@endpoint("GET", "/contacts/{id}/merges", tag=_TAG, scope="read", problems=_GONE)
def list_merges(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.MergesJson:
    """List the contacts that were merged into this one, the latest first."""
    with reading(hub.engine) as db:
        find_contact(db, ask.id)
        past = merge.past_merges(db, ask.id)
    return shapes.MergesJson(items=[shapes.MergeJson(**vars(one)) for one in past])


@endpoint(
    "POST",
    "/contacts/{id}/merges/{merge_id}/undo",
    tag=_TAG,
    scope="write",
    problems=(*_GONE, "merge-carried"),
)
def undo_merge(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.ContactJson:
    """Undo a merge, and return the contact that is there again with what was said since, too."""
    again = merge.unmerge(hub, ask.id, ask.path["merge_id"], actor=ask.bearer.actor)
    return _contact(hub, again)


def _contact(hub: Hub, contact_id: str) -> shapes.ContactJson:
    with reading(hub.engine) as db:
        return _contacts(db, [find_contact(db, contact_id)])[0]


def _contacts(db: Connection, rows: Sequence[Row[Any]]) -> list[shapes.ContactJson]:
    addresses = defaultdict(list)
    for one in queries.addresses(db, [row.id for row in rows]):
        addresses[one.contact_id].append(one)
    return [render.contact(row, addresses[row.id]) for row in rows]


ENDPOINTS: tuple[Endpoint, ...] = (
    list_contacts,
    get_contact,
    patch_contact,
    patch_address,
    delete_contact,
    get_holdings,
    get_timeline,
    get_export,
    preview_merge,
    post_merge,
    list_merges,
    undo_merge,
)
