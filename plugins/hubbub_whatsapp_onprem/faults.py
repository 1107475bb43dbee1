"""Turn what the client refuses, and failure reports, into errors and faults of ours."""

from collections.abc import Sequence
from typing import Final

from hubbub.sdk import Fault, HttpResponse, MalformedPayload, SendError, graph
from hubbub.sdk.whatsapp import meanings as cloud
from hubbub.sdk.whatsapp.meanings import Meaning, error, fault as fault_of, permanent
from hubbub.sdk.whatsapp.wire import Error
from hubbub_whatsapp_onprem import meanings, wire

_REFUSED: Final = 400
_UNAUTHORIZED: Final = 401
_SERVER_ERROR: Final = 500
#: What stands before the client: what is behind it may have the message.
_GATEWAY: Final = frozenset({502, 504})
_NOT_FOUND: Final = 1006
_DENIED: Final = 1005


def refusal(response: HttpResponse) -> SendError | None:
    """Return the error that ``response`` stands for, or None when it is no refusal.

    Errors count whatever the status: the client has been seen to refuse with 200.
    """
    said = _said(response)
    if said is None and response.status < _REFUSED:
        return None
    words = said.words if said else f"HTTP status {response.status}"
    code = str(said.code if said else response.status)
    wait = graph.asked_to_wait(response)
    return error(_meaning(said, response.status), words, provider_code=code, wait=wait)


def may_have_arrived(response: HttpResponse) -> bool:
    """Whether ``response`` does not tell what the client made of the request."""
    return response.status in _GATEWAY and _said(response) is None


def denied(response: HttpResponse) -> bool:
    """Whether the client does not know us any more."""
    said = _said(response)
    return response.status == _UNAUTHORIZED or (said is not None and said.code == _DENIED)


def not_found(response: HttpResponse) -> bool:
    """Whether the client itself says that it knows no such contact or file."""
    said = _said(response)
    return said is not None and said.code == _NOT_FOUND


def fault(errors: Sequence[Error]) -> Fault:
    """Return why a message of ours came to nothing, as its status told."""
    if not errors:
        return fault_of(meanings.UNDELIVERED, "", None)
    said = errors[0]
    return fault_of(_known(said.code) or _unknown(said.code), said.words, str(said.code))


def _said(response: HttpResponse) -> Error | None:
    try:
        body = graph.parsed(wire.Refusal, response.body)
    except MalformedPayload:
        return None
    return next(iter(body.errors), body.error)


def _meaning(said: Error | None, status: int) -> Meaning:
    known = _known(said.code) if said else None
    down = meanings.CLIENT_DOWN if status >= _SERVER_ERROR else None
    unknown = _unknown(said.code if said else status)
    return known or meanings.BY_STATUS.get(status) or down or unknown


def _known(code: int) -> Meaning | None:
    return meanings.BY_CODE.get(code) or cloud.BY_CODE.get(code)


def _unknown(code: int) -> Meaning:
    return permanent("rejected", f"The hub does not know this error ({code}).")
