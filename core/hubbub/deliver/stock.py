"""Know what is due and may go next: found before there is room for it, within every limit.

Places are shared so that nobody waits for a slow channel: none has more parts on their way than
places are left free, and none has many before it has answered some. One that is silent has but one
at a time, until it answers again. The last places are for who has nothing on its way and is known
to answer. What goes on to a channel's destinations is shared out apart from what goes to its
contacts.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection

from hubbub.deliver import lanes
from hubbub.deliver.attempt import Parcel, Result
from hubbub.deliver.lanes import Way
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.limiter import Bucket
from hubbub.sdk.capabilities import Limit
from hubbub.store.types import AnyRow

#: Parts that may be on their way to who has not answered anything yet; each answer allows one more.
_AT_FIRST: Final = 2
#: One in so many places is kept for who has nothing on its way, and is known to answer.
_KEPT: Final = 9
#: Parts of a channel that are found before there is room for them, so that no room stays empty.
_AHEAD: Final = 32
#: Seconds for which what was found holds good: meanwhile its channel may be closed.
_FRESH: Final = 0.5
#: How long a channel rests whose plugin or key is missing, before that is looked at again.
_UNUSABLE: Final = timedelta(minutes=1)
#: Seconds for which it is worth waiting here for a throttled part.
_SHORT: Final = 1.5
#: More parts than are ever found at once.
_UNLIMITED: Final = 1_000_000
#: What is throttled goes on at moments so far apart, many channels at once.
_GRAIN: Final = 0.02
#: A look that takes more seconds than this may take one part in `_SHARE` of all time.
_LONG_LOOK: Final = 0.01
_SHARE: Final = 10


#: The channels that one turn has looked at; None: it cannot be used.
Lines: TypeAlias = dict[str, Line | None]


class Found(NamedTuple):
    """A part that was due and nobody's when it was found; it holds good ``until``."""

    row: AnyRow
    line: Line
    way: Way
    until: float


