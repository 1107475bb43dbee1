"""The docs say what the code says."""

import inspect
import re
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from hubbub import sdk
from hubbub.commands.scaffold import make_package
from hubbub.loading import load
from hubbub.sdk import hooks
from hubbub.testing import given

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_hook_is_documented_with_its_arguments():
    text = (ROOT / "docs/hooks.md").read_text()
    documented = re.findall(r"^### `(\w+)\(([^)]*)\)`", text, re.MULTILINE)
    specified = [
        (name, ", ".join(inspect.signature(hook).parameters))
        for name, hook in vars(hooks).items()
        if inspect.isfunction(hook) and getattr(hook, "hubbub_spec", None)
    ]
    assert sorted(documented) == sorted(specified)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [
        link
        for link in links
        if not link.startswith(("http:", "https:", "mailto:")) and not (page.parent / link).exists()
    ]
    assert missing == []


def test_every_screenshot_is_shown():
    folder = ROOT / "docs/screens"
    shown = re.findall(r"\]\(([\w-]+\.png)\)", (folder / "index.md").read_text())
    assert sorted(shown) == sorted(path.name for path in folder.glob("*.png"))


def test_every_make_target_that_the_readme_names_exists():
    named = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_the_examples_of_a_channel_type_are_those_of_a_new_package(tmp_path):
    page = (ROOT / "docs/adding-a-channel.md").read_text()
    make_package(tmp_path / "hubbub-carrier", taken=())
    made = [path.read_text() for path in (tmp_path / "hubbub-carrier").rglob("*.py")]
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert blocks
    assert [block for block in blocks if not any(block in text for text in made)] == []


def test_all_that_the_conformance_kit_asks_for_is_documented():
    page = (ROOT / "docs/adding-a-channel.md").read_text()
    asked = {*given.Given.__annotations__, "sign", "simulator", "sample"}
    assert {name for name in asked if not re.search(rf"`{name}[`(]", page)} == set()


def test_how_a_call_is_said_to_be_read_is_documented_for_every_event():
    page = (ROOT / "docs/adding-a-channel.md").read_text()
    table = page[page.index("| event | is worded |") :].partition("\n\n")[0]
    documented = set(re.findall(r"`([A-Z]\w+)`", table))
    assert documented == {event.__name__ for event in get_args(sdk.Event)}


def test_the_example_of_a_plugin_works(tmp_path):
    page = (ROOT / "docs/adding-a-plugin.md").read_text()
    (source,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "hubbub_greeter"}
    exec(compile(source, "adding-a-plugin.md", "exec"), names)
    sections = re.findall(r"^```toml\n(\[plugins\..*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "plugins.toml").write_text("".join(sections))
    point: Any = SimpleNamespace(name="greeter", dist=None, load=lambda: names["Greeter"])
    plugins = load(tmp_path / "plugins.toml", [point])
    assert [(status.name, status.state) for status in plugins.statuses] == [("greeter", "loaded")]
    assert plugins.conditions.keys() == {"shouting"}
    assert plugins.listeners.keys() == {"message_received"}
    assert [name for name, _ in plugins.pages()] == ["greeter"]
    (hello,) = plugins.commands("greeter")
    assert CliRunner().invoke(hello).output == "HELLO\n"


def test_the_page_of_the_channels_says_what_their_manifests_say():
    made = run_path(str(ROOT / "docs/channels/make.py"))
    written = (ROOT / "docs/channels/index.md").read_text()
    assert written == made["page"](made["built_in"]()), "Run `make docs`."


def test_every_channel_type_has_a_page():
    made = run_path(str(ROOT / "docs/channels/make.py"))
    pages = {path.stem for path in (ROOT / "docs/channels").glob("*.md")}
    assert {one.type for one in made["built_in"]()} == pages - {"index"}


def test_the_page_of_the_sdk_says_what_its_docstrings_say():
    made = run_path(str(ROOT / "docs/make_sdk.py"))
    assert (ROOT / "docs/sdk.md").read_text() == made["page"](), "Run `make docs`."


def test_the_page_of_the_sdk_has_all_that_a_plugin_may_import():
    page = (ROOT / "docs/sdk.md").read_text()
    assert sorted(re.findall(r"^### `(\w+)", page, re.MULTILINE)) == sorted(sdk.__all__)
