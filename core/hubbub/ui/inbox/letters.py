"""Show letters as they were written, each in a document of its own."""

from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import Markup

from hubbub.api import queries, render
from hubbub.hub import Hub
from hubbub.sdk.content import Email, from_json
from hubbub.store.session import reading
from hubbub.ui.guard import Guard
from hubbub.ui.inbox.letter_page import HEADERS, letter_body
from hubbub.ui.inbox.pictures import picture_address
from hubbub.ui.inbox.shown import link_to


def add_letters(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the documents that stand in the frames of letters."""

    @ui.get("/messages/<message_id>/letter")
    @guard.page
    def letter(message_id: str) -> Any:
        content, files = _letter(hub, message_id)
        asked = request.args.get("pictures") == "1"
        body = letter_body(
            content.html or "",
            files=files,
            elsewhere=(lambda url: picture_address(hub, url)) if asked else None,
        )
        # Made harmless just now.
        shown = None if body is None else Markup(body)  # noqa: S704
        answer = Response(render_template("inbox/letter.html", body=shown, doubt=content.doubt))
        answer.headers.update(HEADERS)
        return answer


def _letter(hub: Hub, message_id: str) -> tuple[Email, dict[str, str]]:
    """Return a letter that has HTML, and where its pictures are."""
    with reading(hub.engine) as db:
        row = queries.message(db, message_id)
        if row is None or row.deleted_at is not None:
            abort(404)
        (shown,) = render.message_list(hub, db, [row])
    content = from_json(row.content)
    if not isinstance(content, Email) or not content.html:
        abort(404)
    files = {
        media["cid"]: link_to(media["url"], hub.settings.base_url)
        for media in shown.content.get("attachments", ())
        if media.get("cid") and media["state"] == "ready"
    }
    return content, files
