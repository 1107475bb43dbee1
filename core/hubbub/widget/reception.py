"""Take what visitors say, as the webhook takes what other providers tell."""

import structlog

from hubbub.api.problems import Problem, Refusal
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.metrics import calls_received
from hubbub.normalise.work import normalise
from hubbub.receive.rules import judge
from hubbub.receive.work import Keeper, row_of
from hubbub.sdk.values import Call, Headers
from hubbub.sdk.widget_calls import PROOF, WidgetCall, proof
from hubbub.store.session import DatabaseDown, reading

log = structlog.get_logger(__name__)


class Reception:
    """Keeps calls of the window, one committer per process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._keeper = Keeper(hub)

    def hear(self, line: Line, said: WidgetCall, *, at_once: bool = False) -> None:
        """Keep what a visitor did, durably; ``at_once``: and let it take effect, if that goes.

        Raises `hubbub.receive.work.NotKept` and `DatabaseDown`.
        """
        body = said.model_dump_json().encode()
        while not self._keep(line, body):
            line = self._as_it_is_now(line)
        if at_once:
            self._read(line)

    def _keep(self, line: Line, body: bytes) -> bool:
        connection = line.connection
        call = Call(
            method="POST",
            url=connection.webhook_url,
            headers=Headers(
                {
                    "content-type": "application/json",
                    PROOF: proof(body, connection.webhook_secret),
                }
            ),
            body=body,
            received_at=self._hub.now(),
        )
        judged = judge(line, call)
        kept = self._keeper.keep(row_of(call, line, judged), line.version)
        if kept:
            calls_received(line.type, str(judged.state))
        return kept

    def _as_it_is_now(self, line: Line) -> Line:
        with reading(self._hub.engine) as db:
            found = self._hub.directory.usable(db, line.id)
        if found is None:
            raise Refusal(Problem(code="not-found", detail="The channel was deleted."))
        return found

    def _read(self, line: Line) -> None:
        try:
            normalise(self._hub, line.id)
        except DatabaseDown as error:
            # It is kept: a worker reads it as soon as there is a database again.
            log.warning("visitor's message is read later", channel=line.id, reason=str(error))
