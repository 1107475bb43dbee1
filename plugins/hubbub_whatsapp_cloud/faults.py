"""Turn refusals of the Graph API, and failure reports, into errors and faults of ours.

Decided by code and subcode, and never by words, which change.
"""

from collections.abc import Sequence
from typing import Final

from hubbub.sdk import Fault, HttpResponse, MalformedPayload, SendError, graph
from hubbub.sdk.whatsapp import meanings
from hubbub.sdk.whatsapp.meanings import Meaning
from hubbub.sdk.whatsapp.wire import Error

_REFUSED: Final = 400
_SERVER_ERROR: Final = 500
#: What stands before Meta speaks: what is behind it may have the message.
_GATEWAY: Final = frozenset({502, 504})
_BAD_PARAMETER: Final = 100
#: An object that is not there, or that the token may not see.
_NO_SUCH_OBJECT: Final = 33


class GraphError(Error):
    """What the Graph API says it did not do."""

    error_subcode: int = 0


class Refusal(graph.Said):
    """The body of a refusal."""

    error: GraphError


def refusal(response: HttpResponse) -> SendError | None:
    """Return the error that ``response`` stands for, or None when it is no refusal."""
    if response.status < _REFUSED:
        return None
    said = _said(response)
    meaning = _meaning(said, response.status)
    words = _words(said) if said else f"HTTP status {response.status}"
    code = str(said.code if said else response.status)
    return meanings.error(meaning, words, provider_code=code, wait=graph.asked_to_wait(response))


def may_have_arrived(response: HttpResponse) -> bool:
    """Whether ``response`` does not tell what Meta made of the request."""
    return response.status in _GATEWAY and _said(response) is None


def fault(errors: Sequence[Error]) -> Fault:
    """Return why a message of ours came to nothing, as its status told."""
    if not errors:
        return meanings.fault(meanings.UNDELIVERED, "", None)
    error = errors[0]
    meaning = meanings.BY_CODE.get(error.code) or _unknown(error.code)
    return meanings.fault(meaning, error.words, str(error.code))


def _said(response: HttpResponse) -> GraphError | None:
    try:
        return graph.parsed(Refusal, response.body).error
    except MalformedPayload:
        return None


def _meaning(said: GraphError | None, status: int) -> Meaning:
    if said is None:
        down = meanings.PROVIDER_DOWN if status >= _SERVER_ERROR else _unknown(status)
        return meanings.BY_STATUS.get(status, down)
    if (said.code, said.error_subcode) == (_BAD_PARAMETER, _NO_SUCH_OBJECT):
        return meanings.NOT_FOUND
    known = meanings.BY_CODE.get(said.code)
    return known or (_meaning(None, status) if status != _REFUSED else _unknown(said.code))


def _unknown(code: int) -> Meaning:
    return meanings.permanent("rejected", f"The hub does not know this error ({code}).")


def _words(said: GraphError) -> str:
    why = graph.WHY_INVALID.get(said.error_subcode, "")
    return why if why and meanings.BY_CODE.get(said.code) is meanings.AUTH_FAILED else said.words
