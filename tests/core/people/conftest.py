"""Give the tests of people a hub."""

import pytest

from tests.core.api.kit import build_hub


@pytest.fixture
def make_hub(make_settings, fake_redis):
    """Return hubs on a database; their engines are closed at the end."""
    made = []

    def make(url):
        made.append(build_hub(make_settings(public_url="https://hub.example"), url, fake_redis))
        return made[-1]

    yield make
    for hub in made:
        hub.engine.dispose()


@pytest.fixture
def hub(make_hub, sqlite_url):
    """A hub on SQLite."""
    return make_hub(sqlite_url)


@pytest.fixture
def every_hub(make_hub, database_url):
    """A hub on each kind of database in turn."""
    return make_hub(database_url)
