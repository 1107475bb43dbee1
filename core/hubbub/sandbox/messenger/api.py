"""Answer the Graph API: find who asks, let faults strike, say it in JSON."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hubbub.sandbox.messenger import codes, media, nodes, sending
from hubbub.sandbox.messenger.state import Cloud, Page
from hubbub.sandbox.meta import apps
from hubbub.sandbox.meta.apps import App, parameters
from hubbub.sandbox.meta.guard import guarded
from hubbub.sandbox.meta.refusal import Refused, no_such_object
from hubbub.sandbox.meta.webhooks import shake_hands
from hubbub.sandbox.wsgi import Ask, Json, Reply, json_reply

PREFIX: Final = "/messenger/"

_VERSION: Final = re.compile(r"v(\d{1,3})\.\d{1,2}")
#: Earlier versions have ended.
_OLDEST: Final = 21
_OLD_VERSION: Final = 2635
_Act: TypeAlias = Callable[[Cloud, Page, Ask], Json]


def answer(cloud: Cloud, ask: Ask) -> Reply:
    """Answer one request below `PREFIX`."""
    try:
        return _dispatch(cloud, ask)
    except Refused as refused:
        return codes.META.refused(refused)
    except ValueError:
        return codes.META.refused(Refused(100, "The body is no JSON object."))


def _dispatch(cloud: Cloud, ask: Ask) -> Reply:
    path = ask.path.removeprefix(PREFIX)
    if path.startswith(media.DOWNLOADS):
        return _guarded(cloud, ask, "Attachments.download", lambda: media.download(cloud, ask))
    version, _, rest = path.partition("/")
    if not (found := _VERSION.fullmatch(version)):
        raise Refused(_OLD_VERSION, f"Unknown path components: /{path}")
    if int(found[1]) < _OLDEST:
        raise Refused(_OLD_VERSION, f"Version {version} has ended.")
    operation, perform = _operation(cloud, ask, rest.strip("/").split("/"))
    return _guarded(cloud, ask, operation, lambda: json_reply(perform()))


def _operation(cloud: Cloud, ask: Ask, steps: list[str]) -> tuple[str, Callable[[], Json]]:
    match (ask.method, *steps):
        case ("GET", "debug_token"):
            return "Token.debug", lambda: _debugged(cloud, ask)
        case (method, app_id, "subscriptions") if method in _OF_APPS:
            operation, do = _OF_APPS[method]
            return operation, lambda: do(cloud, apps.own(cloud.apps, ask, app_id), ask)
        case (method, node, edge) if (method, edge) in _EDGES:
            operation, scope, act = _EDGES[method, edge]
            return operation, lambda: act(cloud, _page(cloud, ask, node, scope), ask)
        case ("GET", node) if node == "me" or node in cloud.pages:
            return "Pages.fetch", lambda: nodes.show_page(cloud, _page(cloud, ask, node), ask)
        case ("GET", psid):
            return "Profiles.fetch", lambda: nodes.show_person(_page(cloud, ask, "me"), psid, ask)
    raise Refused(100, f"Unknown path components: /{'/'.join(steps)}")


def _page(cloud: Cloud, ask: Ask, node: str, scope: str = "") -> Page:
    """Return the Page that is asked about, which must be the token's own. Raises `Refused`."""
    grant = cloud.apps.admitted(ask)
    page = cloud.page_of(grant)
    if node not in {"me", page.id}:
        raise no_such_object(node)
    if scope and scope not in grant.scopes:
        raise Refused(200, f"Requires {scope} permission to manage the object")
    page.reached_at = ask.base_url
    return page


_SENDS: Final = "pages_messaging"
_MANAGES: Final = "pages_manage_metadata"
#: The operation, the permission that it takes, and what does it.
_EDGES: Final[Mapping[tuple[str, str], tuple[str, str, _Act]]] = {
    ("POST", "messages"): ("Messages.send", _SENDS, sending.receive),
    ("POST", "message_attachments"): ("Attachments.upload", _SENDS, sending.upload),
    ("GET", "subscribed_apps"): ("Subscriptions.list", _MANAGES, nodes.subscriptions),
    ("POST", "subscribed_apps"): ("Subscriptions.create", _MANAGES, nodes.subscribe),
    ("DELETE", "subscribed_apps"): ("Subscriptions.delete", _MANAGES, nodes.unsubscribe),
}


# --- what an app asks itself ---------------------------------------------------------------


def _debugged(cloud: Cloud, ask: Ask) -> Json:
    grant = cloud.apps.of_token(str(parameters(ask).get("input_token", "")))
    return apps.debug_token(cloud.apps, ask, (cloud.page_of(grant).id,) if grant else ())


def _subscriptions(_cloud: Cloud, app: App, _ask: Ask) -> Json:
    return apps.subscriptions(app)


def _subscribe(cloud: Cloud, app: App, ask: Ask) -> Json:
    given = parameters(ask)
    if url := str(given.get("callback_url", "")):
        token = str(given.get("verify_token", ""))
        shake_hands(cloud.world, url, token, provider="messenger", endpoint=app.id)
    apps.subscribe(app, given)
    return {"success": True}


def _unsubscribe(_cloud: Cloud, app: App, ask: Ask) -> Json:
    apps.unsubscribe(app, parameters(ask))
    return {"success": True}


_OF_APPS: Final[Mapping[str, tuple[str, Callable[[Cloud, App, Ask], Json]]]] = {
    "GET": ("App.subscriptions", _subscriptions),
    "POST": ("App.subscribe", _subscribe),
    "DELETE": ("App.unsubscribe", _unsubscribe),
}


# --- faults --------------------------------------------------------------------------------


def _guarded(cloud: Cloud, ask: Ask, operation: str, perform: Callable[[], Reply]) -> Reply:
    said = ask.json
    if "sender_action" in said:
        operation = "Messages.action"
    recipient = said.get("recipient")
    return guarded(
        cloud.world,
        codes.META,
        operation,
        perform,
        address=str(recipient.get("id", "")) if isinstance(recipient, dict) else "",
        text=json.dumps(said, ensure_ascii=False),
    )
