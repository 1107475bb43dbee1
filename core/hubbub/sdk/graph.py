"""Help channel types of Meta's: their form, the proof of their calls, the reading of their JSON.

Payloads are read leniently, since their version is chosen in Meta's dashboard: a field that is
null is a field left out, and a number may stand where a text is documented.
"""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from hubbub.sdk.errors import MalformedPayload, SendError, Transient
from hubbub.sdk.types import SeenSettings, Wire
from hubbub.sdk.values import Answer, Call, Challenge, Finding, HttpResponse

_S = TypeVar("_S", bound="Said")

API_BASE: Final = "https://graph.facebook.com"
#: The one that Meta's documentation uses; a version lives for about two years.
GRAPH_VERSION: Final = "v25.0"
#: What made a token invalid, by subcode.
WHY_INVALID: Final = {
    458: "The app was removed from the account.",
    459: "The user must log in at Facebook and clear a checkpoint.",
    460: "The user's password changed.",
    463: "The token has expired.",
    464: "The user is not confirmed.",
    467: "The token was revoked.",
    492: "The user lost their role.",
}

_SCHEME: Final = "sha256="
_REFUSED: Final = Answer(status=403, body=b"The verify token is not this channel's.\n")
#: Characters of a challenge that are repeated; Meta's have some ten.
_LONGEST: Final = 1000
#: Later times are told in milliseconds: as seconds they would lie in the year 33658.
_MILLISECONDS: Final = 10**12
_TIME: Final = re.compile(r"[0-9]{1,13}", re.ASCII)
_LONGEST_WAIT: Final = timedelta(hours=24)
_USAGE: Final = "x-business-use-case-usage"
#: Before a token ends, people want some days to replace it.
_SOON: Final = timedelta(days=7)


# --- the form --------------------------------------------------------------------------------


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


def _digits(value: str) -> str:
    if not (value.isascii() and value.isdigit()):
        raise ValueError("an ID of Meta has digits only; a phone number with + is none")
    return value


def _digits_or_nothing(value: str) -> str:
    return _digits(value) if value else ""


def _one_word(value: str) -> str:
    # It becomes part of a header.
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ValueError("a token is one word, without blanks and line breaks")
    return value


#: What Meta's values look like, for `hubbub.sdk.Fields`.
ACCESS_TOKEN: Final = "EAA[A-Za-z0-9]{20,}"  # noqa: S105  # what one looks like
APP_SECRET: Final = "[0-9a-f]{32}"  # noqa: S105  # what one looks like
GRAPH_ID: Final = "[0-9]{5,20}"
#: An id that Meta gave to a number, a Page, an app.
GraphId: TypeAlias = Annotated[str, BeforeValidator(_as_text), AfterValidator(_digits)]
#: The same, where it may be left out.
GraphIdOrNothing: TypeAlias = Annotated[
    str, BeforeValidator(_as_text), AfterValidator(_digits_or_nothing)
]
#: An access token.
GraphToken: TypeAlias = Annotated[str, AfterValidator(_one_word)]


class GraphSettings(SeenSettings):
    """A base for the settings of a channel type of Meta's: where its API is."""

    graph_version: str = Field(
        GRAPH_VERSION,
        title="Graph API version",
        description=f"Such as {GRAPH_VERSION}.",
        json_schema_extra={"advanced": True},
        pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$",
    )
    api_base: str = Field(
        API_BASE,
        title="API base URL",
        description="A proxy, or a simulator.",
        json_schema_extra={"advanced": True},
    )

    @field_validator("graph_version", mode="before")
    @classmethod
    def _default_version(cls, value: object) -> object:
        # A form sends an empty text for what was left out.
        return value or GRAPH_VERSION

    @field_validator("api_base")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value or API_BASE)
        plain = not (parts.query or parts.fragment or parts.username)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
            raise ValueError(f"give an address such as {API_BASE}")
        return parts.geturl().rstrip("/")


# --- proof. Source: Graph API, "Webhooks" ----------------------------------------------------


def handshake(call: Call, verify_token: str | None) -> Challenge:
    """Return the answer to Meta's question whether somebody here knows the verify token."""
    said = parse_qs(call.query, keep_blank_values=True, errors="replace")
    token = said.get("hub.verify_token", [""])[0]
    knows = bool(verify_token) and _same(token, verify_token or "")
    if said.get("hub.mode") != ["subscribe"]:
        return Challenge(_REFUSED, "Somebody opened the address, but Meta asks in another way.")
    if not knows:
        return Challenge(_REFUSED, _differs(token, verify_token or ""))
    challenge = said.get("hub.challenge", [""])[0]
    return Challenge(Answer(body=challenge[:_LONGEST].encode(errors="replace")))


def _differs(given: str, ours: str) -> str:
    """Return how a verify token differs from ours, without giving either away."""
    if not given:
        return "No verify token came."
    if _same(given.strip(), ours):
        return "The verify token came with blanks around it."
    return (
        f"The verify token differs: {len(given)} characters came, ending in “{given[-2:]}”; ours "
        f"has {len(ours)}, ending in “{ours[-2:]}”."
    )


