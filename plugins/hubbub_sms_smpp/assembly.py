"""Put the segments of long messages together; what is still incomplete outlives the process.

Frozen: each step returns the next state, so that one which could not be kept is simply forgotten.
The state travels in the cursor of the channel, which is committed before a segment is confirmed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hubbub_sms_smpp import pdu
from hubbub_sms_smpp.pdu import Malformed, Pdu
from hubbub_sms_smpp.texts import segment

#: Seconds for which the rest of a message is awaited.
PATIENCE: Final = 300.0
#: Octets of incomplete messages; with more, the oldest is given up early.
_MOST: Final = 1 << 15


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A message of which some segments came: their units, by place."""

    total: int
    until: float
    parts: Mapping[int, bytes]

    @property
    def size(self) -> int:
        """How many octets it holds."""
        return sum(map(len, self.parts.values()))

    def call(self) -> bytes:
        """Return what is there as a call: one unit behind the other."""
        return b"".join(self.parts[place] for place in sorted(self.parts))


@dataclass(frozen=True)
class Assembly:
    """The messages that are incomplete, the oldest first, by what holds their segments together."""

    pending: Mapping[str, Pending] = field(default_factory=dict)

    def add(self, unit: Pdu, now: float) -> "tuple[Assembly, list[bytes]]":
        """Take a ``deliver_sm``; return the next state, and the calls that are complete by it."""
        frame = unit.encoded()
        try:
            sms = pdu.sms(unit.body)
        except Malformed:
            return self, [frame]  # kept as it is: whoever reads the call says so
        part = segment(sms)
        if part.total == 1:
            return self, [frame]
        # By whom and to whom too: everybody counts for himself.
        key = f"{sms.source.text}>{sms.dest.text}#{part.reference}/{part.total}"
        known = self.pending.get(key) or Pending(total=part.total, until=now + PATIENCE, parts={})
        known = replace(known, parts={**known.parts, part.place: frame})
        if len(known.parts) < known.total:
            return _within_bounds({**self.pending, key: known})
        return self._without(key), [known.call()]

    def given_up(self, now: float) -> "tuple[Assembly, list[bytes]]":
        """Return the state without what waited too long, and that as calls."""
        late = [key for key, one in self.pending.items() if one.until <= now]
        return self._without(*late), [self.pending[key].call() for key in late]

    def cursor(self) -> str:
        """Return it as a text."""
        if not self.pending:
            return ""
        return json.dumps(
            {
                key: {
                    "total": one.total,
                    "until": one.until,
                    "parts": {place: frame.hex() for place, frame in one.parts.items()},
                }
                for key, one in self.pending.items()
            }
        )

    @classmethod
    def from_cursor(cls, cursor: str) -> "Assembly":
        """Return what `cursor` made."""
        told = json.loads(cursor) if cursor else {}
        return cls({key: _pending(one) for key, one in told.items()})

    def _without(self, *keys: str) -> "Assembly":
        return Assembly({key: one for key, one in self.pending.items() if key not in keys})


def _within_bounds(pending: dict[str, Pending]) -> tuple[Assembly, list[bytes]]:
    """Return the state without the oldest where there is too much, and those as calls."""
    calls = []
    while sum(one.size for one in pending.values()) > _MOST:
        calls.append(pending.pop(next(iter(pending))).call())
    return Assembly(pending), calls


def _pending(told: Any) -> Pending:
    parts = {int(place): bytes.fromhex(frame) for place, frame in told["parts"].items()}
    return Pending(total=told["total"], until=told["until"], parts=parts)
