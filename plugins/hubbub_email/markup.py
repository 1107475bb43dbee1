"""Make the HTML of a letter harmless, and read it as text.

nh3 decides what stays. What it writes is well-formed, so one regular expression reads it again:
for the text, for what is quoted in it, and for pictures from elsewhere, which are kept from
being fetched. Sources: docs of nh3; the marks of mail programs are from what they send.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import unquote

import nh3

from hubbub_email.texts import clean

MOST_CHARACTERS: Final = 1 << 20
#: More than these take seconds: a page of a megabyte has a tenth of them.
_MOST_TAGS: Final = 60_000
_MOST_REFERENCES: Final = 30_000
#: nh3's work grows with the square of the depth: so many tags are read in a second at the worst.
_SURELY_QUICK: Final = 8000
#: Deeper than this, with more tags than that, nothing but the text is read.
_DEEPEST: Final = 200


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_TAGS: Final = _set(
    "a abbr b blockquote br caption center code col colgroup dd del div dl dt em font h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li ol p pre q s small span strike strong sub sup table tbody td tfoot "
    "th thead tr u ul"
)
_WITH_CONTENT: Final = _set("script style title noscript template svg math iframe object embed")
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
_STYLES: Final = _set(
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
    tokens = list(_tokens(_CLEANER.clean(source)))
    text = _Page(tokens).text() or _bare_text(source)
    marked = any(mark in source for mark in (*_QUOTES, *_QUOTES_REST))
    return Markup(
        html="".join(map(_shown, tokens)),
        text=text,
        quoting=_Page(tokens, marks=True).text() if marked else text,
        cids=frozenset(filter(None, map(_cid, tokens))),
        trouble=trouble,
    )


# --- before nh3 ------------------------------------------------------------------------------

_OPENS: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]*)")
_VOID: Final = _set("br hr img input meta link area base col embed source track wbr")
#: They end by themselves where the next one begins.
_LOOSE: Final = _set("p li td th tr dt dd option tbody thead tfoot")
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
        if tag in _VOID or tag in _LOOSE:
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

_TOKEN: Final = re.compile(
    r'<(?P<closing>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?: [a-z-]+="[^"]*")*)>|[^<]+|<'
)
_ATTRIBUTE: Final = re.compile(r' ([a-z-]+)="([^"]*)"')
_MARKS: Final = re.compile(r' (?:class|id)="[^"]*"')
_REMOTE: Final = re.compile(r' src="(https?:[^"]*)"', re.IGNORECASE)
_SOURCE: Final = re.compile(r' src="cid:([^"]*)"', re.IGNORECASE)


class _Token(NamedTuple):
    """A tag, or the text between two: then it has no name."""

    text: str
    name: str = ""
    closing: bool = False
    attributes: str = ""

    def attribute(self, name: str) -> str:
        found = dict(_ATTRIBUTE.findall(self.attributes)).get(name, "")
        return html.unescape(found).strip()


def _tokens(source: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(source):
        if found["name"]:
            yield _Token(found[0], found["name"], bool(found["closing"]), found["attributes"])
        else:
            yield _Token(found[0])


def cid_of(name: str) -> str:
    """Return a ``Content-ID`` or what follows ``cid:`` in the form in which they are compared."""
    return unquote(name).strip().strip("<>")


def _cid(token: _Token) -> str:
    """Return the name of the letter's own picture that ``token`` shows, or nothing."""
    found = _SOURCE.search(token.attributes)
    return cid_of(html.unescape(found[1])) if found else ""


def _shown(token: _Token) -> str:
    if not token.attributes:
        return token.text
    text = _MARKS.sub("", token.text)
    if token.name != "img":
        return text
    if cid := _cid(token):
        plain = f' src="cid:{html.escape(cid)}"'
        return _SOURCE.sub(lambda _: plain, text)
    return _REMOTE.sub(r' data-remote="\1"', text)


# --- text ------------------------------------------------------------------------------------

_BLOCKS: Final = _set(
    "p div h1 h2 h3 h4 h5 h6 blockquote pre ul ol li table tr dl dt dd hr center caption"
)
#: With an empty line before and after.
_APART: Final = _set("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol table dl")
#: Classes and ids by which mail programs mark what is quoted, and what introduces it.
_QUOTES: Final = _set(
    "gmail_attr moz-cite-prefix protonmail_quote yahoo_quoted tutanota_quote zmail_extra"
)
#: What follows them, to the end, is quoted: Outlook's.
_QUOTES_REST: Final = frozenset({"divRplyFwdMsg", "appendonsend"})


