"""Manage canned replies, and offer them to who writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)

from hubbub.hub import Hub
from hubbub.people.canned import (
    PLACEHOLDERS,
    Canned,
    Filling,
    add_canned,
    change_canned,
    delete_canned,
    filled_in,
    find_canned,
    list_canned,
    mark_of_canned,
)
from hubbub.people.errors import Invalid
from hubbub.people.overtaken import Overtaken
from hubbub.people.rules import Person
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading
from hubbub.ui.guard import Guard
from hubbub.ui.inbox import queries

#: Replies offered to who writes, and in the page.
_OFFERED: Final = 8
_MOST: Final = 500


@dataclass(frozen=True, kw_only=True)
class CannedRow:
    """One reply in the list."""

    id: str
    shortcut: str
    text: str
    shared: bool
    #: Whether who looks may change it.
    open: bool


@dataclass(frozen=True, kw_only=True)
class CannedPage:
    """One reply, or a new one: then ``id`` is empty."""

    id: str
    shortcut: str
    text: str
    shared: bool
    placeholders: str
    #: The mark of what it shows, and what is saved where that is something else by now.
    seen: str
    theirs: tuple[tuple[str, str], ...] | None
    #: What is wrong, by the field at which it is, or by an empty name.
    wrong: Mapping[str, str]


def add_canned_pages(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of canned replies, and what the composer asks for."""
    _add_list(ui, hub, guard)
    _add_one(ui, hub, guard)

    @ui.get("/inbox/<conversation_id>/canned")
    @guard.page
    def offered(conversation_id: str) -> Response:
        with reading(hub.engine) as db:
            row = queries.conversation(db, conversation_id)
        if row is None:
            abort(404)
        q = request.args.get("q", "").strip()[:100]
        name = row.contact_name or row.address
        filling = Filling(
            name=name,
            first_name=name.partition(" ")[0],
            channel=row.channel_name,
            agent=g.person.name or g.person.email,
        )
        found = list_canned(hub, user_id=g.person.id, q=q)
        # Whose shortcut begins so comes before whose words hold it.
        found.sort(key=lambda one: (not one.shortcut.startswith(q.casefold()), one.shortcut))
        return jsonify(
            [
                {"shortcut": one.shortcut, "text": filled_in(one.text, filling)}
                for one in found[:_OFFERED]
            ]
        )


def _add_list(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/canned")
    @guard.page
    def canned() -> str:
        found = list_canned(hub, user_id=g.person.id, limit=_MOST)
        rows = (_row(one, g.person) for one in sorted(found, key=lambda one: one.shortcut))
        return render_template("inbox/canned.html", replies=tuple(rows))

    @ui.route("/canned/new", methods=["GET", "POST"])
    @guard.page
    def new_canned() -> Any:
        if request.method == "GET":
            return _page(hub, None)
        shared = "shared" in request.form
        if shared and g.person.role != "admin":
            abort(403)
        try:
            add_canned(
                hub, **_given(), user_id=None if shared else g.person.id, actor=g.person.actor
            )
        except HubError as error:
            return _page(hub, None, error), 422
        return redirect(url_for("ui.canned"))


def _add_one(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.route("/canned/<canned_id>", methods=["GET", "POST"])
    @guard.page
    def one_canned(canned_id: str) -> Any:
        found = _mine(hub, canned_id)
        if request.method == "GET":
            return _page(hub, found)
        try:
            change_canned(
                hub,
                canned_id,
                **_given(),
                user_id=found.user_id,
                actor=g.person.actor,
                seen=request.form.get("seen"),
            )
        except Overtaken as error:
            return _page(hub, _mine(hub, canned_id), error), 409
        except HubError as error:
            return _page(hub, found, error), 422
        return redirect(url_for("ui.canned"))

    @ui.post("/canned/<canned_id>/delete")
    @guard.page
    def remove_canned(canned_id: str) -> Any:
        found = _mine(hub, canned_id)
        delete_canned(hub, canned_id, user_id=found.user_id, actor=g.person.actor)
        return redirect(url_for("ui.canned"))


def _mine(hub: Hub, canned_id: str) -> Canned:
    """Return a reply that who asks may change."""
    found = find_canned(hub, canned_id, user_id=g.person.id)
    if not _may_change(found, g.person):
        abort(403)
    return found


def _may_change(one: Canned, person: Person) -> bool:
    return one.user_id == person.id or (one.user_id is None and person.role == "admin")


def _given() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("shortcut", "text")}


def _row(one: Canned, person: Person) -> CannedRow:
    return CannedRow(
        id=one.id,
        shortcut=one.shortcut,
        text=one.text,
        shared=one.user_id is None,
        open=_may_change(one, person),
    )


def _wrong(error: HubError | None) -> dict[str, str]:
    if isinstance(error, Invalid):
        return {one.field: one.message for one in error.complaints}
    return {} if error is None or isinstance(error, Overtaken) else {"": error.detail}


def _page(hub: Hub, one: Canned | None, error: HubError | None = None) -> str:
    page = CannedPage(
        id=one.id if one else "",
        shortcut=request.form.get("shortcut", one.shortcut if one else ""),
        text=request.form.get("text", one.text if one else ""),
        shared=one.user_id is None if one else "shared" in request.form,
        placeholders=PLACEHOLDERS,
        seen=_seen(hub, one, error),
        theirs=_theirs(one) if one and isinstance(error, Overtaken) else None,
        wrong=_wrong(error),
    )
    return render_template("inbox/canned_one.html", page=page)


def _seen(hub: Hub, one: Canned | None, error: HubError | None) -> str:
    """Return what the form repeats: as before where it is shown again for something else."""
    now = mark_of_canned(hub, one) if one else ""
    if error is None or isinstance(error, Overtaken):
        return now
    return request.form.get("seen", now)


def _theirs(one: Canned) -> tuple[tuple[str, str], ...]:
    stored = {"shortcut": one.shortcut, "text": one.text}
    given = {name: text.replace("\r\n", "\n").strip() for name, text in _given().items()}
    return tuple((name.capitalize(), was) for name, was in stored.items() if was != given[name])
