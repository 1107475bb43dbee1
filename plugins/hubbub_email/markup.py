"""Make the HTML of a letter harmless, and read it as text.

nh3 decides what stays. Pictures from elsewhere are kept from being fetched besides.
Source: docs of nh3, and measurements of what takes it long.
"""

import html
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from hubbub.sdk.markup import ATTRIBUTE, Token, cleaner, tokens_of, too_costly, without_comments
from hubbub_email.page import QUOTE_MARKS, Page
from hubbub_email.texts import clean

MOST_CHARACTERS: Final = 1 << 20
#: Classes and ids tell what is quoted; `_shown` takes them out.
_CLEANER: Final = cleaner(
    keep=frozenset({"class", "id"}), schemes=frozenset({"http", "https", "mailto", "tel", "cid"})
)


@dataclass(frozen=True, kw_only=True)
class Markup:
    """What the HTML of a letter says."""

    #: Safe to show in a frame; pictures from elsewhere have ``data-remote`` in place of ``src``.
    html: str | None
    #: All of its text.
    text: str
    #: The same, with ``>`` before each line that a mail program marked as quoted.
    quoting: str
    #: The names by which it shows pictures of the letter.
    cids: frozenset[str] = frozenset()
    trouble: str = ""


def read_markup(source: str) -> Markup:
    """Return what ``source`` says; never fails."""
    source = clean(source)
    trouble = ""
    if len(source) > MOST_CHARACTERS:
        source, trouble = source[:MOST_CHARACTERS], "Its HTML is larger than is read: it was cut."
    source = without_comments(source)
    if too_costly(source):
        text = _bare_text(source)
        why = "Its HTML is too large, too deep or too full to be shown: only its text is."
        return Markup(html=None, text=text, quoting=text, trouble=why)
    tokens = list(tokens_of(_CLEANER.clean(source)))
    text = Page(tokens).text() or _bare_text(source)
    marked = any(mark in source for mark in QUOTE_MARKS)
    return Markup(
        html="".join(map(_shown, tokens)),
        text=text,
        quoting=Page(tokens, marks=True).text() if marked else text,
        cids=frozenset(filter(None, map(_cid, tokens))),
        trouble=trouble,
    )


def text_with_links(source: str) -> str:
    """Return what ``source`` says to who reads text alone, and where its links lead."""
    source = without_comments(clean(source)[:MOST_CHARACTERS])
    if too_costly(source):
        return _bare_text(source)
    return Page(list(tokens_of(_CLEANER.clean(source))), links=True).text() or _bare_text(source)


_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_UNSHOWN: Final = re.compile(r"<(script|style|title)\b", re.IGNORECASE)


def _bare_text(source: str) -> str:
    """Return what stands between the tags of ``source``, whatever they are."""
    pieces, at, lowered = [], 0, source.lower()
    while (found := _UNSHOWN.search(source, at)) and (
        end := lowered.find(f"</{found[1].lower()}", found.end())
    ) >= 0:
        pieces.append(source[at : found.start()])
        at = end
    pieces.append(source[at:])
    text = html.unescape(_ANY_TAG.sub("\n", "".join(pieces)))
    return "\n".join(line for line in (" ".join(one.split()) for one in text.split("\n")) if line)


# --- after nh3 -------------------------------------------------------------------------------


def cid_of(name: str) -> str:
    """Return a ``Content-ID`` or what follows ``cid:`` in the form in which they are compared."""
    return unquote(name).strip().strip("<>")


def _cid(token: Token) -> str:
    """Return the name of the letter's own picture that ``token`` shows, or nothing."""
    source = token.attribute("src") if token.name == "img" else ""
    return cid_of(source[4:]) if source[:4].lower() == "cid:" else ""


def _shown(token: Token) -> str:
    if not token.attributes:
        return token.text
    cid, pairs = _cid(token), ATTRIBUTE.findall(token.attributes)
    attributes = (_attribute(name, value, cid) for name, value in pairs)
    return f"<{token.name}{''.join(attributes)}>"


def _attribute(name: str, value: str, cid: str) -> str:
    """Return an attribute as it is shown; whatever a picture is fetched from is no ``src``."""
    if name in {"class", "id"}:
        return ""
    if name != "src":
        return f' {name}="{value}"'
    return f' src="cid:{html.escape(cid)}"' if cid else f' data-remote="{value}"'
