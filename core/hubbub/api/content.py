"""Read the content of a message that somebody wants sent."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from hubbub.people.errors import Complaint, Invalid, complaints
from hubbub.sdk.content import (
    CONTENT_TYPES,
    Attachment,
    Choices,
    Content,
    Email,
    Media,
    Reaction,
    Template,
    Text,
    from_json,
)

#: What only arrives.
_INBOUND_ONLY: Final = frozenset({"choice", "form", "order", "system", "unsupported"})
OUTBOUND_TYPES: Final = tuple(kind for kind in CONTENT_TYPES if kind not in _INBOUND_ONLY)
#: Characters; longer than any channel splits into a sensible number of parts.
TEXT_LIMIT: Final = 100_000
_SHORT_LIMIT: Final = 1_000
_OPTIONS_LIMIT: Final = 100
#: What a caller may say of a file: where it is, or which upload it is.
_MEDIA_FIELDS: Final = frozenset({"id", "url", "mime_type", "filename"})
_ATTACHMENTS: Final = "attachments"


def read_content(value: Mapping[str, Any]) -> Content:
    """Return the content that ``value`` describes, fit to be sent.

    Raises `Invalid` with paths such as ``content.text``.
    """
    kind = value.get("type")
    if isinstance(kind, str) and kind in _INBOUND_ONLY:
        raise Invalid(Complaint("content.type", f"{kind!r} can arrive, but not be sent."))
    wrong = tuple(_media_complaints(value))
    if wrong:
        raise Invalid(*wrong)
    return _checked(_parsed(value))


def read_any_content(value: Mapping[str, Any]) -> Content:
    """Return the content that ``value`` describes, of any type. Raises `Invalid`."""
    return _parsed(value)


def media_ids(content: Content) -> Iterator[tuple[str, str]]:
    """Yield the field and the id of each upload that ``content`` names."""
    match content:
        case Attachment(media=Media(id=media_id)) if media_id:
            yield "content.media.id", media_id
        case Email(attachments=files):
            for index, media in enumerate(files):
                if media.id:
                    yield f"content.attachments.{index}.id", media.id


def with_media(content: Content, known: Mapping[str, Media]) -> Content:
    """Return ``content`` with what is known of the uploads it names."""
    match content:
        case Attachment(media=media):
            return replace(content, media=_filled(media, known))
        case Email(attachments=files):
            return replace(content, attachments=tuple(_filled(one, known) for one in files))
    return content


def _filled(media: Media, known: Mapping[str, Media]) -> Media:
    if not media.id:
        # Where the caller keeps it, it can be fetched already.
        return replace(media, state="ready")
    upload = known[media.id]
    return replace(upload, filename=media.filename or upload.filename)


def _parsed(value: Mapping[str, Any]) -> Content:
    try:
        return from_json(value)
    except ValidationError as error:
        raise Invalid(*_complaints(error)) from None


def _complaints(error: ValidationError) -> Iterator[Complaint]:
    for one in complaints(error, "content"):
        parts = one.field.split(".")
        if len(parts) == 1:
            known = ", ".join(CONTENT_TYPES)
            yield Complaint("content.type", f"Take one of {known}.")
        else:
            # The second part names the type that was tried, which is no field.
            yield Complaint(".".join(("content", *parts[2:])), one.message)


def _checked(content: Content) -> Content:
    wrong = tuple(_content_complaints(content))
    if wrong:
        raise Invalid(*wrong)
    return content


def _content_complaints(content: Content) -> Iterator[Complaint]:
    match content:
        case Text(text=text):
            yield from _needed("text", text)
        case Choices(text=text, options=options):
            yield from _needed("text", text)
            yield from _option_complaints([option.id for option in options])
        case Template(name=name, language=language):
            yield from _needed("name", name, _SHORT_LIMIT)
            yield from _needed("language", language, _SHORT_LIMIT)
        case Reaction(target_external_id=target):
            yield from _needed("target_external_id", target, _SHORT_LIMIT)
        case Email(subject=subject, text=text, visible=visible):
            yield from _needed("subject", subject, _SHORT_LIMIT)
            yield from _needed("text", text)
            if visible is not None:
                yield Complaint("content.visible", "Only what arrives has it.")
        case Attachment(caption=caption) if caption is not None:
            yield from _bounded("caption", caption, TEXT_LIMIT)


def _option_complaints(ids: list[str]) -> Iterator[Complaint]:
    if not 1 <= len(ids) <= _OPTIONS_LIMIT:
        yield Complaint("content.options", f"Give 1 to {_OPTIONS_LIMIT} options.")
    if len(set(ids)) < len(ids):
        yield Complaint("content.options", "Each option needs an id of its own.")


def _needed(name: str, text: str, limit: int = TEXT_LIMIT) -> Iterator[Complaint]:
    if not text.strip():
        yield Complaint(f"content.{name}", "It is empty.")
    yield from _bounded(name, text, limit)


def _bounded(name: str, text: str, limit: int) -> Iterator[Complaint]:
    if len(text) > limit:
        yield Complaint(f"content.{name}", f"Take at most {limit} characters.")


def _media_complaints(value: Mapping[str, Any]) -> Iterator[Complaint]:
    if "media" in value:
        yield from _file_complaints("content.media", value["media"])
    files = value.get(_ATTACHMENTS)
    if isinstance(files, list):
        for index, file in enumerate(files):
            yield from _file_complaints(f"content.{_ATTACHMENTS}.{index}", file)


def _file_complaints(where: str, file: object) -> Iterator[Complaint]:
    if not isinstance(file, dict):
        yield Complaint(where, 'Give {"url": ...}, or {"id": ...} of an upload.')
        return
    for name in sorted(file.keys() - _MEDIA_FIELDS):
        yield Complaint(f"{where}.{name}", "This cannot be set.")
    if bool(file.get("id")) == bool(file.get("url")):
        yield Complaint(where, "Give either a url, or the id of an upload.")
    elif isinstance(file.get("url"), str) and not _fetchable(file["url"]):
        yield Complaint(f"{where}.url", "Give an address that begins with https:// or http://.")


def _fetchable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