class Stock:
    """What is due for one courier, and which of it may go now."""

    def __init__(self, hub: Hub, *, bulk: bool, size: int) -> None:
        self._hub = hub
        self._bulk = bulk
        self._size = size
        #: How many parts are under way.
        self._out: Counter[Way] = Counter()
        #: How many may be, by how it has answered so far.
        self._allowed: dict[Way, int] = {}
        self._found: list[Found] = []
        #: Whether anything may have become due, wherever.
        self._look = False
        #: Where more may be due than was found, those first that wait longest.
        self._more: dict[Way, None] = {}
        #: Where nothing may go now, and until when.
        self._resting: dict[Way, datetime] = {}
        #: Where not to look before some time, as looks take long.
        self._look_after: dict[Way, float] = {}
        #: When to look again where parts were throttled, if that is soon.
        self._wakes: dict[Way, float] = {}

    @property
    def out(self) -> int:
        """How many parts are on their way."""
        return self._out.total()

    def went(self, parcels: Iterable[Parcel]) -> None:
        """Note that these are on their way."""
        self._out.update(map(_way, parcels))

    def came_back(self, results: Iterable[Result]) -> None:
        """Note that these attempts have ended, and whether anybody answered."""
        for result in results:
            way = _way(result.parcel)
            self._out[way] -= 1
            allowed = self._allowed.get(way, _AT_FIRST)
            more = max(1, allowed // 2) if _silent(result) else min(allowed + 1, self._size)
            self._allowed[way] = more

    def look(self) -> None:
        """Note that something may have become due, on whatever channel."""
        self._look = True

    @property
    def patience(self) -> float:
        """Seconds after which there may be something to do that nobody announces."""
        first = min(self._wakes.values(), default=math.inf)
        return min(1.0, max(0.0, first - monotonic()))

    def wake(self) -> None:
        """Look again where it is time for what was throttled."""
        now = monotonic()
        for way in [one for one, at in self._wakes.items() if at <= now]:
            del self._wakes[way]
            self._more.setdefault(way)

    @property
    def promising(self) -> bool:
        """Whether anything is to be done now or very soon."""
        return bool(self.next() or self.curious or self._wakes)

    @property
    def curious(self) -> bool:
        """Whether it is worth looking for what is due."""
        return self._room() > 0 and (self._look or any(map(self._room_for, self._more)))

    def next(self) -> list[Found]:
        """Return what there is room for now."""
        out, free = self._out.copy(), self._size - self.out
        following = []
        for found in self._found:
            way = found.way
            if out[way] < self._most(way, out[way], free) and not self._rests(way):
                following.append(found)
                out[way] += 1
                free -= 1
        return following

    def forget_stale(self) -> None:
        """Drop what was found too long ago."""
        now = monotonic()
        if self._found and self._found[0].until < now:
            for found in self._found:
                if found.until < now:
                    self._more.setdefault(found.way)
            self._found = [found for found in self._found if found.until >= now]

    def judged(self, wanted: Sequence[Found]) -> tuple[list[Found], dict[str, datetime]]:
        """Return those of ``wanted`` that the rate limits let go, and until when to put off others.

        Where the whole channel is too fast it rests, and its parts wait here.
        """
        go: list[Found] = []
        put_off: dict[str, datetime] = {}
        if not wanted:
            return go, put_off
        now = self._hub.now()
        limits = [_limits(found) for found in wanted]
        delays = self._hub.limiter.acquire([[bucket for _, bucket in each] for each in limits])
        late: Counter[str] = Counter()
        for found, each, delay in zip(wanted, limits, delays, strict=True):
            if delay is None:
                go.append(found)
                continue
            limit, bucket = each[delay.bucket]
            wait = timedelta(seconds=delay.seconds)
            if limit.scope == "channel" and not limit.only:
                self._resting[found.way] = now + wait
            else:
                wait += late[bucket.key] * timedelta(microseconds=bucket.interval)
                late[bucket.key] += 1
                put_off[found.row.id] = now + wait
            self._wake_in(found.way, wait)
        return go, put_off

    def give_back(self, unused: Sequence[Found]) -> None:
        """Let those count in no rate limit that others had claimed, or whose channel is closed."""
        if unused:
            self._hub.limiter.give_back([_buckets(found) for found in unused])

    def usable(self, db: Connection, rows: Sequence[AnyRow], lines: Lines) -> dict[str, Line]:
        """Return the channel of each row, by the row's id; one that cannot be used rests."""
        found = {one: self._line(db, one, lines) for one in {row.channel_id for row in rows}}
        return {row.id: line for row in rows if (line := found[row.channel_id]) is not None}

    def _line(self, db: Connection, channel_id: str, lines: Lines) -> Line | None:
        if channel_id not in lines:
            lines[channel_id] = self._hub.directory.usable(db, channel_id)
            if lines[channel_id] is None:
                for onward in (False, True):
                    self._resting[Way(channel_id, onward)] = self._hub.now() + _UNUSABLE
        return lines[channel_id]

    def drop(self, ids: Collection[str]) -> None:
        """Forget these parts, which were claimed or put off, and those of channels that rest."""
        kept = []
        for found in self._found:
            if self._rests(found.way):
                self._more.setdefault(found.way)
            elif found.row.id not in ids:
                kept.append(found)
        self._found = kept

    def find(self, db: Connection, ended: Sequence[Result], lines: Lines) -> None:
        """Find what is due where there is room for it, and what ``ended`` held up."""
        looked = self._look_around(db, lines) if self.curious else set()
        conversations = {
            result.parcel.row.conversation_id
            for result in ended
            if _way(result.parcel) not in looked
        }
        if conversations:
            now = self._hub.now()
            rows = lanes.next_in_lanes(db, conversations, now=now, bulk=self._bulk)
            self._add(db, rows, lines)

    def _look_around(self, db: Connection, lines: Lines) -> set[Way]:
        """Look wherever there is anything due, and room for it; return where that was."""
        now, bulk = self._hub.now(), self._bulk
        if self._look:
            self._look = False
            self._more |= dict.fromkeys(lanes.ways_with_due(db, now=now, bulk=bulk))
        looked = set()
        for way in list(self._more):
            room = self._room_for(way)
            line = self._line(db, way.channel_id, lines) if room else None
            if line is None:
                continue
            # What is known and not claimed yet is found again, before anything else.
            known = len(self._known(way))
            most = known + min(room, _pace(line, way))
            begun = monotonic()
            rows = lanes.due(db, way, now=now, bulk=bulk, limit=most)
            self._looked(way, monotonic() - begun, more=len(rows) >= most)
            self._add(db, rows, lines)
            looked.add(way)
        return looked

    def _looked(self, way: Way, took: float, *, more: bool) -> None:
        """Note that somewhere was looked, and whether more may be due there."""
        del self._more[way]
        if more:
            self._more[way] = None  # behind all others now
        # Most of what was read waits behind others, such as thousands of one conversation: what
        # follows a part in its lane is found without such looks.
        if took > _LONG_LOOK:
            self._more[way] = None
            self._look_after[way] = monotonic() + _SHARE * took
            self._wake_in(way, timedelta(seconds=_SHARE * took))

    def _add(self, db: Connection, rows: Sequence[AnyRow], lines: Lines) -> None:
        known = {found.row.id for found in self._found}
        usable = self.usable(db, rows, lines)
        until = monotonic() + _FRESH
        self._found += [
            Found(row, usable[row.id], Way(row.channel_id, bool(row.onward)), until)
            for row in rows
            if row.id in usable and row.id not in known
        ]

    def _known(self, way: Way) -> list[Found]:
        return [found for found in self._found if found.way == way]

    def _room(self) -> int:
        """Return how many parts may be found beside those that are known."""
        return self._size + _AHEAD - self.out - len(self._found)

    def _most(self, way: Way, out: int, free: int) -> int:
        """Return how many parts may go there at once: ``out`` do, and ``free`` places are left."""
        allowed = self._allowed.get(way, _AT_FIRST)
        if out or allowed <= _AT_FIRST:
            free -= self._size // _KEPT
        return min(allowed, free)

    def _room_for(self, way: Way) -> int:
        """Return how many parts that go this way may be found beside those that are known."""
        if self._rests(way) or self._look_after.get(way, 0.0) > monotonic():
            return 0
        known = self._known(way)
        share = max(0, self._size - self.out - self._out[way]) // 2
        allowed = max(0, self._allowed.get(way, _AT_FIRST) - self._out[way])
        most = min(share, allowed) + _AHEAD
        if known:
            most = min(most, _pace(known[0].line, way))
        return max(0, min(most - len(known), self._room()))

    def _rests(self, way: Way) -> bool:
        until = self._resting.get(way)
        return until is not None and until > self._hub.now()

    def _wake_in(self, way: Way, wait: timedelta) -> None:
        seconds = wait.total_seconds()
        if seconds < _SHORT:
            # Always a little later, since two clocks are involved.
            at = (math.floor((monotonic() + seconds) / _GRAIN) + 1) * _GRAIN
            self._wakes[way] = min(self._wakes.get(way, math.inf), at)


def _way(parcel: Parcel) -> Way:
    return Way(parcel.line.id, not parcel.to_contact)


def _silent(result: Result) -> bool:
    """Whether nobody answered: what is refused, or throttled, is an answer too."""
    exchanges = result.exchanges
    return result.error is not None and bool(exchanges) and exchanges[-1]["response"] is None


def _pace(line: Line, way: Way) -> int:
    """Return how many parts the channel's limits let go while what was found holds good."""
    if way.onward:
        return _UNLIMITED
    return min(
        (
            limit.burst + math.ceil(_FRESH * limit.count / limit.per.total_seconds())
            for limit in line.limits
            if limit.scope == "channel" and not limit.only
        ),
        default=_UNLIMITED,
    )


def _buckets(found: Found) -> list[Bucket]:
    return [bucket for _, bucket in _limits(found)]


def _limits(found: Found) -> list[tuple[Limit, Bucket]]:
    row, line = found.row, found.line
    if row.onward:
        return []
    return [
        (
            limit,
            Bucket(
                key=f"{line.id}:{number}:{row.address if limit.scope == 'address' else ''}",
                count=limit.count,
                per=limit.per,
                burst=limit.burst,
            ),
        )
        for number, limit in enumerate(line.limits)
        if row.address.startswith(limit.only)
    ]