class _Page:
    """Text taking shape line by line, as a browser would break it."""

    def __init__(self, tokens: Sequence[_Token], *, marks: bool = False) -> None:
        self._tokens = tokens
        self._marks = marks
        self._lines: list[str] = []
        self._line: list[str] = []
        self._prefix = ""
        #: What the open elements did to the prefix, and whether they hide or keep blanks.
        self._open: list[_Style] = [_Style("", hidden=False, exact=False)]
        self._numbers: list[int | None] = []
        self._rest = False

    def text(self) -> str:
        for token in self._tokens:
            if not token.name:
                self._write(html.unescape(token.text))
            elif token.closing:
                self._end(token.name)
            else:
                self._begin(token)
        self._break()
        lines = "\n".join(self._lines)
        return re.sub(r"\n(?:[> ]*\n){2,}", "\n\n", lines).strip("\n")

    def _write(self, text: str) -> None:
        style = self._open[-1]
        if style.hidden:
            return
        if not style.exact:
            self._line.append(re.sub(r"[ \t\n\f]+", " ", text))
            return
        first, *others = text.split("\n")
        self._line.append(first)
        for other in others:
            self._break(always=True)
            self._line.append(other)

    def _begin(self, token: _Token) -> None:
        if token.name in _BLOCKS:
            self._break()
        if token.name in _APART:
            self._gap()
        if token.name in _VOID:
            self._alone(token)
            return
        match token.name:
            case "ol":
                self._numbers.append(1)
            case "ul":
                self._numbers.append(None)
            case "li":
                self._item()
            case "td" | "th" if any(piece.strip() for piece in self._line):
                self._line.append("\t")
        self._open.append(self._style(token))
        self._prefix = self._open[-1].prefix

    def _alone(self, token: _Token) -> None:
        match token.name:
            case "br":
                self._break(always=True)
            case "hr":
                self._lines.append(f"{self._prefix}---")
            case "img":
                self._picture(token)

    def _style(self, token: _Token) -> "_Style":
        inherited = self._open[-1]
        marks = {*token.attribute("class").split(), token.attribute("id")}
        self._rest = self._rest or (self._marks and bool(marks & _QUOTES_REST))
        prefix = inherited.prefix
        if self._rest and not prefix.startswith(">"):
            prefix = f"> {prefix}"
        elif token.name == "blockquote":
            # Others only indent, as some programs do at the press of a button.
            cited = token.attribute("type") == "cite" or marks & {"gmail_quote", *_QUOTES}
            prefix += "> " if cited or ">" in prefix else "  "
        elif self._marks and marks & _QUOTES:
            prefix += "> "
        display = token.attribute("style").replace(" ", "").lower() if token.attributes else ""
        return _Style(
            prefix,
            hidden=inherited.hidden or "display:none" in display,
            exact=inherited.exact or token.name == "pre",
        )

    def _end(self, name: str) -> None:
        if name in _BLOCKS:
            self._break()
        if len(self._open) > 1:
            self._open.pop()
        self._prefix = self._open[-1].prefix
        if self._rest and not self._prefix.startswith(">"):
            self._prefix = f"> {self._prefix}"
        if name in _APART:
            self._gap()
        if name in {"ol", "ul"} and self._numbers:
            self._numbers.pop()

    def _item(self) -> None:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            self._line.append("- ")
        else:
            self._line.append(f"{number}. ")
            self._numbers[-1] = number + 1

    def _picture(self, token: _Token) -> None:
        alt = " ".join(token.attribute("alt").split())
        if alt and not self._open[-1].hidden:
            self._line.append(f"[{alt}]")

    def _break(self, *, always: bool = False) -> None:
        line = "".join(self._line)
        self._line = []
        if not self._open[-1].exact:
            line = re.sub(r" *\t *", "\t", re.sub(r" {2,}", " ", line)).strip()
        if line.strip() or always:
            self._lines.append(f"{self._prefix}{line}".rstrip(" ") if line else self._prefix)

    def _gap(self) -> None:
        if self._lines and self._lines[-1].strip(" >"):
            self._lines.append("")


class _Style(NamedTuple):
    """What an element and those around it do to the text in it."""

    prefix: str
    hidden: bool
    exact: bool
