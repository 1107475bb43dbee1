"""Know the apps of the App Dashboard, and who may act for them."""

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
    """One app, with the token that a system user made for it. Guarded by the world's lock."""

    id: str
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    name: str = "Sandbox app"
    #: When the token ends; 0: never.
    expires_at: int = 0
    scopes: tuple[str, ...] = ()
    #: What the dashboard has ticked at Webhooks.
    fields: frozenset[str] = frozenset()
    #: The address of the app's webhook, by object.
    callbacks: dict[str, str] = field(default_factory=dict)
    #: Earlier tokens, and the subcode that says why they are refused.
    dead: dict[str, int] = field(default_factory=dict, repr=False)

    def replace_token(self, token: str) -> None:
        """Let ``token`` be the app's only one; the one before it is revoked."""
        if self.token and token != self.token:
            self.dead[self.token] = REVOKED
        self.dead.pop(token, None)
        self.token = token

    def ailment(self, token: str) -> int:
        """Return the subcode that says why ``token`` is refused; 0: it is good."""
        if token != self.token:
            return self.dead.get(token, REVOKED)
        return EXPIRED if 0 < self.expires_at < time.time() else 0


class Apps:
    """All apps."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}

    def get(self, app_id: str) -> App | None:
        """Return an app, if it is known."""
        return self._apps.get(app_id)

    def made(self, app_id: str) -> App:
        """Return an app, made if it is new."""
        return self._apps.setdefault(app_id, App(app_id))

    def clear(self) -> None:
        """Forget every app."""
        self._apps.clear()

    def of_token(self, token: str) -> App | None:
        """Return the app whose token this is, or was."""
        if not token:
            return None
        return next((app for app in self._apps.values() if token in {app.token, *app.dead}), None)

    def admitted(self, ask: Ask) -> App:
        """Return the app that asks. Raises `Refused`."""
        token = token_of(ask)
        app = self.of_token(token)
        if app is None:
            raise Refused(_INVALID, "Invalid OAuth access token - Cannot parse access token")
        if ailment := app.ailment(token):
            details = "Error validating access token: it has expired or was revoked."
            raise Refused(_INVALID, details, subcode=ailment)
        return app

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
    if owner is not asking:
        raise Refused(100, "You must be an owner or developer of the app.")
    if ailment := owner.ailment(token):
        return _invalid(ailment)
    return {
        "data": {
            "app_id": owner.id,
            "type": "SYSTEM_USER",
            "application": owner.name,
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
    fields = given.get("fields", "")
    names = fields if isinstance(fields, list) else str(fields).split(",")
    app.fields |= {str(name).strip() for name in names if str(name).strip()}


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
