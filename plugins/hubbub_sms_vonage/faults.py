"""Turn Vonage's refusals and failure reports into errors and faults of ours."""

import re
from datetime import timedelta
from typing import Final

from hubbub.sdk import Fault, HttpResponse, RateLimited, RecipientGone, SendError
from hubbub_sms_vonage import meanings
from hubbub_sms_vonage.meanings import Meaning
from hubbub_sms_vonage.wire import LegacyReceipt, Problem, Reason, Segment, read

#: What stands before Vonage speaks: what is behind it may have the message.
GATEWAY: Final = frozenset({502, 504})
_REFUSED: Final = 400
_SERVER_ERROR: Final = 500
_BY_STATUS: Final = {
    401: meanings.AUTH_FAILED,
    402: meanings.NO_CREDIT,
    403: meanings.ACCOUNT_INACTIVE,
    404: meanings.WRONG_ADDRESS,
    429: meanings.THROTTLED,
}
#: The code is the fragment of a problem's type, or its title.
_CODE: Final = re.compile(r"(?:.*#)?([0-9]{3,5})")
#: "Throughput Rate Exceeded - please wait [ 250 ] and retry"
_MILLISECONDS: Final = re.compile(r"\[ ?([0-9]{1,7}) ?\]")
_LONGEST_WAIT: Final = timedelta(hours=1)


def refusal(response: HttpResponse) -> SendError | None:
    """Return the error that ``response`` stands for, or None when it is no refusal.

    Decided by Vonage's code where we know it, else by the HTTP status.
    """
    if response.status < _REFUSED:
        return None
    problem = read(Problem, response) or Problem()
    code = code_of(problem)
    meaning = meanings.MESSAGES.get(code or 0) or _by_status(response.status, problem)
    said = problem.detail or problem.label or problem.title or f"HTTP status {response.status}"
    wait = _seconds(response.headers.get("retry-after", ""))
    return error(meaning, said, provider_code=str(code or response.status), wait=wait)


def code_of(problem: Problem) -> int | None:
    """Return the code that a refusal names, or None."""
    for word in (problem.type, problem.title):
        if found := _CODE.fullmatch(word):
            return int(found[1])
    return None


def legacy_refusal(segment: Segment) -> SendError | None:
    """Return the error that one entry of the SMS API's answer stands for, or None."""
    if segment.status == "0":
        return None
    meaning = meanings.LEGACY_SENT.get(segment.status) or _unknown(segment.status)
    said = segment.error_text or f"status {segment.status}"
    found = _MILLISECONDS.search(segment.error_text)
    wait = min(timedelta(milliseconds=int(found[1])), _LONGEST_WAIT) if found else None
    return error(meaning, said, provider_code=segment.status, wait=wait)


def error(
    meaning: Meaning, said: str, *, provider_code: str, wait: timedelta | None = None
) -> SendError:
    """Return the error of this meaning; ``said`` is what Vonage says."""
    detail = _sentence(said, meaning)
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


def fault(status: str, reason: Reason) -> Fault:
    """Return why a message of ours came to nothing, as a status webhook told it."""
    code = reason.title
    known = meanings.MESSAGES.get(int(code)) if _CODE.fullmatch(code) else None
    fallback = meanings.UNDELIVERED if status == "undeliverable" else _unknown(code)
    return _fault(known or fallback, reason.detail or code, code)


def legacy_fault(receipt: LegacyReceipt) -> Fault:
    """Return why a message of ours came to nothing, as a receipt of the SMS API told it."""
    code = receipt.error_code
    meaning = meanings.LEGACY_RECEIPT.get(code) or _unknown(code)
    return _fault(meaning, f"{receipt.status}, err-code {code}" if code else receipt.status, code)


def _fault(meaning: Meaning, said: str, code: str) -> Fault:
    recipient = "opted_out" if meaning.opted_out else "gone"
    return Fault(
        code=meaning.code,
        detail=_sentence(said, meaning),
        provider_code=code or None,
        retryable=meaning.kind.retryable,
        recipient=recipient if issubclass(meaning.kind, RecipientGone) else None,
    )


def _by_status(status: int, problem: Problem) -> Meaning:
    if problem.type.endswith("#unprovisioned"):
        return meanings.UNPROVISIONED
    fallback = meanings.PROVIDER_DOWN if status >= _SERVER_ERROR else _unknown(problem.title)
    return _BY_STATUS.get(status, fallback)


def _unknown(code: str) -> Meaning:
    shown = code if _CODE.fullmatch(code) or code.isalnum() else ""
    where = f" ({shown[:20]})" if shown else ""
    return meanings.permanent("rejected", f"The hub does not know this error{where}.")


def _sentence(said: str, meaning: Meaning) -> str:
    return f"Vonage: {said.rstrip('. ')}. {meaning.advice}" if said else meaning.advice


def _seconds(retry_after: str) -> timedelta | None:
    if not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(timedelta(seconds=int(retry_after[:6])), _LONGEST_WAIT)
