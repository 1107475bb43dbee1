"""Give files names that are safe to show and to save."""

import re
from typing import Final

from hubbub_email.texts import one_line

#: File systems take 255 bytes, and something may be added.
MOST_BYTES: Final = 150
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\x00-\x1f]')
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_ENDINGS: Final = {
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/plain": ".txt",
    "image/jpeg": ".jpg",
    "text/html": ".html",
    "text/csv": ".csv",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "audio/mpeg": ".mp3",
    "video/mp4": ".mp4",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
}


def safe_name(name: str, mime_type: str) -> str:
    """Return the last part of ``name`` without what harms; a name by its type where it has none."""
    bare = re.split(r"[/\\]", one_line(name))[-1]
    bare = _FORBIDDEN.sub("_", bare).strip(" .")
    if not bare:
        return f"file{_ENDINGS.get(mime_type, '.bin')}"
    return _short(bare)


def _short(name: str) -> str:
    """Return ``name`` in at most `MOST_BYTES` of UTF-8, with its extension."""
    if len(name.encode()) <= MOST_BYTES:
        return name
    found = _EXTENSION.search(name)
    extension = found[0] if found else ""
    stem = name.removesuffix(extension).encode()[: MOST_BYTES - len(extension)]
    return stem.decode("utf-8", "ignore") + extension
