"""Hold what the provider knows: accounts with their folders, and what was said with whom."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.email.reading import Shown
from hubbub.sandbox.files import StoredFile
from hubbub.sandbox.world import NoSuchThing, World

#: Folders that a new account has, with their special use (RFC 6154).
_FOLDERS: Final = {"INBOX": "", "Sent": r"\Sent", "Junk": r"\Junk", "Trash": r"\Trash"}


@dataclass(slots=True)
class Stored:
    """A letter in a folder."""

    uid: int
    raw: bytes
    flags: frozenset[str]
    #: When it came in: INTERNALDATE.
    at: float
    #: Called once, when somebody first fetches the letter.
    fetched: Callable[[], None] | None = None


@dataclass(slots=True)
class Folder:
    """A folder of a mailbox."""

    name: str
    uidvalidity: int
    special: str = ""
    uidnext: int = 1
    letters: list[Stored] = field(default_factory=list)

    def add(
        self,
        raw: bytes,
        *,
        at: float,
        flags: frozenset[str] = frozenset(),
        fetched: Callable[[], None] | None = None,
    ) -> Stored:
        """Put a letter at the end."""
        stored = Stored(self.uidnext, raw, flags, at, fetched)
        self.uidnext += 1
        self.letters.append(stored)
        return stored

    @property
    def unseen(self) -> int:
        """How many letters nobody marked as read."""
        return sum("\\Seen" not in one.flags for one in self.letters)

    def remove(self, uids: frozenset[int]) -> None:
        """Take letters out, as an expunge does."""
        self.letters = [one for one in self.letters if one.uid not in uids]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """An application that may act for an account."""

    client_id: str
    client_secret: str = ""
    refresh_token: str
    tenant: str = "common"


@dataclass(slots=True, kw_only=True)
class Mail:
    """A letter between an account and a person, as the person's mail program keeps it."""

    id: str
    message_id: str
    customer: str
    #: Whether the person wrote it.
    mine: bool
    at: float
    raw: bytes
    shown: Shown
    files: tuple[StoredFile, ...] = ()
    #: Where a bounce of it goes.
    envelope_sender: str = ""
    #: How far it came, in words for the customer's page.
    status: str = ""
    problem: bool = False


@dataclass(slots=True)
class Account:
    """A mailbox of the hub's."""

    address: str
    password: str = ""
    #: Other addresses from which it may write, and at which it is reached.
    aliases: list[str] = field(default_factory=list)
    oauth: OAuth | None = None
    folders: dict[str, Folder] = field(default_factory=dict)
    mails: dict[str, Mail] = field(default_factory=dict)
    #: People whose mailboxes are closed.
    closed: set[str] = field(default_factory=set)
    #: Told when something changed in a folder; each by an IMAP session that idles.
    watchers: list[Callable[[], None]] = field(default_factory=list)
    #: How many IMAP sessions are logged in.
    sessions: int = 0

    def owns(self, address: str) -> bool:
        """Whether ``address`` is one of this account's, with or without ``+something``."""
        return _plain(address) in {_plain(one) for one in (self.address, *self.aliases)}

    def folder(self, name: str) -> Folder:
        """Return a folder; `NoSuchThing` if there is none."""
        found = self.folders.get("INBOX" if name.upper() == "INBOX" else name)
        if found is None:
            raise NoSuchThing(f"The account {self.address} has no folder {name!r}.")
        return found

    def mail(self, mail_id: str) -> Mail:
        """Return a letter by its id or its Message-ID; `NoSuchThing` if there is none."""
        found = self.mails.get(mail_id) or next(
            (mail for mail in self.mails.values() if mail.message_id == mail_id), None
        )
        if found is None:
            raise NoSuchThing(f"The account {self.address} has no letter {mail_id!r}.")
        return found


@dataclass
class Post:
    """Everything the provider knows."""

    world: World
    accounts: dict[str, Account] = field(default_factory=dict)
    #: Access tokens: for which account, and until when.
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    #: Envelopes that were told to come again: greylisting.
    greylist: set[tuple[str, str]] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _validities: Iterator[int] = field(default_factory=lambda: itertools.count(int(time.time())))

    def named(self, address: str) -> Account:
        """Return a known account; `NoSuchThing` if there is none."""
        account = self.accounts.get(address.lower())
        if account is None:
            raise NoSuchThing("There is no such account. Make one by POST /_sandbox/mailboxes.")
        return account

    def open(self, address: str) -> Account:
        """Return an account, made if it is not known."""
        account = self.accounts.setdefault(address.lower(), Account(address.lower()))
        for name, special in _FOLDERS.items():
            if name not in account.folders:
                self.make_folder(account, name, special)
        return account

    def make_folder(self, account: Account, name: str, special: str = "") -> Folder:
        """Make a folder; one of the same name is gone, with its letters and their numbers."""
        folder = account.folders[name] = Folder(name, next(self._validities), special)
        return folder

    def at(self, address: str) -> Account | None:
        """Return the account that letters to ``address`` reach."""
        return next((one for one in self.accounts.values() if one.owns(address)), None)

    def append(
        self, account: Account, folder: Folder, raw: bytes, *, flags: frozenset[str], at: float
    ) -> Stored:
        """Put a letter into a folder as a client does."""
        with self.world.lock:
            stored = folder.add(raw, at=at, flags=flags)
        self.changed(account)
        return stored

    def changed(self, account: Account) -> None:
        """Tell everybody who watches a mailbox that something is new there."""
        for watcher in list(account.watchers):
            watcher()

    def new_id(self) -> str:
        """Return an id for a letter."""
        return f"{next(self._numbers):06d}"

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.accounts.clear()
            self.tokens.clear()
            self.greylist.clear()


def _plain(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
