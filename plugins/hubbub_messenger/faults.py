"""Turn refusals of the Graph API into errors of ours.

Decided by code and subcode, and never by words, which change.
"""

from typing import Final

from hubbub.sdk import HttpResponse, MalformedPayload, RateLimited, SendError, graph
from hubbub_messenger import meanings
from hubbub_messenger.meanings import Meaning

_REFUSED: Final = 400
_SERVER_ERROR: Final = 500
#: What stands before Meta speaks: what is behind it may have the message.
_GATEWAY: Final = frozenset({502, 504})
#: Code, subcode and type with which a wrong ``appsecret_proof`` is refused: others of the code are
#: about parameters, and have the type OAuthException, or a subcode.
_NOT_PROVEN: Final = (100, 0, "GraphMethodException")


class GraphError(graph.Said):
    """What the Graph API says it did not do."""

    code: int = -1
    type: str = ""
    error_subcode: int = 0
    message: str = ""
    error_user_msg: str = ""
    is_transient: bool = False
    fbtrace_id: str = ""


class Refusal(graph.Said):
    """The body of a refusal."""

    error: GraphError


def refusal(response: HttpResponse) -> SendError | None:
    """Return the error that ``response`` stands for, or None when it is no refusal."""
    if response.status < _REFUSED:
        return None
    said = _said(response)
    if said is None:
        status = response.status
        return _error(_by_status(status), f"HTTP status {status}", str(status), response)
    meaning = _meaning(said, response.status)
    words = graph.WHY_INVALID.get(said.error_subcode, "") or said.error_user_msg or said.message
    # Meta's people ask for this one.
    trace = f" [{said.fbtrace_id[:40]}]" if said.fbtrace_id else ""
    return _error(meaning, f"{words[:300].rstrip('. ')}{trace}", _code(said), response)


def may_have_arrived(response: HttpResponse) -> bool:
    """Whether ``response`` does not tell what Meta made of the request."""
    return response.status in _GATEWAY and _said(response) is None


def _said(response: HttpResponse) -> GraphError | None:
    try:
        return graph.parsed(Refusal, response.body).error
    except MalformedPayload:
        return None


def _meaning(said: GraphError, status: int) -> Meaning:
    if (said.code, said.error_subcode, said.type) == _NOT_PROVEN:
        return meanings.WRONG_SECRET
    known = meanings.BY_SUBCODE.get(said.error_subcode) or meanings.BY_CODE.get(said.code)
    if known:
        return known
    if said.is_transient:
        return meanings.PROVIDER_DOWN
    return _by_status(status) if status != _REFUSED else _unknown(said.code)


def _by_status(status: int) -> Meaning:
    down = meanings.PROVIDER_DOWN if status >= _SERVER_ERROR else _unknown(status)
    return meanings.BY_STATUS.get(status, down)


def _unknown(code: int) -> Meaning:
    return meanings.permanent("rejected", f"The hub does not know this error ({code}).")


def _code(said: GraphError) -> str:
    return f"{said.code}/{said.error_subcode}" if said.error_subcode else str(said.code)


def _error(meaning: Meaning, words: str, code: str, response: HttpResponse) -> SendError:
    detail = f"Messenger: {words}. {meaning.advice}" if words else meaning.advice
    if issubclass(meaning.kind, RateLimited):
        return meaning.kind(
            detail,
            retry_after=graph.asked_to_wait(response) or meaning.wait,
            whole_channel=True,
            code=meaning.code,
            provider_code=code,
        )
    return meaning.kind(detail, code=meaning.code, provider_code=code)
