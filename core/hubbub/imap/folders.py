"""Open a folder, and tell apart one that is not there from a server that will not now."""

import imaplib
from dataclasses import dataclass
from typing import Final

from imapclient.exceptions import IMAPClientError, IMAPClientReadOnlyError

from hubbub.imap.client import Client, code_of

_GONE: Final = frozenset({"NONEXISTENT", "TRYCREATE"})


class FolderMissing(Exception):
    """The server has no such folder."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A folder, as the server opened it."""

    folder: str
    uidvalidity: int
    #: The number that the next letter will have, and whether the server said so itself.
    uidnext: int
    told: bool
    writable: bool


def opened(client: Client, folder: str) -> Box:
    """Open ``folder``. Raises `FolderMissing`."""
    writable = True
    try:
        said = client.select_folder(folder)
    except IMAPClientReadOnlyError:
        said, writable = client.select_folder(folder, readonly=True), False
    except imaplib.IMAP4.abort:
        raise
    except ValueError as error:  # how IMAPClient tells of numbers that are none
        raise IMAPClientError(f"what it says of {folder!r} makes no sense") from error
    except IMAPClientError as error:
        if code_of(error) in _GONE or not client.folder_exists(folder):
            raise FolderMissing(folder) from error
        raise
    uidnext = said.get(b"UIDNEXT", 0)
    return Box(
        folder=folder,
        uidvalidity=said.get(b"UIDVALIDITY", 0),
        # Old servers do not tell it; what follows the last letter is less sure.
        uidnext=uidnext or max(client.search(["UID", "*"]), default=0) + 1,
        told=uidnext > 0,
        writable=writable,
    )
