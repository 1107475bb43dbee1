"""Read the parameters of a method, however they came: query, form, JSON or multipart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hubbub.sandbox.telegram.refusal import bad
from hubbub.sandbox.wsgi import Ask, Json, Upload


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of one call; values are text, or JSON where the body was JSON."""

    values: Mapping[str, Any]
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text."""
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str, default: int = 0) -> int:
        """Return a parameter as a whole number."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad(f"invalid {name} specified") from None

    def real(self, name: str) -> float:
        """Return a parameter as a number."""
        try:
            return float(self.values[name])
        except (KeyError, TypeError, ValueError):
            raise bad(f"{name} is not specified or is no number") from None

    def flag(self, name: str) -> bool:
        """Whether a parameter is set to true."""
        return str(self.values.get(name, "")).lower() in {"true", "1", "yes", "y", "t"}

    def parsed(self, name: str) -> Any:
        """Return a parameter that is a JSON value, or None where it is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None

    def mapping(self, name: str) -> Json | None:
        """Return a parameter that is a JSON object."""
        value = self.parsed(name)
        if value is not None and not isinstance(value, dict):
            raise bad(f"object expected as {name}")
        return value

    def sequence(self, name: str) -> list[Any] | None:
        """Return a parameter that is a JSON list."""
        value = self.parsed(name)
        if value is not None and not isinstance(value, list):
            raise bad(f"list expected as {name}")
        return value


def read_params(ask: Ask) -> Params:
    """Return the parameters of a request."""
    try:
        body = ask.json
    except ValueError:
        raise bad("can't parse JSON object") from None
    if body and not ask.environ.get("QUERY_STRING"):
        return Params(body)
    return Params({**dict(ask.query), **dict(ask.form), **body}, ask.files)
