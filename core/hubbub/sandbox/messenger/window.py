"""Say whether a message may be sent now. Source: "Messaging window", "Message tags"."""

import time
from typing import Final

from hubbub.sandbox.messenger import codes
from hubbub.sandbox.messenger.state import Cloud, Page, Person
from hubbub.sandbox.messenger.wire import Outgoing

_DAY: Final = 24 * 60 * 60
_WEEK: Final = 7 * _DAY
#: They ended on 27 April 2026.
_RETIRED: Final = frozenset({"CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "ACCOUNT_UPDATE"})


def check(cloud: Cloud, page: Page, person: Person, outgoing: Outgoing) -> None:
    """Raise `Refused` when Meta would not let a message through to somebody."""
    if outgoing.tag in _RETIRED:
        raise codes.retired_tag(outgoing.tag)
    if person.blocked:
        raise codes.unavailable()
    if person.owner:
        raise codes.other_app()
    lasts = _WEEK if outgoing.tag and page.human_agent else _DAY
    if cloud.world.rules.messenger_window and time.time() - person.acted_at >= lasts:
        raise codes.window_closed()
