"""Choose what of a letter is read, and what are its files. Source: RFC 2046, and practice."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from hubbub_email.markup import Markup, cid_of, read_markup
from hubbub_email.mime import Entity, unpacked
from hubbub_email.quotes import visible
from hubbub_email.texts import clean, decoded

#: The last three look well enough as they are.
_READABLE: Final = frozenset(
    {"text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown"}
)
#: Of one text; what is more is cut, and whole in a file.
MOST_BYTES: Final = 1 << 20
#: When so many texts, or so much of them, are to be read, further ones are files.
_MOST_TEXTS: Final = 40
_ENOUGH_BYTES: Final = 1 << 19

#: What newsletters write for programs without HTML, instead of what they have to say.
_EMPTY_WORDS: Final = re.compile(
    r"view (?:this|the|it|in)\b|view\b.{0,30}\bbrowser|(?:not|n[o']t) support|text version"
    r"|html[- ](?:e-?mail|message|format|version)|im browser|ohne html|navegador|navigateur",
    re.IGNORECASE,
)
_SHORT: Final = 300
_ENCRYPTED: Final = frozenset(
    {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a letter says."""

    #: Whole.
    text: str = ""
    #: Without what it quotes and its signature.
    visible: str = ""
    html: str | None = None
    #: Of the pictures that its HTML shows.
    cids: frozenset[str] = frozenset()
    troubles: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Sorted:
    """The parts of a letter that are read, in their order, and those that are its files."""

    bodies: list["Body"] = field(default_factory=list)
    files: list[Entity] = field(default_factory=list)
    #: Whether it is encrypted.
    sealed: bool = False
    #: How many texts are to be read, and how many bytes.
    texts: int = 0
    octets: int = 0

    def within(self) -> "Sorted":
        """Return what parts within others are sorted into, with what is left to be read."""
        return Sorted(texts=self.texts, octets=self.octets)

    def add(self, inner: "Sorted", *, bodies: list["Body"], files: list[Entity]) -> None:
        """Take from ``inner`` these bodies and files."""
        self.bodies.extend(bodies)
        self.files.extend(files)
        self.sealed = self.sealed or inner.sealed
        self.texts, self.octets = inner.texts, inner.octets


@dataclass(frozen=True, kw_only=True)
class Body:
    """One text, in one or both forms."""

    plain: Entity | None = None
    html: Entity | None = None


def sort(root: Entity) -> Sorted:
    """Return which parts of ``root`` are read and which are files; each is one or the other."""
    found = Sorted()
    _sort(root, found)
    return found


def read_words(raw: bytes, bodies: list[Body]) -> Words:
    """Return what ``bodies`` say together."""
    read = [_read(raw, body) for body in bodies]
    shown = any(words.html is not None for words in read)
    return Words(
        text=_paragraphs(words.text for words in read),
        visible=_paragraphs(words.visible for words in read),
        html="\n".join(map(_as_html, read)) if shown else None,
        cids=frozenset[str]().union(*(words.cids for words in read)),
        troubles=tuple(trouble for words in read for trouble in words.troubles),
    )


# --- which parts -----------------------------------------------------------------------------


def _sort(part: Entity, found: Sorted) -> None:
    match part.type if part.multipart else "":
        case "multipart/alternative":
            _alternative(part, found)
        case "multipart/related":
            _related(part, found)
        case "multipart/signed" | "multipart/report":
            _sort(part.parts[0], found)
            found.files.extend(part.parts[1:])
        case "multipart/encrypted":
            found.sealed = True
        case "":
            _leaf(part, found)
        case _:
            for inner in part.parts:
                _sort(inner, found)


def _leaf(part: Entity, found: Sorted) -> None:
    if part.type in _ENCRYPTED:
        found.sealed = True
        return
    size = part.end - part.start
    readable = _readable(part) and found.texts < _MOST_TEXTS and found.octets < _ENOUGH_BYTES
    if readable:
        html_only = part.type == "text/html"
        found.bodies.append(Body(html=part) if html_only else Body(plain=part))
        found.texts += 1
        found.octets += min(size, MOST_BYTES)
    if not readable or size > MOST_BYTES:
        # What is too long to be shown whole is there as a file, too.
        found.files.append(part)


def _readable(part: Entity) -> bool:
    disposition = part.disposition
    return part.type in _READABLE and (
        disposition.value != "attachment" and not disposition.named.get("filename")
    )


def _alternative(part: Entity, found: Sorted) -> None:
    """Take the last form that can be shown, and the plain one beside it."""
    inner = found.within()
    for one in part.parts:
        _sort(one, inner)
    plain = [body.plain for body in inner.bodies if body.plain]
    rich = [body.html for body in inner.bodies if body.html]
    if len(rich) == 1 and len(plain) <= 1:
        bodies = [Body(plain=plain[0] if plain else None, html=rich[0])]
    elif rich:
        # Apple Mail: several pieces of HTML around files, in one of the alternatives.
        bodies = [Body(html=one) for one in rich]
    else:
        bodies = inner.bodies[-1:]
    # What is left of the texts says the same again, for other programs.
    files = [one for one in inner.files if one.type == "text/calendar" or one.type[:5] != "text/"]
    found.add(inner, bodies=bodies, files=files)


def _related(part: Entity, found: Sorted) -> None:
    start = cid_of(part.parameters.get("start", ""))
    named = [one for one in part.parts if start and cid_of(one.headers.text("content-id")) == start]
    root = (named or list(part.parts))[0]
    _sort(root, found)
    found.files.extend(one for one in part.parts if one is not root)


# --- what they say ---------------------------------------------------------------------------


def _read(raw: bytes, body: Body) -> Words:
    plain, plain_trouble = _text(raw, body.plain)
    source, html_trouble = _text(raw, body.html)
    troubles = tuple(filter(None, (plain_trouble, html_trouble)))
    if body.html is None:
        return Words(text=plain, visible=visible(plain), troubles=troubles)
    markup = read_markup(source)
    text = markup.text if _says_nothing(plain, markup.text) else plain
    return Words(
        text=text,
        visible=_visible(text, markup),
        html=markup.html,
        cids=markup.cids,
        troubles=(*troubles, *filter(None, [markup.trouble])),
    )


def _text(raw: bytes, part: Entity | None) -> tuple[str, str]:
    if part is None:
        return "", ""
    start, end, trouble = part.start, part.end, ""
    if end - start > MOST_BYTES:
        end, trouble = start + MOST_BYTES, "Its text is longer than is shown: it was cut."
    body = unpacked(raw[start:end], part.encoding)
    charset = (part.parameters.get("charset", "").split() or [""])[0]
    return clean(decoded(body, charset)).strip("\n"), trouble


def _says_nothing(plain: str, instead: str) -> bool:
    stripped = plain.strip()
    if not stripped:
        return True
    poor = len(stripped) < _SHORT and _EMPTY_WORDS.search(stripped)
    return bool(poor) and len(instead) > len(stripped)


def _visible(text: str, markup: Markup) -> str:
    """Return what is new by the marks in the HTML, unless a plain text tells by itself."""
    shown = visible(text)
    tells = text not in {shown, markup.text}
    if tells or markup.quoting == markup.text:
        return shown
    marked = visible(markup.quoting)
    return shown if marked == markup.quoting else marked


def _paragraphs(texts: Iterator[str]) -> str:
    return "\n\n".join(text for text in texts if text.strip())


def _as_html(words: Words) -> str:
    if words.html is not None:
        return words.html
    return f'<div style="white-space:pre-wrap">{html.escape(words.text)}</div>'
