"""Give commands what they work with."""

import logging

from hubbub import logs
from hubbub.beside import as_started
from hubbub.hub import Hub
from hubbub.settings import Settings
from hubbub.store import migrate


def hub(*, quiet: bool = False) -> Hub:
    """Return the hub for a command that asks or changes something and is gone.

    ``quiet``: the command says in its own words what is less than an error.
    Raises `BadSettings`, `DatabaseDown`, or `NotMigrated` where the database is not ready.
    """
    settings = as_started(Settings.read())
    level = logging.ERROR if quiet else logging.INFO
    logs.configure("command", json=settings.logs_json, level=level)
    made = Hub.make(settings)
    migrate.wait_until_current(made.engine, seconds=0)
    return made
