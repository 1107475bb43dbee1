"""Show the HTML of a letter so that it can do nothing, and tells nobody that it is read.

What came in was cleaned when it came, and what the API sent was not: both are cleaned here. The
frame that it stands in, and the headers of its document, keep it in besides; see
``docs/decisions/0026-letters-in-the-console.md``.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from hubbub.sdk.markup import Token, cleaner, tokens_of, too_costly, without_comments

#: What a letter's document may do: show pictures that come from here, and open links elsewhere.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    # A document in a sandbox that claims to be isolated is not shown in a tab of its own.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Referrer-Policy": "no-referrer",
    # Looking up the host of a link would tell its name server that somebody reads.
    "X-DNS-Prefetch-Control": "off",
}
#: Pictures from elsewhere that one letter shows.
MOST_PICTURES: Final = 100
_LONGEST_ADDRESS: Final = 2000
_LONGEST: Final = 1 << 20
#: Where pictures from elsewhere stand in letters that were cleaned when they came.
_SET_ASIDE: Final = "data-remote"
_CLEANER: Final = cleaner(
    keep=frozenset({_SET_ASIDE}),
    schemes=frozenset({"http", "https", "mailto", "tel", "cid", "data"}),
)
_FOREIGN: Final = re.compile(r"<img[^<>]*?\ssrc\s*=\s*[\"']?\s*https?:", re.IGNORECASE)
_WEB: Final = re.compile(r"https?://[^/\\\s]", re.IGNORECASE)
_LINK: Final = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_PICTURE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")
_SHOWN_OF_IMG: Final = ("alt", "width", "height", "title", "style", "dir")
#: What a reader takes for the name of a host: after ``https://`` or ``www.``, or all there is.
_NAMED: Final = re.compile(r"(?:https?://|\bwww\.)([\w-]+(?:\.[\w-]+)*)", re.IGNORECASE)
_WHOLLY: Final = re.compile(r"([\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,24})(?::\d+)?(?:[/?#]\S*)?")


def letter_body(
    source: str, *, files: Mapping[str, str], elsewhere: Callable[[str], str] | None = None
) -> str | None:
    """Return ``source`` made harmless; None where that would take too long.

    ``files`` are the addresses of the letter's own pictures by the names it has for them.
    ``elsewhere`` returns the address of ours that shows a picture from elsewhere; None: none is.
    """
    source = without_comments(source[:_LONGEST])
    if too_costly(source):
        return None
    show = _Pictures(files, elsewhere)
    return "".join(_shown(tokens_of(_CLEANER.clean(source)), show))


def shows_pictures_from_elsewhere(source: str) -> bool:
    """Whether the HTML of a letter seems to hold any."""
    return _SET_ASIDE in source or _FOREIGN.search(source) is not None


class _Pictures:
    """Says where the pictures of a letter are to be had."""

    def __init__(self, files: Mapping[str, str], elsewhere: Callable[[str], str] | None) -> None:
        self._files = files
        self._elsewhere = elsewhere
        self._count = 0

    def address(self, token: Token) -> str:
        """Return the address of the picture that ``token`` shows; empty where it shows none."""
        source = token.attribute("src")
        if source[:4].lower() == "cid:":
            return self._files.get(unquote(source[4:]).strip().strip("<>"), "")
        if _PICTURE.fullmatch(source):
            return source
        return self._foreign(source or token.attribute(_SET_ASIDE))

    def _foreign(self, address: str) -> str:
        if self._elsewhere is None or self._count >= MOST_PICTURES:
            return ""
        if len(address) > _LONGEST_ADDRESS or not _WEB.match(address):
            return ""
        self._count += 1
        return self._elsewhere(address)


def _shown(tokens: Iterable[Token], pictures: _Pictures) -> Iterable[str]:
    link, said = "", list[str]()
    for token in tokens:
        if token.name == "a" and token.closing:
            yield token.text
            yield from _leads_elsewhere(link, "".join(said))
            link = ""
        elif token.name == "a":
            link, said = token.attribute("href"), []
            yield _anchor(token)
        elif token.name == "img":
            yield _picture(token, pictures.address(token))
        elif token.name:
            yield token.text
        else:
            said.append(token.text)
            yield token.text


def _picture(token: Token, address: str) -> str:
    shown = {"src": address} if address else {}
    shown |= {name: token.attribute(name) for name in _SHOWN_OF_IMG if token.attribute(name)}
    return f"<img{''.join(_attribute(name, value) for name, value in shown.items())}>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{html.escape(value)}"'


def _anchor(token: Token) -> str:
    """Return a link, or only its text where it leads to what is neither a page nor a person."""
    address = token.attribute("href")
    if not address or _WEB.match(address) or _LINK.match(address):
        return token.text
    return "<a>"


def _leads_elsewhere(link: str, said: str) -> Iterable[str]:
    """Say after a link where it leads if its text names another place."""
    host = _host(link)
    named = _hosts_in(_as_seen(html.unescape(said)))
    if host and any(not _same_place(host, one) for one in named):
        yield f' <strong class="hub-leads">(leads to <bdi>{html.escape(host)}</bdi>)</strong>'


def _as_seen(text: str) -> str:
    """Return ``text`` without what nobody sees, and with every dot that browsers know as one."""
    folded = unicodedata.normalize("NFKC", text)
    seen = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return seen.replace("\u3002", ".")


def _host(link: str) -> str:
    """Return the host that a browser goes to; empty where ``link`` leads to no page."""
    if not _WEB.match(link):
        return ""
    try:
        # Browsers take a backslash for a slash.
        return _plain(urlsplit(link.replace("\\", "/")).hostname or "")
    except ValueError:
        return "an address that is malformed"


def _hosts_in(said: str) -> list[str]:
    whole = _WHOLLY.fullmatch(said.strip())
    return [_plain(one) for one in (*_NAMED.findall(said), *([whole[1]] if whole else []))]


def _plain(host: str) -> str:
    """Return ``host`` as it is asked for: letters that look like others show."""
    host = host.lower().rstrip(".").removeprefix("www.")
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _same_place(host: str, named: str) -> bool:
    return host == named or host.endswith(f".{named}") or named.endswith(f".{host}")
