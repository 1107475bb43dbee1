"""Let things go wrong on demand: which request, how, and how often."""

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hubbub.sandbox.wsgi import BROKEN, Reply

Kind = Literal[
    "status",
    "rate_limit",
    "token_revoked",
    "timeout",
    "drop_before",
    "drop_after_accept",
    "slow",
    "garbage",
    "undelivered",
    "duplicate_webhooks",
    "reorder_receipts",
    "bad_signature",
]

#: What can befall a request of the hub.
REQUEST_KINDS: Final = frozenset(
    {
        "status",
        "rate_limit",
        "token_revoked",
        "timeout",
        "drop_before",
        "drop_after_accept",
        "slow",
        "garbage",
    }
)
#: What can befall a webhook; ``drop_before`` loses it, ``slow`` delays it.
WEBHOOK_KINDS: Final = frozenset({"duplicate_webhooks", "bad_signature", "drop_before", "slow"})
#: What can befall the receipts of an accepted message.
RECEIPT_KINDS: Final = frozenset({"reorder_receipts", "undelivered"})
#: The operations of a fault that mean webhooks; ``receipt`` means status callbacks alone.
WEBHOOK_OPERATIONS: Final = frozenset({"webhook", "receipt"})

#: The providers whose calls bring no proof.
UNSIGNED: Final = frozenset({"onprem", "smsc", "email"})

_ONLY_WEBHOOKS: Final = WEBHOOK_KINDS - REQUEST_KINDS


class Match(BaseModel):
    """Which messages a fault is for; an empty field is for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = ""
    text_contains: str = ""


class Fault(BaseModel):
    """One way in which something goes wrong. Without ``times`` and ``probability``: always."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str = ""
    operation: str = ""
    kind: Kind
    times: int | None = Field(None, ge=1)
    probability: float | None = Field(None, gt=0, le=1)
    #: The answer of ``status``; the provider's own words where ``body`` is missing.
    status: int = Field(500, ge=400, le=599)
    body: str | dict[str, Any] | None = None
    #: How long ``slow`` waits before the work, ``timeout`` and the drops before the end.
    delay_ms: int | None = Field(None, ge=0, le=600_000)
    #: What ``rate_limit`` asks for, in seconds.
    retry_after: int = Field(1, ge=0)
    #: The provider's error code: of ``undelivered``, or of ``status``.
    code: int | None = None
    match: Match = Match()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.operation in WEBHOOK_OPERATIONS and self.kind not in WEBHOOK_KINDS | RECEIPT_KINDS:
            raise ValueError(
                f"{self.kind} befalls requests of the hub, not webhooks; "
                f"a webhook can have {', '.join(sorted(WEBHOOK_KINDS))}"
            )
        if self.kind == "bad_signature" and self.provider in UNSIGNED:
            raise ValueError(f"{self.provider} signs nothing, so that no signature can be wrong")
        return self

    def meets(self, provider: str, operations: frozenset[str], *, address: str, text: str) -> bool:
        """Whether the fault is for this request or webhook."""
        return (
            self.provider in {"", provider}
            and self._is_for(operations)
            and self.match.address in {"", address}
            and self.match.text_contains in text
        )

    def waits(self, default: float) -> float:
        """Return how many seconds it lasts."""
        return default if self.delay_ms is None else self.delay_ms / 1000

    def words(self, default: str) -> str:
        """Return the body of the answer."""
        if self.body is None:
            return default
        return self.body if isinstance(self.body, str) else json.dumps(self.body)

    def _is_for(self, operations: frozenset[str]) -> bool:
        if self.operation:
            return self.operation.lower() in operations
        # A fault without an operation must not lose webhooks when requests are meant.
        return (
            not operations & WEBHOOK_OPERATIONS
            or self.kind in _ONLY_WEBHOOKS
            or self.kind in RECEIPT_KINDS
        )


class Faults:
    """The faults that are switched on, in the order in which they came."""

    def __init__(
        self,
        *,
        dice: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lock = threading.Lock()
        self._on: dict[int, Fault] = {}
        self._fired: dict[int, int] = {}
        self._next = 1
        self._dice = dice
        self._sleep = sleep

    def add(self, fault: Fault) -> int:
        """Switch a fault on and return its id."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._on[number] = fault
            self._fired[number] = 0
            return number

    def remove(self, number: int | None = None) -> None:
        """Switch one fault off, or all of them."""
        with self._lock:
            for gone in [number] if number is not None else list(self._on):
                self._on.pop(gone, None)
                self._fired.pop(gone, None)

    def listed(self) -> list[tuple[int, Fault, int]]:
        """Return id, fault and how often it struck, for each that is known."""
        with self._lock:
            return [(number, fault, self._fired[number]) for number, fault in self._on.items()]

    def pick(
        self,
        kinds: frozenset[str],
        provider: str,
        *operations: str,
        address: str = "",
        text: str = "",
    ) -> Fault | None:
        """Return the fault that strikes here, and count it."""
        if not self._on:
            return None
        names = frozenset(operation.lower() for operation in operations)
        with self._lock:
            for number, fault in self._on.items():
                if fault.kind in kinds and fault.meets(provider, names, address=address, text=text):
                    if not self._strikes(number, fault):
                        continue
                    self._fired[number] += 1
                    return fault
        return None

    def pause(self, seconds: float) -> None:
        """Wait, as a slow provider does."""
        self._sleep(seconds)

    def around(
        self, fault: Fault | None, perform: Callable[[], Reply], refuse: Callable[[Fault], Reply]
    ) -> Reply:
        """Return the answer to a request that ``fault`` befalls.

        ``perform`` does what was asked; ``refuse`` says no in the provider's words.
        """
        if fault is None:
            return perform()
        match fault.kind:
            case "slow":
                self.pause(fault.waits(1))
                return perform()
            case "timeout" | "drop_before":
                self.pause(fault.waits(65 if fault.kind == "timeout" else 0))
                return BROKEN
            case "drop_after_accept" | "garbage":
                perform()
                self.pause(fault.waits(0))
                return BROKEN if fault.kind == "drop_after_accept" else _garbage(fault)
            case _:
                return refuse(fault)

    def _strikes(self, number: int, fault: Fault) -> bool:
        if fault.times is not None and self._fired[number] >= fault.times:
            return False
        return fault.probability is None or self._dice() < fault.probability


def _garbage(fault: Fault) -> Reply:
    return Reply(200, fault.words("<html><body>Hello from a proxy").encode(), "text/html")
