"""Keep secrets out of everything that is logged, stored or shown.

A secret is recognised however it is spelled: as it is, in a web address, in JSON, in HTML, and
in base64 behind whatever stands before it (HTTP Basic). What is secret by its name, such as an
``Authorization`` header or an ``access_token`` that a provider hands out, is masked unseen.
"""

import base64
import math
import threading
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

import re2
import structlog
from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

MASK: Final = "***"


def without_secret_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return ``headers`` with those masked whose names say that they are secret.

    For where every microsecond counts; `Redactor.headers` also looks into the values.
    """
    return {name: MASK if _is_secret_name(name) else value for name, value in headers.items()}


def without_secret_parameters(url: str) -> str:
    """Return ``url`` with those parameters masked whose names say that they are secret.

    Values are not looked into: in a webhook's address may stand what somebody said.
    """
    path, mark, query = url.partition("?")
    return path + mark + "&".join(map(_without_secret, query.split("&")))


def _without_secret(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={MASK}" if equals and _is_secret_name(name) else parameter


class Redactor:
    """Masks the given secrets, and what is secret by its name. Safe in any thread.

    A secret of fewer than six characters is masked only as a whole word, since "1234" must not
    eat the digits of an id; one of fewer than three would mask half of everything and is left.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted(_pieces(secrets), key=len, reverse=True)
        #: How far behind its first character a secret can end.
        self.reach = max(map(len, known), default=0) * _LONGEST_SPELLING
        self._shortest = min(map(len, known), default=math.inf)
        # One expression, and further ones only where it would outgrow what RE2 keeps compiled.
        self._patterns = [
            re2.compile("|".join([_BY_NAME, *group]))
            for group in _groups("|".join(_forms(secret)) for secret in known)
        ]

    def __repr__(self) -> str:
        return "Redactor()"

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        return self.clipped(text, len(text))

    def clipped(self, text: str, limit: int) -> str:
        """Return the first ``limit`` characters of ``text`` without secrets, not even halved ones.

        (A secret that a limit cuts in two can no longer be recognised, so the mask comes first.)
        """
        window = _whole(text[: limit + self.reach])
        if len(window) < self._shortest and not any(sign in window for sign in _SIGNS):
            return window[:limit]  # as most headers: no room for a secret, and no name of one
        kept: list[str] = []
        at = 0
        for start, end in self._spans(window):
            if start >= limit:
                break
            kept += (window[at:start], MASK)
            at = end
        return "".join([*kept, window[at : max(at, limit)]])

    def data(self, data: bytes) -> bytes:
        """Return ``data`` without secrets."""
        try:
            return self.text(data.decode()).encode()
        except UnicodeDecodeError:
            # Latin-1 keeps every byte, and every secret of plain ASCII.
            return self.text(data.decode("latin-1")).encode("latin-1")

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return ``headers`` without secrets."""
        return {name: self._named(name, value) for name, value in headers.items()}

    def json(self, value: Any) -> Any:
        """Return ``value``, a text or any nesting of values, without secrets."""
        match value:
            case None | bool() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self.json(key): self._named(str(key), item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.json(item) for item in value]
        shown = str(value)
        masked = self.text(shown)
        return value if masked == shown else masked

    def _named(self, name: str, value: Any) -> Any:
        if value and not isinstance(value, bool) and _is_secret_name(name):
            return MASK
        return self.json(value)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the secrets are, in order; those that overlap become one."""
        last = (0, 0)
        for span in sorted(span for pattern in self._patterns for span in _found(pattern, text)):
            if span[0] < last[1]:
                last = (last[0], max(span[1], last[1]))
                continue
            if last[1]:
                yield last
            last = span
        if last[1]:
            yield last


class Registry:
    """The secrets that this process has met lately, for logs that know no channel."""

    def __init__(self, limit: int = 1024) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._secrets: dict[str, None] = {}
        self._redactor: Redactor | None = None

    def add(self, secrets: Iterable[str]) -> None:
        """Remember ``secrets``; beyond the limit the oldest are forgotten."""
        with self._lock:
            for secret in secrets:
                if self._secrets.pop(secret, self) is self:
                    self._redactor = None
                self._secrets[secret] = None
            for secret in list(self._secrets)[: -self._limit]:
                del self._secrets[secret]

    @property
    def redactor(self) -> Redactor:
        """A redactor of all that is remembered."""
        with self._lock:
            if self._redactor is None:
                self._redactor = Redactor(self._secrets)
            return self._redactor


#: What `redacting_processor` keeps out of the log of this process.
registry: Final = Registry()


