"""Read the one line that matters of an invitation. Source: RFC 5545."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hubbub_email.texts import clean, one_line

MOST_CHARACTERS: Final = 1 << 20
MOST_EVENTS: Final = 20
_LINE: Final = re.compile(
    r'(?P<name>[A-Za-z-]{1,40})(?P<parameters>(?:;[^:;"]*(?:"[^"]*"[^:;"]*)*)*):(?P<value>.*)'
)
_PARAMETER: Final = re.compile(r';([A-Za-z-]+)=(?:"([^"]*)"|([^;]*))')
_MOMENT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, kw_only=True)
class Invite:
    """An event in somebody's calendar, as the letter tells of it; for people to read."""

    method: str
    summary: str
    #: As written, with the zone that it is in: ``2026-03-01 10:00 Europe/Berlin``.
    start: str
    organiser: str = ""

    def line(self) -> str:
        """Return what it is about, in one line."""
        by = f"({self.organiser})" if self.organiser else ""
        what = _METHODS.get(self.method, "Calendar")
        return " ".join(filter(None, (f"{what}:", self.summary, self.start, by)))


_METHODS: Final = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Other time proposed",
}


def invites(text: str) -> tuple[Invite, ...]:
    """Return the events in a calendar, and none where it is not one."""
    found: list[Invite] = []
    method, event = "", None
    for name, named, value in _properties(text):
        if name == "METHOD":
            method = value.upper()[:20]
        elif (name, value.upper()) == ("BEGIN", "VEVENT"):
            event = dict[str, str]()
        elif (name, value.upper()) == ("END", "VEVENT") and event is not None:
            found.append(_invite(method, event))
            event = None
        elif event is not None:
            event.setdefault(name, _READ.get(name, _plain)(value, named))
        if len(found) >= MOST_EVENTS:
            break
    return tuple(found)


def _properties(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    unfolded = re.sub(r"\n[ \t]", "", clean(text[:MOST_CHARACTERS]))
    for line in unfolded.split("\n"):
        found = _LINE.fullmatch(line[:4000])
        if found:
            named = {
                name.upper(): quoted or plain
                for name, quoted, plain in _PARAMETER.findall(found["parameters"])
            }
            yield found["name"].upper(), named, found["value"].strip()


def _invite(method: str, event: dict[str, str]) -> Invite:
    return Invite(
        method=method,
        summary=event.get("SUMMARY", ""),
        start=event.get("DTSTART", ""),
        organiser=event.get("ORGANIZER", ""),
    )


def _plain(value: str, named: dict[str, str]) -> str:
    del named
    text = _ESCAPE.sub(lambda found: " " if found[1] in "nN" else found[1], value)
    return one_line(text)[:200]


def _moment(value: str, named: dict[str, str]) -> str:
    found = _MOMENT.match(value)
    if found is None:
        return one_line(value)[:40]
    year, month, day, hour, minute, utc = found.groups()
    date = f"{year}-{month}-{day}"
    if hour is None:
        return date
    zone = "UTC" if utc else one_line(named.get("TZID", ""))[:60]
    return f"{date} {hour}:{minute} {zone}".strip()


def _person(value: str, named: dict[str, str]) -> str:
    address = re.sub("^mailto:", "", value, flags=re.IGNORECASE)
    return one_line(named.get("CN") or address)[:200]


_READ: Final = {"DTSTART": _moment, "ORGANIZER": _person}
