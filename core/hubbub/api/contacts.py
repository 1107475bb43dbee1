"""Answer the calls about contacts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, Row

from hubbub.api import queries, render, shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint, optional
from hubbub.api.erase import erase_contact
from hubbub.api.pages import Page, by_id, cut
from hubbub.api.work import ContactChange, change_contact
from hubbub.hub import Hub
from hubbub.people.errors import NotFound
from hubbub.store.session import reading

_TAG = "Contacts"


class ContactQuery(Page):
    """Which contacts."""

    q: str | None = Field(
        None, max_length=200, description="Words of a name or an address, or how they begin."
    )


class ContactPatch(Body):
    """What to change; attributes are merged, and a null takes one away."""

    name: str | None = optional(max_length=200)
    attributes: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, max_length=100
    )
    blocked: bool = optional()


@endpoint("GET", "/contacts", tag=_TAG, scope="read")
def list_contacts(hub: Hub, ask: Ask[ContactQuery, Nothing]) -> shapes.Listing[shapes.ContactJson]:
    """List contacts with their addresses, the newest first."""
    query = ask.query
    with reading(hub.engine) as db:
        rows = queries.contacts(db, q=query.q, before=query.before_id(), limit=query.fetch)
        page, cursor = cut(rows, query.limit, by_id)
        items = _contacts(db, page)
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("GET", "/contacts/{id}", tag=_TAG, scope="read")
def get_contact(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.ContactJson:
    """Return a contact with their addresses."""
    return _contact(hub, ask.id)


@endpoint("PATCH", "/contacts/{id}", tag=_TAG, scope="write")
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


@endpoint("DELETE", "/contacts/{id}", tag=_TAG, scope="write", status=204)
def delete_contact(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Erase a contact: addresses, conversations, messages, files, and the calls they came in."""
    erase_contact(hub, ask.id, actor=ask.bearer.actor)


def _contact(hub: Hub, contact_id: str) -> shapes.ContactJson:
    with reading(hub.engine) as db:
        row = queries.contact(db, contact_id)
        if row is None:
            raise NotFound("There is no such contact.")
        return _contacts(db, [row])[0]


def _contacts(db: Connection, rows: Sequence[Row[Any]]) -> list[shapes.ContactJson]:
    addresses = defaultdict(list)
    for one in queries.addresses(db, [row.id for row in rows]):
        addresses[one.contact_id].append(one)
    return [render.contact(row, addresses[row.id]) for row in rows]


ENDPOINTS: tuple[Endpoint, ...] = (list_contacts, get_contact, patch_contact, delete_contact)
