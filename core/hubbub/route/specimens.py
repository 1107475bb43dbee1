"""Make up messages, for examples and for what people want explained."""

from collections.abc import Mapping
from typing import Any, Final

from hubbub.sdk.content import ATTACHMENT_TYPES, Content, from_json

_BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "location": {"latitude": 0, "longitude": 0},
    "contacts": {"contacts": [{"name": "Contact"}]},
    "reaction": {"emoji": "\N{THUMBS UP SIGN}", "target_external_id": "1"},
    "form": {"fields": {}},
    "order": {},
    "unsupported": {"provider_type": "unknown"},
}


def content_of(kind: str, text: str | None, *, choice: str = "", opened: bool = True) -> Content:
    """Return a content of type ``kind`` with the words ``text``, where such a one has words.

    ``choice`` is the id of an option; ``opened`` says of a system message that the chat was opened.
    """
    return from_json({"type": kind, **_body(kind, text, choice, opened=opened)})


def _body(kind: str, text: str | None, choice: str, *, opened: bool) -> dict[str, Any]:
    if kind in ATTACHMENT_TYPES:
        return {"media": {}, "caption": text}
    if kind == "choice":
        return {"id": choice, "title": text}
    if kind == "system":
        return {"event": "started" if opened else "joined"}
    return {"text": text, "subject": ""} if kind == "email" else _BODIES.get(kind, {"text": text})