def objection(call: Call, app_secret: str) -> str | None:
    """Return why ``call`` is not proven to be Meta's, or None when it is.

    Meta signs the bytes that it sends; the older X-Hub-Signature proves nothing any more.
    """
    given = call.headers.get("x-hub-signature-256", "")
    if not given.startswith(_SCHEME):
        return "The call is not signed: it has no header X-Hub-Signature-256."
    wanted = hmac.new(app_secret.encode(), call.body, hashlib.sha256).hexdigest()
    if not _same(given.removeprefix(_SCHEME), wanted):
        return "The signature does not fit. Compare the App secret."
    return None


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(errors="replace"), right.encode(errors="replace"))


# --- reading ---------------------------------------------------------------------------------


class Said(Wire):
    """A base for what Meta says."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_nothing(cls, said: object) -> object:
        if isinstance(said, dict):
            return {name: value for name, value in said.items() if value is not None}
        return said


def readable(model: type[_S], said: object) -> _S:
    """Return ``said`` as ``model``. Raises `MalformedPayload` with the names of what is wrong."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise _malformed(model, error) from None


def parsed(model: type[_S], body: bytes | str) -> _S:
    """Return the JSON in ``body`` as ``model``. Raises `MalformedPayload`."""
    try:
        return model.from_body(body)
    except ValidationError as error:
        raise _malformed(model, error) from None


def moment(timestamp: str) -> datetime | None:
    """Return the time that ``timestamp`` tells, in seconds or in milliseconds, or None."""
    if not _TIME.fullmatch(timestamp):
        return None
    number = int(timestamp)
    seconds = number / 1000 if number >= _MILLISECONDS else number
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _malformed(model: type[Said], error: ValidationError) -> MalformedPayload:
    places = (".".join(str(step) for step in item["loc"]) for item in error.errors())
    wrong = ", ".join(sorted(set(places))[:5])
    return MalformedPayload(f"{model.__name__}: missing or unusable: {wrong or 'the JSON'}.")


# --- tokens. Source: "Debug Token" -----------------------------------------------------------


class Granted(Said):
    """A permission, and for which objects: all, where none is named."""

    scope: str = ""
    target_ids: tuple[str, ...] = ()


class Token(Said):
    """What Meta knows of a token; 0: it does not end."""

    is_valid: bool = False
    type: str = ""
    app_id: str = ""
    expires_at: int = 0
    data_access_expires_at: int = 0
    scopes: tuple[str, ...] = ()
    granular_scopes: tuple[Granted, ...] = ()

    @property
    def ends_at(self) -> datetime | None:
        """When it is no longer good for everything, where it ends."""
        ends = [when for when in (self.expires_at, self.data_access_expires_at) if when > 0]
        return moment(str(min(ends))) if ends else None

    def shut_out(self, scopes: tuple[str, ...], target_id: str) -> bool:
        """Whether one of ``scopes`` is granted for other objects than ``target_id`` only."""
        targets = [grant.target_ids for grant in self.granular_scopes if grant.scope in scopes]
        return bool(target_id) and any(ids and target_id not in ids for ids in targets)


class DebuggedToken(Said):
    """The answer about a token."""

    data: Token


def lasting(end: datetime | None, now: datetime | None, fix: str) -> Finding:
    """Return until when a token is valid; one that ends within days warns, and ``fix`` says how."""
    if end is None:
        return Finding.good("token", "The token is valid and does not end by itself.")
    if now and end - now > _SOON:
        return Finding.good("token", f"The token is valid until {end:%Y-%m-%d}.", until=end)
    return Finding.warning("token", f"The token ends at {end:%Y-%m-%d %H:%M} UTC.", fix, until=end)


# --- answers ---------------------------------------------------------------------------------


def need(model: type[_S], response: HttpResponse, refusal: SendError | None) -> _S:
    """Return the body of a good ``response``. Raises ``refusal``, or `Transient` for another's."""
    if refusal is not None:
        raise refusal
    try:
        return parsed(model, response.body)
    except MalformedPayload:
        raise Transient(
            f"The answer ({response.status}) is none of the Graph API: something on the way, such "
            "as a proxy, may have answered in its place. Look at the API base URL.",
            code="unreadable_answer",
        ) from None


def host(url: str) -> str:
    """Return what to show of an address: not all of it, since it may hold somebody's secret."""
    try:
        return urlsplit(url).hostname or "another address"
    except ValueError:
        return "another address"


def asked_to_wait(response: HttpResponse) -> timedelta | None:
    """Return how long Meta asks us to wait, where it does."""
    header = response.headers.get("retry-after", "")
    seconds = int(header[:6]) if header.isascii() and header.isdigit() else 0
    # Of a number without bounds no time can be made.
    minutes = min(
        _regained(response.headers.get(_USAGE, "")), _LONGEST_WAIT // timedelta(minutes=1)
    )
    wait = timedelta(seconds=seconds, minutes=minutes)
    return min(wait, _LONGEST_WAIT) if wait else None


def told_at(response: HttpResponse) -> datetime | None:
    """Return the provider's own time, by which its tokens end."""
    try:
        told = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _regained(usage: str) -> int:
    """Return the minutes after which the account may ask again: the longest of them."""
    try:
        said: Any = json.loads(usage or "{}")
        uses = [use for account in said.values() for use in account]
        told = [use.get("estimated_time_to_regain_access", 0) for use in uses]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return 0
    return max([minutes for minutes in told if type(minutes) is int and minutes >= 0], default=0)
