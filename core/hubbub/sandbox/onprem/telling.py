"""Tell what the client tells: flat, unsigned, and in older words than the Cloud API."""

from collections.abc import Mapping, Sequence
from typing import Final

from hubbub.sandbox.onprem.refusal import error, translated
from hubbub.sandbox.wsgi import Json

_NEWER: Final = frozenset({"from_user_id", "recipient_user_id", "biz_opaque_callback_data"})
#: What the older API has no words for.
_UNKNOWN: Final = frozenset({"edit", "revoke"})


def flat(values: Sequence[Json]) -> Json:
    """Return one call with everything that ``values`` tell of the client's number."""
    said: Json = {}
    for name, rewrite in (("contacts", _contact), ("messages", _message), ("statuses", _status)):
        items = [rewrite(item) for value in values for item in value.get(name, [])]
        if items and not (name == "contacts" and "statuses" in values[0]):
            said[name] = items
    return said


def _contact(contact: Json) -> Json:
    return {"profile": contact["profile"], "wa_id": contact.get("wa_id", "")}


def _message(message: Json) -> Json:
    said = _older(message)
    if said.get("type") in _UNKNOWN:
        kept = {name: said[name] for name in ("from", "id", "timestamp")}
        details = "Message type is not currently supported"
        unknown = {"code": 501, "title": "Unknown message type", "details": details}
        return {**kept, "type": "unknown", "errors": [unknown]}
    if said.get("type") == "audio" and said["audio"].get("voice"):
        return {**_without(said, "audio"), "type": "voice", "voice": _plain(said["audio"])}
    if said.get("type") == "audio":
        return {**said, "audio": _plain(said["audio"])}
    if said.get("type") == "system":
        return {**said, "system": _moved(said["system"])}
    return said


def _status(status: Json) -> Json:
    said = _older(status) | {"type": "message"}
    if "errors" in said:
        said["errors"] = [error(translated(one["code"]), one["title"]) for one in said["errors"]]
    return said


def _moved(note: Json) -> Json:
    return {"type": note["type"], "body": note["body"], "new_wa_id": note.get("wa_id", "")}


def _older(item: Mapping[str, object]) -> Json:
    return {name: value for name, value in item.items() if name not in _NEWER}


def _plain(audio: Json) -> Json:
    return _without(audio, "voice")


def _without(item: Json, name: str) -> Json:
    return {other: value for other, value in item.items() if other != name}
