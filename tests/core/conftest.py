"""Give tests of the core a hub whose provider and clock obey them."""

from importlib.metadata import EntryPoint

import pytest

from hubbub import process
from tests.services import listener
from tests.services.world import make_world

GUESTS = [
    EntryPoint("guest", "tests.services.guest:Guest", "hubbub.plugins"),
    EntryPoint("other", "tests.services.listener", "hubbub.plugins"),
]


@pytest.fixture
def world(settings, engine, fake_redis, tmp_path):
    """A hub on a fresh database (SQLite, then PostgreSQL), nothing else running."""
    made = make_world(settings, engine, fake_redis, tmp_path)
    yield made
    process.stop_couriers()


@pytest.fixture
def invite(settings, engine, fake_redis, tmp_path):
    """Return what makes a world with further plugins: those that sections of plugins.toml name."""
    listener.heard.clear()
    yield lambda sections: make_world(
        settings, engine, fake_redis, tmp_path, guests=GUESTS, sections=sections
    )
    process.stop_couriers()
