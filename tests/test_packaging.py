"""What is handed out is whole: requirements, the wheel, the make targets, the licence."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py"))
#: Parts of a dependency that are its public face.
PART_OF = {"pydantic": "pydantic-settings", "werkzeug": "flask"}


def test_every_dependency_is_pinned_to_a_version_that_fits():
    pinned = _pinned("requirements.txt")
    for requirement in map(Requirement, PROJECT["project"]["dependencies"]):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_every_tool_of_developers_is_pinned_beside_the_very_same_dependencies():
    pinned, ours = _pinned("requirements-dev.txt"), _pinned("requirements.txt")
    for requirement in map(Requirement, PROJECT["project"]["optional-dependencies"]["dev"]):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    assert {name: pinned.get(name) for name in ours} == ours


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_hashes_and_no_file_says_where_it_came_from(name):
    text = (ROOT / name).read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


def test_the_code_imports_nothing_that_is_not_a_dependency():
    named = {canonicalize_name(Requirement(item).name) for item in _dependencies()}
    distributions = packages_distributions()
    found = {}
    for path in [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]:
        for module in _imported(path) - sys.stdlib_module_names:
            if not module.startswith("hubbub"):
                (distribution,) = set(distributions[module])
                found[canonicalize_name(distribution)] = path.relative_to(ROOT)
    missing = {name: path for name, path in found.items() if PART_OF.get(name, name) not in named}
    assert missing == {}


def test_every_plugin_is_offered_packed_enabled_and_under_the_import_contracts():
    offered = PROJECT["project"]["entry-points"]["hubbub.plugins"]
    assert sorted(value.partition(":")[0] for value in offered.values()) == PLUGINS
    packed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packed) == ["core/hubbub", *(f"plugins/{name}" for name in PLUGINS)]
    assert set(tomllib.loads((ROOT / "plugins.toml").read_text())["plugins"]) == set(offered)
    linter = PROJECT["tool"]["importlinter"]
    assert set(linter["root_packages"]) == {"hubbub", *PLUGINS}
    for contract in linter["contracts"]:
        for side in ("source_modules", "forbidden_modules", "modules"):
            ours = {name for name in contract.get(side, []) if name.startswith("hubbub_")}
            assert ours in ({*PLUGINS}, set()), contract["name"]


def test_the_wheel_holds_all_that_the_hub_needs_and_nothing_else(tmp_path):
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(path) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
        licences = [name for name in wheel.namelist() if name.endswith("/LICENSE")]
    kept = {
        str(file.relative_to(root))
        for root in (ROOT / "core", ROOT / "plugins")
        for file in root.glob("hubbub*/**/*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert packed == kept
    assert licences


@pytest.mark.parametrize(
    "target", ["demo", "run", "setup", "test", "check", "bench", "chaos", "help", "clean"]
)
def test_make_help_lists_the_targets_with_what_they_do(target):
    said = subprocess.run(
        ["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert re.search(rf"^  make {target} +[A-Z]", said, re.MULTILINE)


def test_ci_runs_what_people_run():
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)
    lines = [
        re.sub(r"^timeout --foreground \d+m ", "", one) for one in script.read_text().splitlines()
    ]
    assert {"make check", "make test"} <= set(lines)


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_changelog_names_what_is_not_released_yet():
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()


def _pinned(name):
    found = re.findall(
        r"^([\w.-]+)(?:\[.*?\])?==([^\s;\\]+)", (ROOT / name).read_text(), re.MULTILINE
    )
    return {canonicalize_name(package): version for package, version in found}


def _dependencies():
    """Return what the hub needs, and what people may install for more."""
    project = PROJECT["project"]
    extras = {**project["optional-dependencies"], "dev": ()}
    return [*project["dependencies"], *(item for extra in extras.values() for item in extra)]


def _imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}
