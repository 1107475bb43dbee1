"""Hold a folder as one session sees it, and do what is done with letters in it."""

from collections.abc import Callable
from typing import Final

from hubbub.sandbox.email.imap import fetching, wire
from hubbub.sandbox.email.imap.folders import flags_of, named
from hubbub.sandbox.email.imap.searching import Candidate, search
from hubbub.sandbox.email.imap.wire import Command, Token, Unreadable
from hubbub.sandbox.email.state import Account, Folder, Post, Stored

_FLAGS: Final = r"\Answered \Flagged \Deleted \Seen \Draft"
#: How a change of flags goes, by the sign before ``FLAGS``.
_CHANGES: Final[dict[bytes, Callable[[frozenset[str], frozenset[str]], frozenset[str]]]] = {
    b"": lambda _, given: given,
    b"+": lambda before, given: before | given,
    b"-": lambda before, given: before - given,
}


class Gone(Exception):
    """The folder is no more, or another one of the same name."""


class Opened:
    """A folder with the numbers of its letters: what the client knows of it."""

    def __init__(self, post: Post, account: Account, folder: Folder, *, writable: bool) -> None:
        self._post = post
        self._account = account
        self._folder = folder
        self._writable = writable
        #: The letters by their place, and the flags that were told.
        self._uids: list[int] = []
        self._told: dict[int, frozenset[str]] = {}

    def greeting(self) -> list[str]:
        """Return what is told when the folder is opened."""
        with self._post.world.lock:
            self._told = {one.uid: one.flags for one in self._folder.letters}
            self._uids = list(self._told)
            return [
                f"* FLAGS ({_FLAGS})",
                rf"* OK [PERMANENTFLAGS ({_FLAGS} \*)] Flags are kept",
                f"* {len(self._uids)} EXISTS",
                "* 0 RECENT",
                f"* OK [UIDVALIDITY {self._folder.uidvalidity}] Numbers are good",
                f"* OK [UIDNEXT {self._folder.uidnext}] The next number",
            ]

    def news(self) -> list[bytes]:
        """Return what happened since the client last heard. Raises `Gone`."""
        with self._post.world.lock:
            if self._account.folders.get(self._folder.name) is not self._folder:
                raise Gone
            now = {one.uid: one.flags for one in self._folder.letters}
            gone = [uid for uid in self._uids if uid not in now]
            lines = [self._without(uid) for uid in reversed(gone)]
            changed = [uid for uid in self._uids if now[uid] != self._told[uid]]
            lines += [self._flagged(uid, now[uid]) for uid in changed]
            new = [uid for uid in now if uid not in self._told]
            if new:
                self._uids += new
                lines.append(b"* %d EXISTS" % len(self._uids))
            self._told = now
            return lines

    def do(self, command: Command, say: Callable[[bytes], None]) -> str:
        """Do what ``command`` asks for."""
        given = command.arguments
        match command.name:
            case "SEARCH":
                return self._search(command, say)
            case "FETCH":
                return self._fetch(command, say)
            case "CHECK":
                return "OK CHECK done"
        if not self._writable:
            return "NO [READ-ONLY] The folder was opened to be read"
        match command.name:
            case "STORE":
                return self._store(command, say)
            case "COPY" | "MOVE":
                return self._copy(command, say)
            case "EXPUNGE":
                self.expunge(self._chosen(given[0], by_uid=True) if given else None)
                return "OK EXPUNGE done"
        return "BAD There is no such command"

    def expunge(self, only: list[Stored] | None) -> None:
        """Remove the letters that are marked so."""
        if not self._writable:
            return
        with self._post.world.lock:
            among = self._folder.letters if only is None else only
            self._folder.remove(frozenset(one.uid for one in among if "\\Deleted" in one.flags))
        self._tell_others()

    def _search(self, command: Command, say: Callable[[bytes], None]) -> str:
        with self._post.world.lock:
            known = {one.uid: one for one in self._folder.letters}
            letters = [
                Candidate(place, known[uid])
                for place, uid in enumerate(self._uids, 1)
                if uid in known
            ]
        found = search(command.arguments, letters)
        numbers = [one.letter.uid if command.by_uid else one.place for one in found]
        say(b" ".join([b"* SEARCH", *(b"%d" % number for number in numbers)]))
        return "OK SEARCH done"

    def _fetch(self, command: Command, say: Callable[[bytes], None]) -> str:
        wanted = fetching.wanted(command.arguments[1], by_uid=command.by_uid)
        letters = self._chosen(command.arguments[0], by_uid=command.by_uid)
        for letter in letters:
            if wanted.reads and self._writable:
                self._mark(letter, letter.flags | {"\\Seen"})
            say(b"* %d FETCH " % self._place(letter.uid) + wanted.of(letter))
            if wanted.brings_body:
                _note(letter)
        return "OK FETCH done"

    def _store(self, command: Command, say: Callable[[bytes], None]) -> str:
        which, how, *given = command.arguments
        if not isinstance(how, bytes):
            raise Unreadable("How the flags change is missing.")
        word = how.upper()
        change = _CHANGES[word[:1] if word[:1] in _CHANGES else b""]
        flags = flags_of(_flat(given))
        for letter in self._chosen(which, by_uid=command.by_uid):
            self._mark(letter, change(letter.flags, flags))
            if not word.endswith(b".SILENT"):
                say(self._flagged(letter.uid, letter.flags))
        self._tell_others()
        return "OK STORE done"

    def _copy(self, command: Command, say: Callable[[bytes], None]) -> str:
        which, name = command.arguments
        target = named(self._account, name, code="TRYCREATE")
        with self._post.world.lock:
            letters = self._chosen(which, by_uid=command.by_uid)
            copies = [target.add(one.raw, at=one.at, flags=one.flags) for one in letters]
            if command.name == "MOVE":
                self._folder.remove(frozenset(one.uid for one in letters))
        numbers = b"COPYUID %d " % target.uidvalidity + b" ".join(
            wire.ranges(one.uid for one in some) for some in (letters, copies)
        )
        code = f"[{numbers.decode()}] " if letters else ""
        if command.name == "MOVE" and letters:
            say(f"* OK {code}Moved".encode())
            code = ""
        self._tell_others()
        return f"OK {code}{command.name} done"

    def _chosen(self, which: Token, *, by_uid: bool) -> list[Stored]:
        with self._post.world.lock:
            known = {one.uid: one for one in self._folder.letters}
            uids = (
                wire.chosen(which, self._uids)
                if by_uid
                else [
                    self._uids[place - 1]
                    for place in wire.chosen(which, list(range(1, len(self._uids) + 1)))
                ]
            )
            return [known[uid] for uid in uids if uid in known]

    def _mark(self, letter: Stored, flags: frozenset[str]) -> None:
        """Change flags of a letter; the client knows, as it wanted that."""
        with self._post.world.lock:
            letter.flags = self._told[letter.uid] = flags

    def _flagged(self, uid: int, flags: frozenset[str]) -> bytes:
        said = wire.listed([b"UID %d" % uid, b"FLAGS " + wire.flags(flags)])
        return b"* %d FETCH " % self._place(uid) + said

    def _without(self, uid: int) -> bytes:
        place = self._place(uid)
        del self._uids[place - 1]
        return b"* %d EXPUNGE" % place

    def _place(self, uid: int) -> int:
        return self._uids.index(uid) + 1

    def _tell_others(self) -> None:
        self._post.changed(self._account)


def _note(letter: Stored) -> None:
    noted, letter.fetched = letter.fetched, None
    if noted is not None:
        noted()


def _flat(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token if isinstance(token, list) else [token])]
