"""The docs say what the code says."""

import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from hubbub import sdk
from hubbub.loading import load
from hubbub.sdk import hooks

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


def test_every_make_target_that_the_readme_names_exists():
    named = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_the_example_of_a_channel_type_works():
    page = (ROOT / "docs/adding-a-channel.md").read_text()
    (source,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(source, "adding-a-channel.md", "exec"), names)
    (kind,) = names["register_channel_types"]()
    fields = kind.fields.model_validate({"credentials": {"key": "a secret key"}})
    connection = sdk.Connection(channel_id="1", name="x", fields=fields, webhook_url="http://x/")
    call = sdk.Call(
        method="POST",
        url="http://x/",
        headers=sdk.Headers({"X-Carrier-Key": "a secret key"}),
        body=b'{"id": "7", "from": "+1", "text": "Hi"}',
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert kind.verify(call, connection) == sdk.Accept()
    (event,) = kind.parse(call, connection)
    assert event.content == sdk.Text(text="Hi")
    exchange = kind.send(sdk.Part(content=event.content, address="+1"), connection)
    assert next(exchange).url == "https://carrier.example/send"
    with pytest.raises(StopIteration) as stop:
        exchange.send(sdk.HttpResponse(status=200, headers=sdk.Headers(), body=b'{"id": "9"}'))
    assert stop.value.value == sdk.Accepted(external_id="9")


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
