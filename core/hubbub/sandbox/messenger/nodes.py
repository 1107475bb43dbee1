"""Answer for Pages and people: who they are, and who hears of a Page."""

from collections.abc import Mapping
from typing import Final

from hubbub.sandbox.messenger.state import Cloud, Page, Person
from hubbub.sandbox.messenger.webhooks import FIELDS, STANDBY
from hubbub.sandbox.meta.apps import named, parameters
from hubbub.sandbox.meta.refusal import Refused, no_such_object
from hubbub.sandbox.wsgi import Ask, Json

#: Fields that exist, beside those whose events the sandbox makes.
_MORE: Final = frozenset({"message_context", "messaging_customer_information", "feed"})
_KNOWN: Final = frozenset({*FIELDS.values(), STANDBY}) | _MORE


def show_page(_cloud: Cloud, page: Page, ask: Ask) -> Json:
    """Return the fields of the Page that were asked for. Raises `Refused` for unknown ones."""
    return _fields({"id": page.id, "name": page.name, "category": "Shop"}, ask, "name", "Page")


def show_person(page: Page, psid: str, ask: Ask) -> Json:
    """Return what the Page may know of somebody. Raises `Refused`."""
    person = page.people.get(psid)
    if person is None or person.hides_profile:
        raise no_such_object(psid)
    return _fields(_profile(person), ask, "first_name,last_name", "User")


def subscribe(_cloud: Cloud, page: Page, ask: Ask) -> Json:
    """Let the app hear of the Page. Raises `Refused`."""
    wanted = named(parameters(ask).get("subscribed_fields", ""))
    if not wanted:
        raise Refused(100, "The parameter subscribed_fields is required.")
    if unknown := wanted - _KNOWN:
        raise Refused(100, f"Param subscribed_fields: unknown fields {', '.join(sorted(unknown))}")
    page.subscribed = wanted
    return {"success": True}


def unsubscribe(_cloud: Cloud, page: Page, _ask: Ask) -> Json:
    """Let the app no longer hear of the Page."""
    page.subscribed = frozenset()
    return {"success": True}


def subscriptions(_cloud: Cloud, page: Page, _ask: Ask) -> Json:
    """Return the app, if it hears of the Page."""
    if not page.subscribed:
        return {"data": []}
    app = page.app
    return {
        "data": [{"id": app.id, "name": app.name, "subscribed_fields": sorted(page.subscribed)}]
    }


def _profile(person: Person) -> Json:
    return {
        "id": person.psid,
        "first_name": person.first_name,
        "last_name": person.last_name,
    }


def _fields(known: Mapping[str, str], ask: Ask, usual: str, kind: str) -> Json:
    names = dict(ask.query).get("fields", usual).split(",")
    for name in names:
        if name not in known:
            raise Refused(100, f"Tried accessing nonexisting field ({name}) on node type ({kind})")
    return {name: known[name] for name in dict.fromkeys((*names, "id"))}
