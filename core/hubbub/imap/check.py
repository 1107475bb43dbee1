"""Ask a mail server whether a mailbox can be watched, and change nothing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from hubbub.guard import Deadline, Guard
from hubbub.imap.client import Client, connected, leave, telling
from hubbub.imap.folders import Box, FolderMissing, opened
from hubbub.sdk.errors import AuthFailed, Permanent, SendError
from hubbub.sdk.mail import MailServer, Security, login_in
from hubbub.sdk.mailbox import IMAP_SCHEMES, End, Looked, answer
from hubbub.sdk.values import HttpRequest, HttpResponse

#: The schemes of the requests that go here.
MAILBOX: Final = frozenset(IMAP_SCHEMES.values())
_NOT_FOR_NEWS: Final = {
    rb"\Sent": "sent",
    rb"\Trash": "trash",
    rb"\Drafts": "drafts",
    rb"\All": "all",
}
_SECURITY: Final[Mapping[str, Security]] = {
    scheme: security for security, scheme in IMAP_SCHEMES.items()
}


class MailboxTransport:
    """Carries requests of `hubbub.sdk.mailbox`, each on a connection of its own."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def perform(self, request: HttpRequest) -> HttpResponse:
        """Do as ``request`` says; the answer is a `Looked`.

        Raises `Transient` when the server cannot be reached, and `hubbub.guard.Refused`.
        """
        server = _server(request)
        wanted: Any = json.loads(request.body) if isinstance(request.body, bytes) else {}
        try:
            client = connected(
                server,
                self._guard.connect,
                silence=request.timeout.total_seconds() / 3,
                within=Deadline(request.timeout),
            )
        except SendError as error:
            if not isinstance(error, AuthFailed) and error.code not in {
                "imap_busy",
                "imap_refused",
            }:
                raise
            return answer(_not_in(error))
        try:
            with telling(server):
                return answer(_looked(client, wanted["folders"], wanted["move_to"]))
        finally:
            leave(client)


def _not_in(error: SendError) -> Looked:
    return Looked(
        stage="login",
        code=error.code,
        detail=error.detail,
        permanent=isinstance(error, Permanent),
    )


def _looked(client: Client, folders: list[str], move_to: str) -> Looked:
    listed = client.list_folders()
    offered = tuple(name for flags, _, name in listed if rb"\Noselect" not in flags)
    junk = next((name for flags, _, name in listed if rb"\Junk" in flags), "")
    asked = [*folders, *([move_to] if move_to else [])]
    found = {name: box for name in asked if (box := _box(client, name))}
    missing = tuple(name for name in asked if name not in found)
    return Looked(
        stage="folders" if missing else "ready",
        capabilities=tuple(sorted(one.decode("ascii", "replace") for one in client.capabilities())),
        folders=offered,
        junk=junk,
        special={name: use for flags, _, name in listed if name in folders for use in _uses(flags)},
        missing=missing,
        read_only=tuple(name for name, box in found.items() if not box.writable),
        ends={
            name: End(found[name].uidvalidity, found[name].uidnext)
            for name in folders
            if name in found
        },
    )


def _uses(flags: Sequence[bytes]) -> list[str]:
    """Return what else than for letters that come in a folder is for."""
    return [use for flag, use in _NOT_FOR_NEWS.items() if flag in flags]


def _box(client: Client, folder: str) -> Box | None:
    """Return ``folder`` as it is now; None where it is missing."""
    try:
        return opened(client, folder)
    except FolderMissing:
        return None


def _server(request: HttpRequest) -> MailServer:
    parts = urlsplit(request.url)
    way, username, secret = login_in(request.headers["authorization"])
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or 0,
        security=_SECURITY[parts.scheme],
        username=username,
        password=secret if way == "password" else "",
        token=secret if way == "xoauth2" else "",
        trust=request.trust,
    )
