"""Tell what is new in a letter from what it quotes, and from its signature.

Only a view: the whole text is kept. It looks at the structure, not at words, since words are of
every language; each step is one pass, and in doubt everything is shown.
"""

import re
from collections.abc import Sequence
from typing import Final

from hubbub_email.texts import undirected

MOST_LINES: Final = 20_000
MOST_OF_ONE: Final = 2000

_FORWARDED: Final = re.compile(
    # "Forwarded", "weitergeleitet", "transféré", ... between dashes; and Apple's line.
    r"[-_]{2,}[ ]?[^-_\n]{0,20}(?:forwarded|weitergeleitet|transf[ée]r|reenviado|inoltrat"
    r"|encaminhad|doorgestuurd|vidarebefor|videresendt|пересла|перенаправ|przekazan|iletilen"
    r"|转发|轉寄|転送|전달|הועבר)"
    r"|(?:begin forwarded message|anfang der weitergeleiteten)",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    "[*_]?[^\\W\\d_][\\w .()'\u2019-]{0,30}[*_]?[ \u00a0]?[:\uff1a][*_]?[ \\t\u00a0]?\\S"
)
_ADDRESS: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,100}\.[^\s@<>]")
_TIME: Final = re.compile(
    r"\d{1,2}[:.h時点시](?:\d{2}|\s?\d{1,2}분)|\d{1,2}\s?[ap]\.?m\b", re.IGNORECASE
)
_DATE: Final = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}[.]? \w{3,12}")
_RULE: Final = re.compile(r"(?:[-_=]{5,}+|[-_=*]{6,}+|[-_=*]{3,}+[^\n]{1,60}?[-_=*]{3,}+)\Z")
_PROGRAM: Final = re.compile(
    r"(?:sent from (?:my|outlook|mail|yahoo|proton)|get outlook for|gesendet von"
    r"|von meinem .{1,30} gesendet|envoyé de|enviado (?:desde|do)|inviato da|verstuurd vanaf"
    r"|отправлено \w|skickat från|发自我的|iphoneから送信)",
    re.IGNORECASE,
)
_COLONS: Final = (":", "\uff1a")
#: An introduction such as "On ..., ... wrote:" is broken into so many lines at the most.
_INTRODUCTION: Final = 3


def visible(text: str) -> str:
    """Return what is new in ``text``, without quotes and signature; all rather than nothing."""
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        return text
    short = [line if line == _DASHES else undirected(line[:MOST_OF_ONE]).strip() for line in lines]
    kept = _unsigned(_new(short), short)
    shown = "\n".join(lines[number] for number in kept).strip("\n").rstrip()
    return shown if shown.strip() else text


def _new(lines: Sequence[str]) -> list[int]:
    """Return the numbers of the lines that are new."""
    everything = list(range(len(lines)))
    if any(_FORWARDED.match(line) for line in lines):
        return everything
    cut = _block_of_labels(lines)
    if cut is not None:
        return _answers(lines[:cut]) if _quoted(lines[:cut]) else everything[:cut]
    if _quoted(lines):
        return _answers(lines)
    cut = _lone_introduction(lines)
    return everything if cut is None else everything[:cut]


# --- quoted with ">" -------------------------------------------------------------------------


def _quoted(lines: Sequence[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.startswith(">")]


def _answers(lines: Sequence[str]) -> list[int]:
    """Return the lines that are not quoted; all, where some stand between quoted ones.

    Such answer what stands above them, and would say nothing alone.
    """
    quoted = _quoted(lines)
    first, last = quoted[0], quoted[-1]
    between = any(
        line and not line.startswith(">") and not _continues(lines, number)
        for number, line in enumerate(lines[first:last], first)
    )
    if between:
        return list(range(len(lines)))
    return [*range(_introduction(lines, first)), *_behind(lines, last)]


def _continues(lines: Sequence[str], number: int) -> bool:
    """Whether a line is the rest of a quoted one that a program broke in two."""
    return 0 < number < len(lines) - 1 and bool(
        lines[number - 1].startswith(">")
        and lines[number + 1].startswith(">")
        and len(lines[number].split()) <= 2  # noqa: PLR2004  # words
        and len(lines[number - 1]) > 60  # noqa: PLR2004  # characters: it was full
    )


def _behind(lines: Sequence[str], last: int) -> list[int]:
    """Return the lines behind the last quoted one, unless they are blank or a signature."""
    behind = list(range(last + 1, len(lines)))
    return behind if any(lines[number] for number in _unsigned(behind, lines)) else []


def _introduction(lines: Sequence[str], first: int) -> int:
    """Return where the lines begin that introduce a quote beginning at ``first``."""
    end = first
    while end and not lines[end - 1]:
        end -= 1
    for count in range(1, _INTRODUCTION + 1):
        start = end - count
        if start < 0 or not lines[start]:
            break
        joined = " ".join(lines[start:end])
        if joined.endswith(_COLONS) and (_TIME.search(joined) or _DATE.search(joined)):
            return _whole_sentence(lines, start, end)
    return first


def _whole_sentence(lines: Sequence[str], start: int, end: int) -> int:
    """Take the lines above that belong to the same paragraph, where nothing stands above it."""
    top = start
    while top and lines[top - 1] and end - top < _INTRODUCTION:
        top -= 1
    return top if not top or not lines[top - 1] else start


# --- not quoted with anything ----------------------------------------------------------------

_FEWEST_LABELS: Final = 3


def _block_of_labels(lines: Sequence[str]) -> int | None:
    """Return where "From: ... Sent: ... To: ..." begins that has text above it."""
    start: int | None = None
    for number in range(len(lines) + 1):
        line = lines[number] if number < len(lines) else ""
        if line and _LABEL.match(line):
            start = number if start is None else start
            continue
        if start is not None and _is_header(lines[start:number]) and any(lines[:start]):
            return _above_rule(lines, start)
        start = None
    return None


def _is_header(block: Sequence[str]) -> bool:
    joined = "\n".join(block)
    return (
        len(block) >= _FEWEST_LABELS
        and bool(_ADDRESS.search(joined))
        and bool(_TIME.search(joined) or _DATE.search(joined))
    )


def _above_rule(lines: Sequence[str], start: int) -> int:
    above = start
    while above and not lines[above - 1]:
        above -= 1
    return above - 1 if above and _RULE.match(lines[above - 1]) else start


def _lone_introduction(lines: Sequence[str]) -> int | None:
    """Return where "On ... <a@b.example> wrote:" stands with text above and below."""
    for number in range(1, len(lines)):
        line = lines[number]
        if lines[number - 1] or not line.endswith(_COLONS):
            continue
        if _ADDRESS.search(line) and _TIME.search(line) and any(lines[:number]):
            return number
    return None


# --- signatures ------------------------------------------------------------------------------


#: RFC 3676, section 4.3. Many programs lose the blank; then it may be a rule as well.
_DASHES: Final = "-- "
_LONGEST_SIGNATURE: Final = 15


def _unsigned(kept: list[int], lines: Sequence[str]) -> list[int]:
    """Return ``kept`` without the signature that ends it."""
    for place, number in enumerate(kept):
        sure, likely = lines[number] == _DASHES, lines[number] == _DASHES.strip()
        if sure or (likely and len(kept) - place <= _LONGEST_SIGNATURE):
            kept = kept[:place]
            break
    filled = [number for number in kept if lines[number]]
    if filled and _PROGRAM.match(lines[filled[-1]]):
        kept = [number for number in kept if number < filled[-1]]
    return kept
