"""Say what can be answered in a conversation now, and how."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from hubbub.deliver.gate import Sendable
from hubbub.directory import Line
from hubbub.people.rules import Person
from hubbub.sdk.capabilities import MediaRule
from hubbub.store.types import AnyRow
from hubbub.ui import words
from hubbub.ui.inbox.copies import Copies, copies_of
from hubbub.ui.inbox.shown import answer_subject

#: How long a reply can be taken back, where its writer wants to be able to.
HOLD: Final = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wrote, and why it was not sent."""

    text: str = ""
    #: None where no letter was written.
    subject: str | None = None
    #: To whom copies were to go; None where they were to go to nobody.
    cc: str | None = None
    problem: str = ""
    #: When it was to be sent, as it was typed.
    later: str = ""
    #: What the channel would make of it, part by part; and that in a sentence.
    preview: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Composer:
    """The form to answer with."""

    #: Why nothing can be sent now; empty when something can.
    closed: str
    #: Until when free words may be sent, for machines and in words; empty where always.
    until_at: str
    until: str
    #: How many templates may be sent.
    templates: int
    text_limit: int
    text_unit: str
    #: Whether a text is cut into short messages, which are counted.
    segments: bool
    carries_files: bool
    #: The largest file of each kind in bytes, and all that in words.
    file_limits: Mapping[str, int]
    files: str
    #: About what the next letter is; None where the channel carries none.
    subject: str | None
    #: Who else may get an answer, where it is a letter.
    copies: Copies
    #: What makes two sends of the same form one message.
    key: str
    #: The last message that the page shows.
    seen: str
    #: Seconds in which a reply can be taken back; 0: it goes at once.
    hold: int
    draft: Draft


def composer(
    line: Line | None,
    answer: Sendable,
    rows: Sequence[AnyRow],
    *,
    person: Person,
    draft: Draft,
    now: datetime,
    gone: str,
) -> Composer:
    """Return the form for a conversation whose last messages are ``rows``.

    ``gone`` says what is wrong where there is no ``line``.
    """
    can = line.hooks.capabilities if line else None
    closed = "" if "text" in answer.kinds else answer.reasons.get("text", _NOTHING)
    return Composer(
        closed=closed if line else gone,
        until_at=words.exact(answer.until),
        until=words.until(answer.until, now) if answer.until else "",
        templates=len(answer.templates) if "template" in answer.kinds else 0,
        text_limit=can.text_limit if can else 0,
        text_unit=can.text_unit if can else "characters",
        segments=can.segments if can else False,
        carries_files=can is not None,
        file_limits={kind: rule.max_size for kind, rule in can.media.items()} if can else {},
        files=_files(can.media) if can else "",
        subject=_about(rows) if can and "email" in can.outbound else None,
        copies=copies_of(rows, _owns(line)),
        key=secrets.token_hex(16),
        seen=rows[-1].id if rows else "",
        hold=int(HOLD.total_seconds()) if person.preferences.undo else 0,
        draft=draft,
    )


def _owns(line: Line | None) -> Callable[[str], bool]:
    """Return what knows the addresses of ours."""
    if line is None:
        return lambda _: False
    return partial(line.hooks.owns, connection=line.connection)


_NOTHING: Final = "Nothing can be sent now."


def _files(rules: Mapping[str, MediaRule]) -> str:
    """Return how large the files may be that a channel carries."""
    return "; ".join(f"{kind} up to {words.size(rule.max_size)}" for kind, rule in rules.items())


def _about(rows: Sequence[AnyRow]) -> str:
    """Return about what an answer is: what the last letter was about."""
    said = (str(row.content["subject"]) for row in reversed(rows) if row.kind == "email")
    return answer_subject(next(said, ""))
