"""Keep what is known of a visitor beside their name: what is proven apart from what is not."""

from collections.abc import Mapping

from hubbub.hub import Hub
from hubbub.store.session import transaction
from hubbub.widget import queries
from hubbub.widget.bodies import Page, visible
from hubbub.widget.visitors import Visitor


def keep_known(
    hub: Hub, contact_id: str, visitor: Visitor, page: Page, unproven: Mapping[str, str]
) -> None:
    """Add to what is known of a contact; ``unproven`` is what a page or a form says."""
    said = {"page": page.url, "page_title": page.title, **unproven}
    claimed = visible({name: text for name, text in said.items() if text})
    if not (claimed or visitor.attributes):
        return
    with transaction(hub.engine) as db:
        if visitor.attributes:
            queries.note_attributes(db, contact_id, "verified", visitor.attributes)
        if claimed:
            queries.note_attributes(db, contact_id, "unverified", claimed)
