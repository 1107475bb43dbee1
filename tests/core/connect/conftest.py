"""Give the tests of channels a hub, and channels."""

import pytest

from hubbub.connect.work import create_channel
from tests.core.api.kit import TOKEN, build_hub


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


@pytest.fixture
def add_channel():
    """Create a channel on a hub and return its id."""

    def add(hub, *, kind="fake", name="Support", token=TOKEN, **settings):
        return create_channel(
            hub,
            type=kind,
            name=name,
            credentials={"token": token},
            settings=settings,
            actor="cli",
        )

    return add
