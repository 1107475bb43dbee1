"""Find what a call or an answer says, wherever the gateway put it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from hubbub.sdk import Call, MalformedPayload
from hubbub.sdk.sms import whole

_MOST_PARAMETERS: Final = 500


@dataclass(frozen=True)
class Reading:
    """A call, opened. Parameters are octets until their character set is known."""

    call: Call

    def octets(self, places: str) -> bytes | None:
        """Return what stands at the first of ``places`` that is there. Raises `MalformedPayload`.

        A place is a ``/json/pointer``, ``header:Name``, ``body``, or a parameter of the address
        or the form.
        """
        for place in places.split():
            found = self._at(place)
            if found is not None:
                return found
        return None

    def text(self, places: str) -> str:
        """Return what stands there as text, or nothing."""
        return readable(self.octets(places) or b"")

    @cached_property
    def parameters(self) -> Mapping[str, bytes]:
        """The parameters of the address, and of the form."""
        query = self.call.query.encode("utf-8", "surrogateescape")
        content_type = self.call.headers.get("content-type", "")
        form = self.call.body if "form-urlencoded" in content_type.lower() else b""
        return dict([*_pairs(form), *_pairs(query)])

    def _at(self, place: str) -> bytes | None:
        if place == "body":
            return self.call.body
        if place.startswith("/"):
            return _octets(pointed(self._document, place))
        if place.startswith("header:"):
            value = self.call.headers.get(place.removeprefix("header:"))
            return None if value is None else value.encode("utf-8", "surrogateescape")
        return self.parameters.get(place)

    @cached_property
    def _document(self) -> Any:
        try:
            return json.loads(self.call.body)
        except (ValueError, RecursionError):
            raise MalformedPayload("The body is no JSON document.") from None


def pointed(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) leads to, or None."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        match document:
            case dict():
                document = document.get(name)
            case list() if name.isascii() and name.isdigit() and len(name) < len("1000000"):
                document = document[int(name)] if int(name) < len(document) else None
            case _:
                return None
    return document


def readable(data: bytes) -> str:
    """Return octets of no named character set: UTF-8, or else Latin-1, which reads them all."""
    try:
        return whole(data.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _octets(value: Any) -> bytes | None:
    match value:
        case str():
            # Half a character, which carriers cut, meets its other half once pieces are joined.
            return value.encode("utf-8", "surrogatepass")
        case bool() | dict() | list() | None:
            return None
    return str(value).encode()


def _pairs(raw: bytes) -> Iterator[tuple[str, bytes]]:
    for field in raw.split(b"&")[:_MOST_PARAMETERS]:
        name, _, value = field.replace(b"+", b" ").partition(b"=")
        if name:
            yield readable(unquote_to_bytes(name)), unquote_to_bytes(value)
