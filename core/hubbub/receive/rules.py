"""Decide what a call is worth, without touching anything."""

import re
from dataclasses import dataclass
from typing import Any, Final

import structlog

from hubbub.directory import Line
from hubbub.plugins import RAISED
from hubbub.sdk.values import Accept, Answer, Call, Challenge, Connection, Reject, Verdict

log = structlog.get_logger(__name__)

#: ``/webhooks/<key>`` and nothing else; the key as the contract has it.
WEBHOOK_PATH: Final = re.compile(r"/webhooks/([a-z0-9]{20,64})")

UNAUTHORISED: Final = Answer(status=401, body=b"The signature is missing or wrong.\n")
UNKNOWN: Final = Answer(status=404, body=b"There is no such webhook.\n")
TOO_LARGE: Final = Answer(status=413, body=b"The body is larger than this channel takes.\n")
WRONG_METHOD: Final = Answer(status=405, body=b"Only GET and POST are taken here.\n")
UNREADABLE: Final = Answer(status=400, body=b"The body ended before its length.\n")
#: The provider is asked to come again: nothing was kept.
UNAVAILABLE: Final = Answer(status=503, body=b"The call could not be kept. Please send it again.\n")


@dataclass(frozen=True, slots=True)
class Judged:
    """What to keep of a call (None: nothing) and what to answer once it is kept."""

    answer: Answer
    state: str | None
    reason: str = ""
    #: Whether it is a handshake; ``reason`` then says what is wrong with it.
    handshake: bool = False


def judge(line: Line, call: Call) -> Judged:
    """Return what the channel type makes of ``call``; one that fails at it counts as rejected."""
    match _verdict(line, call):
        case Accept(answer=answer):
            return Judged(answer, "pending")
        case Challenge(answer=answer, problem=problem):
            return Judged(answer, None, line.redactor.text(problem), handshake=True)
        case Reject(reason=reason):
            return Judged(UNAUTHORISED, "quarantined", line.redactor.text(reason))


def _verdict(line: Line, call: Call) -> Verdict:
    verdict, former = _verified(line, call, line.connection), line.former
    if isinstance(verdict, Reject) and former is not None and call.received_at < former.until:
        earlier = _verified(line, call, former.connection)
        return earlier if isinstance(earlier, Accept) else verdict
    return verdict


def _verified(line: Line, call: Call, connection: Connection[Any]) -> Verdict:
    try:
        return line.hooks.verify(call, connection)
    # Whatever a plugin stumbles over, the call is not proven authentic, and is not lost either.
    except RAISED:
        log.exception("verify failed", channel=line.id, channel_type=line.type)
        return Reject("The channel type failed while it checked the call; see the log.")
