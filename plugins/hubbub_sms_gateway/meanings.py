"""Say what a gateway's answers and failure reports mean for us: rules, tried in their order."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import re2

from hubbub.sdk import (
    AuthFailed,
    Fault,
    HttpResponse,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    RecipientGone,
    SendError,
    Transient,
)

_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_QUOTED: Final = 200
_SUCCESS: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
#: What a proxy or a portal answers in the gateway's place.
_PAGE: Final = re.compile(rb"\s*<(!doctype\s+)?html\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an answer means: the class of the failure, our word for it, what to do."""

    kind: type[SendError]
    code: str
    advice: str


#: The words by which a form names what an answer means. `ACCEPTED` is no failure.
ACCEPTED: Final = "accepted"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "retry": Meaning(kind=Transient, code="gateway_busy", advice="It is tried again."),
    "retry_after": Meaning(
        kind=RateLimited, code="rate_limited", advice="Sending pauses for a while."
    ),
    "permanent": Meaning(
        kind=Permanent, code="rejected", advice="Change the message or the channel's settings."
    ),
    "bug": Meaning(
        kind=Permanent,
        code="bad_request",
        advice="The gateway does not understand the request: compare its template.",
    ),
    "config": Meaning(
        kind=Permanent, code="misconfigured", advice="Mend the configuration of the gateway."
    ),
    "route": Meaning(
        kind=Permanent, code="no_route", advice="No route of the gateway leads to this number."
    ),
    "address": Meaning(
        kind=Permanent, code="bad_address", advice="The gateway does not write to this number."
    ),
    "gone": Meaning(
        kind=RecipientGone, code="recipient_gone", advice="The number cannot be reached."
    ),
    "blocked": Meaning(
        kind=Permanent, code="blocked", advice="The number or its carrier refuses messages."
    ),
    "auth": Meaning(
        kind=AuthFailed,
        code="auth_failed",
        advice="Enter the credentials anew, and see whether the gateway knows this host.",
    ),
    "wrong_address": Meaning(
        kind=AuthFailed,
        code="wrong_address",
        advice="Nothing is found there: compare the API base URL and the template.",
    ),
    "credit": Meaning(
        kind=AuthFailed, code="no_credit", advice="Pay in; then check the channel again."
    ),
    "expired": Meaning(
        kind=Transient, code="expired", advice="The phone was out of reach; send it again later."
    ),
    "congested": Meaning(
        kind=Transient, code="congested", advice="The network took no more; send it again later."
    ),
    "undelivered": Meaning(
        kind=Permanent, code="undelivered", advice="The network could not deliver it."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which answers mean what: those with this status (None: any) whose text has ``pattern``."""

    word: str
    pattern: str = ""
    status: range | None = None

    def fits(self, text: str, status: int | None = None) -> bool:
        """Whether the rule speaks of this answer."""
        if self.status is not None and status not in self.status:
            return False
        return not self.pattern or re2.search(self.pattern, text) is not None


def rule(status: int, word: str, pattern: str = "") -> Rule:
    """Return the rule for one status."""
    return Rule(word=word, pattern=pattern, status=range(status, status + 1))


#: What holds where nobody said otherwise.
_USUAL: Final = (
    rule(401, "auth"),
    rule(402, "credit"),
    rule(403, "auth"),
    rule(405, "wrong_address"),
    rule(408, "retry"),
    rule(429, "retry_after"),
    Rule(word="permanent", status=range(400, 500)),
    # Not 502 and 504: what is behind the door that answers so may have taken the message.
    Rule(word="retry", status=range(500, 502)),
    rule(503, "retry"),
    Rule(word="retry", status=range(505, 600)),
)


def word_for(response: HttpResponse, rules: Iterable[Rule]) -> str:
    """Return the word for an answer that is no plain success, or nothing where no rule fits."""
    text = readable(response)
    fitting = (one.word for one in (*rules, *_USUAL) if one.fits(text, response.status))
    return next(fitting, "")


def error(response: HttpResponse, word: str) -> SendError:
    """Return the error that an answer stands for."""
    text = quoted(response)
    if word:
        return _raised(MEANINGS[word], f"The gateway: {text}", response)
    if response.status in _REDIRECT:
        return OutcomeUnknown(
            f"The gateway answers with a redirect ({response.status}), which is not followed: "
            "compare the API base URL. The message may have been taken or not."
        )
    if response.status in _SUCCESS and response.body.strip() and not _PAGE.match(response.body):
        return _raised(MEANINGS["permanent"], f"The gateway does not accept it: {text}", response)
    return OutcomeUnknown(
        f"The gateway's answer ({response.status}) cannot be read, so the message may have been "
        "taken or not. Its delivery report may tell."
    )


def fault(text: str, rules: Iterable[Rule]) -> Fault:
    """Return why a message of ours came to nothing, as a report told it."""
    word = next((one.word for one in rules if one.fits(text)), "undelivered")
    meaning = MEANINGS[word]
    return Fault(
        code=meaning.code,
        detail=meaning.advice,
        provider_code=text[:_QUOTED] or None,
        retryable=meaning.kind.retryable and not issubclass(meaning.kind, AuthFailed),
        recipient="gone" if issubclass(meaning.kind, RecipientGone) else None,
    )


def readable(response: HttpResponse) -> str:
    """Return the body of an answer as text."""
    return response.body.decode("utf-8", "replace")


def quoted(response: HttpResponse) -> str:
    """Return the beginning of an answer in one line, for people."""
    return " ".join(readable(response).split())[:_QUOTED] or f"HTTP status {response.status}"


def _raised(meaning: Meaning, text: str, response: HttpResponse) -> SendError:
    detail = f"{text.rstrip('. ')}. {meaning.advice}"
    code = str(response.status)
    if issubclass(meaning.kind, RateLimited):
        return meaning.kind(
            detail,
            retry_after=_pause(response.headers.get("retry-after", "")),
            whole_channel=True,
            code=meaning.code,
            provider_code=code,
        )
    return meaning.kind(detail, code=meaning.code, provider_code=code)


def _pause(retry_after: str) -> timedelta:
    if not (retry_after.isascii() and retry_after.isdigit()):
        return _PAUSE
    return min(timedelta(seconds=int(retry_after[:6])), _LONGEST_PAUSE) or _PAUSE
