"""Unpack winmail.dat, into which Outlook may put the files of a letter, where that is installed."""

from importlib.util import find_spec
from typing import Final, NamedTuple

from hubbub_email.texts import decoded, one_line

MOST_FILES: Final = 100
#: Whether the extra ``hubbub[winmail]`` is there.
AVAILABLE: Final = find_spec("tnefparse") is not None


class Packed(NamedTuple):
    """One file in a winmail.dat."""

    name: str
    body: bytes


def unpack(body: bytes) -> tuple[Packed, ...]:
    """Return the files in ``body``; none where it cannot be read, or not here."""
    if not AVAILABLE:
        return ()
    from tnefparse import TNEF  # noqa: PLC0415  # an optional library

    try:
        found = TNEF(body, do_checksum=False).attachments[:MOST_FILES]
        return tuple(Packed(_name(one.long_filename() or one.name), one.data) for one in found)
    # Mutated files made it raise five kinds of exception. What cannot be unpacked stays a file.
    except Exception:  # noqa: BLE001  # see above
        return ()


def _name(name: str | bytes) -> str:
    return one_line(decoded(name) if isinstance(name, bytes) else name).strip("\0")
