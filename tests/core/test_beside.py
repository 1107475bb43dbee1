"""A command beside a hub takes from its start what its own environment does not say."""

import pytest

from hubbub.beside import as_started, leave
from hubbub.settings import Settings


@pytest.fixture
def started(make_settings, tmp_path):
    """A hub that was started with an environment that nobody else has."""
    plugins = tmp_path / "elsewhere.toml"
    settings = make_settings(port=9000, plugins_file=plugins)
    leave(settings, networks="127.0.0.0/8")
    return settings


def test_what_the_environment_does_not_say_is_as_it_was_at_the_start(started):
    beside = as_started(Settings.read(data_dir=started.data_dir))
    assert beside.base_url == "http://127.0.0.1:9000"
    assert beside.plugins_file == started.plugins_file
    assert beside.allow_private_networks == "127.0.0.0/8"


@pytest.mark.parametrize(
    ("variable", "value", "base_url"),
    [
        ("HUBBUB_PUBLIC_URL", "https://hub.example", "https://hub.example"),
        ("HUBBUB_PORT", "9001", "http://127.0.0.1:9001"),
    ],
)
def test_the_environment_goes_before_what_was_left(started, monkeypatch, variable, value, base_url):
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HUBBUB_ALLOW_PRIVATE_NETWORKS", "10.0.0.0/8")
    beside = as_started(Settings.read(data_dir=started.data_dir))
    assert beside.base_url == base_url
    assert beside.allow_private_networks == "10.0.0.0/8"


@pytest.mark.parametrize("left", [None, "", "{", "[]"])
def test_without_a_start_the_environment_alone_counts(settings, left):
    settings.data_dir.mkdir(parents=True)
    if left is not None:
        (settings.data_dir / "started.json").write_text(left)
    assert as_started(settings) == settings


def test_no_secret_is_left(make_settings):
    secrets = {
        "secret_key": "canary-canary-canary",
        "database_url": "postgresql://u:canary@db/hub",
        "redis_url": "redis://:canary@redis/0",
    }
    settings = make_settings(**secrets)
    leave(settings, networks="")
    assert "canary" not in (settings.data_dir / "started.json").read_text()
