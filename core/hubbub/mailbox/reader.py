"""Read one folder: what is new, then some of what is old; mark what was kept.

In a folder that was made anew, what is old and may be new to us comes first: letters stay in order.

Whether somebody has seen a letter already means nothing here, since people read the mailbox too.
"""

import imaplib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import structlog
from imapclient.exceptions import IMAPClientError

from hubbub.imap.client import Client
from hubbub.imap.folders import Box, opened
from hubbub.imap.letters import Told, bodies, head, letter, listed, written
from hubbub.mailbox import places
from hubbub.mailbox.logbook import Logbook
from hubbub.mailbox.places import Past, Place
from hubbub.sdk.mailbox import Letter, Mailbox

#: Letters of the past that one look fetches.
_PAST: Final = 500

log = structlog.get_logger(__name__)


class Reader:
    """Reads the folders of one mailbox over one connection."""

    def __init__(
        self,
        client: Client,
        mailbox: Mailbox,
        logbook: Logbook,
        *,
        today: Callable[[], date],
        wanted: Callable[[], bool],
    ) -> None:
        """``wanted`` is asked between letters whether to go on."""
        self._client = client
        self._mailbox = mailbox
        self._logbook = logbook
        self._today = today
        self._wanted = wanted
        #: The number that the next letter of each folder was to have when we last searched it.
        self._searched: dict[str, int] = {}

    def look(self, folder: str) -> bool:
        """Bring what there is; return whether to look again, since something was done.

        So when it returns False nothing was asked since the folder was opened, and whatever comes
        from then on will be pushed. Raises `FolderMissing`.
        """
        box = opened(self._client, folder)
        place = self._place(box)
        marked = self._mark(box, place)
        waits = marked.past is not None and marked.past.comes_first
        unknown = box.uidnext > marked.last + 1 and self._searched.get(folder) != box.uidnext
        news = unknown and not waits
        if news:
            found = self._search("UID", f"{marked.last + 1}:*")
            # A range beyond the end names the last letter.
            uids = [uid for uid in found if uid > marked.last]
            marked = self._bring(box, marked, uids)
        recalling = marked.past is not None
        if marked.past is not None and self._wanted():
            marked = self._recall(box, marked, marked.past)
        if self._wanted() and not waits:
            self._searched[folder] = box.uidnext
        self._logbook.keep(folder, marked)
        return news or recalling or marked is not place

    def _place(self, box: Box) -> Place:
        told: dict[str, Any] = {"since": self._mailbox.since, "today": self._today()}
        ended = self._mailbox.ends.get(box.folder, (box.uidvalidity, box.uidnext))
        known = self._logbook.place(box.folder) or places.begun(*ended, **told)
        uidnext = box.uidnext if box.told else max(box.uidnext, known.last + 1)
        place = places.followed(known, box.uidvalidity, uidnext, **told)
        if known.uidvalidity != place.uidvalidity:
            log.warning("folder was made anew", folder=box.folder)
        self._logbook.keep(box.folder, place)
        return place

    def _search(self, *criteria: object) -> list[int]:
        return sorted(self._client.search(list(criteria)))

    def _bring(self, box: Box, place: Place, uids: Sequence[int]) -> Place:
        """Keep new letters; they may already be seen."""

        def on(place: Place, group: tuple[int, ...], letters: Sequence[Letter]) -> Place:
            newest = max((one.arrived_at.date() for one in letters if one.arrived_at), default=None)
            marking = self._marks(box)
            # A clock that goes wrong once must not hide what comes later.
            newest = min(newest, self._today()) if newest else None
            return places.kept(place, group, newest=newest, marking=marking)

        return self._keep(box, place, uids, on, historical=lambda *_: False)

    def _recall(self, box: Box, place: Place, past: Past) -> Place:
        """Keep some letters of the past, the oldest first."""
        criteria: list[object] = ["UID", f"{past.after + 1}:{past.until}", "SINCE", past.since]
        if past.before is not None:
            criteria += ["BEFORE", past.before]
        found = self._search(*criteria)
        uids = [uid for uid in found if past.after < uid <= past.until]

        def on(place: Place, group: tuple[int, ...], letters: Sequence[Letter]) -> Place:
            del letters
            return places.recalled(place, place.past or past, group, marking=self._marks(box))

        place = self._keep(box, place, uids[:_PAST], on, historical=past.historical)
        done = not uids or (place.past is not None and place.past.after >= uids[-1])
        return replace(place, past=None) if done else place

    def _keep(
        self,
        box: Box,
        place: Place,
        uids: Sequence[int],
        on: Callable[[Place, tuple[int, ...], Sequence[Letter]], Place],
        *,
        historical: Callable[..., bool],
    ) -> Place:
        """Fetch and keep letters group by group; ``on`` says how far that goes.

        ``historical`` says of what arrived and was written at some times whether it was there
        before us.
        """
        for group, told in listed(self._client, uids):
            # Where one made trouble, it is to be found out which.
            for few in [[uid] for uid in group] if place.trouble else [group]:
                if not self._wanted():
                    return place
                found = self._fetch(box, place, few, told)
                letters = [
                    (replace(one, historical=historical(one.arrived_at, written(body))), body)
                    for one, body in found
                ]
                place = on(place, tuple(few), [one for one, _ in letters])
                self._logbook.keep(box.folder, place, letters)
                place = self._mark(box, place)
        return place

    def _fetch(
        self, box: Box, place: Place, uids: Sequence[int], told: Told
    ) -> list[tuple[Letter, bytes]]:
        """Return each letter that is there, and what can be had of it."""
        try:
            return [
                (
                    letter(
                        told.get(uid, {}),
                        folder=box.folder,
                        uidvalidity=box.uidvalidity,
                        uid=uid,
                        truncated=truncated,
                    ),
                    body,
                )
                for uid, (body, truncated) in self._fetched(place, uids).items()
            ]
        except Exception:
            # Whatever it was: who is not wanted any more broke it off himself.
            if self._wanted():
                self._logbook.keep(box.folder, places.troubled(place, uids[0]))
            raise

    def _fetched(self, place: Place, uids: Sequence[int]) -> dict[int, tuple[bytes, bool]]:
        """Return what can be had of each letter that is there, and whether that is only a part."""
        asked = places.asks(place, uids[0])
        if asked == "whole":
            found = bodies(self._client, uids, self._mailbox.max_letter)
            return {
                uid: (head(self._client, uid), True) if body is None else (body, False)
                for uid, body in sorted(found.items())
            }
        log.warning("letter cannot be fetched", uid=uids[0], tries=place.tries)
        return {uids[0]: (head(self._client, uids[0]) if asked == "head" else b"", True)}

    def _marks(self, box: Box) -> bool:
        return box.writable and (self._mailbox.mark_seen or bool(self._mailbox.move_to))

    def _mark(self, box: Box, place: Place) -> Place:
        """Mark in the mailbox what is kept; return ``place`` with nothing left to be marked."""
        if not place.unmarked:
            return place
        try:
            if self._marks(box):
                self._do_mark(box.folder, place.unmarked)
        except imaplib.IMAP4.abort:
            raise
        except IMAPClientError as error:
            # It is for people's eyes alone; what is kept is kept.
            log.warning("letters not marked", folder=box.folder, reason=str(error))
        return replace(place, unmarked=())

    def _do_mark(self, folder: str, uids: Sequence[int]) -> None:
        client, target = self._client, self._mailbox.move_to
        if self._mailbox.mark_seen:
            client.add_flags(uids, [rb"\Seen"], silent=True)
        if target.casefold() == folder.casefold():
            # It would come back under another number, to be fetched and moved for ever.
            return
        if target and client.has_capability("MOVE"):
            client.move(uids, target)
        elif target and client.has_capability("UIDPLUS"):
            # A bare EXPUNGE would also remove what the owner is about to delete.
            client.copy(uids, target)
            client.add_flags(uids, [rb"\Deleted"], silent=True)
            client.uid_expunge(uids)