def redacting_processor(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask secrets in a log event: a processor for structlog, to stand before the renderer.

    It turns exceptions into text, since a renderer that did so later would show what they quote.
    """
    event = structlog.processors.format_exc_info(logger, method, event)
    masked: dict[str, Any] = registry.redactor.json(event)
    return masked


def secrets_of(fields: BaseModel) -> set[str]:
    """Return the values of all fields marked ``writeOnly`` or of a secret type, at any depth."""
    found: set[str] = set()
    for name, field in type(fields).model_fields.items():
        found.update(_values(getattr(fields, name), secret=_is_write_only(field)))
    return found


def _values(value: object, *, secret: bool) -> Iterator[str]:
    match value:
        case str():
            yield from [value] if secret and value else []
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode("utf-8", "replace")
        case BaseModel() if not secret:
            yield from secrets_of(value)
        case BaseModel() | Mapping():
            yield from _values(list(dict(value).values()), secret=secret)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _values(item, secret=secret)


def _is_write_only(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    if callable(extra):
        schema: dict[str, Any] = {}
        extra(schema)
        return bool(schema.get("writeOnly"))
    return bool(extra and extra.get("writeOnly"))


# --- how a secret looks ----------------------------------------------------------------------

_TOO_SHORT: Final = 3
_SHORT: Final = 6
#: Lines of a key file long enough to be worth hiding one by one.
_KEY_LINE: Final = 32
#: Characters by which one of a secret may be spelled, such as ``\\ud83d\\ude00``.
_LONGEST_SPELLING: Final = 16
#: Secrets in one expression, and about how long it is: RE2 refuses much longer ones.
_TOGETHER: Final = 32
_ROOM: Final = 2**16
#: Characters of a secret that are looked for as one.
_LONGEST: Final = 512
_OTHER_WAYS: Final = {
    " ": (r"\+",),
    "\n": (r"\\+n", r"\r\n", r"\\+r\\+n", "%0d%0a"),
    "\r": (r"\\+r",),
    "\t": (r"\\+t",),
    "\b": (r"\\+b",),
    "\f": (r"\\+f",),
    '"': ("&quot;",),
    "'": ("&apos;",),
    "&": ("&amp;",),
    "<": ("&lt;",),
    ">": ("&gt;",),
}
_NAME: Final = (
    "(?i:authorization|cookie|token|jwt|secret|signature|password|passwd|appsecret_proof"
    "|(?:api|private|auth)[-_]?key)(?:[-_]?[0-9]+)?"
)
_SECRET_NAME: Final = re2.compile(rf"{_NAME}$")
# In JSON, in JSON within JSON, and in forms; the group is what to mask.
# What says who we are to a mail server (XOAUTH2): "user=..." in base64, a token of the hour in it.
_XOAUTH2: Final = "dXNlcj"
_BY_NAME: Final = (
    rf'"[\w-]*{_NAME}"\s*:\s*"((?:[^"\\]|\\.)+)'
    rf'|\\"[\w-]*{_NAME}\\"\s*:\s*\\"((?:[^"\\]|\\[^"])+)'
    rf"|(?:[?&]|^)[\w-]*{_NAME}=([^&\s\"'<>]+)"
    rf"|{_XOAUTH2}([0-3][A-Za-z0-9+/=_-]*)"
)
#: Where none of these stands, nothing is secret by its name.
_SIGNS: Final = ("=", '"', _XOAUTH2)


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(_whole(name)) is not None


def _pieces(secrets: Iterable[str]) -> set[str]:
    """Return ``secrets`` and, of key files, each line too: they travel in either way."""
    whole = {secret.strip() for secret in secrets}
    lines = {line.strip() for secret in whole for line in secret.splitlines()}
    keys = {line for line in lines if len(line) >= _KEY_LINE and not line.startswith("-----")}
    return {part for secret in whole | keys if len(secret) >= _TOO_SHORT for part in _parts(secret)}


def _parts(secret: str) -> Iterator[str]:
    """Yield ``secret``, or where it is very long its parts, which are about equally long."""
    size = math.ceil(len(secret) / math.ceil(len(secret) / _LONGEST))
    for at in range(0, len(secret), size):
        yield secret[at : at + size]


def _groups(patterns: Iterable[str]) -> Iterator[list[str]]:
    """Yield ``patterns`` by as many as go into one expression; at least one group, if empty."""
    group: list[str] = []
    for pattern in patterns:
        if len(group) == _TOGETHER or sum(map(len, group)) + len(pattern) > _ROOM:
            yield group
            group = []
        group.append(pattern)
    yield group


def _forms(secret: str) -> Iterator[str]:
    """Yield patterns for ``secret``: one for every spelling of its characters, then base64."""
    yield "".join(map(_spelling, secret))
    data = secret.encode("utf-8", "replace")
    for before in range(3):
        # Base64 looks different behind 0, 1 or 2 odd bytes; characters that hold bits of the
        # neighbours are left out.
        encoded = base64.b64encode(bytes(before) + data).decode()
        inner = encoded[(0, 2, 3)[before] : 8 * (before + len(data)) // 6]
        if len(inner) >= _SHORT:
            yield inner.replace("+", "[+-]").replace("/", "[/_]") + "[A-Za-z0-9+/=_-]*"


def _spelling(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    percent = "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "replace"))
    # JSON within JSON doubles the backslashes, so any number of them may stand before.
    units = char.encode("utf-16-be", "replace")
    escaped = "".join(rf"\\+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    ways = [rf"\\*{re2.escape(char)}", percent, escaped, f"&#x?0*(?:{ord(char)}|{ord(char):x});"]
    ways += _OTHER_WAYS.get(char, ())
    return f"(?i:{'|'.join(ways)})"


def _found(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        start, end = match.span(match.lastindex or 0)
        if end - start >= _SHORT or match.lastindex or _is_word(text, start, end):
            yield start, end


def _is_word(text: str, start: int, end: int) -> bool:
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    return not any(char.isalnum() or char == "_" for char in around)


def _whole(text: str) -> str:
    """Return ``text`` with each half of a surrogate pair, which JSON may hold, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
