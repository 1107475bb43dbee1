"""Declare the actor that tells a plugin of something; it calls one plain function."""

from collections.abc import Sequence
from typing import Final

import dramatiq

from hubbub.broker import telling
from hubbub.hub import Hub
from hubbub.process import hub
from hubbub.store.news import News, listen
from hubbub.tell import work

#: What plugins do with what they are told must not hold up messages.
QUEUE: Final = "tell"


@dramatiq.actor(broker=telling, queue_name=QUEUE, time_limit=60_000)
def tell(plugin: str, *news: str) -> None:
    """Tell one plugin of one thing."""
    hub().nudges.taken(_lane(plugin, News(*news)))
    work.tell(hub(), plugin, News(*news))


def announce(hub: Hub) -> Hub:
    """Let what this process commits be told to the plugins that listen; return ``hub``."""

    def hear(news: Sequence[News]) -> None:
        for one in news:
            for plugin in hub.plugins.listeners.get(one.hook, ()):
                hub.nudges.nudge(tell, plugin, *one, lane=_lane(plugin, one))

    if hub.plugins.listeners:
        listen(hub.engine, hear)
    return hub


def _lane(plugin: str, news: News) -> str:
    return f"tell:{plugin}:{':'.join(news)}"
