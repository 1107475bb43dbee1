"""Keep what is known of a visitor beside their name: what is proven apart from what is not."""

from collections.abc import Mapping
from typing import Final

from hubbub.hub import Hub
from hubbub.store.session import transaction
from hubbub.widget import queries
from hubbub.widget.bodies import Page, visible
from hubbub.widget.visitors import Visitor

#: Characters of a name of what is claimed, and how many such names a contact may have.
_LONGEST_NAME: Final = 40
_MOST: Final = 50


def keep_known(
    hub: Hub, contact_id: str, visitor: Visitor, page: Page, unproven: Mapping[str, str]
) -> None:
    """Add to what is known of a contact; ``unproven`` is what a page or a form says."""
    said = {"page": page.url, "page_title": page.title, **unproven}
    claimed = visible({name[:_LONGEST_NAME]: text for name, text in said.items() if text})
    if not (claimed or visitor.attributes):
        return
    with transaction(hub.engine) as db:
        known = queries.hold_attributes(db, contact_id)
        told = {
            **known,
            "verified": {**_of(known, "verified"), **visitor.attributes},
            "unverified": _few({**_of(known, "unverified"), **claimed}),
        }
        told = {kind: what for kind, what in told.items() if what or kind in known}
        if told != known:
            queries.note_attributes(db, contact_id, told)


def forget_claims(hub: Hub, contact_id: str, visitor: Visitor) -> None:
    """Forget what was said of somebody before they proved who they are: anybody may have said it.

    A name that a person here gave them stays.
    """
    with transaction(hub.engine) as db:
        known = queries.hold_attributes(db, contact_id)
        kept = {kind: what for kind, what in known.items() if kind != "unverified"}
        queries.note_attributes(db, contact_id, kept)
        queries.name_again(db, contact_id, visitor.address, visitor.name or visitor.user)


def _of(known: Mapping[str, object], kind: str) -> dict[str, str]:
    found = known.get(kind)
    return dict(found) if isinstance(found, dict) else {}


def _few(claims: Mapping[str, str]) -> dict[str, str]:
    """Return the claims that were made first: the row is written anew with each message."""
    return dict(list(claims.items())[:_MOST])
