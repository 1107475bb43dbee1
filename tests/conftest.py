"""Give every test real services: SQLite, PostgreSQL and Valkey, each as good as new."""

import logging
import os
import shutil
from pathlib import Path

import fakeredis
import pytest
import structlog
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from hubbub.embedded import EmbeddedFailed, EmbeddedValkey, find_binary
from hubbub.redis_client import make_redis
from hubbub.settings import Settings
from hubbub.store.session import make_engine
from tests.services.dovecot import dovecot
from tests.services.network import loopback_only
from tests.services.peers import certificate
from tests.services.postgres import PostgresMissing, shared_postgres, stop_postgres
from tests.services.scheduling import ByFile, journeys_first
from tests.services.shared import VARIABLE, missing, open_run, run_folder
from tests.services.sqlite import fresh_sqlite

#: Servers and keys that are made once for all tests that ask for them.
__all__ = ["certificate", "dovecot"]
_RUN: pytest.StashKey[Path | None] = pytest.StashKey()


def pytest_configure(config):
    config.stash[_RUN] = open_run()


def pytest_collection_modifyitems(items):
    journeys_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)


def pytest_unconfigure(config):
    run = config.stash.get(_RUN, None)
    if run is not None:
        stop_postgres(run)
        shutil.rmtree(run, ignore_errors=True)
        del os.environ[VARIABLE]


@pytest.fixture(autouse=True, scope="session")
def _no_network():
    with loopback_only():
        yield


@pytest.fixture(autouse=True, scope="session")
def _plain_tracebacks():
    """Rich ones take a second to draw, and nobody looks at them."""
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback


@pytest.fixture(autouse=True, scope="session")
def _templates_compiled_once():
    """Each test has an app of its own, and would compile the same templates again."""
    compiled = run_folder() / "templates"
    compiled.mkdir(exist_ok=True)
    Flask.jinja_options["bytecode_cache"] = FileSystemBytecodeCache(str(compiled))


@pytest.fixture(autouse=True)
def _logs_as_before():
    """A command that runs in a test sends the logs of this process elsewhere."""
    handlers, level = logging.root.handlers, logging.root.level
    yield
    if logging.root.handlers is not handlers:
        logging.root.handlers, logging.root.level = handlers, level
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("HUBBUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _postgres():
    try:
        server = shared_postgres()
    except PostgresMissing as error:
        missing(str(error))
    yield server
    server.close()


@pytest.fixture(scope="session")
def _valkey(tmp_path_factory):
    if find_binary() is None:
        missing("There is no valkey-server here.")
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    try:
        server.start()
    except EmbeddedFailed as error:
        missing(str(error))
    yield server
    server.stop()


@pytest.fixture
def postgresql_url(_postgres):
    """A fresh PostgreSQL database with every table."""
    with _postgres.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path):
    """A fresh SQLite database with every table."""
    return fresh_sqlite(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """A fresh database with every table; the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def engine(database_url):
    """An engine on `database_url`."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def valkey_url(_valkey):
    """A real Valkey, emptied."""
    with make_redis(_valkey.url) as client:
        client.flushall()
    return _valkey.url


@pytest.fixture
def valkey(valkey_url):
    """A client of `valkey_url`."""
    with make_redis(valkey_url) as client:
        yield client


@pytest.fixture
def fake_redis():
    """A client of a Redis in memory, for what does not need a real one."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(server_type="valkey")) as client:
        yield client


@pytest.fixture
def make_settings(tmp_path):
    """Return settings with a data directory of the test's own; keywords go first."""

    def make(**given):
        defaults = {"data_dir": tmp_path / "var", "secret_key": "a key for tests alone"}
        return Settings.read(**{**defaults, **given})

    return make


@pytest.fixture
def settings(make_settings):
    """Settings on the defaults, in a data directory of the test's own."""
    return make_settings()
