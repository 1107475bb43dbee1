"""The kinds of files that visitors may send, each with the endings that go with it."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

OFFICE: Final = "application/vnd.openxmlformats-officedocument."
OPEN: Final = "application/vnd.oasis.opendocument."
#: What is taken, and by which endings.
ENDINGS: Final[Mapping[str, frozenset[str]]] = {
    "image/png": frozenset({"png"}),
    "image/jpeg": frozenset({"jpg", "jpeg", "jpe", "jfif"}),
    "image/gif": frozenset({"gif"}),
    "image/webp": frozenset({"webp"}),
    "application/pdf": frozenset({"pdf"}),
    "text/plain": frozenset({"txt", "log", "md", "csv"}),
    "text/csv": frozenset({"csv"}),
    "video/mp4": frozenset({"mp4", "m4v"}),
    "video/webm": frozenset({"webm"}),
    "audio/mpeg": frozenset({"mp3"}),
    "audio/ogg": frozenset({"ogg", "oga", "opus"}),
    "audio/mp4": frozenset({"m4a"}),
    f"{OFFICE}wordprocessingml.document": frozenset({"docx"}),
    f"{OFFICE}spreadsheetml.sheet": frozenset({"xlsx"}),
    f"{OFFICE}presentationml.presentation": frozenset({"pptx"}),
    f"{OPEN}text": frozenset({"odt"}),
    f"{OPEN}spreadsheet": frozenset({"ods"}),
    f"{OPEN}presentation": frozenset({"odp"}),
}
#: The endings of all that is taken, as a page asks for files.
ACCEPTED: Final = ",".join(f".{ending}" for ending in sorted({*chain(*ENDINGS.values())}))
