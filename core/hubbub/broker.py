"""Make the Dramatiq broker of this process from the environment and set it.

The only module whose import has an effect: actors name their broker when they are declared.
"""

from datetime import timedelta
from typing import Final

import dramatiq
from dramatiq.middleware import ShutdownNotifications, TimeLimit

from hubbub.consumer import PromptBroker
from hubbub.settings import Settings

#: A worker that said nothing for so long is taken for dead: its messages go to others.
HEARTBEAT: Final = timedelta(seconds=7)


def make_broker(redis_url: str, *, heartbeat: timedelta = HEARTBEAT) -> PromptBroker:
    """Return a broker on ``redis_url``; no connection is made yet.

    Nothing retries here: the row says when to try again. Nothing listens for Prometheus either.
    """
    return PromptBroker(
        redis_url, heartbeat=heartbeat, middleware=[TimeLimit(), ShutdownNotifications()]
    )


broker: Final = make_broker(Settings.read().redis)
dramatiq.set_broker(broker)
