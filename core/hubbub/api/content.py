"""Read the content of a message that somebody wants sent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from hubbub.people.errors import Complaint, Invalid, complaints
from hubbub.sdk.content import (
    CONTENT_TYPES,
    OUTBOUND_TYPES,
    Attachment,
    Choices,
    Content,
    Email,
    Media,
    Reaction,
    Template,
    Text,
    from_json,
    with_files,
)

#: What only arrives.
_INBOUND_ONLY: Final = frozenset(CONTENT_TYPES).difference(OUTBOUND_TYPES)
#: Characters; longer than any channel splits into a sensible number of parts.
TEXT_LIMIT: Final = 100_000
#: Characters; mail programs show a fifth of it and cut the rest.
HTML_LIMIT: Final = 500_000
_SHORT_LIMIT: Final = 1_000
_OPTIONS_LIMIT: Final = 100
_ATTACHMENTS_LIMIT: Final = 50
#: What goes to more of them than a few answers people know is a campaign.
_COPIES_LIMIT: Final = 50
#: What no header field holds, and what turns the direction of what stands behind it.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: What may stand in HTML as it is, and in a header field.
_CID: Final = re.compile(r"[A-Za-z0-9._@+-]{1,200}")
#: What a caller may say of a file: where it is, or which upload it is.
_MEDIA_FIELDS: Final = frozenset({"id", "url", "mime_type", "filename"})
#: Of a letter's files also by which name its HTML shows it.
_ATTACHMENT_FIELDS: Final = _MEDIA_FIELDS | {"cid"}
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
    content = _parsed(value)
    check_content(content)
    return content


def read_any_content(value: Mapping[str, Any]) -> Content:
    """Return the content that ``value`` describes, of any type. Raises `Invalid`."""
    return _parsed(value)


def check_content(content: Content) -> None:
    """Refuse what is not fit to be sent. Raises `Invalid`."""
    wrong = tuple(_content_complaints(content))
    if wrong:
        raise Invalid(*wrong)


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
    return with_files(content, lambda media: _filled(media, known))


def _filled(media: Media, known: Mapping[str, Media]) -> Media:
    if not media.id:
        # Where the caller keeps it, it can be fetched already.
        return replace(media, state="ready")
    upload = known[media.id]
    return replace(upload, filename=media.filename or upload.filename, cid=media.cid)


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
        case Email():
            yield from _letter_complaints(content)
        case Attachment(caption=caption) if caption is not None:
            yield from _bounded("caption", caption, TEXT_LIMIT)


def _letter_complaints(letter: Email) -> Iterator[Complaint]:
    yield from _needed("subject", letter.subject, _SHORT_LIMIT)
    if _UNPRINTABLE.search(letter.subject):
        yield Complaint("content.subject", "It is one line, without control characters.")
    if not (letter.text.strip() or (letter.html or "").strip() or letter.attachments):
        yield Complaint("content.text", "Write something, or attach a file.")
    yield from _bounded("text", letter.text, TEXT_LIMIT)
    yield from _bounded("html", letter.html or "", HTML_LIMIT)
    for name in ("visible", "doubt", "automatic", "to"):
        if getattr(letter, name):
            yield Complaint(f"content.{name}", "Only what arrives has it.")
    if len(letter.copies) > _COPIES_LIMIT:
        yield Complaint("content.cc", f"Copies go to at most {_COPIES_LIMIT}, unseen ones counted.")
    if len(letter.attachments) > _ATTACHMENTS_LIMIT:
        yield Complaint(f"content.{_ATTACHMENTS}", f"Take at most {_ATTACHMENTS_LIMIT} files.")
    yield from _cid_complaints([media.cid for media in letter.attachments])


def _cid_complaints(cids: list[str | None]) -> Iterator[Complaint]:
    for index, cid in enumerate(cids):
        where = f"content.{_ATTACHMENTS}.{index}.cid"
        if cid is not None and _CID.fullmatch(cid) is None:
            yield Complaint(where, "Take 1 to 200 letters, digits, and . _ @ + -")
        elif cid is not None and cid in cids[:index]:
            yield Complaint(where, "Each file needs a name of its own.")


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
        yield from _file_complaints("content.media", value["media"], _MEDIA_FIELDS)
    files = value.get(_ATTACHMENTS)
    if isinstance(files, list):
        for index, file in enumerate(files):
            where = f"content.{_ATTACHMENTS}.{index}"
            yield from _file_complaints(where, file, _ATTACHMENT_FIELDS)


def _file_complaints(where: str, file: object, fields: frozenset[str]) -> Iterator[Complaint]:
    if not isinstance(file, dict):
        yield Complaint(where, 'Give {"url": ...}, or {"id": ...} of an upload.')
        return
    for name in sorted(file.keys() - fields):
        yield Complaint(f"{where}.{name}", "This cannot be set.")
    if isinstance(file.get("filename"), str) and _UNPRINTABLE.search(file["filename"]):
        yield Complaint(f"{where}.filename", "It is one line, without control characters.")
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
