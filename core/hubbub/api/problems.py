"""Answer what went wrong as RFC 9457 problem details."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from hubbub.connect.routes import RoutesClash
from hubbub.contacts.work import Merged
from hubbub.people.errors import Complaint, Invalid, TooManyAttempts
from hubbub.sdk.errors import HubError
from hubbub.store.session import DatabaseDown

MEDIA_TYPE: Final = "application/problem+json"

#: What each kind of problem means; the last part of a problem's ``type``.
MEANINGS: Final[Mapping[str, str]] = {
    "not-json": "The body is not JSON. Nothing was done.",
    "unauthorized": "The request carries no API token that is good. Nothing was done.",
    "forbidden": "The token lacks the scope that this call needs.",
    "contact-merged": "The contact is a part of another now, which `contact_id` names.",
    "merge-carried": "The merge came along with another, which has to be undone first.",
    "not-found": "There is no such thing, or it was deleted.",
    "method-not-allowed": "The path exists, the method does not; `Allow` lists those that do.",
    "too-large": "The body is larger than this call takes.",
    "unsupported-media-type": "The body has a content type that this call does not take.",
    "invalid": "The request was understood, but a field cannot be used: see `errors`.",
    "too-many-attempts": "Too many attempts failed of late: wait as long as `Retry-After` says.",
    "slow-down": "That was too much at once: wait as long as `Retry-After` says.",
    "busy": "There is no room for this now: wait as long as `Retry-After` says.",
    "form-needed": "Before the first message there is a form to fill in.",
    "identity-unproven": "The site has not proven who its visitor is.",
    "identity-expired": "The site has to prove anew who its visitor is.",
    "database-down": "The database does not answer. Nothing was done; ask again.",
    "media-missing": "The file is no longer stored.",
    "media-unavailable": "The media store does not answer; ask again.",
    "internal": "The hub failed. Its log holds the reason.",
    "account-taken": "Another channel is connected to the same account at the provider.",
    "route-conflicts": "Routes get in each other's way: see `conflicts`.",
    "idempotency-conflict": "The `Idempotency-Key` was used before, with another request.",
    "unseen": "Something was said in the conversation after the message that you named as `seen`.",
    "version-conflict": "Somebody else changed it meanwhile: read it again.",
    "window-closed": "The time for free-form messages is over: `detail` says what may be sent.",
    "opted-out": "The contact asked not to be written to.",
    "marketing-opt-out": "The contact stopped what goes to many; all else may be sent.",
    "recipient-gone": "The address no longer exists.",
    "recipient-blocked": "The contact blocked this channel, or never wrote to it.",
    "contact-blocked": "The contact is blocked here.",
    "cannot-initiate": "On this channel the contact has to write first.",
    "channel-disabled": "Somebody switched the channel off.",
    "channel-gone": "The channel was deleted; what was said through it stays.",
    "screened": "A plugin of this hub refuses to send it: `detail` says which and why.",
    "unsupported": "The channel cannot carry this at all.",
    "no-templates": "The channel has no templates that a provider approves.",
    "provider-failed": "The provider did not give what was asked for: `detail` says why.",
    "unknown-type": "No loaded plugin offers this type.",
    "not-releasable": "The kept call cannot be run again.",
    "not-retryable": "The message is in a state from which it cannot be sent again.",
    "not-awaited": "Nobody waits for this answer: its time is over, or it was given before.",
    "not-cancellable": "The message is on its way already, or was cancelled.",
    "not-unknown": "The outcome of this message is known.",
    "requeue-running": "What failed for this cause is being tried again already.",
    "not-switchable": "The plugin is not installed, or its file cannot be changed: see `detail`.",
    "email-taken": "There is already a user with this email.",
    "name-taken": "There is already one with this name.",
    "last-admin": "Nobody would be left to administer the hub.",
    "conflict": "It clashes with what is there.",
}

_STATUS: Final[Mapping[str, int]] = {
    "not-json": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "contact-merged": 410,
    "too-large": 413,
    "unsupported-media-type": 415,
    "invalid": 422,
    "too-many-attempts": 429,
    "slow-down": 429,
    "identity-unproven": 401,
    "identity-expired": 401,
    "internal": 500,
    "provider-failed": 502,
    "busy": 503,
    "database-down": 503,
    "media-missing": 404,
    "media-unavailable": 503,
}
#: Seconds after which it is worth asking a database again.
_DATABASE_REST: Final = "5"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One answer that says what went wrong. ``more`` are members of its own."""

    code: str
    detail: str
    errors: tuple[Complaint, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return status_of(self.code)

    def response(self, base_url: str) -> Response:
        """Return the problem as an HTTP answer."""
        body: dict[str, Any] = {
            "type": f"{base_url}/docs/problems/{self.code}",
            "title": MEANINGS.get(self.code, self.code.replace("-", " ").capitalize()),
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors:
            body["errors"] = [{"field": e.field, "message": e.message} for e in self.errors]
        answer = Response(json.dumps(body), status=self.status, content_type=MEDIA_TYPE)
        answer.headers.update(self.headers)
        return answer


class Refusal(HubError):
    """Ends a call with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail, code=problem.code)
        self.problem = problem


def status_of(code: str) -> int:
    """Return the HTTP status of a problem; what is not listed clashes with how things are."""
    return _STATUS.get(code, HTTPStatus.CONFLICT)


def problem_of(error: HubError) -> Problem:
    """Return the problem that ``error`` stands for."""
    match error:
        case Refusal():
            return error.problem
        case Invalid():
            return invalid(error.complaints)
        case RoutesClash():
            return _plain(error, more={"conflicts": [one.as_json() for one in error.conflicts]})
        case Merged():
            return _plain(error, more={"contact_id": error.into_id})
        case TooManyAttempts():
            seconds = str(round(error.retry_after.total_seconds()))
            return _plain(error, headers={"Retry-After": seconds})
        case DatabaseDown():
            # Its text names hosts, which is nothing for those who call us.
            return Problem(
                code="database-down",
                detail=MEANINGS["database-down"],
                headers={"Retry-After": _DATABASE_REST},
            )
    return _plain(error)


def problem_response(base_url: str, error: HubError) -> Response:
    """Return the HTTP answer for what went wrong."""
    return problem_of(error).response(base_url)


def invalid(errors: Iterable[Complaint]) -> Problem:
    """Return the problem of a request with fields that cannot be used."""
    errors = tuple(errors)
    named = ", ".join(dict.fromkeys(error.field for error in errors))
    return Problem(code="invalid", detail=f"These cannot be used: {named}.", errors=errors)


def _plain(error: HubError, **more: Any) -> Problem:
    return Problem(code=error.code.replace("_", "-"), detail=str(error), **more)
