"""Decide how far a folder has been read, from what the server says of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import TypeAdapter

#: A folder that was made anew may hold letters that we have, under other numbers, and others that
#: are new to us. What came so much earlier than the newest that we know is not fetched again; of
#: the rest, the channel recognises what it has by its Message-ID.
_OVERLAP: Final = timedelta(days=2)
#: After so many failures in a row of one letter less of it is asked for, and then nothing.
_TRIES_WHOLE: Final = 10
_TRIES_HEAD: Final = 20


@dataclass(frozen=True, kw_only=True)
class Past:
    """Letters that were in the folder before us and are still to be fetched."""

    #: The last one that was dealt with, and the last of all.
    after: int = 0
    until: int
    since: date
    before: date | None = None
    #: The folder was made anew: what came from this day on may be new, and is treated so.
    new_since: date | None = None

    @property
    def comes_first(self) -> bool:
        """Whether what is new waits for it, as it may hold letters that came to us before that.

        Where years are still to be fetched, nobody waits for them.
        """
        return self.new_since is not None and self.since >= self.new_since

    def historical(self, *times: datetime | None) -> bool:
        """Whether a letter that came and was written at ``times`` was there before us.

        Who makes a folder anew, from a backup or at another provider, may let all of it arrive
        today.
        """
        if self.new_since is None:
            return True
        return any(one.date() < self.new_since for one in times if one is not None)


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far a folder has been read."""

    #: While it stays the same, numbers (UIDs) mean the same letters, and only rise.
    uidvalidity: int
    #: The first number that was new to us, and the last that was kept.
    first: int
    last: int
    #: The day on which the newest letter came, or we.
    newest: date
    #: `Mailbox.since` as far as it was followed.
    since: date | None = None
    past: Past | None = None
    #: Letters that are kept, but maybe not marked so in the mailbox.
    unmarked: tuple[int, ...] = ()
    #: The letter at which the last attempt failed, and how many did in a row.
    trouble: int = 0
    tries: int = 0


def begun(uidvalidity: int, uidnext: int, *, since: date | None, today: date) -> Place:
    """Return the place in a folder that ends, or ended, there: all that it holds so far is past."""
    past = Past(until=uidnext - 1, since=since) if since is not None and uidnext > 1 else None
    return Place(
        uidvalidity=uidvalidity,
        first=uidnext,
        last=uidnext - 1,
        newest=today,
        since=since,
        past=past,
    )


def followed(
    place: Place, uidvalidity: int, uidnext: int, *, since: date | None, today: date
) -> Place:
    """Return ``place`` as it is now that the server says this and the channel wants ``since``."""
    if uidvalidity != place.uidvalidity or uidnext <= place.last:
        # Numbers never fall within one validity; where they do, its server is not to be trusted.
        new_since = _new_since(place)
        from_day = min(day for day in (new_since, _wanted(place)) if day)
        anew = begun(uidvalidity, uidnext, since=from_day, today=today)
        past = replace(anew.past, new_since=new_since) if anew.past else None
        return replace(anew, newest=place.newest, since=place.since, past=past)
    if since is not None and place.past is None and (place.since is None or since < place.since):
        past = Past(until=place.first - 1, since=since, before=place.since)
        return replace(place, since=since, past=past if place.first > 1 else None)
    return place


def kept(place: Place, uids: tuple[int, ...], *, newest: date | None, marking: bool) -> Place:
    """Return ``place`` after letters that are new were kept, in the order of their numbers."""
    return replace(
        _relieved(place, place.last, max(uids)),
        last=max(place.last, *uids),
        newest=max(place.newest, newest or place.newest),
        unmarked=(*place.unmarked, *uids) if marking else (),
    )


def recalled(place: Place, past: Past, uids: tuple[int, ...], *, marking: bool) -> Place:
    """Return ``place`` after some letters of the past were kept."""
    return replace(
        _relieved(place, past.after, max(uids)),
        past=replace(past, after=max(past.after, *uids)),
        unmarked=(*place.unmarked, *uids) if marking else (),
    )


def troubled(place: Place, uid: int) -> Place:
    """Return ``place`` after an attempt to fetch a letter failed."""
    return replace(place, trouble=uid, tries=place.tries + 1 if uid == place.trouble else 1)


def asks(place: Place, uid: int) -> str:
    """Say what is asked for of a letter: ``whole``, its ``head``, or ``nothing``.

    One that a server cannot hand out must not hold up all that follow.
    """
    tries = place.tries if uid == place.trouble else 0
    if tries < _TRIES_WHOLE:
        return "whole"
    return "head" if tries < _TRIES_HEAD else "nothing"


def opened(cursor: str) -> dict[str, Place]:
    """Return the places, by folder, that a channel's cursor says; none at first."""
    return _PLACES.validate_json(cursor) if cursor else {}


def closed(places: Mapping[str, Place]) -> str:
    """Return ``places`` as a channel's cursor."""
    return _PLACES.dump_json(dict(places), exclude_defaults=True).decode()


_PLACES: Final = TypeAdapter(dict[str, Place])


def _new_since(place: Place) -> date:
    """Return from which day on letters are new, should the folder be made anew."""
    earlier = place.newest - _OVERLAP
    pending = place.past.new_since if place.past else None
    return min(earlier, pending) if pending else earlier


def _wanted(place: Place) -> date | None:
    return None if place.past is None else place.past.since


def _relieved(place: Place, after: int, until: int) -> Place:
    """Forget the trouble once its letter is behind us, be it kept or gone."""
    return replace(place, trouble=0, tries=0) if after < place.trouble <= until else place
