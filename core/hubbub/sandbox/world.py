"""Hold what all simulated providers share, and call the hub's webhooks for them."""

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import count

from hubbub.sandbox import client
from hubbub.sandbox.client import Answer
from hubbub.sandbox.config import Rules, SandboxConfig
from hubbub.sandbox.faults import Fault, Faults
from hubbub.sandbox.files import FileStore
from hubbub.sandbox.journal import Called, Journal, Sent
from hubbub.sandbox.lanes import Lanes


class NoSuchThing(LookupError):
    """What was asked for is not known to the sandbox; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, with its headers."""

    url: str
    headers: Mapping[str, str]
    timeout: float = 60.0
    method: str = "POST"


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One thing to tell the hub."""

    provider: str
    endpoint: str
    kind: str
    key: str
    body: bytes
    #: Returns where it goes now, signed wrongly if asked to; None when it has become void.
    target: Callable[[bool], Target | None]
    #: Is told each answer and its number; returns the seconds until the next try, or None.
    heard: Callable[[Answer, int], float | None]
    address: str = ""
    text: str = ""

    @property
    def operations(self) -> tuple[str, ...]:
        """The names under which a fault may befall it."""
        return ("webhook", "receipt") if self.kind == "status" else ("webhook",)


class World:
    """The state of a sandbox that belongs to no single provider. Safe to share by threads."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.rules = Rules.model_validate({})
        self.faults = Faults()
        self.files = FileStore()
        self.sent: Journal[Sent] = Journal(config.keep)
        self.calls: Journal[Called] = Journal(config.keep)
        self.lanes = Lanes(config.connections)
        #: Guards the state of every provider; never held while the network is awaited.
        self.lock = threading.RLock()
        #: The script of the chat window on the sandbox's own website; empty: there is none yet.
        self.widget_url = ""
        self._learnt_url = ""
        self._endings: list[Callable[[], None]] = []

    @property
    def base_url(self) -> str:
        """How the hub reaches the sandbox."""
        return self.config.base_url or self._learnt_url

    def learn_url(self, url: str) -> None:
        """Take the address by which somebody reached us as ours, unless one was configured."""
        if not self._learnt_url:
            self._learnt_url = url

    def tell(self, lane: Hashable, parcel: Parcel, *, delay: float = 0) -> None:
        """Queue a webhook behind the others of its lane."""
        fault = self._fault(parcel, "drop_before", "duplicate_webhooks")
        if fault is not None and fault.kind == "drop_before":
            return
        self.lanes.put(lane, self._job(parcel, twice=fault is not None), delay=delay)

    def at_end(self, ending: Callable[[], None]) -> None:
        """Have ``ending`` called when the sandbox ends."""
        self._endings.append(ending)

    def close(self) -> None:
        """End: what waits is lost."""
        self.lanes.close()
        for ending in self._endings:
            ending()

    def reset(self) -> None:
        """Forget what was sent, called and broken, and every setting made while running."""
        self.lanes.clear()
        self.faults.remove()
        self.files.clear()
        self.sent.clear()
        self.calls.clear()
        self.rules = Rules.model_validate({})

    def _fault(self, parcel: Parcel, *kinds: str) -> Fault | None:
        return self.faults.pick(
            frozenset(kinds),
            parcel.provider,
            *parcel.operations,
            address=parcel.address,
            text=parcel.text,
        )

    def _job(self, parcel: Parcel, *, twice: bool) -> Callable[[], float | None]:
        attempts = count(1)
        return lambda: self._attempt(parcel, next(attempts), twice=twice)

    def _attempt(self, parcel: Parcel, attempt: int, *, twice: bool) -> float | None:
        fault = self._fault(parcel, "bad_signature", "slow")
        if fault is not None and fault.kind == "slow":
            self.faults.pause(fault.waits(1))
        target = parcel.target(fault is not None and fault.kind == "bad_signature")
        if target is None:
            return None
        answer, seconds = _made(target, parcel.body)
        again = parcel.heard(answer, attempt)
        self.calls.add(_called(parcel, attempt, target, answer, seconds))
        if twice and again is None:
            # As when the hub's answer was lost on its way: the same once more.
            answer, seconds = _made(target, parcel.body)
            self.calls.add(_called(parcel, attempt + 1, target, answer, seconds))
        return again


def _made(target: Target, body: bytes) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = client.call(
        target.method, target.url, headers=target.headers, body=body, timeout=target.timeout
    )
    return answer, time.monotonic() - began


def _called(parcel: Parcel, attempt: int, target: Target, answer: Answer, seconds: float) -> Called:
    return Called(
        provider=parcel.provider,
        endpoint=parcel.endpoint,
        kind=parcel.kind,
        key=parcel.key,
        attempt=attempt,
        url=target.url,
        body=parcel.body.decode("utf-8", "replace"),
        status=answer.status,
        answer=answer.body[:2000].decode("utf-8", "replace"),
        error=answer.error,
        duration_ms=round(seconds * 1000, 1),
    )
