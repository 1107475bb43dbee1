"""Turn Twilio's refusals and failure reports into errors and faults of ours."""

from datetime import timedelta
from typing import Final

from hubbub.sdk import Fault, HttpResponse, RateLimited, RecipientGone, SendError
from hubbub_sms_twilio.meanings import MEANINGS, Meaning, permanent
from hubbub_sms_twilio.wire import Problem, count, read

_REFUSED: Final = 400
_UNAUTHORISED: Final = 401
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_LONGEST_WAIT: Final = timedelta(hours=1)


def refusal(response: HttpResponse) -> SendError | None:
    """Return the error that ``response`` stands for, or None when it is no refusal.

    Decided by Twilio's code where we know it, else by the HTTP status.
    """
    if response.status < _REFUSED:
        return None
    problem = read(Problem, response) or Problem()
    return error(
        problem.code,
        problem.message or f"HTTP status {response.status}",
        fallback=_by_status(response.status),
        wait=_wait(response.headers.get("retry-after", "")),
    )


def error(
    code: int | None,
    text: str,
    *,
    fallback: Meaning | None = None,
    wait: timedelta | None = None,
) -> SendError:
    """Return the error that Twilio's ``code`` stands for; ``text`` is what Twilio says."""
    meaning = MEANINGS.get(code or 0) or fallback or _unknown(code)
    detail = f"Twilio: {text.rstrip('. ')}. {meaning.advice}"
    provider_code = str(code) if code else None
    if issubclass(meaning.kind, RateLimited):
        return meaning.kind(
            detail,
            retry_after=wait or meaning.wait,
            whole_channel=meaning.whole_channel,
            code=meaning.code,
            provider_code=provider_code,
        )
    if issubclass(meaning.kind, RecipientGone):
        return meaning.kind(
            detail, opted_out=meaning.opted_out, code=meaning.code, provider_code=provider_code
        )
    return meaning.kind(detail, code=meaning.code, provider_code=provider_code)


def fault(code: str, status: str) -> Fault:
    """Return why a message of ours came to nothing, as a callback told it."""
    number = count(code) or None
    meaning = MEANINGS.get(number or 0) or _by_word(status, number)
    return Fault(
        code=meaning.code,
        detail=meaning.advice,
        provider_code=code or None,
        retryable=meaning.kind.retryable,
        recipient=_recipient(meaning),
    )


def _recipient(meaning: Meaning) -> str | None:
    if not issubclass(meaning.kind, RecipientGone):
        return None
    return "opted_out" if meaning.opted_out else "gone"


def _by_status(status: int) -> Meaning | None:
    if status == _UNAUTHORISED:
        return MEANINGS[20003]
    if status == _TOO_MANY_REQUESTS:
        return MEANINGS[20429]
    return MEANINGS[20500] if status >= _SERVER_ERROR else None


def _by_word(status: str, code: int | None) -> Meaning:
    if status == "canceled":
        return permanent("cancelled", "The message was cancelled at Twilio.")
    return _unknown(code)


def _unknown(code: int | None) -> Meaning:
    if code is None:
        return permanent("rejected", "Twilio gives no reason; its console may show more.")
    return permanent("rejected", f"See https://www.twilio.com/docs/errors/{code}.")


def _wait(retry_after: str) -> timedelta | None:
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(timedelta(seconds=int(retry_after[:6])), _LONGEST_WAIT)
