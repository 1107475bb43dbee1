"""Answer as the web container of a client does, below ``/onprem/v1/``."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.onprem import refusal
from hubbub.sandbox.onprem.state import Client
from hubbub.sandbox.whatsapp import media, sending
from hubbub.sandbox.whatsapp.state import Cloud, Person
from hubbub.sandbox.wsgi import Ask, Json, Reply, Upload, json_reply

PREFIX: Final = "/onprem/"
Clients = dict[str, Client]

#: The error code that goes with an HTTP status when a fault names none.
_BY_STATUS: Final = {
    401: refusal.DENIED,
    404: refusal.NOT_FOUND,
    429: refusal.TOO_FAST,
    503: refusal.NOT_READY,
}


def answer(cloud: Cloud, clients: Clients, ask: Ask) -> Reply:
    """Answer one request below `PREFIX`."""
    path = ask.path.removeprefix(PREFIX).removeprefix("v1/").strip("/")

    def perform() -> Reply:
        try:
            return _performed(cloud, clients, ask, path)
        except Refused as refused:
            return refusal.refused(refused)

    try:
        said = ask.json
    except ValueError:
        return refusal.refused(Refused(refusal.BAD_VALUE, "The body is no JSON object."))
    to = str(said.get("to", "")).removeprefix("+")
    fault = cloud.world.faults.pick(
        REQUEST_KINDS,
        cloud.provider,
        _named(ask.method, path),
        address=f"+{to}" if to else "",
        text=json.dumps(said, ensure_ascii=False),
    )
    return cloud.world.faults.around(fault, perform, lambda fault: _refuse(clients, fault))


def _performed(cloud: Cloud, clients: Clients, ask: Ask, path: str) -> Reply:
    if (ask.method, path) == _LOGIN:
        return _told(_login(clients, ask))
    client = _admitted(clients, ask)
    if ask.method == "GET" and path.startswith(_FILES):
        return _download(cloud, client, path.removeprefix(_FILES))
    if ask.method == "PUT" and path.startswith(_READS):
        return _told(_read(cloud, client, ask, path.removeprefix(_READS)))
    if (ask.method, path) not in _OPERATIONS:
        raise Refused(refusal.NOT_FOUND, f"There is no /v1/{path}.")
    return _told(_OPERATIONS[ask.method, path][1](cloud, client, ask))


def _named(method: str, path: str) -> str:
    """Return what a fault calls an operation."""
    if (method, path) == _LOGIN:
        return "Users.login"
    if path.startswith(_FILES):
        return "Media.download"
    if method == "PUT" and path.startswith(_READS):
        return "Messages.read"
    return _OPERATIONS.get((method, path), ("Other", None))[0]


def _told(said: Json) -> Reply:
    return json_reply(said | refusal.META)


# --- who asks ------------------------------------------------------------------------------


def _login(clients: Clients, ask: Ask) -> Json:
    scheme, _, proof = str(ask.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    try:
        username, _, password = base64.b64decode(proof, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        username = password = ""
    client = clients.get(username) if scheme == "Basic" else None
    if client is None:
        raise Refused(refusal.DENIED, "Invalid credentials.")
    token, end = client.log_in(password)
    ends = datetime.fromtimestamp(int(end), UTC).isoformat(" ")
    return {"users": [{"token": token, "expires_after": ends}]}


def _admitted(clients: Clients, ask: Ask) -> Client:
    token = _bearer(ask)
    for client in clients.values():
        if client.knows(token):
            return client
    raise Refused(refusal.DENIED, "Invalid credentials.")


def _bearer(ask: Ask) -> str:
    return str(ask.environ.get("HTTP_AUTHORIZATION", "")).removeprefix("Bearer ")


# --- messages ------------------------------------------------------------------------------


def _send(cloud: Cloud, client: Client, ask: Ask) -> Json:
    """Take a message as the Cloud API would, once it is in its words."""
    said = ask.json
    person = _known(cloud, str(said.get("to", "")))
    if person is None:
        raise Refused(refusal.NOT_FOUND, "unknown contact")
    sent = sending.send(cloud, client.number, _newer(client, said), came=said)
    contact = {"input": said["to"], "wa_id": person.wa_id}
    named = [{"id": message["id"]} for message in sent["messages"]]
    return {"contacts": [contact], "messages": named}


def _read(cloud: Cloud, client: Client, ask: Ask, message_id: str) -> Json:
    """Take that a message was read, as the Cloud API would."""
    said = {"messaging_product": "whatsapp", "message_id": message_id, **ask.json}
    sending.mark_read(cloud, client.number, said)
    return {}


def _newer(client: Client, said: Json) -> Json:
    newer = {"messaging_product": "whatsapp", **said}
    if newer.pop("preview_url", False):
        newer["text"] = {**newer.get("text", {}), "preview_url": True}
    if said.get("type") == "location":
        newer["location"] = _numbered(said.get("location", {}))
    if said.get("type") == "template":
        template = dict(said.get("template", {}))
        if template.pop("namespace", None) != client.namespace:
            raise Refused(refusal.TEMPLATE_MISSING, "The namespace is another one.")
        if template.get("language", {}).get("policy") != "deterministic":
            raise Refused(refusal.MISSING, "The language needs a policy.")
        newer["template"] = template
    return newer


def _numbered(place: Json) -> Json:
    try:
        return place | {name: float(place[name]) for name in ("latitude", "longitude")}
    except (KeyError, TypeError, ValueError):
        raise Refused(refusal.BAD_VALUE, "A place has a latitude and a longitude.") from None


def _look_up(cloud: Cloud, client: Client, ask: Ask) -> Json:
    del client  # all clients know the same people
    return {"contacts": [_looked_up(cloud, str(one)) for one in ask.json.get("contacts", [])]}


def _looked_up(cloud: Cloud, dialled: str) -> Json:
    digits = dialled.removeprefix("+")
    person = cloud.person(digits) if digits.isascii() and digits.isdigit() else None
    if person is None or not person.on_whatsapp:
        return {"input": dialled, "status": "invalid"}
    return {"input": dialled, "status": "valid", "wa_id": person.wa_id}


def _known(cloud: Cloud, to: str) -> Person | None:
    """Return who has exactly this WhatsApp id: what people dial is to be looked up before."""
    digits = to.removeprefix("+")
    person = cloud.person(digits)
    return person if person.on_whatsapp and digits == person.wa_id else None


# --- files ---------------------------------------------------------------------------------


def _upload(cloud: Cloud, client: Client, ask: Ask) -> Json:
    mime_type = str(ask.environ.get("CONTENT_TYPE", ""))
    if "/" not in mime_type or not ask.body:
        raise Refused(refusal.MISSING, "A file has a Content-Type and bytes.")
    if mime_type == "audio/ogg":
        raise Refused(refusal.BAD_VALUE, "audio/ogg needs its codec.")
    file = Upload("file", mime_type, ask.body)
    known = media.admit(cloud, client.number, file, mime_type, ours=True)
    return {"media": [{"id": known.id}]}


def _download(cloud: Cloud, client: Client, media_id: str) -> Reply:
    known = cloud.media.get(media_id)
    stored = cloud.world.files.get(known.file_id) if known else None
    if known is None or stored is None or known.number_id != client.number.id:
        raise Refused(refusal.NOT_FOUND, "There is no such file.")
    return Reply(200, stored.data, known.mime_type)


# --- settings ------------------------------------------------------------------------------


def _health(cloud: Cloud, client: Client, ask: Ask) -> Json:
    del cloud, ask
    return {"health": {"gateway_status": client.gateway_status}}


def _settings(cloud: Cloud, client: Client, ask: Ask) -> Json:
    del cloud, ask
    webhooks = client.written.get("webhooks", {})
    application = {
        **client.written,
        "wa_id": client.number.digits,
        "webhooks": {**webhooks, "url": client.number.callback},
    }
    return {"settings": {"application": application}}


def _change(cloud: Cloud, client: Client, ask: Ask) -> Json:
    del cloud
    client.written |= ask.json
    url = ask.json.get("webhooks", {}).get("url")
    client.number.callback = client.number.callback if url is None else str(url)
    return {}


def _logout(cloud: Cloud, client: Client, ask: Ask) -> Json:
    del cloud
    client.tokens.pop(_bearer(ask), None)
    return {}


_LOGIN: Final = ("POST", "users/login")
_FILES: Final = "media/"
_READS: Final = "messages/"
#: What can be asked, how faults call it, and what does it.
_OPERATIONS: Final[Mapping[tuple[str, str], tuple[str, Callable[[Cloud, Client, Ask], Json]]]] = {
    ("POST", "messages"): ("Messages.send", _send),
    ("POST", "contacts"): ("Contacts.check", _look_up),
    ("POST", "media"): ("Media.upload", _upload),
    ("GET", "health"): ("Health.fetch", _health),
    ("GET", "settings/application"): ("Settings.fetch", _settings),
    ("PATCH", "settings/application"): ("Settings.update", _change),
    ("POST", "users/logout"): ("Users.logout", _logout),
}


# --- faults --------------------------------------------------------------------------------


def _refuse(clients: Clients, fault: Fault) -> Reply:
    if fault.kind == "token_revoked":
        for client in clients.values():
            client.tokens.clear()
        return refusal.refused(Refused(refusal.DENIED, "Invalid credentials."))
    if fault.kind == "rate_limit":
        return refusal.refused(Refused(fault.code or refusal.TOO_FAST))
    code = fault.code if fault.code is not None else _BY_STATUS.get(fault.status, refusal.GENERIC)
    given = "status" in fault.model_fields_set or fault.code is None
    reply = refusal.refused(Refused(code), status=fault.status if given else None)
    return Reply(reply.status, fault.words(reply.body.decode()).encode())
