"""Hold every state and the table of what may follow what. Nothing else moves a state."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final


class CallState(StrEnum):
    """What became of a kept webhook call."""

    #: Authentic, not yet read.
    PENDING = "pending"
    #: Every event in it was applied, a duplicate, or ignored.
    DONE = "done"
    #: At least one event in it could not be used; it can be replayed.
    DEAD = "dead"
    #: Not proven authentic; it can be released once the secret is mended.
    QUARANTINED = "quarantined"


class DeliveryState(StrEnum):
    """How far the carrying of one part has come."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


S = DeliveryState

NEXT: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    # Somebody may have asked for another try, of which a late failure of the one before says
    # nothing; what has arrived after all needs none.
    S.QUEUED: frozenset({S.SENDING, S.DELIVERED, S.READ, S.CANCELLED}),
    # A receipt may overtake the answer to the very request it speaks of.
    S.SENDING: frozenset(
        {S.SENT, S.DELIVERED, S.READ, S.RETRYING, S.FAILED, S.UNKNOWN, S.CANCELLED}
    ),
    # What we took for lost may turn out to have arrived.
    S.RETRYING: frozenset({S.SENDING, S.SENT, S.DELIVERED, S.READ, S.FAILED, S.CANCELLED}),
    S.UNKNOWN: frozenset({S.RETRYING, S.SENT, S.DELIVERED, S.READ, S.FAILED, S.CANCELLED}),
    # Receipts come twice, late and out of order: a step may be skipped, never undone.
    S.SENT: frozenset({S.DELIVERED, S.READ, S.FAILED}),
    # Proof of delivery outranks an earlier failure, and a later failure does not undo it.
    S.FAILED: frozenset({S.DELIVERED, S.READ}),
    S.DELIVERED: frozenset({S.READ}),
    S.READ: frozenset(),
    S.CANCELLED: frozenset(),
}

#: A delivery that is due then waits for a person to release it.
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
#: States in which a delivery still has work to do, or proof to wait for.
ACTIVE: Final = frozenset({S.QUEUED, S.SENDING, S.RETRYING, S.UNKNOWN})
#: States in which a delivery waits for its time.
DUE_STATES: Final = (S.QUEUED, S.RETRYING)
#: States from which a person may ask for one more attempt.
RETRYABLE: Final = frozenset({S.FAILED, S.UNKNOWN})

#: What the API calls a message whose least advanced part is in this state.
_STATUS: Final[Mapping[DeliveryState, str]] = {
    S.QUEUED: "queued",
    S.SENDING: "sending",
    # A message never looks as if it had gone backwards: to wait for another try is part of sending.
    S.RETRYING: "sending",
    S.SENT: "sent",
    S.DELIVERED: "delivered",
    S.READ: "read",
    S.FAILED: "failed",
    S.UNKNOWN: "unknown",
    S.CANCELLED: "cancelled",
}
#: One failed part makes a failed message; one unknown part an unknown one; else the slowest counts.
_WORST_FIRST: Final = (
    S.FAILED,
    S.UNKNOWN,
    S.CANCELLED,
    S.RETRYING,
    S.SENDING,
    S.QUEUED,
    S.SENT,
    S.DELIVERED,
    S.READ,
)


def advance(now: DeliveryState, wanted: DeliveryState) -> DeliveryState:
    """Return the state after hearing ``wanted``; a step `NEXT` does not list changes nothing."""
    return wanted if wanted in NEXT[now] else now


def predecessors(wanted: DeliveryState) -> list[DeliveryState]:
    """Return the states from which `NEXT` allows the step to ``wanted``."""
    return [state for state, following in NEXT.items() if wanted in following]


def message_status(parts: Iterable[DeliveryState]) -> str:
    """Return the status of a message from the states of its parts (at least one)."""
    states = set(parts)
    if S.QUEUED in states and states - {S.QUEUED, S.FAILED, S.UNKNOWN, S.CANCELLED}:
        # Some parts are out and some are not: that is sending, not queued.
        states = (states - {S.QUEUED}) | {S.SENDING}
    return next(_STATUS[state] for state in _WORST_FIRST if state in states)
