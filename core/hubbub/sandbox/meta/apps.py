"""Know the apps of the App Dashboard, and who may act for them."""

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.meta.refusal import Refused, no_such_object
from hubbub.sandbox.wsgi import Ask, Json

#: Subcodes of a token that died: its time was up; it was revoked.
EXPIRED: Final = 463
REVOKED: Final = 467
_INVALID: Final = 190


@dataclass(eq=False)
class App:
    """One app. Guarded by the world's lock."""

    id: str
    secret: str = field(default="", repr=False)
    name: str = "Sandbox app"
    #: Whether whoever has a token must prove that they have the secret too.
    requires_proof: bool = False
    #: What the dashboard has ticked at Webhooks.
    fields: frozenset[str] = frozenset()
    #: The address of the app's webhook, by object.
    callbacks: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Grant:
    """What somebody lets an app do: a token, which ends or is replaced."""

    app: App
    #: As Meta calls it: ``SYSTEM_USER``, ``PAGE``.
    kind: str
    token: str = field(default="", repr=False)
    #: When the token ends; 0: never.
    expires_at: int = 0
    scopes: tuple[str, ...] = ()
    #: Earlier tokens.
    dead: set[str] = field(default_factory=set, repr=False)

    def replace_token(self, token: str) -> None:
        """Let ``token`` be the only one; the one before it is revoked."""
        if self.token and token != self.token:
            self.dead.add(self.token)
        self.dead.discard(token)
        self.token = token

    def ailment(self, token: str) -> int:
        """Return the subcode that says why ``token`` is refused; 0: it is good."""
        if token != self.token:
            return REVOKED
        return EXPIRED if 0 < self.expires_at < time.time() else 0


class Apps:
    """All apps, and what they were granted."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}
        self._grants: dict[str, Grant] = {}

    def made(self, app_id: str) -> App:
        """Return an app, made if it is new."""
        return self._apps.setdefault(app_id, App(app_id))

    def granted(self, app: App, kind: str, by: str) -> Grant:
        """Return what ``by``, a Page or the app's own system user, grants to ``app``."""
        grant = self._grants.setdefault(by, Grant(app, kind))
        grant.app = app
        return grant

    def clear(self) -> None:
        """Forget every app."""
        self._apps.clear()
        self._grants.clear()

    def of_token(self, token: str) -> Grant | None:
        """Return the grant whose token this is, or was."""
        if not token:
            return None
        known = self._grants.values()
        return next((grant for grant in known if token in {grant.token, *grant.dead}), None)

    def admitted(self, ask: Ask) -> Grant:
        """Return what allows somebody to ask. Raises `Refused`."""
        token = token_of(ask)
        grant = self.of_token(token)
        if grant is None:
            raise Refused(_INVALID, "Invalid OAuth access token - Cannot parse access token")
        if ailment := grant.ailment(token):
            details = "Error validating access token: it has expired or was revoked."
            raise Refused(_INVALID, details, subcode=ailment)
        _check_proof(grant.app, token, str(parameters(ask).get("appsecret_proof", "")))
        return grant

    def itself(self, token: str) -> App:
        """Return the app that proves itself by ``<App ID>|<App secret>``. Raises `Refused`."""
        app_id, _, secret = token.partition("|")
        app = self._apps.get(app_id)
        if (
            app is None
            or not secret
            or not hmac.compare_digest(secret.encode(), app.secret.encode())
        ):
            raise Refused(_INVALID, "Invalid OAuth access token signature.")
        return app


def token_of(ask: Ask) -> str:
    """Return the token of a request: of its header, its address or its body."""
    scheme, _, token = str(ask.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return str(parameters(ask).get("access_token", ""))


def parameters(ask: Ask) -> Json:
    """Return what a request says, wherever it says it: Meta does not mind."""
    return {**dict(ask.query), **dict(ask.form), **ask.json}


def debug_token(apps: Apps, ask: Ask, targets: tuple[str, ...]) -> Json:
    """Say what Meta knows of a token; ``targets`` are the objects that it may touch.

    Raises `Refused` unless an app asks about a token of its own.
    """
    asking = apps.itself(token_of(ask))
    token = str(parameters(ask).get("input_token", ""))
    owner = apps.of_token(token)
    if owner is None:
        return _invalid(0)
    if owner.app is not asking:
        raise Refused(100, "You must be an owner or developer of the app.")
    if ailment := owner.ailment(token):
        return _invalid(ailment)
    return {
        "data": {
            "app_id": owner.app.id,
            "type": owner.kind,
            "application": owner.app.name,
            "data_access_expires_at": 0,
            "expires_at": owner.expires_at,
            "is_valid": True,
            "issued_at": 1790000000,
            "scopes": list(owner.scopes),
            "granular_scopes": [
                {"scope": scope, "target_ids": list(targets)} for scope in owner.scopes
            ],
            "user_id": "122100000000000001",
        }
    }


def subscribe(app: App, given: Json) -> None:
    """Set the webhook of an app and its fields, as the dashboard does. Raises `Refused`."""
    if not given.get("object") or not given.get("callback_url"):
        raise Refused(100, "The parameters object and callback_url are required.")
    app.callbacks[str(given["object"])] = str(given["callback_url"])
    app.fields |= named(given.get("fields", ""))


def named(fields: object) -> frozenset[str]:
    """Return the fields that a request names: as a list, or with commas between them."""
    names = fields if isinstance(fields, list) else str(fields).split(",")
    return frozenset(str(name).strip() for name in names) - {""}


def subscriptions(app: App) -> Json:
    """Return the webhooks of an app."""
    fields = [{"name": name, "version": "v25.0"} for name in sorted(app.fields)]
    return {
        "data": [
            {"object": kind, "callback_url": url, "active": True, "fields": fields}
            for kind, url in app.callbacks.items()
        ]
    }


def unsubscribe(app: App, given: Json) -> None:
    """Forget the webhook of one object, or of all."""
    for kind in [str(given["object"])] if given.get("object") else list(app.callbacks):
        app.callbacks.pop(kind, None)


def own(apps: Apps, ask: Ask, app_id: str) -> App:
    """Return the app ``app_id``, which must ask itself. Raises `Refused`."""
    app = apps.itself(token_of(ask))
    if app.id != app_id:
        raise no_such_object(app_id)
    return app


def _invalid(subcode: int) -> Json:
    error: Json = {"code": _INVALID, "message": "The access token could not be decrypted"}
    if subcode:
        error |= {"message": "Error validating access token", "subcode": subcode}
    return {"data": {"error": error, "is_valid": False, "scopes": []}}


def _check_proof(app: App, token: str, proof: str) -> None:
    """Raise `Refused` where a proof is wrong, or missing although the app requires one."""
    if not proof and not app.requires_proof:
        return
    wanted = hmac.new(app.secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(proof.encode(), wanted.encode()):
        details = "Invalid appsecret_proof provided in the API argument"
        if not proof:
            details = "API calls from the server require an appsecret_proof argument"
        raise Refused(100, details, kind="GraphMethodException")
