"""Do what is done with folders as such: list them, tell of them, make them, put letters in."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from hubbub.sandbox.email.imap import wire
from hubbub.sandbox.email.imap.fetching import moment
from hubbub.sandbox.email.imap.wire import Token, Unreadable
from hubbub.sandbox.email.state import Account, Folder, Post

_ITEMS: Final[Mapping[bytes, Callable[[Folder], int]]] = {
    b"MESSAGES": lambda folder: len(folder.letters),
    b"RECENT": lambda _: 0,
    b"UIDNEXT": lambda folder: folder.uidnext,
    b"UIDVALIDITY": lambda folder: folder.uidvalidity,
    b"UNSEEN": lambda folder: folder.unseen,
}


class No(Exception):
    """The server does not do as asked; the text says why, with a code (RFC 5530) in front."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how they are told what is no part of the last line."""

    post: Post
    account: Account
    say: Callable[[bytes], None]


def named(account: Account, token: Token, *, code: str = "NONEXISTENT") -> Folder:
    """Return the folder that a client names. Raises `No`."""
    name = wire.folder_name(token)
    found = account.folders.get("INBOX" if name.upper() == "INBOX" else name)
    if found is None:
        raise No(f"[{code}] There is no such folder")
    return found


def flags_of(tokens: list[Token]) -> frozenset[str]:
    """Return the flags that a client names."""
    return frozenset(wire.text(one) for one in tokens)


def _list(asker: Asker, given: list[Token]) -> str:
    if given and isinstance(given[0], list):
        given = given[1:]  # LIST (SPECIAL-USE) "" "*" asks for less than we tell
    reference, pattern = (wire.folder_name(one) for one in given[:2])
    if not pattern:
        asker.say(rb'* LIST (\Noselect) "/" ""')
        return "OK LIST done"
    wanted = re.escape(reference + pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    for folder in list(asker.account.folders.values()):
        if re.fullmatch(wanted, folder.name, re.IGNORECASE):
            marks = rf"\HasNoChildren {folder.special}".strip().encode()
            asker.say(b'* LIST (%s) "/" %s' % (marks, wire.written_name(folder.name)))
    return "OK LIST done"


def _status(asker: Asker, given: list[Token]) -> str:
    folder = named(asker.account, given[0])
    with asker.post.world.lock:
        said = [
            item.upper() + b" %d" % _ITEMS[item.upper()](folder)
            for item in given[1]
            if isinstance(item, bytes) and item.upper() in _ITEMS
        ]
    asker.say(b"* STATUS %s %s" % (wire.written_name(folder.name), wire.listed(said)))
    return "OK STATUS done"


def _append(asker: Asker, given: list[Token]) -> str:
    folder = named(asker.account, given[0], code="TRYCREATE")
    *more, raw = given[1:]
    flags = next((one for one in more if isinstance(one, list)), [])
    date = next((one for one in more if isinstance(one, bytes)), b"")
    if not isinstance(raw, bytes):
        raise Unreadable("A letter is missing.")
    at = moment(date) if date else time.time()
    stored = asker.post.append(asker.account, folder, raw, flags=flags_of(flags), at=at)
    return f"OK [APPENDUID {folder.uidvalidity} {stored.uid}] Kept"


def _create(asker: Asker, given: list[Token]) -> str:
    asker.post.make_folder(asker.account, _new_name(asker.account, given[0]))
    return "OK Made"


def _delete(asker: Asker, given: list[Token]) -> str:
    folder = named(asker.account, given[0])
    if folder.name == "INBOX":
        raise No("[CANNOT] INBOX stays")
    del asker.account.folders[folder.name]
    return "OK Gone"


def _rename(asker: Asker, given: list[Token]) -> str:
    folder, name = named(asker.account, given[0]), _new_name(asker.account, given[1])
    asker.account.folders[name] = asker.account.folders.pop(folder.name)
    folder.name = name
    return "OK Renamed"


def _subscribe(asker: Asker, given: list[Token]) -> str:
    named(asker.account, given[0])
    return "OK Every folder is subscribed"


def _namespace(asker: Asker, given: list[Token]) -> str:
    del given
    asker.say(b'* NAMESPACE (("" "/")) NIL NIL')
    return "OK NAMESPACE done"


def _new_name(account: Account, token: Token) -> str:
    name = wire.folder_name(token)
    if name in account.folders or name.upper() == "INBOX":
        raise No("[ALREADYEXISTS] There is such a folder")
    return name


_Do: TypeAlias = Callable[[Asker, list[Token]], str]
#: Each returns the last line of its answer, without the tag.
COMMANDS: Final[Mapping[str, _Do]] = {
    "LIST": _list,
    "LSUB": _list,
    "STATUS": _status,
    "APPEND": _append,
    "CREATE": _create,
    "DELETE": _delete,
    "RENAME": _rename,
    "SUBSCRIBE": _subscribe,
    "UNSUBSCRIBE": _subscribe,
    "NAMESPACE": _namespace,
}
