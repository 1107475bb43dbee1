"""Read formatted text as the Bot API does: lengths, HTML, and entities found in plain text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final

from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import bad
from hubbub.sandbox.wsgi import Json

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
_RAW_LIMIT: Final = 32768

_ENTITIES: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
    "blockquote": "blockquote",
}
_TOKEN: Final = re.compile(
    r"<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>\s[^<>]*)?>"
    r"|&(?:#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);"
    r"|<"
)
_HREF: Final = re.compile(r"""href\s*=\s*["']?([^"'\s>]+)""")
_FOUND: Final = re.compile(
    r"(?P<url>https?://[^\s<>]+)"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]+\w)"
    r"|(?<!\S)(?P<bot_command>/[A-Za-z0-9_]{1,32}(?:@\w+)?)(?!\w)"
    r"|(?<!\w)(?P<mention>@[A-Za-z]\w{3,31})"
    r"|(?<!\w)(?P<hashtag>#\w*[^\W\d]\w*)"
)


@dataclass
class _Parser:
    source: str
    text: list[str] = field(default_factory=list)
    length: int = 0
    entities: list[Json] = field(default_factory=list)
    open: list[tuple[str, int, Json]] = field(default_factory=list)

    def add(self, piece: str) -> None:
        self.text.append(piece)
        self.length += utf16_length(piece)

    def start(self, tag: str, attributes: str, at: int) -> None:
        kind = _ENTITIES.get(tag)
        if kind is None:
            raise self.wrong(f'Unsupported start tag "{tag}"', at)
        entity: Json = {"type": kind}
        if tag == "a":
            address = _HREF.search(attributes)
            entity["url"] = unescape(address[1]) if address else ""
        self.open.append((tag, self.length, entity))

    def end(self, tag: str, at: int) -> None:
        if not self.open:
            raise self.wrong("Unexpected end tag", at)
        expected, offset, entity = self.open.pop()
        if tag != expected:
            raise self.wrong(f'Unmatched end tag, expected "</{expected}>", found "</{tag}>"', at)
        if self.length > offset:
            self.entities.append({**entity, "offset": offset, "length": self.length - offset})

    def wrong(self, what: str, at: int) -> Exception:
        offset = len(self.source[:at].encode())
        return bad(f"can't parse entities: {what} at byte offset {offset}")


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Return the text and the entities of Bot API HTML; `Refused` where it is not well formed."""
    parser = _Parser(source)
    at = 0
    for token in _TOKEN.finditer(source):
        parser.add(source[at : token.start()])
        at = token.end()
        if token["tag"] is None:
            if token[0] == "<":
                raise parser.wrong("Unclosed start tag", token.start())
            parser.add(unescape(token[0]))
        elif token["end"]:
            parser.end(token["tag"].lower(), token.start())
        else:
            parser.start(token["tag"].lower(), token["attributes"] or "", token.start())
    parser.add(source[at:])
    if parser.open:
        raise bad(
            "can't parse entities: Can't find end tag corresponding to start tag "
            f'"{parser.open[-1][0]}"'
        )
    entities = sorted(parser.entities, key=lambda entity: (entity["offset"], -entity["length"]))
    return "".join(parser.text), entities


def find_entities(text: str) -> list[Json]:
    """Return the entities that Telegram finds by itself in plain text."""
    if not any(sign in text for sign in "/@#"):
        return []
    return list(_found(text))


def utf16_length(text: str) -> int:
    """Return the length as clients count it, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def message_text(params: Params) -> Json:
    """Return the checked ``text`` of a message, with its entities."""
    text, entities = _formatted(params, "text", "entities")
    if not text.strip():
        raise bad("message text is empty")
    if len(text) > TEXT_LIMIT:
        raise bad("message is too long")
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption(params: Params) -> Json:
    """Return the checked ``caption`` of a message, with its entities; nothing where it is blank."""
    text, entities = _formatted(params, "caption", "caption_entities")
    if len(text) > CAPTION_LIMIT:
        raise bad("message caption is too long")
    if not text.strip():
        return {}
    return {"caption": text, "caption_entities": entities} if entities else {"caption": text}


def _formatted(params: Params, name: str, entities_name: str) -> tuple[str, list[Any]]:
    raw = params.text(name)
    if len(raw) * 4 > _RAW_LIMIT and len(raw.encode()) > _RAW_LIMIT:
        raise bad("text is too long")
    mode = params.text("parse_mode").lower()
    given = params.sequence(entities_name)
    if given or mode in {"", "none"}:
        return raw, given or find_entities(raw)
    if mode != "html":
        raise bad(f"unsupported parse_mode: the sandbox reads HTML and entities, not {mode}")
    return parse_html(raw)


def _found(text: str) -> Iterator[Json]:
    for match in _FOUND.finditer(text):
        yield {
            "type": match.lastgroup,
            "offset": utf16_length(text[: match.start()]),
            "length": utf16_length(match[0]),
        }
