"""Let a command find the hub that `hubbub up` runs here as it was started, by its data directory.

A command may be run by somebody who lacks the environment of the start. Judged by another public
address, or other private networks, all would seem wrong that is well.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from hubbub.settings import Settings

#: What is left; nothing secret, so no address of a database or Redis.
_LEFT: Final = ("public_url", "plugins_file", "allow_private_networks")
#: What makes up the public address, where none is named.
_ADDRESS: Final = frozenset({"public_url", "host", "port"})


def leave(settings: Settings, *, networks: str) -> None:
    """Write down how this hub is started; ``networks`` are those that it may call."""
    told = (settings.base_url, str(settings.plugins_file), networks)
    with suppress(OSError):  # a hub whose data lies elsewhere may run on a disk that is read only
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _file(settings).write_text(json.dumps(dict(zip(_LEFT, told, strict=True)), indent=2))


def as_started(settings: Settings) -> Settings:
    """Return ``settings`` with what was left, where the environment says nothing else."""
    said = settings.model_fields_set
    given = {name: getattr(settings, name) for name in said}
    left = {
        name: value
        for name, value in _read(_file(settings)).items()
        if name in _LEFT and name not in said
    }
    if said & _ADDRESS:
        left.pop("public_url", None)
    return Settings.read(**given, **left)


def _file(settings: Settings) -> Path:
    return settings.data_dir / "started.json"


def _read(path: Path) -> dict[str, str]:
    try:
        left = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return left if isinstance(left, dict) else {}
