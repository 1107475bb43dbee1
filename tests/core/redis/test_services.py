"""The services that `tests/conftest.py` gives to all tests."""

import socket

import pytest
from sqlalchemy import inspect, text

from hubbub.store.session import transaction
from hubbub.store.tables import metadata
from tests.services.network import BeyondLoopback
from tests.services.shared import missing


def test_a_test_cannot_reach_another_machine():
    with socket.socket() as sock, pytest.raises(BeyondLoopback):
        sock.connect(("192.0.2.1", 80))
    with socket.socket() as sock, pytest.raises(BeyondLoopback):
        sock.connect_ex(("example.test", 80))


def test_a_test_can_reach_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_database_with_every_table_and_no_row(engine, turn):
    assert set(inspect(engine).get_table_names()) == set(metadata.tables)
    with transaction(engine) as db:
        assert db.scalar(text("SELECT count(*) FROM leases")) == 0
        db.execute(
            text("INSERT INTO leases (name, holder, expires_at) VALUES ('a', 'b', :at)"),
            {"at": "2026-01-02 03:04:05"},
        )


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_an_empty_valkey(valkey, turn):
    assert valkey.incr("turn") == 1


def test_a_missing_service_skips_at_home_and_fails_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="No such thing here"):
        missing("No such thing here.")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must not skip"):
        missing("No such thing here.")


def test_settings_keep_to_the_test_s_own_directory(settings, tmp_path, make_settings):
    assert settings.data_dir == tmp_path / "var"
    assert make_settings(port=9000).port == 9000
