"""Read clean HTML as text, as a browser would break it into lines.

Clean means: written by nh3, so that one regular expression reads it. What mail programs mark as
quoted can be marked in the text as well. Source of the marks: what these programs send.
"""

import html
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from hubbub.sdk.markup import VOID, Token, name_set

_BLOCKS: Final = name_set(
    "p div h1 h2 h3 h4 h5 h6 blockquote pre ul ol li table tr dl dt dd hr center caption"
)
#: With an empty line before and after.
_APART: Final = name_set("p h1 h2 h3 h4 h5 h6 blockquote pre ul ol table dl")
#: Classes and ids by which mail programs mark what is quoted, and what introduces it.
_QUOTES: Final = name_set(
    "gmail_attr moz-cite-prefix protonmail_quote yahoo_quoted tutanota_quote zmail_extra"
)
#: What follows them, to the end, is quoted: Outlook's.
_QUOTES_REST: Final = frozenset({"divRplyFwdMsg", "appendonsend"})


#: What HTML holds somewhere that has any of these marks.
QUOTE_MARKS: Final = (*_QUOTES, *_QUOTES_REST)
#: Characters before a line at the most, however deep it is quoted.
_LONGEST_PREFIX: Final = 20


class Page:
    """Text taking shape line by line, as a browser would break it."""

    def __init__(
        self, tokens: Sequence[Token], *, marks: bool = False, links: bool = False
    ) -> None:
        """``marks``: begin what is quoted with ``>``; ``links``: say behind each where it leads."""
        self._tokens = tokens
        self._marks = marks
        self._links = links
        #: Where the open link leads, and what stood in the line before it.
        self._link = ("", 0)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._prefix = ""
        #: What the open elements did to the prefix, and whether they hide or keep blanks.
        self._open: list[_Style] = [_Style("", hidden=False, exact=False)]
        self._numbers: list[int | None] = []
        self._rest = False

    def text(self) -> str:
        """Return the text of the whole."""
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

    def _begin(self, token: Token) -> None:
        if token.name in _BLOCKS:
            self._break()
        if token.name in _APART:
            self._gap()
        if token.name in VOID:
            self._alone(token)
            return
        self._introduce(token)
        self._open.append(self._style(token))
        self._prefix = self._open[-1].prefix

    def _introduce(self, token: Token) -> None:
        match token.name:
            case "ol":
                self._numbers.append(1)
            case "ul":
                self._numbers.append(None)
            case "li":
                self._item()
            case "a" if self._links:
                self._link = (html.unescape(token.attribute("href")), len(self._line))
            case "td" | "th" if any(piece.strip() for piece in self._line):
                self._line.append("\t")

    def _alone(self, token: Token) -> None:
        match token.name:
            case "br":
                self._break(always=True)
            case "hr":
                self._lines.append(f"{self._prefix}---")
            case "img":
                self._picture(token)

    def _style(self, token: Token) -> "_Style":
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
            prefix[:_LONGEST_PREFIX],
            hidden=inherited.hidden or "display:none" in display,
            exact=inherited.exact or token.name == "pre",
        )

    def _end(self, name: str) -> None:
        if name in _BLOCKS:
            self._break()
        if name == "a":
            self._say_where()
        if len(self._open) > 1:
            self._open.pop()
        self._prefix = self._open[-1].prefix
        if self._rest and not self._prefix.startswith(">"):
            self._prefix = f"> {self._prefix}"
        if name in _APART:
            self._gap()
        if name in {"ol", "ul"} and self._numbers:
            self._numbers.pop()

    def _say_where(self) -> None:
        (address, before), self._link = self._link, ("", 0)
        shown = "".join(self._line[before:]).strip()
        plain = address.removeprefix("mailto:").removeprefix("tel:")
        if plain and plain not in shown and not self._open[-1].hidden:
            self._line.append(f" <{plain}>")

    def _item(self) -> None:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            self._line.append("- ")
        else:
            self._line.append(f"{number}. ")
            self._numbers[-1] = number + 1

    def _picture(self, token: Token) -> None:
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
