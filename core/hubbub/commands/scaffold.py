"""Make the package of a new plugin: a small channel type that works, and passes its tests."""

import re
from collections.abc import Collection, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from hubbub.sdk.errors import HubError

#: The end of a template's name, so that no tool takes it for what it becomes.
_SUFFIX: Final = ".in"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST: Final = 40


class BadName(HubError):
    """No package can have this name, or one has it already."""

    code = "bad_name"


def make_package(folder: Path, *, taken: Collection[str]) -> str:
    """Make the package in ``folder``, whose name is its name; return the name of the plugin.

    ``taken`` are the plugins that are installed. Raises `BadName`, and then nothing was made.
    """
    plugin = plugin_name(folder.name)
    if plugin in taken:
        raise BadName(f"A plugin named {plugin!r} is installed already: choose another name.")
    if folder.exists():
        raise BadName(f"{folder.name} exists already: choose another name, or another folder.")
    if not folder.parent.is_dir():
        raise BadName(f"There is no folder {folder.parent}.")
    words = _words(plugin)
    for path, template in _templates(files("hubbub.commands") / "newplugin"):
        target = folder / _filled(path, words)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(template.read_text("utf-8"), words), "utf-8")
    (folder / ".ci/run").chmod(0o755)
    return plugin


def plugin_name(name: str) -> str:
    """Return the plugin's name for a package ``name``: without ``hubbub-``, with underscores."""
    plain = name.removeprefix("hubbub-").removeprefix("hubbub_")
    if len(name) > _LONGEST or not _NAME.fullmatch(plain):
        raise BadName(
            f"{name!r} is no name for a package: give lower-case letters, digits and single "
            f"dashes, at most {_LONGEST}, such as hubbub-carrier."
        )
    return plain.replace("-", "_")


def _words(plugin: str) -> dict[str, str]:
    parts = plugin.split("_")
    return {
        "@type@": plugin,
        "@dashed@": "-".join(parts),
        "@Class@": "".join(part.capitalize() for part in parts),
        "@Label@": " ".join(part.capitalize() for part in parts),
        "dot-": ".",
    }


def _filled(text: str, words: dict[str, str]) -> str:
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


def _templates(folder: Traversable, under: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _templates(item, f"{under}{item.name}/")
        elif item.name.endswith(_SUFFIX):
            yield under + item.name.removesuffix(_SUFFIX), item
