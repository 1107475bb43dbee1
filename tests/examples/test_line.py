"""The worked example is a package like any other: packed, and installed beside the hub.

Its own tests run with these (``testpaths`` in pyproject.toml).
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/hubbub-line"


def run(*command, cwd, **variables):
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment with the wheels of the hub and the example; return its folder."""
    folder = tmp_path_factory.mktemp("installed")
    wheels = [
        *WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]),
        *WheelBuilder(str(EXAMPLE)).build(directory=str(folder), versions=["standard"]),
    ]
    venv.create(folder / "venv")
    python = folder / "venv/bin/python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps")
    done = run(*pip, "--no-index", "--no-compile", *wheels, cwd=folder)
    assert done.returncode == 0, done.stderr
    # What the hub depends on is borrowed; what is installed there itself comes first.
    found = run(
        str(python), "-c", "import sysconfig as s; print(s.get_path('purelib'))", cwd=folder
    )
    borrowed = Path(found.stdout.strip()) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib"))
    (folder / "plugins.toml").write_text("")
    return folder


def test_the_wheels_install_side_by_side_and_the_hub_loads_the_example(installed):
    hubbub = str(installed / "venv/bin/hubbub")
    where = {"HUBBUB_PLUGINS_FILE": str(installed / "plugins.toml")}
    assert run(hubbub, "plugins", "enable", "line", cwd=installed, **where).returncode == 0
    listed = run(hubbub, "plugins", "--json", cwd=installed, **where)
    (line,) = [one for one in json.loads(listed.stdout) if one["name"] == "line"]
    assert (line["state"], line["channel_types"]) == ("loaded", ["line"])
    assert (line["distribution"], line["version"]) == ("hubbub-line", "0.1.0")


def test_what_runs_there_is_what_was_installed_there(installed):
    code = "import hubbub, hubbub_line; print(hubbub.__file__); print(hubbub_line.__file__)"
    shown = run(str(installed / "venv/bin/python"), "-c", code, cwd=installed)
    paths = shown.stdout.split()
    assert len(paths) == 2
    assert all(Path(path).is_relative_to(installed) for path in paths)


def test_the_installed_hub_makes_new_packages(installed):
    made = run(str(installed / "venv/bin/hubbub"), "plugins", "new", "carrier", cwd=installed)
    assert made.returncode == 0, made.stderr
    assert (installed / "carrier/hubbub_carrier/channel.py").exists()
