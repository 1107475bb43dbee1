"""Say which HTML is harmless to show, and read HTML that was cleaned.

Clean means: written by nh3, so that one regular expression reads it. The hub shows no HTML that
somebody else wrote without cleaning it, however it came in.
"""

import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import nh3


def name_set(names: str) -> frozenset[str]:
    """Return the words of ``names``."""
    return frozenset(names.split())


#: Elements without content.
VOID: Final = name_set("br hr img input meta link area base col embed source track wbr")
_TAGS: Final = name_set(
    "a abbr b blockquote br caption center code col colgroup dd del div dl dt em font h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li ol p pre q s small span strike strong sub sup table tbody td tfoot "
    "th thead tr u ul"
)
_WITH_CONTENT: Final = name_set("script style title noscript template svg math iframe object embed")
_ATTRIBUTES: Final = {
    "*": name_set("dir lang style"),
    "a": name_set("href title"),
    "img": name_set("src alt width height title"),
    "td": name_set("colspan rowspan align valign"),
    "th": name_set("colspan rowspan align valign"),
    "table": name_set("border cellpadding cellspacing width"),
    "font": name_set("color size"),
    "ol": name_set("start type"),
    "blockquote": name_set("type"),
}
_STYLES: Final = name_set(
    # Nothing that moves one thing over another. ``display`` hides what newsletters put before
    # their text for previews.
    "color background-color font-weight font-style text-align text-decoration direction "
    "white-space display"
)


def cleaner(*, keep: frozenset[str], schemes: frozenset[str]) -> nh3.Cleaner:
    """Return what makes HTML harmless; further attributes to ``keep``, and schemes of addresses.

    Its work grows with the square of the depth: see `too_costly`.
    """
    attributes = {name: set(allowed) for name, allowed in _ATTRIBUTES.items()}
    attributes["*"] |= keep
    return nh3.Cleaner(
        tags=set(_TAGS),
        clean_content_tags=set(_WITH_CONTENT),
        attributes=attributes,
        filter_style_properties=set(_STYLES),
        url_schemes=set(schemes),
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        attribute_filter=_fetching_nothing,
    )


#: A declaration that names no address in any of the ways that CSS has: no ``url()``, no text.
_PLAIN_STYLE: Final = re.compile(
    r"\s*[a-z-]+\s*:(?:[\w #.,%!+-]|(?:rgb|hsl)a?\([\w .,%/+-]*\))*", re.IGNORECASE
)


def _fetching_nothing(tag: str, name: str, value: str) -> str:
    """Return the value of an attribute, a style without what it would have fetched."""
    del tag
    if name != "style":
        return value
    return ";".join(one for one in value.split(";") if _PLAIN_STYLE.fullmatch(one))


# --- before it is cleaned --------------------------------------------------------------------

#: More than these take seconds: a page of a megabyte has a tenth of them.
_MOST_TAGS: Final = 60_000
_MOST_REFERENCES: Final = 30_000
#: So many tags are read in a second at the worst, however deep they lie.
_SURELY_QUICK: Final = 8000
#: Deeper than this, with more tags than that, nothing is read.
_DEEPEST: Final = 200
_OPENS: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]*)")
#: They end by themselves where the next one begins.
_LOOSE: Final = name_set("p li td th tr dt dd option tbody thead tfoot")
#: How far up an end tag may find what it ends.
_NEAR: Final = 20
#: Of one tag: each is compared with all before it.
_MOST_ATTRIBUTES: Final = 500
_BEGIN: Final = re.compile(r"</?(?=[A-Za-z])")
_NAME: Final = re.compile(r"[^\t\n\f\r />]{1,200}")
#: As the HTML standard reads them ("13.2.5 Tokenization"): whatever is no blank may be a name.
_NEXT_ATTRIBUTE: Final = re.compile(
    r"""[\t\n\f\r\x20/]*+ (?: = | [^\t\n\f\r\x20/>=] ) [^\t\n\f\r\x20/>=]*+
        (?: [\t\n\f\r\x20]*+ = [\t\n\f\r\x20]*+
            (?: "[^"]*+" | '[^']*+' | [^\t\n\f\r\x20>"'] [^\t\n\f\r\x20>]*+ | (?=>) ) )?+""",
    re.VERBOSE,
)


def too_costly(source: str) -> bool:
    """Whether cleaning ``source`` could take long; it should hold no comments."""
    tags = source.count("<")
    if tags > _MOST_TAGS or source.count("&") > _MOST_REFERENCES:
        return True
    return (tags > _SURELY_QUICK and _too_deep(source)) or _too_many_attributes(source)


def without_comments(source: str) -> str:
    """Return ``source`` without its comments."""
    pieces, at = [], 0
    while (start := source.find("<!--", at)) >= 0:
        pieces.append(source[at:start])
        end = source.find("-->", start + 2)  # ``<!-->`` is one, too
        if end < 0:
            return "".join(pieces)
        at = end + 3
    return "".join([*pieces, source[at:]])


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


def _too_many_attributes(source: str) -> bool:
    """Whether a tag has too many attributes, wherever tags may begin: also within others' words.

    So nobody has to know what a script is and where a quote ends. Each place is read once.
    """
    behind: dict[int, int] = {}
    for begin in _BEGIN.finditer(source):
        name = _NAME.match(source, begin.end())
        at, places = name.end() if name else begin.end(), []
        while at not in behind and (attribute := _NEXT_ATTRIBUTE.match(source, at)):
            places.append(at)
            if len(places) > _MOST_ATTRIBUTES:
                return True
            at = attribute.end()
        rest = behind.get(at, 0)
        behind |= {place: rest + count for count, place in enumerate(reversed(places), 1)}
        if rest + len(places) > _MOST_ATTRIBUTES:
            return True
    return False


# --- after it was cleaned --------------------------------------------------------------------

_TOKEN: Final = re.compile(
    r'<(?P<closing>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?: [a-z-]+="[^"]*")*)>|[^<]+|<'
)
#: An attribute of a clean tag: its name, and its value as it is written there.
ATTRIBUTE: Final = re.compile(r' ([a-z-]+)="([^"]*)"')


class Token(NamedTuple):
    """A tag, or the text between two: then it has no name."""

    text: str
    name: str = ""
    closing: bool = False
    attributes: str = ""

    def attribute(self, name: str) -> str:
        """Return the value of an attribute; empty where there is none."""
        found = dict(ATTRIBUTE.findall(self.attributes)).get(name, "")
        return html.unescape(found).strip()


def tokens_of(source: str) -> Iterator[Token]:
    """Yield what clean HTML consists of; joined, their texts are ``source`` again."""
    for found in _TOKEN.finditer(source):
        if found["name"]:
            yield Token(found[0], found["name"], bool(found["closing"]), found["attributes"])
        else:
            yield Token(found[0])
