"""Fill in a template. Source: "Template messages".

The hub's parameters are one flat list of names, so that the name says where the value goes:

- ``1``, ``2``, ... or a name: the body, as the template numbers or names its variables;
- ``header``: the variable of a text header, or ``header.<name>`` where the template names it;
  ``header.image``, ``header.video`` and ``header.document``: the address of its file;
- ``button.0.url``, ``button.0.quick_reply``, ``button.0.copy_code``: what button 0 needs.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hubbub.sdk import Template, Unsupported

_BUTTON: Final = re.compile(r"button\.([0-9])\.(url|quick_reply|copy_code)", re.ASCII)
_HEADER: Final = re.compile(r"header(?:\.([a-z0-9_]+))?", re.ASCII)
_FILES: Final = frozenset({"image", "video", "document"})
#: How the value of each kind of button is called.
_VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "url": ("text", "text"),
    "quick_reply": ("payload", "payload"),
    "copy_code": ("coupon_code", "coupon_code"),
}


def components(content: Template) -> list[Mapping[str, Any]]:
    """Return what fills ``content`` in. Raises `Unsupported` for unusable parameters."""
    given = content.parameters
    if empty := sorted(name for name, value in given.items() if not value.strip()):
        raise _unusable(f"WhatsApp refuses empty parameters: {', '.join(empty)}.")
    return [*_header(given), *_body(given), *_buttons(given)]


def _header(given: Mapping[str, str]) -> Iterable[Mapping[str, Any]]:
    parameters = [
        _header_value(found[1], value)
        for name, value in given.items()
        if (found := _HEADER.fullmatch(name))
    ]
    if len(parameters) > 1:
        raise _unusable("A template has one header, with one variable or one file.")
    return [{"type": "header", "parameters": parameters}] if parameters else []


def _header_value(kind: str | None, value: str) -> Mapping[str, Any]:
    if kind is None:
        return {"type": "text", "text": value}
    return {"type": kind, kind: {"link": value}} if kind in _FILES else _named(kind, value)


def _body(given: Mapping[str, str]) -> Iterable[Mapping[str, Any]]:
    names = [name for name in given if not _HEADER.fullmatch(name) and not _BUTTON.fullmatch(name)]
    if not names:
        return []
    numbers = [name for name in names if name.isascii() and name.isdigit()]
    if not numbers:
        return [{"type": "body", "parameters": [_named(name, given[name]) for name in names]}]
    places = [str(place) for place in range(1, len(names) + 1)]
    if set(names) != set(places):
        raise _unusable("A body's parameters are all names, or all of the numbers from 1.")
    parameters = [{"type": "text", "text": given[place]} for place in places]
    return [{"type": "body", "parameters": parameters}]


def _named(name: str, value: str) -> Mapping[str, str]:
    return {"type": "text", "parameter_name": name, "text": value}


def _buttons(given: Mapping[str, str]) -> Iterable[Mapping[str, Any]]:
    for name in sorted(given):
        if found := _BUTTON.fullmatch(name):
            index, kind = found.groups()
            type_, field = _VALUES[kind]
            yield {
                "type": "button",
                "sub_type": kind,
                "index": index,
                "parameters": [{"type": type_, field: given[name]}],
            }


def _unusable(why: str) -> Unsupported:
    return Unsupported(why, code="bad_parameters")
