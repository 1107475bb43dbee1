"""Make the Dramatiq brokers of this process from the environment and set the one for messages.

The only module whose import has an effect: actors name their broker when they are declared.
"""

from datetime import timedelta
from typing import Any, Final

import dramatiq
import structlog
from dramatiq.broker import MessageProxy
from dramatiq.middleware import ShutdownNotifications, TimeLimit

from hubbub.consumer import PromptBroker
from hubbub.settings import Settings
from hubbub.store.session import DatabaseDown

#: A worker that said nothing for so long is taken for dead: its messages go to others.
HEARTBEAT: Final = timedelta(seconds=7)

log = structlog.get_logger(__name__)


class WaitForDatabase(dramatiq.Middleware):
    """Says in a sentence that the database is away: the sweep finds the rows of this work again."""

    def before_declare_actor(
        self, broker: dramatiq.Broker, actor: dramatiq.Actor[..., Any]
    ) -> None:
        """Let Dramatiq tell no traceback of it."""
        del broker
        actor.options.setdefault("throws", DatabaseDown)

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Tell it where an actor gave up because of it."""
        del broker, result
        if isinstance(exception, DatabaseDown):
            log.warning(
                "work waits for the database", actor=message.actor_name, reason=str(exception)
            )


def make_broker(redis_url: str, *, heartbeat: timedelta = HEARTBEAT) -> PromptBroker:
    """Return a broker on ``redis_url``; no connection is made yet.

    Nothing retries here: the row says when to try again. Nothing listens for Prometheus either.
    """
    return PromptBroker(
        redis_url,
        heartbeat=heartbeat,
        middleware=[TimeLimit(), ShutdownNotifications(), WaitForDatabase()],
    )


broker: Final = make_broker(Settings.read().redis)
dramatiq.set_broker(broker)
#: For what plugins are told, which has workers of its own; Dramatiq wants one worker to a broker.
telling: Final = make_broker(Settings.read().redis)
