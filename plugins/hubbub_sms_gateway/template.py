"""Fill in templates: every value is encoded for the place in which it stands.

A template holds placeholders such as ``{text}`` or ``{secret.token|b64}`` and nothing that is
computed. What a customer wrote can therefore never become another parameter, header or member.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote
from xml.sax.saxutils import escape

Values: TypeAlias = Mapping[str, str]
Place: TypeAlias = Literal["url", "header", "xml", "text"]
Encoder: TypeAlias = Callable[[str], str]

#: What a template can ask for, beside ``secret.NAME``.
PLACEHOLDERS: Final = frozenset(
    {
        "base",
        "to",
        "to_digits",
        "to_national",
        "from",
        "text",
        "text_utf16be_hex",
        "coding",
        "data_coding",
        "is_unicode",
        "parts",
        "delivery_id",
        "device_id",
        "status_url",
        "inbound_url",
    }
)

_PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_.]+)((?:\|[a-z0-9]+)*)\}")
_START: Final = re.compile(r"\{base\}(?=[/?]|$)|https?://[^/?#@{}\s]+(?=[/?]|$)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
#: XML 1.0 has no way at all to write these.
_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SECRET_NAME: Final = re.compile(
    r"(pass(word|wd)?|pwd|token|secret|authorization|(api|auth)[-_]?key)$", re.IGNORECASE
)


def _percent(value: str) -> str:
    return quote(value, safe="")


def _xml(value: str) -> str:
    return escape(_NOT_IN_XML.sub("", value), {'"': "&quot;", "'": "&apos;"})


_FILTERS: Final[Mapping[str, Encoder]] = {
    "url": _percent,
    "json": lambda value: json.dumps(value)[1:-1],
    "xml": _xml,
    "hex": lambda value: value.encode().hex(),
    "b64": lambda value: base64.b64encode(value.encode()).decode(),
}
_ENCODE: Final[Mapping[Place, Encoder]] = {
    "url": _percent,
    "header": _percent,
    "xml": _xml,
    "text": str,
}


# --- filling in ----------------------------------------------------------------------------


def fill(template: str, values: Values, place: Place) -> str:
    """Return ``template`` with its placeholders replaced, each encoded for ``place``."""
    return _PLACEHOLDER.sub(lambda found: _value(found, values, _ENCODE[place]), template)


def fill_url(template: str, values: Values) -> str:
    """Return an address; parameters whose placeholders are all empty are left out."""
    found = _START.match(template)
    start = values["base"] if template.startswith("{base}") else template[: _end(found)]
    path, mark, query = template[_end(found) :].partition("?")
    return start + fill(path, values, "url") + mark + fill_pairs(query, values)


def fill_pairs(template: str, values: Values) -> str:
    """Return a form or query; pairs whose placeholders are all empty are left out."""
    pairs = [pair for pair in template.split("&") if not _is_empty(pair, values)]
    return "&".join(fill(pair, values, "url") for pair in pairs)


def fill_header(template: str, values: Values) -> str:
    """Return the value of a header. Raises `ValueError` for what no header can hold."""
    value = fill(template, values, "header")
    if _CONTROL.search(value):
        raise ValueError("A header cannot hold a line break.")
    return value


def fill_json(template: str, values: Values) -> bytes:
    """Return a JSON document; members whose placeholders are all empty are left out."""
    filled = _filled(json.loads(template), values)
    return json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode()


def is_empty(template: str, values: Values) -> bool:
    """Whether ``template`` has placeholders and all of them stand for nothing."""
    names = [found[1] for found in _PLACEHOLDER.finditer(template)]
    return bool(names) and not any(values[name] for name in names)


def _is_empty(pair: str, values: Values) -> bool:
    return is_empty(pair.partition("=")[2], values)


def _filled(node: Any, values: Values) -> Any:
    match node:
        case str():
            return _PLACEHOLDER.sub(lambda found: _value(found, values, str), node)
        case list():
            return [_filled(item, values) for item in node]
        case dict():
            return {
                name: _filled(item, values)
                for name, item in node.items()
                if not (isinstance(item, str) and is_empty(item, values))
            }
    return node


def _value(found: re.Match[str], values: Values, encode: Encoder) -> str:
    value = values[found[1]]
    filters = found[2].split("|")[1:]
    for name in filters:
        value = value if name == "raw" else _FILTERS[name](value)
    return value if "raw" in filters else encode(value)


def _end(found: re.Match[str] | None) -> int:
    return found.end() if found else 0


# --- checking ------------------------------------------------------------------------------


def check_url(template: str) -> None:
    """Raise `ValueError` with what is wrong with an address."""
    found = _START.match(template)
    if found is None:
        raise ValueError(
            "Begin the address with {base}/ or with http:// or https:// and a host, which holds "
            "neither a placeholder nor a password."
        )
    path, _, query = template[found.end() :].partition("?")
    _check(path)
    check_pairs(query)


def check_pairs(template: str) -> None:
    """Raise `ValueError` with what is wrong with a form or query."""
    for pair in filter(None, template.split("&")):
        name, _, value = pair.partition("=")
        if _PLACEHOLDER.search(name):
            raise ValueError(f"A name cannot be a placeholder: {name[:40]!r}.")
        _check(value)
        _check_literal(name, value)


def check_headers(headers: tuple[tuple[str, str], ...]) -> None:
    """Raise `ValueError` with what is wrong with headers."""
    for name, value in headers:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(f"{name[:40]!r} cannot be the name of a header.")
        _check(value, raw=True)
        _check_literal(name, value)


def check_json(template: str) -> None:
    """Raise `ValueError` with what is wrong with a JSON document."""
    try:
        document = json.loads(template)
    except ValueError as error:
        raise ValueError(f"This is no JSON document: {error}.") from None
    for name, value in _strings("", document):
        _check(value)
        _check_literal(name, value)


def check_text(template: str) -> None:
    """Raise `ValueError` with what is wrong with a text or an XML document."""
    _check(template)


def _strings(name: str, node: Any) -> Iterator[tuple[str, str]]:
    """Yield the strings of a document, each with the name of its member."""
    match node:
        case str():
            yield name, node
        case list():
            for item in node:
                yield from _strings(name, item)
        case dict():
            for key, item in node.items():
                if _PLACEHOLDER.search(key):
                    raise ValueError(f"A name cannot be a placeholder: {key[:40]!r}.")
                yield from _strings(key, item)


def _check(template: str, *, raw: bool = False) -> None:
    for found in _PLACEHOLDER.finditer(template):
        if found[1] not in PLACEHOLDERS - {"base"} and found[1] not in SECRETS:
            raise ValueError(f"There is no placeholder {found[0]}.")
        for name in found[2].split("|")[1:]:
            if name == "raw" and not raw:
                raise ValueError(f"|raw is for headers alone, not for {found[0]}.")
            if name != "raw" and name not in _FILTERS:
                raise ValueError(f"There is no filter |{name}.")
    rest = _PLACEHOLDER.sub("", template)
    if "{" in rest or "}" in rest:
        raise ValueError("A brace belongs to no placeholder: write {text}, without blanks.")


def _check_literal(name: str, value: str) -> None:
    """Settings are shown to people, so a secret does not belong into them."""
    if value and _SECRET_NAME.search(name) and not _PLACEHOLDER.search(value):
        raise ValueError(
            f"Enter what {name} holds among the credentials, and write {{secret.password}} or "
            "{secret.token} here."
        )


#: The credentials that a template can ask for.
SECRETS: Final = frozenset({"secret.username", "secret.password", "secret.token"})
