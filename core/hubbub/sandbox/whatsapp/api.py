"""Answer the Graph API: find who asks, let faults strike, say it in JSON."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from hubbub.sandbox.meta.apps import App, debug_token, own, parameters, subscribe
from hubbub.sandbox.meta.guard import guarded
from hubbub.sandbox.meta.refusal import Refused, no_such_object
from hubbub.sandbox.meta.webhooks import shake_hands
from hubbub.sandbox.whatsapp import codes, media, nodes, sending
from hubbub.sandbox.whatsapp.state import Account, Cloud, Number
from hubbub.sandbox.wsgi import Ask, Json, Reply, json_reply

PREFIX: Final = "/whatsapp/"

_VERSION: Final = re.compile(r"v(\d{1,3})\.\d{1,2}")
#: Earlier versions have ended.
_OLDEST: Final = 21
_OLD_VERSION: Final = 2635


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
    if path == media.DOWNLOADS:
        return _guarded(
            cloud,
            ask,
            "Media.download",
            lambda: media.download(cloud, _asking(cloud, ask), ask),
        )
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
        case ("POST", app_id, "subscriptions"):
            return "App.subscribe", lambda: _subscribed(cloud, ask, app_id)
        case (_, node, edge):
            return _edge(cloud, ask, node, edge)
        case (_, node):
            return _node(cloud, ask, node)
    raise Refused(100, f"Unknown path components: /{'/'.join(steps)}")


def _edge(cloud: Cloud, ask: Ask, node: str, edge: str) -> tuple[str, Callable[[], Json]]:
    if to_number := _OF_NUMBERS.get((ask.method, edge)):
        operation, act = to_number
        return operation, lambda: act(cloud, _number(cloud, ask, node), ask)
    if to_account := _OF_ACCOUNTS.get((ask.method, edge)):
        operation, do = to_account
        return operation, lambda: do(cloud, cloud.account_of(_asking(cloud, ask), node), ask)
    raise Refused(100, f"Unknown path components: /{edge}")


_OF_NUMBERS: Final[Mapping[tuple[str, str], tuple[str, Callable[[Cloud, Number, Ask], Json]]]] = {
    ("POST", "messages"): ("Messages.send", sending.receive),
    ("POST", "media"): ("Media.upload", media.upload),
}
_OF_ACCOUNTS: Final[Mapping[tuple[str, str], tuple[str, Callable[[Cloud, Account, Ask], Json]]]] = {
    ("GET", "phone_numbers"): ("Numbers.list", nodes.numbers),
    ("GET", "subscribed_apps"): ("Subscriptions.list", nodes.subscriptions),
    ("POST", "subscribed_apps"): ("Subscriptions.create", nodes.subscribe),
    ("DELETE", "subscribed_apps"): ("Subscriptions.delete", nodes.unsubscribe),
    ("GET", "message_templates"): ("Templates.list", nodes.list_templates),
    ("POST", "message_templates"): ("Templates.create", nodes.create_template),
    ("DELETE", "message_templates"): ("Templates.delete", nodes.delete_template),
}


def _node(cloud: Cloud, ask: Ask, node: str) -> tuple[str, Callable[[], Json]]:
    match (ask.method, node in cloud.numbers):
        case ("GET", True):
            return "Numbers.fetch", lambda: nodes.show_number(_number(cloud, ask, node), ask)
        case ("POST", True):
            return "Numbers.update", lambda: nodes.change_number(
                cloud, _number(cloud, ask, node), ask
            )
        case ("GET", False):
            return "Media.lookup", lambda: media.lookup(cloud, _asking(cloud, ask), node, ask)
        case ("DELETE", False):
            return "Media.delete", lambda: media.delete(cloud, _asking(cloud, ask), node)
    raise no_such_object(node)


def _number(cloud: Cloud, ask: Ask, node: str) -> Number:
    return cloud.number_of(_asking(cloud, ask), node)


def _asking(cloud: Cloud, ask: Ask) -> App:
    return cloud.apps.admitted(ask).app


def _debugged(cloud: Cloud, ask: Ask) -> Json:
    grant = cloud.apps.of_token(str(parameters(ask).get("input_token", "")))
    return debug_token(cloud.apps, ask, cloud.accounts_of(grant.app) if grant else ())


def _subscribed(cloud: Cloud, ask: Ask, app_id: str) -> Json:
    app, given = own(cloud.apps, ask, app_id), parameters(ask)
    url = str(given.get("callback_url", ""))
    if url:
        token = str(given.get("verify_token", ""))
        shake_hands(cloud.world, url, token, provider="whatsapp", endpoint=app.id)
    subscribe(app, given)
    return {"success": True}


# --- faults --------------------------------------------------------------------------------


def _guarded(cloud: Cloud, ask: Ask, operation: str, perform: Callable[[], Reply]) -> Reply:
    said = ask.json
    to = str(said.get("to", "")).removeprefix("+")
    return guarded(
        cloud.world,
        codes.META,
        operation,
        perform,
        address=f"+{to}" if to else str(said.get("recipient", "")),
        text=json.dumps(said, ensure_ascii=False),
    )
