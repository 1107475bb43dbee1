"""Make the HTML of a letter harmless, and read it as text.

nh3 decides what stays. Pictures from elsewhere are kept from being fetched besides.
Source: docs of nh3, and measurements of what takes it long.
"""

import html
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import nh3

from hubbub_email.page import QUOTE_MARKS, VOID, Page, Token, name_set, tokens_of
from hubbub_email.texts import clean

MOST_CHARACTERS: Final = 1 << 20
#: More than these take seconds: a page of a megabyte has a tenth of them.
_MOST_TAGS: Final = 60_000
_MOST_REFERENCES: Final = 30_000
#: nh3's work grows with the square of the depth: so many tags are read in a second at the worst.
_SURELY_QUICK: Final = 8000
#: Deeper than this, with more tags than that, nothing but the text is read.
_DEEPEST: Final = 200


_TAGS: Final = name_set(
    "a abbr b blockquote br caption center code col colgroup dd del div dl dt em font h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li ol p pre q s small span strike strong sub sup table tbody td tfoot "
    "th thead tr u ul"
)
_WITH_CONTENT: Final = name_set("script style title noscript template svg math iframe object embed")
_ATTRIBUTES: Final = {
    # Classes and ids tell what is quoted; `_without_marks` takes them out.
    "*": {"dir", "lang", "style", "class", "id"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height", "title"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "table": {"border", "cellpadding", "cellspacing", "width"},
    "font": {"color", "size"},
    "ol": {"start", "type"},
    "blockquote": {"type"},
}
_STYLES: Final = name_set(
    # ``display`` hides what newsletters put before their text for previews.
    "color background-color font-weight font-style text-align text-decoration direction "
    "white-space display"
)
_CLEANER: Final = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_WITH_CONTENT),
    attributes={name: set(attributes) for name, attributes in _ATTRIBUTES.items()},
    filter_style_properties=set(_STYLES),
    url_schemes={"http", "https", "mailto", "tel", "cid"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
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
    source = _without_comments(source)
    if _too_costly(source):
        text = _bare_text(source)
        why = "Its HTML is too large or too deep to be shown: only its text is."
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


# --- before nh3 ------------------------------------------------------------------------------

_OPENS: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]*)")
#: They end by themselves where the next one begins.
_LOOSE: Final = name_set("p li td th tr dt dd option tbody thead tfoot")
#: How far up an end tag may find what it ends.
_NEAR: Final = 20


def _without_comments(source: str) -> str:
    pieces, at = [], 0
    while (start := source.find("<!--", at)) >= 0:
        pieces.append(source[at:start])
        end = source.find("-->", start + 2)  # ``<!-->`` is one, too
        if end < 0:
            return "".join(pieces)
        at = end + 3
    return "".join([*pieces, source[at:]])


def _too_costly(source: str) -> bool:
    """Whether nh3 could be busy for long."""
    tags = source.count("<")
    if tags > _MOST_TAGS or source.count("&") > _MOST_REFERENCES:
        return True
    return tags > _SURELY_QUICK and _too_deep(source)


def _too_deep(source: str) -> bool:
    """Whether elements lie too deep in others; yes too often rather than too seldom."""
    inside: list[str] = []
    for closing, name in _OPENS.findall(source):
        tag = name.lower()
        if tag in VOID or tag in _LOOSE:
            continue
        if not closing:
            inside.append(tag)
        elif tag in inside[-_NEAR:]:
            while inside.pop() != tag:
                pass
        if len(inside) > _DEEPEST:
            return True
    return False


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

_MARKS: Final = re.compile(r' (?:class|id)="[^"]*"')
_REMOTE: Final = re.compile(r' src="(https?:[^"]*)"', re.IGNORECASE)
_SOURCE: Final = re.compile(r' src="cid:([^"]*)"', re.IGNORECASE)


def cid_of(name: str) -> str:
    """Return a ``Content-ID`` or what follows ``cid:`` in the form in which they are compared."""
    return unquote(name).strip().strip("<>")


def _cid(token: Token) -> str:
    """Return the name of the letter's own picture that ``token`` shows, or nothing."""
    found = _SOURCE.search(token.attributes)
    return cid_of(html.unescape(found[1])) if found else ""


def _shown(token: Token) -> str:
    if not token.attributes:
        return token.text
    text = _MARKS.sub("", token.text)
    if token.name != "img":
        return text
    if cid := _cid(token):
        plain = f' src="cid:{html.escape(cid)}"'
        return _SOURCE.sub(lambda _: plain, text)
    return _REMOTE.sub(r' data-remote="\1"', text)
