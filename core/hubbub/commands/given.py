"""Give commands what they work with."""

from hubbub import logs
from hubbub.beside import as_started
from hubbub.hub import Hub
from hubbub.settings import Settings
from hubbub.store import migrate


def hub() -> Hub:
    """Return the hub for a command that asks or changes something and is gone.

    Raises `BadSettings`, `DatabaseDown`, or `NotMigrated` where the database is not ready.
    """
    settings = as_started(Settings.read())
    logs.configure("command", json=settings.logs_json)
    made = Hub.make(settings)
    migrate.wait_until_current(made.engine, seconds=0)
    return made
