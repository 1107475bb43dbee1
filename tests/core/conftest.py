"""Give tests of the core a hub whose provider and clock obey them."""

import pytest

from hubbub import process
from tests.services.world import make_world


@pytest.fixture
def world(settings, engine, fake_redis, tmp_path):
    """A hub on a fresh database (SQLite, then PostgreSQL), nothing else running."""
    made = make_world(settings, engine, fake_redis, tmp_path)
    yield made
    process.stop_couriers()
