"""What operators decide is read once, checked, and complained about in one sentence."""

import ipaddress
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hubbub.settings import BadSettings, Settings, unknown_variables


def test_everything_has_a_default_below_the_data_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.read()
    assert settings.data_dir == tmp_path / "var"
    assert settings.database == f"sqlite:///{tmp_path}/var/hubbub.db"
    assert settings.redis == f"unix://{tmp_path}/var/valkey.sock"
    assert settings.media == f"file://{tmp_path}/var/media"
    assert settings.plugins_file == tmp_path / "plugins.toml"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.private_networks == ()


def test_the_command_line_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("HUBBUB_PORT", "9000")
    monkeypatch.setenv("HUBBUB_HOST", "::1")
    settings = Settings.read(port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "::1")


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("HUBBUB_PORT", "")
    monkeypatch.setenv("HUBBUB_LOG_FORMAT", "")
    assert Settings.read().port == 8000


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "abc", "integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("DATABASE_URL", "mysql://u:secret@h/d", "the scheme 'mysql' is not one of"),
        ("DATABASE_URL", "u:secret@h/d", "what it begins with is not one of"),
        ("DATABASE_URL", "postgresql://u:a@b:secret@h/d", "@, : and / are written as %40"),
        ("REDIS_URL", "http://:secret@h", "must begin with one of redis://"),
        ("PUBLIC_URL", "hub.example.com", "must be a web address"),
        ("PUBLIC_URL", "ftp://hub.example.com", "must be a web address"),
        ("PUBLIC_URL", "https://hub.example.com/?a=1", "no query"),
        ("MEDIA_URL", "http://secret@files", "must begin with file:// or s3://"),
        ("ALLOW_PRIVATE_NETWORKS", "10.0.0.0/8,nonsense", "'nonsense'"),
        ("LOG_FORMAT", "xml", "'console'"),
    ],
)
def test_a_bad_value_is_told_with_its_variable_and_without_its_secrets(
    monkeypatch, name, value, reason
):
    monkeypatch.setenv(f"HUBBUB_{name}", value)
    with pytest.raises(BadSettings) as caught:
        Settings.read()
    said = caught.value.detail
    assert said.startswith(f"HUBBUB_{name} cannot be used: ")
    assert reason in said
    assert said.endswith(".")
    assert "\n" not in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////srv/hub.db", "sqlite:////srv/hub.db"),
    ],
)
def test_the_usual_name_of_postgresql_means_our_driver(given, meant):
    assert Settings.read(database_url=given).database == meant


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"public_url": "https://hub.example.com/"}, "https://hub.example.com"),
        ({"public_url": "https://example.com/hub/"}, "https://example.com/hub"),
        ({"host": "0.0.0.0", "port": 81}, "http://127.0.0.1:81"),
        ({"host": "hub.local"}, "http://hub.local:8000"),
    ],
)
def test_the_outside_reaches_us_by_the_public_url(given, url):
    assert Settings.read(**given).base_url == url


def test_networks_are_a_list_with_commas():
    settings = Settings.read(allow_private_networks=" 10.0.0.0/8 ,, ::1/128,192.168.1.7")
    assert settings.private_networks == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
        ipaddress.ip_network("192.168.1.7/32"),
    )


def test_the_secret_key_may_be_a_list_whose_first_encrypts():
    new, old = "n" * 16, "o" * 16
    assert Settings.read(secret_key=f"{new}, {old},").keys == (new, old)


@pytest.mark.parametrize("key", ["x", ",", f"{'n' * 16},old"])
def test_a_secret_key_that_protects_nothing_is_refused(key):
    with pytest.raises(BadSettings, match="HUBBUB_SECRET_KEY"):
        Settings.read(secret_key=key)


def test_the_secret_key_is_made_once_and_for_the_owner_alone(tmp_path):
    first = Settings.read(data_dir=tmp_path / "var").keys
    assert Settings.read(data_dir=tmp_path / "var").keys == first
    assert len(first[0]) > 40
    mode = stat.S_IMODE((tmp_path / "var/secret.key").stat().st_mode)
    assert mode == 0o600
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_agree_on_the_secret_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Settings.read(data_dir=tmp_path / "var").keys, range(32)))
    assert len(keys) == 1


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadSettings, match=r"^HUBBUB_DATA_DIR cannot be used: .*/file/var\)\.$"):
        _ = Settings.read(data_dir=tmp_path / "file/var").keys


def test_settings_show_no_secret_and_do_not_change():
    settings = Settings.read(secret_key="canary-of-16-characters")
    assert "canary" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize(("given", "json"), [("json", True), ("console", False)])
def test_the_format_of_logs_can_be_chosen(given, json):
    assert Settings.read(log_format=given).logs_json is json


def test_a_home_directory_may_be_written_as_a_tilde():
    assert Settings.read(data_dir="~/hub").data_dir == Path.home() / "hub"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HUBBUB_DATABSE_URL", "HUBBUB_DATABASE_URL"),
        ("hubbub_publicurl", "HUBBUB_PUBLIC_URL"),
        ("HUBBUB_QQQ", ""),
    ],
)
def test_a_variable_that_means_nothing_is_named_with_what_may_be_meant(name, meant):
    names = ["HUBBUB_DATA_DIR", "hubbub_port", "HUBBUB_DIE_AT", "PATH", name]
    assert unknown_variables(names) == {name: meant}
