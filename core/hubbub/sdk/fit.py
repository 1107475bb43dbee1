"""Fit a draft to what a channel can carry: split, caption, number, describe."""

from collections.abc import Iterator
from dataclasses import replace

from hubbub.sdk.capabilities import Capabilities
from hubbub.sdk.content import (
    ATTACHMENT_TYPES,
    Attachment,
    Choice,
    Choices,
    Contacts,
    Content,
    Email,
    Form,
    Location,
    Option,
    Text,
)
from hubbub.sdk.errors import Unsupported


def fit(content: Content, capabilities: Capabilities) -> tuple[Content, ...]:
    """Return what to send, in order, so that a channel with ``capabilities`` can carry it.

    Raises `Unsupported` for what cannot be said there at all.
    """
    return tuple(_fit(content, capabilities))


def split_text(text: str, limit: int, unit: str = "characters") -> list[str]:
    """Return ``text`` in pieces of at most ``limit`` units, cut at a paragraph, line or word.

    A surrogate pair or a combined emoji is not cut where another place is near.
    """
    pieces = []
    while _length(text, unit) > limit:
        end = _prefix(text, limit, unit)
        cut = _cut(text, end)
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    if text or not pieces:
        pieces.append(text)
    return [piece for piece in pieces if piece] or [""]


def numbered_menu(choices: Choices) -> str:
    """Return ``choices`` as a text that asks for a number."""
    lines = [
        f"{number}. {_entry(option)}" for number, option in enumerate(choices.options, start=1)
    ]
    return "\n".join([choices.text, "", *lines])


def choice_from_reply(text: str, choices: Choices) -> Choice | None:
    """Return the option that ``text`` picks from a numbered menu, or None.

    A number, or the option's title in any case.
    """
    answer = text.strip().rstrip(".)").casefold()
    for number, option in enumerate(choices.options, start=1):
        if answer in {str(number), option.title.casefold()}:
            return Choice(id=option.id, title=option.title)
    return None


def _entry(option: Option) -> str:
    return f"{option.title}: {option.description}" if option.description else option.title


def _fit(content: Content, can: Capabilities) -> Iterator[Content]:
    match content:
        case Text():
            for piece in split_text(content.text, can.text_limit, can.text_unit):
                yield Text(text=piece)
        case Choices() if "choices" in can.outbound and len(content.options) <= can.options:
            yield from _fit_choices(content, can)
        case Choices():
            yield from _fit(Text(text=numbered_menu(content)), can)
        case Attachment() if content.type in can.outbound:
            yield from _fit_caption(content, can)
        case Attachment() if "document" in can.outbound and content.type in ATTACHMENT_TYPES:
            yield from _fit_caption(replace(content, type="document"), can)
        case _ if content.type in can.outbound:
            yield content
        case _:
            yield from _fit(Text(text=_in_words(content)), can)


def _fit_choices(content: Choices, can: Capabilities) -> Iterator[Content]:
    *before, last = split_text(content.text, can.text_limit, can.text_unit)
    for piece in before:
        yield Text(text=piece)
    yield replace(content, text=last)


def _fit_caption(content: Attachment, can: Capabilities) -> Iterator[Content]:
    caption = content.caption or ""
    if _length(caption, can.text_unit) <= can.caption_limit:
        yield content
        return
    yield replace(content, caption=None)
    yield from _fit(Text(text=caption), can)


def _in_words(content: Content) -> str:
    match content:
        case Attachment(media=media, caption=caption) if media.url:
            return f"{caption}\n{media.url}" if caption else media.url
        case Location(latitude=latitude, longitude=longitude, name=name, address=address):
            place = f"https://maps.google.com/?q={latitude},{longitude}"
            return "\n".join(line for line in (name, address, place) if line)
        case Contacts(contacts=cards):
            return "\n".join(", ".join((card.name, *card.phones, *card.emails)) for card in cards)
        case Email(subject=subject, text=text, attachments=files):
            links = "\n".join(file.url for file in files if file.url)
            return f"{subject}\n\n{text}\n\n{links}".rstrip()
        case Form(fields=fields):
            return "\n".join(f"{name}: {value}" for name, value in fields.items())
    raise Unsupported(f"This channel cannot carry {content.type!r}.")


def _length(text: str, unit: str) -> int:
    if unit != "utf16" or text.isascii():
        return len(text)
    return len(text.encode("utf-16-le")) // 2


def _prefix(text: str, limit: int, unit: str) -> int:
    """Return how many characters of ``text`` fit into ``limit`` units."""
    if unit != "utf16":
        return limit
    used = 0
    for count, character in enumerate(text):
        used += _length(character, unit)
        if used > limit:
            return count
    return len(text)


def _cut(text: str, end: int) -> int:
    # A break in the first half would leave a stump; then the next finer kind of break is better.
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, end // 2, end + 1)
        if found > 0:
            return found
    # Joined emoji and combining marks belong to the character before them.
    for back in range(end, max(end - 16, 1), -1):
        if not _joins(text[back : back + 1]) and not _joins(text[back - 1]):
            return back
    return end


def _joins(character: str) -> bool:
    return bool(character) and (
        character in "\u200d\ufe0f" or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
