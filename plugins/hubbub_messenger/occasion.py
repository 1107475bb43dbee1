"""Hold what is known around one thing that happened: who, when, where."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hubbub.sdk import Sender, graph
from hubbub_messenger.fields import Settings
from hubbub_messenger.wire import Item

_STANDBY: Final = "Another app answers this chat (standby)."


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """One item of a webhook call, as it concerns our Page."""

    item: Item
    settings: Settings
    #: Whether another app answers the chat, and we are only told of it.
    standby: bool

    @property
    def ours(self) -> bool:
        """Whether our Page takes part; some things concern it alone."""
        parties = {self.item.sender.id, self.item.recipient.id} - {""}
        return not parties or self.settings.page_id in parties

    @property
    def by_page(self) -> bool:
        """Whether the Page did it, and not the contact."""
        return self.item.sender.id == self.settings.page_id

    @property
    def contact(self) -> str:
        """The contact's page-scoped id; empty where nobody is named."""
        party = self.item.recipient if self.by_page else self.item.sender
        return party.id

    @property
    def sender(self) -> Sender:
        """The contact as who wrote."""
        return Sender(address=self.contact)

    @property
    def at(self) -> datetime | None:
        """When it happened."""
        return graph.moment(self.item.timestamp)

    @property
    def not_routed(self) -> str:
        """Why nobody is asked to answer, if so."""
        return _STANDBY if self.standby else ""

    def key(self, kind: str, *more: str) -> str:
        """Return the key of what has no id: contact, time, and what tells its like apart."""
        digest = hashlib.sha256("\0".join(more).encode(errors="replace")).hexdigest()[:16]
        return f"{kind}:{self.contact}:{self.item.timestamp}:{digest}"
