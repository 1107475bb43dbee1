"""Show contacts; change, merge, hand out and erase them."""

import re
from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from hubbub.api.export import export_contact
from hubbub.contacts import merge
from hubbub.contacts.erase import erase_contact
from hubbub.contacts.rules import own
from hubbub.contacts.work import (
    ContactChange,
    Merged,
    change_contact,
    choose,
    find_contact,
    mark_of_contact,
)
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.people.overtaken import Overtaken
from hubbub.sdk.errors import HubError
from hubbub.store.clean import clean
from hubbub.store.session import reading
from hubbub.ui.contacts.page import (
    ErasedPage,
    contact_page,
    contacts_page,
    merge_page,
    name_of,
    overtaken_by,
)
from hubbub.ui.guard import Guard
from hubbub.ui.words import said

_LONGEST_NAME: Final = 200
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


def add_contacts(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of contacts."""
    ui.register_error_handler(Merged, _to_whom_they_are_now)
    _add_pages(ui, hub, guard)
    _add_changes(ui, hub, guard)
    _add_merging(ui, hub, guard)
    _add_leaving(ui, hub, guard)


def _add_pages(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/contacts")
    @guard.page
    def contacts() -> str:
        page = contacts_page(
            hub,
            q=_wanted(),
            blocked=request.args.get("blocked") == "yes",
            before=request.args.get("before", ""),
        )
        return render_template("contacts/list.html", page=page)

    @ui.get("/contacts/<contact_id>")
    @guard.page
    def contact(contact_id: str) -> str:
        page = contact_page(hub, contact_id, before=request.args.get("before", ""))
        return render_template("contacts/contact.html", page=page)


def _add_changes(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/contacts/<contact_id>/about")
    @guard.page
    def change_about(contact_id: str) -> Any:
        try:
            change_contact(hub, contact_id, _about(hub, contact_id), actor=g.person.actor)
        except (Invalid, Overtaken) as error:
            return _refused(hub, contact_id, error, "about")
        return redirect(url_for("ui.contact", contact_id=contact_id, _anchor="about"))

    @ui.post("/contacts/<contact_id>/block")
    @guard.page
    def block(contact_id: str) -> Any:
        blocked = request.form.get("blocked") == "yes"
        change = ContactChange(names=frozenset({"blocked"}), blocked=blocked)
        change_contact(hub, contact_id, change, actor=g.person.actor)
        return redirect(url_for("ui.contact", contact_id=contact_id))

    @ui.post("/contacts/<contact_id>/addresses/<address_id>")
    @guard.page
    def consent(contact_id: str, address_id: str) -> Any:
        marketing = request.form.get("marketing") == "yes"
        choose(hub, contact_id, address_id, marketing=marketing, actor=g.person.actor)
        return redirect(url_for("ui.contact", contact_id=contact_id, _anchor="addresses"))


def _add_merging(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/contacts/<contact_id>/merge")
    @guard.page
    def choose_merge(contact_id: str) -> Any:
        try:
            page = merge_page(
                hub,
                contact_id,
                q=_wanted(),
                other=request.args.get("other", ""),
            )
        except Merged as error:
            # Somebody else was faster with the other one.
            if error.into_id == contact_id:
                return redirect(url_for("ui.contact", contact_id=contact_id))
            raise
        return render_template("contacts/merge.html", page=page)

    @ui.post("/contacts/<contact_id>/merge")
    @guard.page
    def merge_contact(contact_id: str) -> Any:
        try:
            merge.merge(hub, contact_id, request.form.get("other", ""), actor=g.person.actor)
        except Merged as error:
            if error.into_id != contact_id:
                raise
        return redirect(url_for("ui.contact", contact_id=contact_id, _anchor="merges"))

    @ui.post("/contacts/<contact_id>/merges/<merge_id>/undo")
    @guard.page
    def undo_merge(contact_id: str, merge_id: str) -> Any:
        again = merge.unmerge(hub, contact_id, merge_id, actor=g.person.actor)
        return redirect(url_for("ui.contact", contact_id=again))


def _add_leaving(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/contacts/<contact_id>/export")
    @guard.admin
    def export(contact_id: str) -> Response:
        return export_contact(hub, contact_id, actor=g.person.actor)

    @ui.post("/contacts/<contact_id>/erase")
    @guard.admin
    def erase(contact_id: str) -> Any:
        name = name_of(hub, contact_id)
        # As a page shows it: several blanks as one.
        if request.form.get("confirm", "").split() != name.split():
            why = "What was typed is not the contact's name. Nothing was erased."
            return _refused(hub, contact_id, HubError(why), "erase")
        erased = erase_contact(hub, contact_id, actor=g.person.actor)
        return render_template("contacts/erased.html", page=ErasedPage(name=name, erased=erased))


def _wanted() -> str:
    """Return what is searched for."""
    return clean(request.args.get("q", "")).strip()[:_LONGEST_NAME]


def _to_whom_they_are_now(error: Merged) -> Any:
    return redirect(url_for("ui.contact", contact_id=error.into_id))


def _refused(hub: Hub, contact_id: str, error: HubError, form: str) -> Any:
    overtaken = isinstance(error, Overtaken)
    problem = "" if overtaken else said(error)
    page = contact_page(hub, contact_id, problem=problem, form=form, typed=request.form)
    status = 409 if overtaken else 422
    return render_template("contacts/contact.html", page=page), status


def _about(hub: Hub, contact_id: str) -> ContactChange:
    """Return what a form changes, and nothing else: others may have changed the rest meanwhile.

    Raises `Invalid`, and `Overtaken` where they changed the same.
    """
    with reading(hub.engine) as db:
        row = find_contact(db, contact_id)
    known = own(row.attributes or {})
    if overtaken_by(row.name, known, request.form):
        raise Overtaken
    attributes = dict(_typed(known))
    names = {"attributes"} if attributes else set()
    name = clean(request.form.get("name", "")).strip()
    if name != request.form.get("was.name", "").strip():
        names.add("name")
    if len(name) > _LONGEST_NAME:
        raise Invalid(Complaint("name", f"Take at most {_LONGEST_NAME} characters for the name."))
    seen = mark_of_contact(hub, row)
    return ContactChange(names=frozenset(names), name=name, attributes=attributes, seen=seen)


def _typed(known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the attributes that a form changes, adds, and (None) takes away."""
    new = set()
    for field, typed in clean(dict(request.form)).items():
        value = typed.strip()
        kind, _, name = field.partition(".")
        if kind == "value" and value != request.form.get(f"was.value.{name}", "").strip():
            yield name, _like(known.get(name), value) if value else None
        elif kind == "new" and name.isdigit() and value:
            text = clean(request.form.get(f"new.{name}.value", "")).strip()
            if value in known or value in new:
                raise Invalid(Complaint("attributes", f"There is an attribute {value} already."))
            new.add(value)
            yield value, text or None


def _like(before: object, text: str) -> object:
    """Return ``text`` as the kind of value that stood there, where it can be one."""
    if isinstance(before, bool) and text in {"yes", "no"}:
        return text == "yes"
    if isinstance(before, int | float) and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text
