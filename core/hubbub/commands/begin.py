"""Begin a long-lived process: its logs, its numbers, and a database at this version."""

import os

import structlog
from sqlalchemy import Engine

from hubbub import logs, metrics
from hubbub.sdk.errors import HubError
from hubbub.settings import Settings, unknown_variables
from hubbub.store import migrate
from hubbub.store.session import DatabaseDown, make_engine

#: How long a process waits for the database, or for another process to migrate it.
_PATIENCE = 60.0
log = structlog.get_logger(__name__)


class BadMetricsPort(HubError):
    """The port for metrics cannot be used."""

    code = "bad_metrics_port"


def begin(kind: str, settings: Settings, *, metrics_port: int = 0) -> None:
    """Make the process ready for its work.

    Raises `DatabaseDown` or `NotMigrated` when the database is not ready within a minute.
    """
    logs.configure(kind, json=settings.logs_json)
    warn_of_unknown_variables()
    engine = make_engine(settings.database, pool_size=1)
    try:
        _wait(engine)
    finally:
        engine.dispose()
    if metrics_port:
        _serve_metrics(settings.host, metrics_port)


def warn_of_unknown_variables() -> None:
    """Warn of variables that look like ours and mean nothing, and once: children get none."""
    for name, meant in unknown_variables(os.environ).items():
        log.warning("unknown variable", name=name, did_you_mean=meant)
        del os.environ[name]


def _wait(engine: Engine) -> None:
    try:
        migrate.wait_until_current(engine, seconds=0)
    except (DatabaseDown, migrate.NotMigrated) as error:
        log.info("waiting for the database", reason=error.detail)
        migrate.wait_until_current(engine, seconds=_PATIENCE)


def _serve_metrics(host: str, port: int) -> None:
    try:
        metrics.serve(host, port)
    except OSError as error:
        raise BadMetricsPort(f"Port {port} for metrics cannot be used: {error.strerror}.") from None
